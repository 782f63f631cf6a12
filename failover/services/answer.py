"""What the overview asks of the drills (settings.HOLDFAST_ANSWERS): when was failover last proven?"""

from __future__ import annotations

from datetime import datetime, timedelta

from failover.models import Drill, Schedule
from inventory.models import Engine
from inventory.services.told import Told
from inventory.templatetags.holdfast import span
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome
from portal.runs.models import Run

URL = "/drills/"
PROVES = ("she_failover", "host_power_loss")  # drills in which HA itself restarted the engine VM
OVERDUE = 95  # days, where no schedule says
SOON = 0.9  # of the days allowed, from which it is a warning


def proven(now: datetime) -> Told:
    """The answer for the engine whose proof is oldest. Two queries per engine."""
    engines = list(Engine.objects.filter(watched=True).order_by("name"))
    if not engines:
        words = "No engine is watched, so there is nothing to prove."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="What is missing")
    found = [_of(engine, now, len(engines) > 1) for engine in engines]
    return max(found, key=lambda one: _GRAVITY.index(one.answer.outcome))


_GRAVITY = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)


def _of(engine: Engine, now: datetime, several: bool) -> Told:
    name = f"{engine.name}: " if several else ""
    last = last_proven(engine)
    if last is None or last.run is None or last.run.ended is None:
        words = f"{name}No failover has been proven by a drill. A failover that nobody measured proves nothing."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="What is missing")
    allowed = allowed_days(engine)
    age = now - last.run.ended
    ended = f"ended {span(age.total_seconds())} ago with every objective met"
    words = f"{name}{last.title} {ended}; {allowed} days are allowed."
    if age > timedelta(days=allowed):
        words = f"{name}No failover has been proven for {age.days} days, {allowed} are allowed. Plan a drill."
        return Told(Answer(Word.NO, Outcome.FAIL, words), URL, since=last.run.ended)
    late = age > timedelta(days=allowed * SOON)
    return Told(Answer(Word.YES, Outcome.WARN if late else Outcome.OK, words), URL, since=last.run.ended)


def last_proven(engine: Engine) -> Drill | None:
    """The newest failover drill that ran to its end and met each of its objectives."""
    ended = Drill.objects.filter(engine=engine, plan__in=PROVES, run__status=Run.Status.SUCCEEDED)
    rows = ended.select_related("run").order_by("-run__ended")
    return next((row for row in rows[:20] if met(row)), None)


def met(drill: Drill) -> bool:
    """Every objective was met; a drill of no objective proves nothing."""
    return bool(drill.verdicts) and all(each.get("word") == "met" for each in drill.verdicts)


def allowed_days(engine: Engine) -> int:
    """Days after which a proof is overdue: the least of the engine's schedules of failover drills."""
    rows = Schedule.objects.filter(engine=engine, plan__in=PROVES, enabled=True)
    return min(rows.values_list("overdue_days", flat=True), default=OVERDUE)
