"""The Correlation-Id of what is asked of an engine: it begins with the id of the request that asked for the Run, so the
engine's events, the evidence and the change record join up; its end names Run and act, so that no two are alike."""

from __future__ import annotations

from portal.kernel.step import Parameters
from portal.runs.models import Run

MOST = 36  # characters that the engine keeps (facts/engine-api.md 1.6)
OWN = 12  # of them name the Run


def correlation(parameters: Parameters, letter: str) -> str:
    """letter: of the act. A Run that no request asked for is named by itself alone."""
    ref = str(parameters["run"]).replace("-", "")
    run = Run.objects.filter(ref=parameters["run"]).only("request_id").first()
    asked = run.request_id if run else ""
    if not asked:
        return f"hf-{ref}{letter}"[:MOST]
    tail = f"-{ref[:OWN]}{letter}"
    return f"{asked[: MOST - len(tail)]}{tail}"
