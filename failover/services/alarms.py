"""What drills and maintenance have people answer for, as alarms (settings.HOLDFAST_ALARMS), and the approved windows in
which the estate is worked on (settings.HOLDFAST_QUIET)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q

from failover.models import BreakGlass, Drill, Missed, Window
from failover.services import frame
from inventory.models import Engine
from inventory.templatetags.holdfast import full
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.alerts.rules.quieting import Quiet
from portal.runs.models import Run, RunStep

FRESH = timedelta(days=1)
SET = (Window.State.ENTERING, Window.State.ACTIVE, Window.State.LEAVING)


def alarms(ask: Ask) -> Iterator[Alarm]:
    """Maintenance near or past its deadline and without an owner, steps that wait for people, broken glass, drills that
    did not happen, and failover that is not proven."""
    places = {name: site for name, site in Engine.objects.values_list("name", "site__name")}
    yield from _windows(ask, places)
    yield from _decisions(ask)
    yield from _glass(ask, places)
    yield from _missed(ask, places)
    yield from _unproven(ask, places)


def _about(kind: str, name: str, engine: str, places: dict[str, str]) -> About:
    return About(kind, name, engine, places.get(engine, ""))


def _windows(ask: Ask, places: dict[str, str]) -> Iterator[Alarm]:
    for row in Window.objects.filter(state__in=Window.OPEN).select_related("host", "engine"):
        about = _about("maintenance", str(row), row.engine.name, places)
        if not row.owner:
            yield _window(ask, row, about, "found", Severity.WARNING, row.asked_at)
        elif row.overdue_at is not None:
            yield _window(ask, row, about, "deadline", Severity.CRITICAL, row.overdue_at)
        elif row.warned_at is not None:
            yield _window(ask, row, about, "deadline", Severity.WARNING, row.warned_at)


def _window(ask: Ask, row: Window, about: About, what: str, severity: Severity, since: datetime) -> Alarm:
    owner = f" (owner {row.owner})" if row.owner else ""
    words = f"{row}{owner}. {row.sentence}"
    return Alarm(f"window:{row.pk}:{what}", severity, Concern.CONTROL, about, words, since, "/engine/maintenance/")


def _decisions(ask: Ask) -> Iterator[Alarm]:
    """Minutes count: after the deadline the undos begin."""
    rows = RunStep.objects.filter(state=RunStep.State.HELD, deadline__gt=ask.now, run__status__in=Run.ACTIVE)
    for step in rows.select_related("run"):
        run = step.run
        words = f"Step {step.position} ({step.title}) of run {run.pk} on {run.target_name} failed: {step.sentence}"
        todo = f"Retry it, ignore it, or abort until {full(step.deadline or ask.now)}; then the undos begin."
        key = f"decision:{run.pk}:{step.position}:{step.attempt}"
        about = About("run", f"run {run.pk}")
        yield Alarm(
            key, Severity.CRITICAL, Concern.CONTROL, about, f"{words} {todo}", ask.since(key), f"/runs/{run.pk}/"
        )


def _glass(ask: Ask, places: dict[str, str]) -> Iterator[Alarm]:
    rows = BreakGlass.objects.filter(confirmed_at__isnull=False, until__gt=ask.now)
    for row in rows.select_related("drill__engine"):
        assert row.confirmed_at is not None
        drill = row.drill
        who = f"{row.asked_by} and {row.confirmed_by}"
        words = f"{who} broke the glass for {drill.title} until {full(row.until or ask.now)}: {row.reason}"
        about = _about("drill", drill.title, drill.engine.name, places)
        yield Alarm(
            f"glass:{row.pk}",
            Severity.CRITICAL,
            Concern.CONTROL,
            about,
            words,
            row.confirmed_at,
            f"/drills/{drill.pk}/",
        )


def _missed(ask: Ask, places: dict[str, str]) -> Iterator[Alarm]:
    told = Q(noticed_at__gte=ask.now - FRESH) | Q(pk__in=ask.rows("missed-drill"))
    rows = Missed.objects.filter(told).select_related("schedule__engine")
    for row in rows:
        engine = row.schedule.engine.name
        about = _about("drill", row.schedule.plan, engine, places)
        yield Alarm(
            f"missed-drill:{row.pk}", Severity.WARNING, Concern.PROOF, about, row.sentence, row.noticed_at,
            "/drills/calendar/",
        )  # fmt: skip


def _unproven(ask: Ask, places: dict[str, str]) -> Iterator[Alarm]:
    for one in frame.standings(ask.now):
        if not one.watched or (one.ended is not None and ask.now - one.ended <= timedelta(days=one.allowed)):
            continue
        since = f"the last proof is of {full(one.ended)}" if one.ended else "it never was"
        words = f"Failover of {one.name} is not proven within {one.allowed} days: {since}. Plan a drill."
        key = f"unproven:{one.name}"
        began = one.ended + timedelta(days=one.allowed) if one.ended else ask.since(key)
        about = _about("engine", one.name, one.name, places)
        yield Alarm(key, Severity.WARNING, Concern.PROOF, about, words, began, "/drills/")


def quiets(now: datetime) -> Iterator[Quiet]:
    """Maintenance that somebody answers for, until its deadline; and drills from their first act to their end."""
    rows = Window.objects.filter(state__in=SET, deadline__gt=now).exclude(owner="").select_related("engine", "host")
    for row in rows:
        words = f"{row} is {row.state} until {full(row.deadline or now)} (owner {row.owner})."
        yield Quiet(row.engine.name, words, row.host.name if row.host else "")
    active = Drill.objects.filter(run__status__in=Run.ACTIVE).filter(Q(window_ends=None) | Q(window_ends__gt=now))
    for drill in active.select_related("engine", "run"):
        if drill.run is not None and drill.run.steps.filter(mutating=True).exclude(intended_at=None).exists():
            yield Quiet(drill.engine.name, f"{drill.title} is under way (run {drill.run_id}).")
