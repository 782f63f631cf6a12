"""What follows a backup, started when it is due: verification, copies, rehearsal, deletion of what is obsolete.
Every function is given a policy whose row the caller has locked; each starts at most what can run side by side."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, Q

from backups.catalog.retention import Word
from backups.models import Backup, Copy, Destination, Obstacle, Policy, Rehearsal
from backups.services import copies, kit, obstacles, prove, retain
from backups.services.due import BY
from portal.runs import registry
from portal.runs.models import Run
from portal.runs.states import ENDED

A = Obstacle.Act
C = Copy.State
P = Backup.Proof
VAULT = Destination.Kind.VAULT
READ_BACK = timedelta(days=30)  # a held copy is read back at the latest so long after the last time
# Runs that read whole archives in a worker of the queue `runs`, and how many of them begin by themselves: the other
# workers stay free for backups, for people and for whatever has to be done to the estate meanwhile.
HEAVY = (copies.PLAN, copies.RECHECK, "backup_rehearse", "backup_verify")
ROOM = 2
UNDECIDED_AGAIN = timedelta(hours=1)  # a rehearsal that came to no answer is tried again so much later


def heavy() -> int:
    """How many such Runs are under way."""
    return Run.objects.filter(plan__in=HEAVY, status__in=Run.ACTIVE).count()


def verify_due(policy: Policy, now: datetime) -> None:
    """The newest DONE backup whose run ended before the ladder was climbed."""
    rows = retain.entries(policy).filter(status=Backup.Status.DONE)
    newest = rows.first()
    if newest is None or newest.whole is not None or newest.run is None or newest.run.status not in ENDED:
        obstacles.clear(policy, A.VERIFY)
        return
    target = f"backup:{newest.pk}"
    if heavy() < ROOM and not obstacles.busy(target) and obstacles.calmed("backup_verify", target, now):
        obstacles.attempt(policy, A.VERIFY, target, now, partial(prove.verify, newest, BY))


def copies_due(policy: Policy, now: datetime) -> None:
    """One copy per place at a time: the newest backup that retention wants and that is not held there."""
    places = policy.destinations.filter(enabled=True).exclude(kind=VAULT).order_by("pk")
    wanted = _wanted(policy, now) if any(_may_lack(policy, place) for place in places) else []
    for place in places:
        target = f"destination:{place.pk}"
        if heavy() >= ROOM or obstacles.busy(target):
            continue
        backup = next((each for each in wanted if _lacks(each, place, now)), None)
        if backup is None:
            obstacles.clear(policy, A.COPY, target)
        elif obstacles.calmed(copies.PLAN, target, now, backup=backup.pk):
            obstacles.attempt(policy, A.COPY, target, now, partial(copies.push, backup, place, BY))


def _may_lack(policy: Policy, place: Destination) -> bool:
    """Whether any whole backup is not held there: a cheap look before the report is made."""
    held = Copy.objects.filter(backup=OuterRef("pk"), destination=place, state=C.HELD)
    rows = policy.backups.filter(~Exists(held), status=Backup.Status.DONE, whole=True, deleted_at__isnull=True)
    return rows.exists()


def recheck_due(policy: Policy, now: datetime) -> None:
    """The held copy that was not read back for the longest time, once that is too long; while nothing else is read."""
    old = Q(checked_at__isnull=True) | Q(checked_at__lt=now - READ_BACK)
    mine = Copy.objects.filter(old, state=C.HELD, backup__policy=policy, backup__deleted_at__isnull=True)
    rows = mine.filter(destination__enabled=True).select_related("backup", "destination")
    copy = rows.order_by("checked_at", "pk").first()
    if copy is None:
        obstacles.clear(policy, A.RECHECK)
        return
    target = f"destination:{copy.destination_id}"
    if not heavy() and not obstacles.busy(target) and obstacles.calmed(copies.RECHECK, target, now):
        deed = partial(copies.recheck, copy.backup, copy.destination, BY)
        obstacles.attempt(policy, A.RECHECK, target, now, deed)


def kit_due(policy: Policy, now: datetime) -> None:
    """The recovery kit is collected again once after every backup, with what follows it, and once a day."""
    if kit.PLAN not in registry.plans():
        return
    target = f"engine:{policy.engine_id}"
    if not kit.due(policy.engine, now):
        obstacles.clear(policy, A.KIT)
    elif not obstacles.busy(target) and obstacles.calmed(kit.PLAN, target, now):
        obstacles.attempt(policy, A.KIT, target, now, partial(kit.start, policy.engine, BY))


def _wanted(policy: Policy, now: datetime) -> list[Backup]:
    """DONE, whole, wanted by retention, and held in the vault, from which they are pushed."""
    rows = (row.backup for row in retain.preview(policy, now) if row.word in (Word.VALID, Word.KEEP))
    return [backup for backup in rows if backup.whole and retain.is_done(backup) and _in_vault(backup)]


def _in_vault(backup: Backup) -> bool:
    return any(copy.destination.kind == VAULT and copy.state == C.HELD for copy in backup.copies.all())


def _lacks(backup: Backup, place: Destination, now: datetime) -> bool:
    """No copy is held there, and none is to wait for its next try. A wait beyond any pause comes from a clock that
    jumped."""
    copy = next((each for each in backup.copies.all() if each.destination_id == place.pk), None)
    if copy is None:
        return True
    waits = copy.retry_at is not None and now < copy.retry_at <= now + obstacles.PAUSES[-1]
    return copy.state in (C.FAILED, C.LOST) and not waits


def rehearse_due(policy: Policy, now: datetime) -> None:
    """The newest whole backup, once the last proven rehearsal is older than the policy allows. One at a time in the
    whole portal: each starts a database server."""
    backup = retain.entries(policy).filter(status=Backup.Status.DONE, whole=True).first()
    if backup is None or not _in_vault(backup) or not _wants_rehearsal(policy, backup, now):
        obstacles.clear(policy, A.REHEARSE)
        return
    target = f"backup:{backup.pk}"
    other = Run.objects.filter(Q(plan="backup_rehearse") | Q(target=target), status__in=Run.ACTIVE)
    if heavy() < ROOM and not other.exists() and obstacles.calmed("backup_rehearse", target, now):
        obstacles.attempt(policy, A.REHEARSE, target, now, partial(prove.rehearse, backup, BY))


def _wants_rehearsal(policy: Policy, backup: Backup, now: datetime) -> bool:
    last = backup.rehearsals.order_by("-at").first()
    if last is not None:
        return last.outcome == P.UNKNOWN and not now - UNDECIDED_AGAIN < last.at <= now
    if backup.proof != P.NONE:
        return False
    if retain.newest_proven(policy) is None:
        return True  # whatever was proven is gone or was changed since: an old rehearsal says nothing any more
    proven = Rehearsal.objects.filter(backup__policy=policy, outcome=P.PROVEN, at__lte=now).order_by("-at").first()
    return proven is None or now - proven.at >= timedelta(seconds=policy.rehearse_every)


def retire_due(policy: Policy, now: datetime) -> None:
    """The deletion of what is obsolete, unless something holds it off."""
    target = f"catalog:{policy.engine_id}"
    if obstacles.busy(target) or not obstacles.calmed(retain.PLAN, target, now, policy=policy.pk):
        return
    if retain.held_off(policy, now) or not retain.deletable(policy, now):
        obstacles.clear(policy, A.RETIRE)
        return
    obstacles.attempt(policy, A.RETIRE, target, now, partial(retain.start, policy, BY))
