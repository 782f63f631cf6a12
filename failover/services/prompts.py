"""Questions to people in a drill, asked by a step's work. People answer them with failover.services.conduct."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from failover.models import Drill, Prompt
from portal.runs.models import RunStep


def ask(drill: Drill, step: str, questions: Sequence[str]) -> None:
    """Asks, once per attempt of the step: what was asked already stays as it is. The answer is waited for as long as
    the step is."""
    row = RunStep.objects.filter(run=drill.run_id, name=step).first()
    attempt, until = (row.attempt, row.deadline) if row else (1, None)
    for position, question in enumerate(questions, 1):
        fresh = {"question": question, "asked_at": timezone.now(), "until": until}
        Prompt.objects.get_or_create(drill=drill, step=step, attempt=attempt, position=position, defaults=fresh)
