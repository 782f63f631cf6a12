"""A pytest plugin (-p deploy.coverage_plugin): what the tests of one process reach, written to $HOLDFAST_COVERAGE.

slipcover takes its probes out of code that ran, so that reaching is measured at a fraction of what tracing costs
(docs/adr/0039). It has to be here before the portal's first module is imported; pytest's own hooks come too late."""

from __future__ import annotations

import json
import os
from pathlib import Path

import slipcover

ROOMS = ["portal", "inventory", "backups", "failover"]
OMITTED = ["*/migrations/*"]

# how often probes that were passed before are passed again before all that ran is cleared of them: a walk over every
# function, which costs more than it saves when it comes too soon
PASSED_AGAIN = 1000

_folder = os.environ.get("HOLDFAST_COVERAGE", "")
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
_measured = None
if _folder and _worker:
    _measured = slipcover.Slipcover(branch=True, d_miss_threshold=PASSED_AGAIN, source=ROOMS, omit=OMITTED)
    slipcover.ImportManager(_measured, slipcover.FileMatcher(sources=ROOMS, omit=OMITTED)).__enter__()


def pytest_sessionfinish() -> None:
    """Writes this process's part, which deploy/coverage_gate.py puts together with the others'."""
    if _measured is not None:
        found = json.dumps(_measured.get_coverage())
        Path(_folder, f"{_worker}.json").write_text(found, encoding="utf-8")
