"""One line of the compliance table."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.tuning.table import Severity
from portal.kernel.outcome import Outcome

OUTCOMES: dict[Severity, Outcome] = {"fail": Outcome.FAIL, "warn": Outcome.WARN, "info": Outcome.OK}


@dataclass(frozen=True)
class Row:
    """running, persistent: as read, "" when not known or not set. area: hugepages | kernel | limits | storage |
    system | engine. severity info: it never counts as a fault. fleeting: right as it runs, and lost at the next
    boot."""

    area: str
    parameter: str
    running: str
    expected: str
    outcome: Outcome
    sentence: str
    source: str
    read_from: str
    severity: Severity = "warn"
    persistent: str = ""
    fleeting: bool = False


def unknown(area: str, parameter: str, expected: str, why: str, read_from: str, source: str) -> Row:
    """A row of which nothing is known."""
    words = f"{parameter} is not known: {why}"
    return Row(area, parameter, "", expected, Outcome.UNKNOWN, words, source, read_from)
