"""The code tables of replication as words and outcomes (facts/san.md 2.3). An unknown code is "code N" and unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.kernel.outcome import Outcome


@dataclass(frozen=True)
class Means:
    """A code's word, what it is worth, and what to do."""

    word: str
    outcome: Outcome
    todo: str = ""


_LINKS = "Check the replication links between the arrays, then resume the replication."
_RESUME = "Resume the replication, or put on record why it stands still."
_WAIT = "Wait until it has ended; until then the other side is behind."

_COMMON = {
    "1": Means("normal", Outcome.OK),
    "23": Means("synchronising", Outcome.WARN, _WAIT),
    "34": Means("interrupted", Outcome.FAIL, _LINKS),
    "35": Means("invalid", Outcome.FAIL, "Have the storage team create the pair anew."),
}
REPLICATION: Mapping[str, Means] = {
    **_COMMON,
    "21": Means("in its first synchronisation", Outcome.WARN, _WAIT),
    "24": Means("synchronised", Outcome.OK),
    "26": Means("split", Outcome.FAIL, _RESUME),
    "33": Means("to be recovered", Outcome.FAIL, "Its policy is manual: start the synchronisation on the array."),
    "110": Means("standby", Outcome.WARN, "Find out which pair of the same LUN is active."),
}
METRO: Mapping[str, Means] = {
    **_COMMON,
    "25": Means("not synchronised", Outcome.FAIL, _RESUME),
    "41": Means("paused", Outcome.FAIL, _RESUME),
    "93": Means("force-started", Outcome.FAIL, "Find out which side holds the valid data before anything is joined."),
    "100": Means("to be synchronised", Outcome.FAIL, _RESUME),
}
HEALTH: Mapping[str, Means] = {
    "1": Means("normal", Outcome.OK),
    "2": Means("faulty", Outcome.FAIL, "See the array's alarms."),
    "14": Means("invalid", Outcome.FAIL, "See the array's alarms."),
}
DATA: Mapping[str, Means] = {
    "1": Means("synchronised", Outcome.OK),
    "2": Means("complete and older", Outcome.OK),
    "3": Means("incomplete", Outcome.FAIL, "Do not fail over to it; let a synchronisation run to its end."),
}
ACCESS: Mapping[str, Means] = {
    "1": Means("denied", Outcome.OK),
    "2": Means("read-only", Outcome.OK),
    "3": Means("read and write", Outcome.FAIL, "Find out who writes to it before anything is synchronised."),
}


def means(code: str, known: Mapping[str, Means]) -> Means:
    """A code's meaning; unknown codes and codes that were not told are unknown."""
    if not code:
        return Means("not told", Outcome.UNKNOWN, "See the pair on the array.")
    todo = "See the pair on the array and what its manual says of this code."
    return known.get(code, Means(f"code {code}", Outcome.UNKNOWN, todo))


def state(code: str, kind: str, synchronous: bool | None) -> Means:
    """The running state of a pair. An asynchronous pair synchronises in every cycle: that is its normal life."""
    found = means(code, METRO if kind == "metro" else REPLICATION)
    if code == "23" and kind != "metro" and synchronous is False:
        return Means(found.word, Outcome.OK)
    return found
