"""What each side says, for a page: the differences first, and not more lines than a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inventory.verdicts.sides import Line
from inventory.views.titles import counted
from portal.kernel.outcome import Outcome

ROWS = 24


def context(lines: Iterable[Line]) -> dict[str, Any]:
    """What inventory/_sides.html reads."""
    every = sorted(lines, key=lambda one: (one.agree is not False, one.outcome is Outcome.OK))
    differ = [one for one in every if one.agree is False and one.outcome is not Outcome.OK]
    return {
        "sides": every[:ROWS],
        "sides_more": max(0, len(every) - ROWS),
        "differ": len(differ),
        "differ_words": f"{counted(len(differ), 'fact')} differ" if len(differ) > 1 else "One fact differs",
    }
