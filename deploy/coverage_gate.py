"""Branch coverage per room: 100 % where code is pure, 90 % elsewhere. Reads coverage's JSON report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PURE = (
    "portal/kernel/",
    "portal/changes/asked.py",
    "portal/changes/gate.py",
    "portal/alerts/rules/",
    "portal/connectors/change/reading/",
    "portal/connectors/san/reading/",
    "inventory/probes/",
    "inventory/verdicts/",
    "inventory/tuning/",
    "inventory/redundancy/",
    "inventory/steps/",
    "inventory/plans.py",
    "backups/catalog/",
    "backups/verdicts/",
    "backups/kit/",
    "backups/steps/",
    "failover/availability/",
    "failover/catalog/",
    "failover/verdicts/",
    "failover/steps/",
    "failover/reports/",
)
PURE_GOAL, GOAL = 100.0, 90.0


def room(path: str) -> str:
    """The package that a file belongs to, for the table."""
    pure = next((prefix for prefix in PURE if path.startswith(prefix)), "")
    return pure or "/".join(path.split("/")[: 2 if path.startswith(("portal/", "inventory/")) else 1])


def percent(summaries: list[dict[str, Any]]) -> float:
    """Covered statements and branches of all."""
    covered = sum(one["covered_lines"] + one.get("covered_branches", 0) for one in summaries)
    total = sum(one["num_statements"] + one.get("num_branches", 0) for one in summaries)
    return 100.0 * covered / total if total else 100.0


def main(report: Path) -> int:
    """Prints rooms below their goal with their worst files; 1 when there is one."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    rooms: dict[str, dict[str, dict[str, Any]]] = {}
    for path, found in files.items():
        rooms.setdefault(room(path), {})[path] = found["summary"]
    failed = 0
    for name, members in sorted(rooms.items()):
        goal = PURE_GOAL if name in PURE else GOAL
        reached = percent(list(members.values()))
        if reached < goal:
            failed = 1
            print(f"coverage of {name}: {reached:.1f} %, goal {goal:.0f} %")
            for path, summary in sorted(members.items(), key=lambda item: item[1]["percent_covered"])[:6]:
                print(f"    {summary['percent_covered']:5.1f} %  {path}")
    print("coverage holds" if not failed else "coverage is below its goals")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
