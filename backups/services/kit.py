"""The recovery-day kit of an engine: the newest one, when it is due again, and starting its collection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Max, Q

from backups.kit import content as kits
from backups.models import Backup, Copy, Destination, Kit
from backups.services import kit_vault
from inventory.models import Engine
from portal.changes.asked import Asked
from portal.evidence import services as evidence
from portal.kernel.facts import load
from portal.kernel.output import sha256
from portal.runs.models import Run
from portal.runs.services import start as start_run

PLAN = "recovery_kit"
KEPT = 30  # kits of an engine whose bundle stays
DAILY = timedelta(hours=24)
SETTLE = timedelta(minutes=30)  # so long a backup's copies and rehearsal are waited for


def newest(engine: Engine) -> Kit | None:
    """The last one that was collected."""
    return Kit.objects.filter(engine=engine).exclude(content={}).order_by("-pk").first()


def content(row: Kit) -> kits.Kit | None:
    """What a row holds; None when it is emptied or another version wrote it."""
    try:
        found: kits.Kit = load(kits.Kit, row.content)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return found


class NoBundle(Exception):
    """There is no bundle to hand out. Its text is one sentence."""


def bundle(row: Kit, by: str, trace: Mapping[str, object]) -> bytes:
    """The signed bundle; that `by` takes it is recorded first. Raises NoBundle, and then nothing is recorded."""
    if not row.bundle:
        raise NoBundle(f"The bundle of {row} is older than the last {KEPT} and was removed. Use a newer one.")
    try:
        raw = kit_vault.read(row.engine, row.bundle)
    except OSError:
        raise NoBundle(f"The vault's file {row.bundle} is gone. Collect the kit again.") from None
    if sha256(raw) != row.sha256:
        raise NoBundle(f"The vault's file {row.bundle} is not as it was made. Collect the kit again.")
    body = {"bundle": row.bundle, "sha256": row.sha256, **trace}
    evidence.append("kit.downloaded", by, f"engine:{row.engine_id}", body)
    return raw


def start(engine: Engine, by: str, key: str = "", change: str | Asked = "") -> Run:
    """Collects the kit. The same key gives the same Run. Raises Refused, most often because another Run has the
    engine."""
    return start_run(PLAN, {}, f"engine:{engine.pk}", by, change, key)


def due(engine: Engine, now: datetime) -> bool:
    """Once after each backup, when what follows it has ended too, and once a day. Nothing is due before the first
    backup."""
    mine = Backup.objects.filter(engine=engine, status=Backup.Status.DONE, deleted_at=None, run__ended__isnull=False)
    backup = mine.order_by("-taken", "-pk").first()
    if backup is None or backup.run is None or backup.run.ended is None:
        return False
    last = Kit.objects.filter(engine=engine).order_by("-pk").first()
    if last is not None and last.at >= _settled(backup, backup.run.ended):
        return not now - DAILY < last.at < now + DAILY  # a kit from far ahead is the work of a clock that jumped
    return now - backup.run.ended >= SETTLE or not _under_way(backup)


def _settled(backup: Backup, ended: datetime) -> datetime:
    """When the last thing happened to it that a kit would tell."""
    copied = backup.copies.aggregate(last=Max("held_at"))["last"]
    return max(at for at in (ended, backup.proven_at, copied) if at is not None)


def _under_way(backup: Backup) -> bool:
    """Its rehearsal, its verification or a copy of it."""
    mine = Q(target=f"backup:{backup.pk}") | Q(target__startswith="destination:", parameters__backup=backup.pk)
    if Run.objects.filter(mine, status__in=Run.ACTIVE).exists():
        return True
    places = backup.policy.destinations.filter(enabled=True) if backup.policy else Destination.objects.none()
    held = backup.copies.filter(state=Copy.State.HELD).values("destination")
    return places.exclude(kind=Destination.Kind.VAULT).exclude(pk__in=held).exists()
