"""Path counts per host and LUN, from a live call to each host that is Up: four at a time, each with its own deadline,
so that one bad host costs only its own rows' freshness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from queue import SimpleQueue

from django.db import connection
from django.db.models import Q

from inventory.models import Host, HostLun, Lun
from inventory.services import sync_luns
from inventory.services.sync_rows import Current, Tally, alone, copy_in, write
from portal.connectors.engine import EngineFailed, Session
from portal.connectors.engine import HostLun as Seen

PARALLEL = 4
TOGETHER = 16  # hosts at least whose counts are written in one transaction
AHEAD = 48  # hosts that may be read before the first is written
Target = tuple[str, str]  # uuid and name of a host
Answer = tuple[Seen, ...] | EngineFailed
Answers = Iterator[list[tuple[Target, Answer]]]
Pair = tuple[int, int]  # primary keys of host and LUN
Counts = tuple[int | None, int | None]  # paths, active paths


@contextmanager
def reading(session: Session, targets: Iterable[Target]) -> Iterator[Answers]:
    """Begins to ask the hosts at once, so that their answers come while the caller writes something else. Gives what
    they see, some hosts at a time, in the order of their answers; a failure stands in the place of a host's rows. A
    host that hangs holds up one of the parallel calls and nothing else."""
    rest = iter(targets)
    answered: SimpleQueue[Future[tuple[Target, Answer]]] = SimpleQueue()
    with ThreadPoolExecutor(PARALLEL) as pool:

        def ask(number: int) -> int:
            asked = [pool.submit(_one, session, target) for target in islice(rest, number)]
            for future in asked:
                future.add_done_callback(answered.put)
            return len(asked)

        try:
            yield _groups(answered, ask, ask(AHEAD))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _groups(answered: SimpleQueue[Future[tuple[Target, Answer]]], ask: Callable[[int], int], under_way: int) -> Answers:
    done: list[tuple[Target, Answer]] = []
    while under_way:
        done.append(answered.get().result())
        under_way += ask(1) - 1
        if not under_way or (len(done) >= TOGETHER and answered.empty()):
            yield done
            done = []


def _one(session: Session, target: Target) -> tuple[Target, Answer]:
    try:
        return target, session.storage(target[0])
    except EngineFailed as error:
        return target, error


def store(answers: Sequence[tuple[int, tuple[Seen, ...]]], luns: Current, listed: set[str], tally: Tally) -> None:
    """Counts of some hosts (primary key, what it sees), in one transaction. LUNs that only hosts list get a row."""
    bare = [one.unit for _, seen in answers for one in seen if one.unit.wwid not in listed]
    with alone(luns.engine_pk):
        if bare:
            write(luns, sync_luns.bare(bare, luns.keys), tally)
        keys = luns.keys
        wanted = {(host, keys[one.unit.wwid]): (one.paths, one.active_paths) for host, seen in answers for one in seen}
        _bring([host for host, _ in answers], wanted, tally)


def _bring(hosts: list[int], wanted: dict[Pair, Counts], tally: Tally) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT, [hosts])
        rows = cursor.fetchall()
        if len(rows) == len(wanted) and all(wanted.get((row[0], row[1])) == (row[2], row[3]) for row in rows):
            return
        present: dict[Pair, Counts] = {(row[0], row[1]): (row[2], row[3]) for row in rows}
        lost = [pair for pair in present if pair not in wanted]
        changed = [(*pair, *counts) for pair, counts in wanted.items() if pair in present and present[pair] != counts]
        fresh = [(*pair, *counts) for pair, counts in wanted.items() if pair not in present]
        if lost:
            cursor.execute(_DELETE, [list(column) for column in zip(*lost, strict=True)])
        if changed:
            cursor.execute(_UPDATE, [list(column) for column in zip(*changed, strict=True)])
        if fresh:
            copy_in(HostLun, ("host_id", "lun_id", "paths", "active_paths"), fresh)
    tally.add(HostLun, len(lost) + len(changed) + len(fresh))


_PRESENT = "select host_id, lun_id, paths, active_paths from inventory_hostlun where host_id = any(%s)"
_DELETE = """
delete from inventory_hostlun as old using unnest(%s::bigint[], %s::bigint[]) as lost (host, lun)
where old.host_id = lost.host and old.lun_id = lost.lun
"""
_UPDATE = """
update inventory_hostlun as old set paths = new.paths, active_paths = new.active
from unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[]) as new (host, lun, paths, active)
where old.host_id = new.host and old.lun_id = new.lun
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
