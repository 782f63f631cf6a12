"""What the overview asks of the drills (settings.HOLDFAST_ANSWERS): when was failover last proven?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.urls import reverse

from failover.models import Drill
from failover.services import breaking, change_alarm, watchdog
from failover.services.answer_available import available
from failover.services.frame import Standing, standings
from inventory.services.told import Told
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

URL = "/drills/"
SOON = 0.9  # of the days allowed, from which it is a warning


def proven(now: datetime) -> Told:
    """The answer for the engine whose proof is oldest. One query."""
    rows = standings(now)
    banner = breaking.alarm(rows) or change_alarm.lifted(rows) or watchdog.alarm(rows, now)
    banner = banner or change_alarm.undelivered(rows)
    engines = [one for one in rows if one.watched]
    if not engines:
        words = "No engine is watched, so there is nothing to prove."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="What is missing", banner=banner)
    found = [_of(engine, now, len(engines) > 1) for engine in engines]
    gravest = max(found, key=lambda one: _GRAVITY.index(one.answer.outcome))
    return replace(gravest, banner=banner, also=available(engines, now))


_GRAVITY = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)


def _of(engine: Standing, now: datetime, several: bool) -> Told:
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


def home(run_pk: int) -> str:
    """The page of the drill that a Run belongs to; "" for any other Run (settings.HOLDFAST_HOMES)."""
    drill = Drill.objects.filter(run=run_pk).values_list("pk", flat=True).first()
    return reverse("drill", args=[drill]) if drill else ""
