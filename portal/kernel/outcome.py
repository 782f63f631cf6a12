"""The four outcomes of looking. Unknown is a result of its own and never counts as ok."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """ok | warn | fail | unknown."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


# From the calmest to the one a person must see first. Unknown stands between warn and fail: it may hide a
# failure, and a failure that was seen is more certain than one that may be.
_ORDER = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)
GRAVE = _ORDER[::-1]  # to sort by, the one that a person must see first in front


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome a person must see first; unknown for an empty sequence, since nothing was looked at."""
    ranked = [_ORDER.index(outcome) for outcome in outcomes]
    return _ORDER[max(ranked)] if ranked else Outcome.UNKNOWN
