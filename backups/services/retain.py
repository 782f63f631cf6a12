"""Which backups a policy needs, shown before anything goes; and the Run that removes what it does not need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from backups.catalog import retention
from backups.catalog.retention import Entry, Generations, RecoveryWindow, Redundancy, Word
from backups.models import Backup, Copy, Destination, Policy
from backups.services.clock import now as database_now
from portal.changes.asked import Asked
from portal.runs.models import Run
from portal.runs.services import Refused
from portal.runs.services import start as start_run

PLAN = "backup_retire"
MOST = 50  # backups that one Run removes
SHOWN_FAILED = timedelta(days=30)  # then a failed or deleted entry leaves the catalog's list; its row stays
C = Copy.State


@dataclass(frozen=True)
class PreviewRow:
    """One entry's class (VALID, OBSOLETE, KEEP, NONE) and why."""

    backup: Backup
    word: Word
    why: str


def entries(policy: Policy) -> QuerySet[Backup]:
    """The policy's backups that are not deleted, the newest first, with their copies; without what engine-backup
    printed, which is long."""
    places = Prefetch("destination", Destination.objects.only("name", "kind", "enabled"))
    copies = Prefetch("copies", Copy.objects.order_by("pk").prefetch_related(places))
    rows = policy.backups.filter(deleted_at__isnull=True).defer("output", "objects_then", "things", "ladder")
    return rows.prefetch_related(copies)


def listed(policy: Policy, now: datetime) -> QuerySet[Backup]:
    """What the catalog shows: all but entries that failed or were deleted long ago."""
    old = Q(status=Backup.Status.FAILED, taken__lt=now - SHOWN_FAILED) | Q(deleted_at__lt=now - SHOWN_FAILED)
    return policy.backups.exclude(old)


def rule(policy: Policy) -> retention.Policy:
    """The policy's rule as the catalog knows it."""
    if policy.retention == Policy.Retention.REDUNDANCY:
        return Redundancy(policy.count)
    if policy.retention == Policy.Retention.WINDOW:
        return RecoveryWindow(policy.count)
    return Generations(policy.days, policy.weeks, policy.months, policy.years, policy.zone)


def newest_proven(policy: Policy) -> Backup | None:
    """The newest one for which is_proven holds."""
    held = Copy.objects.filter(backup=OuterRef("pk"), state=C.HELD)
    rows = policy.backups.filter(Exists(held), status=Backup.Status.DONE, proof=Backup.Proof.PROVEN, whole=True)
    return (
        rows.filter(deleted_at__isnull=True)
        .defer("output", "objects_then", "things", "ladder")
        .order_by("-taken")
        .first()
    )


def is_proven(backup: Backup) -> bool:
    """Proven restorable, whole, and still held somewhere."""
    proven = backup.proof == Backup.Proof.PROVEN and backup.whole is True and backup.deleted_at is None
    return proven and is_done(backup) and any(copy.state == C.HELD for copy in backup.copies.all())


def is_done(backup: Backup) -> bool:
    """It ended as a backup."""
    return backup.status == Backup.Status.DONE


def preview(policy: Policy, now: datetime) -> tuple[PreviewRow, ...]:
    """Every entry that is not deleted, the newest first. A rule that would keep nothing keeps all, and says so."""
    rows = {str(row.pk): row for row in entries(policy)}
    told = [Entry(key, row.taken, is_done(row), is_proven(row), row.keep) for key, row in rows.items()]
    try:
        lines = retention.report(told, rule(policy), now, policy.minimum_redundancy)
    except (ValueError, KeyError, OSError) as error:  # KeyError, OSError: a time zone that is none
        why = f"The rule of {policy} cannot be used ({error}), so nothing goes: correct it."
        return tuple(PreviewRow(row, Word.VALID if is_done(row) else Word.NONE, why) for row in rows.values())
    return tuple(PreviewRow(rows[line.key], line.word, line.why) for line in lines)


def removable(backup: Backup, now: datetime) -> list[Copy]:
    """The copies that can be removed now: not locked, not at a place that is switched off, not tried a moment ago."""
    return [copy for copy in backup.copies.all() if not stays(copy, now)]


def stays(copy: Copy, now: datetime) -> str:
    """Why a copy cannot be removed now; "" when it can. One that is gone already does not stay either."""
    place = copy.destination.name
    if copy.state == C.DELETED:
        return f"It is removed from {place}."
    if copy.locked_until and copy.locked_until > now:
        return f"{place} locks it until {copy.locked_until:%Y-%m-%d %H:%M} UTC."
    if not copy.destination.enabled:
        return f"{place} is switched off."
    if copy.state == C.COPYING:
        return f"It is being copied to {place}."
    if copy.retry_at and copy.retry_at > now:
        return f"{place} is tried again at {copy.retry_at:%H:%M} UTC: {copy.sentence}"
    return ""


def guard(backup: Backup, others: Sequence[Backup], minimum: int) -> str:
    """Why a backup may not go, whatever the report says; "" when it may. A second look that shares no code with the
    report. others: the policy's entries, newest first, this one included or not."""
    if backup.keep:
        return f"It is held: {backup.keep}."
    proven = [one for one in others if one.pk != backup.pk and one.retiring_at is None and is_proven(one)]
    if not proven:
        return "No other backup is proven restorable."
    if not is_proven(backup):
        return ""
    if not any(one.taken > backup.taken for one in proven):
        return "It is the newest one that is proven restorable."
    if len(proven) < minimum:
        return f"Only {len(proven)} other proven backups are held, and minimum redundancy is {minimum}."
    return ""


def why_not(backup: Backup, rows: Sequence[PreviewRow], minimum: int) -> str:
    """Why a backup may not be deleted now; "" when it may. rows: a fresh preview."""
    row = next((each for each in rows if each.backup.pk == backup.pk), None)
    if row is None:
        return "It is not in the catalog any more."
    if row.word is not Word.OBSOLETE:
        return f"It is {row.word} now: {row.why}"
    run = Run.objects.filter(target=f"backup:{backup.pk}", status__in=Run.ACTIVE).first()
    if run is None and backup.run is not None and backup.run.status in Run.ACTIVE:
        run = backup.run
    if run is not None:
        return f"Run {run.pk} ({run.title}) is at it."
    return guard(row.backup, [each.backup for each in rows], minimum)


def deletable(policy: Policy, now: datetime) -> list[Backup]:
    """What a deletion would take now, the oldest first: obsolete, guarded by nothing, and with a copy to remove."""
    rows = preview(policy, now)
    found = [row.backup for row in rows if row.word is Word.OBSOLETE]
    found = [backup for backup in found if removable(backup, now) or not backup.copies.all()]
    return [backup for backup in reversed(found) if not why_not(backup, rows, policy.minimum_redundancy)]


def held_off(policy: Policy, now: datetime) -> str:
    """Why Holdfast deletes nothing by itself now; "" when it does. A schedule that stopped, or a clock that jumped
    ahead, makes old what is needed most."""
    if not policy.delete_obsolete:
        return "Only a person starts a deletion."
    newest = newest_proven(policy)
    if newest is None:
        return "No backup is proven restorable, so nothing is deleted."
    age = now - newest.taken
    if age > timedelta(seconds=policy.max_age):
        return (
            f"The newest proven backup is of {newest.taken:%Y-%m-%d %H:%M} UTC: nothing is deleted before a newer one."
        )
    return ""


def start(policy: Policy, by: str, key: str = "", change: str | Asked = "") -> Run:
    """Starts the deletion of what is obsolete now, frozen by name. Every one is judged again before it goes. Raises
    Refused, also when there is nothing to delete."""
    found = deletable(policy, database_now())[:MOST]
    if not found:
        raise Refused("state", f"Nothing of {policy} is obsolete and removable now.")
    idents = ",".join(backup.ident for backup in found)
    return start_run(PLAN, {"policy": policy.pk, "backups": idents}, f"catalog:{policy.engine_id}", by, change, key)
