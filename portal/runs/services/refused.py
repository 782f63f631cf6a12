"""A wish that is not granted: one sentence for the person, one word for the caller, one record for the auditor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.evidence import services as evidence
from portal.runs.models import Run


class Refused(Exception):
    """kind: unknown_plan | parameters | target | active | idempotency | key | state | four_eyes | evidence | change.
    run: the Run that stands in the way, or None. sentences: one per mistake; str() joins them."""

    def __init__(self, kind: str, *sentences: str, run: Run | None = None) -> None:
        super().__init__(" ".join(sentences))
        self.kind = kind
        self.sentences = list(sentences)
        self.run = run


def recorded(refusal: Refused, actor: str, subject: str, body: Mapping[str, Any]) -> Refused:
    """Writes the refusal into the evidence and gives it back to be raised. When even that fails, the refusal stands."""
    content = {**body, "kind": refusal.kind, "sentence": str(refusal)}
    if refusal.kind != "evidence":
        evidence.append("run.refused", actor, subject, content)
    return refusal
