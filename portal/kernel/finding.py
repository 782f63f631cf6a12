"""What a probe says: an outcome about a subject, in one sentence that a DBA can act on."""

from __future__ import annotations

from dataclasses import dataclass

from portal.kernel.outcome import Outcome


@dataclass(frozen=True, order=True)
class Subject:
    """The thing spoken of. kind: estate | engine | host | vm | lun; key: its natural key (name, uuid or WWID)."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


@dataclass(frozen=True)
class Finding:
    """One check's answer. `check` is a short snake_case name, unique inside its probe ("live", "paths")."""

    check: str
    outcome: Outcome
    subject: Subject
    sentence: str
