"""The published form of a period report's JSON."""

from __future__ import annotations

from typing import Any

from failover.reports import typed
from failover.reports.period.content import FORMAT, Report, Seal

STATES = ("ok", "warn", "fail", "unknown")
WORDS: typed.Words = {
    ("Scope", "kind"): ("estate", "engine", "site"),
    ("Period", "kind"): ("daily", "weekly", "monthly", "quarterly", "yearly"),
    ("Verdict", "state"): STATES,
    ("Judged", "state"): STATES,
    ("Objective", "word"): ("met", "not met", "not tested"),
    ("Issue", "state"): ("open", "fixed", "accepted", "closed"),
    ("Trouble", "what"): ("failed", "missed", "not restorable"),
    ("Waiver", "kind"): ("broken glass", "ignored step", "accepted risk"),
    ("Figure", "unit"): ("", "s", "ms", "ppm"),
    ("Figure", "good"): ("", "up", "down"),
}
PERIOD = typed.Form(FORMAT, "Period report of Holdfast", Report, Seal, WORDS)


def schema() -> dict[str, Any]:
    """docs/schema/period-report.json."""
    return typed.schema(PERIOD)
