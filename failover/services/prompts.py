"""Questions to people in a drill, asked by a step's work. People answer them with failover.services.conduct."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from failover.models import Drill, Prompt


def ask(drill: Drill, step: str, questions: Sequence[str]) -> None:
    """Asks, once: what was asked already stays as it is."""
    for position, question in enumerate(questions, 1):
        fresh = {"question": question, "asked_at": timezone.now()}
        Prompt.objects.get_or_create(drill=drill, step=step, position=position, defaults=fresh)


def paused(drill: Drill) -> timedelta:
    """The time for which the drill waited for a person; questions that waited side by side count once."""
    total = timedelta(0)
    until = None
    for begins, ends in sorted((row.asked_at, row.at or timezone.now()) for row in drill.prompts.all()):
        start = begins if until is None else max(begins, until)
        total += max(timedelta(0), ends - start)
        until = ends if until is None else max(until, ends)
    return total
