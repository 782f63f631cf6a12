"""Path counts per host and LUN, from a live call to each host that is Up: four at a time, each with its own deadline,
each written by itself, so that one bad host costs only its own rows' freshness."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection, transaction
from django.db.models import Q

from inventory.models import Host, HostLun, Lun
from inventory.services import sync_luns
from inventory.services.sync_rows import Current, Tally, write
from portal.connectors.engine import EngineFailed, Session
from portal.connectors.engine import HostLun as Seen

PARALLEL = 4
AHEAD = PARALLEL * 2  # answers that may wait for the database
Counts = dict[int, tuple[int | None, int | None]]  # LUN's primary key -> (paths, active paths)
Target = tuple[int, str, str]  # primary key, uuid, name of a host


def read(session: Session, targets: Iterable[Target]) -> Iterator[tuple[Target, tuple[Seen, ...] | EngineFailed]]:
    """What each host sees, in the order asked; a failure stands in the place of its rows."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting: deque[tuple[Target, Future[tuple[Seen, ...] | EngineFailed]]] = deque()
        for target in targets:
            waiting.append((target, pool.submit(_one, session, target[1])))
            if len(waiting) >= AHEAD:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()


def _one(session: Session, uuid: str) -> tuple[Seen, ...] | EngineFailed:
    try:
        return session.storage(uuid)
    except EngineFailed as error:
        return error


def store(
    host_pk: int, seen: Iterable[Seen], luns: Current, listed: Mapping[str, int] | set[str], tally: Tally
) -> None:
    """One host's counts, in a transaction of its own. LUNs that nothing lists but hosts get a row of their own."""
    rows = {one.unit.wwid: one for one in seen}
    bare = [one.unit for wwid, one in rows.items() if wwid not in listed]
    with transaction.atomic():
        if bare:
            write(luns, sync_luns.bare(bare, luns.keys), tally)
        wanted = {luns.keys[wwid]: (one.paths, one.active_paths) for wwid, one in rows.items()}
        _bring(host_pk, wanted, tally)


def _bring(host_pk: int, wanted: Counts, tally: Tally) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select lun_id, paths, active_paths from inventory_hostlun where host_id = %s", [host_pk])
        present: Counts = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
        if present == wanted:
            return
        lost = [lun for lun in present if lun not in wanted]
        changed = [(lun, *counts) for lun, counts in wanted.items() if lun in present and present[lun] != counts]
        fresh = [(host_pk, lun, *counts) for lun, counts in wanted.items() if lun not in present]
        if lost:
            cursor.execute("delete from inventory_hostlun where host_id = %s and lun_id = any(%s)", [host_pk, lost])
        if changed:
            cursor.execute(_UPDATE, [host_pk, *(list(column) for column in zip(*changed, strict=True))])
        if fresh:
            with cursor.copy(_COPY) as copy:  # four times as fast as INSERT for half a million rows
                for row in fresh:
                    copy.write_row(row)
    tally.add(HostLun, len(lost) + len(changed) + len(fresh))


_COPY = "copy inventory_hostlun (host_id, lun_id, paths, active_paths) from stdin"
_UPDATE = """
update inventory_hostlun as old set paths = new.paths, active_paths = new.active
from (select %s::bigint as host, unnest(%s::bigint[]) as lun, unnest(%s::int[]) as paths, unnest(%s::int[]) as active)
as new where old.host_id = new.host and old.lun_id = new.lun
"""


def forget_counts(engine_pk: int, tally: Tally) -> None:
    """Counts of a host that is not Up are of the past: they become unknown. Those of a host that is gone go."""
    others = Host.objects.filter(engine_id=engine_pk).exclude(status="up", gone_since=None)
    pks = list(others.values_list("pk", "gone_since"))
    if not pks:
        return
    gone, _ = HostLun.objects.filter(host_id__in=[pk for pk, since in pks if since is not None]).delete()
    stale = HostLun.objects.filter(host_id__in=[pk for pk, since in pks if since is None])
    stale = stale.filter(Q(paths__isnull=False) | Q(active_paths__isnull=False))
    tally.add(HostLun, gone + stale.update(paths=None, active_paths=None))


def seen_by_hosts(engine_pk: int, wwids: Iterable[str]) -> set[str]:
    """Which of these LUNs some host still lists."""
    rows = Lun.objects.filter(engine_id=engine_pk, uuid__in=list(wwids), host_luns__isnull=False)
    return set(rows.values_list("uuid", flat=True).distinct())
