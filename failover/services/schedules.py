"""Planned drills: proposed when their lead time comes, named when they did not happen. Nothing begins by itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from backups.catalog import schedule as catalog
from backups.catalog.schedule import Once
from backups.catalog.schedule import Schedule as Planned
from backups.services.clock import now as database_now
from failover.models import Blackout, Drill, Missed, Schedule
from failover.services import drills
from inventory.services.signal import announce
from inventory.templatetags.holdfast import full
from portal.evidence import services as evidence
from portal.runs.models import Run
from portal.runs.services import Refused

log = logging.getLogger(__name__)

LEAD = timedelta(days=7)  # so long before its time a drill is proposed, for people to agree
NEXT = 5  # planned drills that are shown


@dataclass(frozen=True)
class Outlook:
    """next: planned starts to come. late: one sentence when the schedule cannot be used, or is switched off."""

    schedule: Schedule
    next: tuple[datetime, ...]
    missed: Sequence[Missed]
    late: str


def of(row: Schedule) -> Planned:
    """As the catalog's rules read it: a drill that would begin in a blackout is put off to its end."""
    concerned = Blackout.objects.filter(Q(engine=None) | Q(engine=row.engine_id))
    windows = tuple(Once(one.begins, one.ends) for one in concerned if one.ends > one.begins)
    return Planned(row.cron, row.zone, windows, timedelta(0))


def problem(row: Schedule) -> str:
    """Why the schedule cannot be used, in one sentence; "" when it can, or when it only counts days."""
    return catalog.problem(of(row)) if row.cron else ""


def outlook(row: Schedule, now: datetime) -> Outlook:
    """What comes next and what was missed. Never raises for a schedule that cannot be used."""
    missed = list(row.missed.all()[:NEXT])
    if not row.enabled:
        return Outlook(row, (), missed, "It is switched off.")
    if not row.cron:
        return Outlook(row, (), missed, "")
    wrong = problem(row)
    return Outlook(row, () if wrong else catalog.next_runs(of(row), now, NEXT), missed, wrong)


def tick(now: datetime | None = None) -> list[str]:
    """Looks at all schedules once; harmless to repeat. Gives one line per schedule that broke."""
    at = now or database_now()
    broken = []
    for pk in Schedule.objects.filter(enabled=True).values_list("pk", flat=True):
        try:
            _look_at(pk, at)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # one that breaks stops no other one
            log.exception("The schedule of drills %s broke.", pk)
            broken.append(f"schedule {pk}: {type(error).__name__}")
    return broken


def _look_at(pk: int, now: datetime) -> None:
    with transaction.atomic():
        row = Schedule.objects.select_for_update(skip_locked=True, of=("self",)).select_related("engine").filter(pk=pk)
        schedule = row.first()
        if schedule is None:
            return
        _name_missed(schedule, now)
        if not schedule.cron or problem(schedule):
            return
        due = catalog.between(of(schedule), schedule.decided_to, now + LEAD)
        for start in due:
            _decide(schedule, start, now)
        Schedule.objects.filter(pk=pk).update(decided_to=max([schedule.decided_to, now, *due]))


def _decide(schedule: Schedule, start: datetime, now: datetime) -> None:
    if start < now:
        _missed(schedule, start, f"Nobody looked at the schedule before {full(start)}, so no drill was proposed.", now)
        return
    if schedule.drills.filter(window_begins=start).exists():
        return
    try:
        with transaction.atomic():
            drill = _propose(schedule, start)
    except Refused as refusal:
        _missed(schedule, start, f"The drill of {full(start)} could not be proposed: {refusal}", now)
        return
    told = {"plan": drill.plan, "due": start.isoformat(), "people": schedule.notify}
    evidence.append("drill.proposed", "portal", f"drill:{drill.pk}", told)
    announce("run")


def _propose(schedule: Schedule, start: datetime) -> Drill:
    """Asked for in the name of whoever saved the schedule, so that another person approves it."""
    return drills.request(
        schedule.engine,
        schedule.plan,
        schedule.parameters,
        objectives=schedule.objectives,
        people=[{"name": name, "role": "involved", "present": None} for name in schedule.notify],
        window=(start, start + timedelta(minutes=schedule.minutes)),
        by=schedule.decided_by,
        change=schedule.change,
        key=f"drill-schedule:{schedule.pk}:{start.isoformat()}",
        words={"schedule": schedule},
    )


def _name_missed(schedule: Schedule, now: datetime) -> None:
    """Proposed drills whose window ended before anybody began them."""
    waiting = [str(Run.Status.DRAFT), str(Run.Status.AWAITING_APPROVAL)]
    for drill in schedule.drills.filter(window_ends__lte=now, run__status__in=waiting).select_related("run"):
        begins = drill.window_begins or now
        held = drill.approvals.filter(voided_at=None).exists()
        words = "It was approved, and nobody began it." if held else "Nobody approved it."
        _missed(schedule, begins, f"{drill.title}, planned for {full(begins)}, did not happen. {words}", now)


def _missed(schedule: Schedule, due: datetime, sentence: str, now: datetime) -> None:
    _, new = Missed.objects.get_or_create(
        schedule=schedule, due_at=due, defaults={"noticed_at": now, "sentence": sentence}
    )
    if new:
        body = {"plan": schedule.plan, "due": due.isoformat(), "sentence": sentence}
        evidence.append("drill.missed", "portal", f"drill-schedule:{schedule.pk}", body)
        log.error("%s", sentence)
        announce("run")
