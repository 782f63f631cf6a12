"""The published form of a drill report's JSON."""

from __future__ import annotations

from typing import Any

from failover.reports import typed
from failover.reports.content import FORMAT, Report, Seal

WORDS: typed.Words = {
    ("Verdict", "state"): ("ok", "warn", "fail", "unknown"),
    ("Objective", "word"): ("met", "not met", "not tested"),
    ("Proof", "state"): ("ok", "fail", "unknown"),
    ("Issue", "state"): ("", "open", "fixed", "accepted", "closed"),
    ("Retest", "word"): ("objectives met", "not met in whole", "not ended"),
}
DRILL = typed.Form(FORMAT, "Drill report of Holdfast", Report, Seal, WORDS)


def schema() -> dict[str, Any]:
    """docs/schema/drill-report.json."""
    return typed.schema(DRILL)
