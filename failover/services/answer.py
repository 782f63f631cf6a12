"""What the overview asks of the drills (settings.HOLDFAST_ANSWERS): when was failover last proven?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

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
    """The answer for the engine whose proof is oldest. One query."""
    engines = list(_engines())
    if not engines:
        words = "No engine is watched, so there is nothing to prove."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="What is missing")
    found = [_of(engine, now, len(engines) > 1) for engine in engines]
    return max(found, key=lambda one: _GRAVITY.index(one.answer.outcome))


_GRAVITY = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)


def _engines() -> QuerySet[Any]:
    """Watched engines, each with its newest failover drill that ran to its end and met every objective, and the days
    after which a proof is overdue: the least of its schedules of such drills."""
    ended = Drill.objects.filter(engine=OuterRef("pk"), plan__in=PROVES, run__status=Run.Status.SUCCEEDED)
    missed = Q(verdicts__contains=[{"word": "not met"}]) | Q(verdicts__contains=[{"word": "not tested"}])
    newest = ended.exclude(missed).exclude(verdicts=[]).order_by("-run__ended")
    plans = Schedule.objects.filter(engine=OuterRef("pk"), plan__in=PROVES, enabled=True).order_by("overdue_days")
    return (
        Engine.objects.filter(watched=True)
        .annotate(
            title=Subquery(newest.values("title")[:1]),
            ended=Subquery(newest.values("run__ended")[:1]),
            allowed=Coalesce(Subquery(plans.values("overdue_days")[:1]), OVERDUE),
        )
        .only("name")
        .order_by("name")
    )


def _of(engine: Any, now: datetime, several: bool) -> Told:
    name = f"{engine.name}: " if several else ""
    if engine.ended is None:
        words = f"{name}No failover has been proven by a drill. A failover that nobody measured proves nothing."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="What is missing")
    age = now - engine.ended
    if age > timedelta(days=engine.allowed):
        words = f"{name}No failover has been proven for {age.days} days, {engine.allowed} are allowed. Plan a drill."
        return Told(Answer(Word.NO, Outcome.FAIL, words), URL, since=engine.ended)
    ended = f"ended {span(age.total_seconds())} ago with every objective met"
    words = f"{name}{engine.title} {ended}; {engine.allowed} days are allowed."
    late = age > timedelta(days=engine.allowed * SOON)
    return Told(Answer(Word.YES, Outcome.WARN if late else Outcome.OK, words), URL, since=engine.ended)


def met(drill: Drill) -> bool:
    """Every objective was met; a drill of no objective proves nothing."""
    return bool(drill.verdicts) and all(each.get("word") == "met" for each in drill.verdicts)
