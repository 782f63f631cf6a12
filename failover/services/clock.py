"""The RTO clock of a drill: started before the injection, stopped by what the prober sees. docs/adr/0018."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from failover.catalog.duration import median
from failover.models import Drill
from failover.services import boottime
from failover.services.measured import objective, seen
from failover.services.watching import ENGINE
from failover.verdicts.measure import Measured
from failover.verdicts.objectives import duration, figure
from portal.runs.models import Run, RunStep

SILENT = 5.0  # seconds without a question after which the page says so
PAST = 20  # drills of which the median is taken
MARGIN = 1.0  # seconds by which a step may have begun before the clock and still be its act


@dataclass(frozen=True)
class Phase:
    """A step after the clock's start. kind: done | current | expected. began, ended: seconds on the clock; ended None
    while it lasts."""

    title: str
    kind: str
    began: float
    ended: float | None


@dataclass(frozen=True)
class ClockState:
    """running: it counts. since: when it was started, None before. elapsed: seconds, until now or until the engine was
    back, with error: what that figure may be wrong by. expected: median of past drills of the plan; objective: the
    least RTO of the engine; asked_ago: since its newest answer; each in seconds, None when there is none."""

    running: bool
    since: datetime | None
    elapsed: float | None
    error: float | None
    phases: tuple[Phase, ...]
    expected: float | None
    objective: float | None
    asked_ago: float | None
    words: str


def begin(drill: int) -> bool:
    """Starts the clock of a drill, once, just before its injection. False when it runs already."""
    now = boottime.now()
    mark = {"clock_began": now.at, "clock_began_mono": now.mono, "clock_boot": now.boot}
    return bool(Drill.objects.filter(pk=drill, clock_began=None).update(**mark))


def stop(drill: int) -> bool:
    """Marks when the steps saw the service back, once. The recovery time is the prober's, not this."""
    now = boottime.now()
    rows = Drill.objects.filter(pk=drill, clock_began__isnull=False, clock_ended=None)
    return bool(rows.update(clock_ended=now.at, clock_ended_mono=now.mono))


def state(drill: Drill, now: datetime) -> ClockState:
    """For the page of a drill. now: the wall clock, for the steps only."""
    told = seen(drill, ENGINE, ended=None)
    ago = _asked_ago(drill)
    if drill.clock_began is None:
        words = "The clock starts with the injection."
        return ClockState(False, None, None, None, (), expected(drill), objective(drill, ENGINE), ago, words)
    over = drill.run is None or drill.run.status not in Run.ACTIVE
    back = told.recovery if told.state == "recovered" else None
    running = back is None and drill.clock_ended is None and not over
    elapsed, error = (back.seconds, back.error) if back else (_elapsed(drill, now), None)
    return ClockState(
        running=running,
        since=drill.clock_began,
        elapsed=elapsed,
        error=error,
        phases=_phases(drill, None if running else elapsed, now),
        expected=expected(drill),
        objective=objective(drill, ENGINE),
        asked_ago=ago,
        words=_words(told, ago, running),
    )


def expected(drill: Drill) -> float | None:
    """Median of the recovery times of past drills of the plan on this engine, seconds."""
    rows = Drill.objects.filter(engine=drill.engine_id, plan=drill.plan, measured__rto__isnull=False)
    past = rows.exclude(pk=drill.pk).order_by("-pk").values_list("measured__rto", flat=True)[:PAST]
    return median([float(one) for one in past if one is not None])


def _elapsed(drill: Drill, now: datetime) -> float:
    """On the clock; by the wall clock after the machine restarted."""
    assert drill.clock_began is not None
    if drill.clock_ended_mono is not None and drill.clock_began_mono is not None:
        return drill.clock_ended_mono - drill.clock_began_mono
    ended = drill.run.ended if drill.run else None
    if ended is None and drill.clock_began_mono is not None and drill.clock_boot == boottime.boot():
        return boottime.mono() - drill.clock_began_mono
    return ((ended or now) - drill.clock_began).total_seconds()


def _asked_ago(drill: Drill) -> float | None:
    newest = drill.spans.filter(service=ENGINE).order_by("-last").first()
    if newest is None:
        return None
    if newest.boot == boottime.boot():
        return max(0.0, boottime.mono() - newest.last_mono)
    return max(0.0, (boottime.now().at - newest.last).total_seconds())


def _phases(drill: Drill, until: float | None, now: datetime) -> tuple[Phase, ...]:
    found = []
    steps = list(drill.run.steps.order_by("position")) if drill.run else []
    for step in steps:
        phase = _phase(step, drill.clock_began, now)
        if phase is not None and (until is None or phase.began <= until):
            found.append(phase)
    return tuple(found)


def _phase(step: RunStep, clock: datetime | None, now: datetime) -> Phase | None:
    """None for a step that was over when the clock started, or has not begun."""
    if clock is None or step.began is None:
        return None
    began = (step.began - clock).total_seconds()
    ended = (step.ended - clock).total_seconds() if step.ended else None
    if (ended if ended is not None else (now - clock).total_seconds()) < 0 or began < -MARGIN:
        return None
    return Phase(step.title, "current" if ended is None else "done", max(0.0, began), ended)


def _words(told: Measured, ago: float | None, running: bool) -> str:
    if ago is None:
        return "Nobody asks the engine: look at the process drill_prober."
    if running and ago > SILENT:
        return f"Nobody has asked the engine for {duration(ago)}: look at the process drill_prober."
    if told.state == "recovered" and told.recovery is not None:
        return f"The engine was back {figure(told.recovery)} after the clock's start, by its health page."
    if told.state == "steady":
        return "The engine answers; it has not stopped since the clock's start."
    return told.why if told.state == "not measured" or not told.outages else _away(told)


def _away(told: Measured) -> str:
    last = told.outages[-1]
    return f"The engine has not answered since {duration(last.first)} on the clock: {last.why}."
