"""Questions to people in a drill, asked by a step's work. People answer them with failover.services.conduct."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from failover.models import Drill, Prompt


def ask(drill: Drill, step: str, questions: Sequence[str]) -> None:
    """Asks, once: what was asked already stays as it is."""
    for position, question in enumerate(questions, 1):
        fresh = {"question": question, "asked_at": timezone.now()}
        Prompt.objects.get_or_create(drill=drill, step=step, position=position, defaults=fresh)
