"""The last line of every benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping


def finish(name: str, ratios: Mapping[str, float], goals: Mapping[str, float]) -> int:
    """Prints the result: a goal is met when the ratio of its name is at most the goal. Returns the exit code: 0
    whatever was measured, since a figure is not a failure of the program."""
    met = all(ratios[goal] <= limit for goal, limit in goals.items())
    rounded = {key: round(value, 3) for key, value in ratios.items()}
    print(json.dumps({"bench": name, "ratios": rounded, "goals": dict(goals), "met": met}))
    return 0
