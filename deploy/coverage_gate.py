"""Branch coverage per room: 100 % where code is pure, 90 % elsewhere. Reads what deploy/coverage_plugin.py wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import slipcover

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
    """Covered lines and branches of all."""
    covered = sum(one["covered_lines"] + one["covered_branches"] for one in summaries)
    missed = sum(one["missing_lines"] + one["missing_branches"] for one in summaries)
    return 100.0 * covered / (covered + missed) if covered + missed else 100.0


def merged(folder: Path) -> dict[str, dict[str, Any]]:
    """What all processes together reached: path -> slipcover's record of the file; empty when none wrote any."""
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    for part in parts[1:]:
        slipcover.merge_coverage(parts[0], part)
    found: dict[str, dict[str, Any]] = parts[0]["files"] if parts else {}
    return found


def main(folder: Path) -> int:
    """Prints rooms below their goal with their worst files and what these miss; 1 when there is one, or when nothing
    was measured."""
    files = merged(folder)
    if not files:
        print("coverage was not measured: no process of the tests came to its end")
        return 1
    rooms: dict[str, dict[str, dict[str, Any]]] = {}
    for path, found in files.items():
        rooms.setdefault(room(path), {})[path] = found
    failed = 0
    for name, members in sorted(rooms.items()):
        goal = PURE_GOAL if name in PURE else GOAL
        reached = percent([found["summary"] for found in members.values()])
        if reached < goal:
            failed = 1
            print(f"coverage of {name}: {reached:.1f} %, goal {goal:.0f} %")
            for path, found in sorted(members.items(), key=lambda item: item[1]["summary"]["percent_covered"])[:6]:
                missed = [str(line) for line in found["missing_lines"]]
                missed += [f"{start} to {end or 'the end'}" for start, end in found["missing_branches"]]
                print(f"    {found['summary']['percent_covered']:5.1f} %  {path}: {', '.join(missed[:12])}")
    print("coverage holds" if not failed else "coverage is below its goals")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
