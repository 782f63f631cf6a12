"""What keeps the estate current between looks: the sync, the list of looks, and what looks teach about hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from inventory.models import DeclaredPath, Engine, Host, Look
from inventory.services import watch
from inventory.services.looks import Result
from inventory.services.sync import SyncReport, sync, sync_quick
from inventory.services.sync_keys import take_offered
from portal.evidence.services import append

SYNC_LOCK = 0x486F6C64  # first key of the advisory lock; the second is the engine's
MOST_HOSTS = 2000  # sanlock's highest host id; what a host says beyond it is no id


@contextmanager
def _only_one(pk: int) -> Iterator[bool]:
    """False while another process syncs the same engine; the lock goes with the session, so a dead one holds none."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [SYNC_LOCK, pk])
        held = bool(cursor.fetchone()[0])
        try:
            yield held
        finally:
            if held:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [SYNC_LOCK, pk])


def sync_once(pk: int, *, storage: bool) -> SyncReport | None:
    """Syncs one engine unless another process does so now (then None), and brings the list of looks to it."""
    with _only_one(pk) as held:
        if not held:
            return None
        engine = Engine.objects.get(pk=pk)
        report = sync(engine, storage=storage)
        watch.ensure(engine)
        return report


def watch_once(pk: int) -> SyncReport | None:
    """The fast loop of one engine, statuses and events, unless a sync of it runs now (then None)."""
    with _only_one(pk) as held:
        return sync_quick(Engine.objects.get(pk=pk)) if held else None


def learn(results: Iterable[Result]) -> None:
    """Takes over what looks say about hosts themselves: the hosted-engine id of hosted-engine.conf where none was
    declared, and a host key that was offered and refused."""
    for result in results:
        if not isinstance(result.facts, dict):
            continue
        he_host_id = result.facts.get("configured_host_id")
        if isinstance(he_host_id, int) and 0 < he_host_id <= MOST_HOSTS:
            Host.objects.filter(looks__pk=result.look, he_host_id__isnull=True).update(he_host_id=he_host_id)
        offered = result.facts.get("offered")
        if offered:
            note_offered_key(result.look, offered)


def note_offered_key(look: int, offered: str) -> None:
    """Takes the key that a look was shown: see sync_keys.take_offered."""
    for pk in Host.objects.filter(looks__pk=look).exclude(offered_key=offered).values_list("pk", flat=True):
        take_offered(pk, offered)


def declare_paths(host: Host, by: User) -> int:
    """Declares the paths of the host's latest multipath look as those that must exist, in place of what was
    declared before. Only a look that answered and saw paths can be declared. Returns their number; raises
    ValueError with a sentence otherwise."""
    look = Look.objects.filter(host=host, probe="multipath", state=Look.State.READ).first()
    maps = (look.facts or {}).get("maps", []) if look else []
    pairs = {(one["wwid"], path["hba_wwpn"] or "", path["target_wwpn"] or "") for one in maps for path in one["paths"]}
    if not pairs:
        raise ValueError(f"{host.name} has no readable multipath look with paths: nothing can be declared.")
    now = timezone.now()
    with transaction.atomic():
        DeclaredPath.objects.filter(host=host).delete()
        DeclaredPath.objects.bulk_create(
            [
                DeclaredPath(host=host, wwid=wwid, hba_wwpn=hba, target_wwpn=target, declared_at=now, declared_by=by)
                for wwid, hba, target in sorted(pairs)
            ]
        )
        body = {"paths": len(pairs), "look": look.sha256 if look else ""}
        append("paths.declared", by.get_username(), f"host:{host.name}", body)
    return len(pairs)
