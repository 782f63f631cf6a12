"""What the overview says of availability: one sentence, from what was judged last. It stands beside the answer about
failover (services/answer.py), which has the same rows at hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from failover.availability.budget import percent, promise
from failover.services.frame import Standing
from failover.verdicts.objectives import duration
from inventory.services.looks import AVAILABILITY, every
from inventory.services.told import Told
from inventory.templatetags.holdfast import full
from inventory.verdicts.answer import Answer, Word
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import GRAVE, Outcome
from portal.kernel.words import span

URL = "/availability/"


def available(engines: Sequence[Standing], now: datetime) -> Told:
    """The service that a person must see first, or what all of them have in common. Asks nothing."""
    services = [service for one in engines for service in one.services]
    times = [one.judged_at for one in engines if one.judged_at is not None]
    if not services or not times:
        words = "Nothing is promised of any service yet, so its availability is not counted."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, link="Availability")
    oldest = min(times)
    if is_stale((now - oldest).total_seconds(), every(AVAILABILITY)):
        words = f"Availability was last judged at {full(oldest)}: check that the looks worker and beat run."
        return Told(Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words), URL, at=oldest, link="Availability")
    first = min(services, key=lambda one: (GRAVE.index(Outcome(one["outcome"])), -_used(one)))
    outcome = Outcome(first["outcome"])
    word = {Outcome.FAIL: Word.NO, Outcome.UNKNOWN: Word.NOT_KNOWN}.get(outcome, Word.YES)
    sentence = _calm(services, first) if outcome is Outcome.OK else first["sentence"]
    return Told(Answer(word, outcome, sentence), URL, at=oldest, link="Availability")


def _used(one: dict[str, Any]) -> float:
    """The part of its budget that a service has spent."""
    return float(one["spent"]) / one["budget"] if one["budget"] else 0.0


def _calm(services: Sequence[dict[str, Any]], first: dict[str, Any]) -> str:
    """Of services that all are within what is promised. Never more than was seen."""
    count = len(services)
    head = "The one service with an objective is" if count == 1 else f"All {count} services with an objective are"
    unseen = max(float(one["unseen"]) for one in services)
    seen = "of the time that was watched"
    least = f"{first['title']} was up {percent(first['ratio'])} {seen} ({promise(first['promised'])} is promised)"
    spent = f"and has spent {duration(first['spent'])} of {duration(first['budget'])}"
    rest = f"; up to {span(unseen)} of a period were not seen" if unseen >= 1 else ""
    return f"{head} within budget: {least} {spent}{rest}."
