"""What is drawn of a service: the days of a year, and the states of a period one after the other. Names of states are
the pages' own: fail, maintenance (down as planned), unknown, unwatched, ok, blank (nothing to tell)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from failover.availability.intervals import Moments, clip, intersect, subtract
from failover.availability.watched import Seen
from failover.verdicts.objectives import duration

FAIL, PLANNED, UNKNOWN, UNWATCHED, OK, BLANK = "fail", "maintenance", "unknown", "unwatched", "ok", "blank"
GRAVE = (FAIL, UNWATCHED, UNKNOWN, PLANNED, OK, BLANK)  # what a mark of several states shows
NAMES = {
    FAIL: "Down",
    PLANNED: "Down, planned",
    UNKNOWN: "Unknown",
    UNWATCHED: "Not watched",
    OK: "Up",
    BLANK: "Blank",
}
SHORT = 60.0  # seconds of a day that may be unseen without a mark; they are said all the same
FINE = 600  # stretches at most that a drawing of one period shows

Edge = tuple[date, datetime, datetime]  # a day, its beginning and its end
Stretch = tuple[datetime, datetime, str, str]  # from, to, state, words: as inventory.views.drawing.blocks takes them


@dataclass(frozen=True)
class Day:
    """Seconds of one calendar day. state: what its mark shows."""

    day: date
    state: str
    up: float
    unplanned: float
    planned: float
    unknown: float
    unwatched: float

    @property
    def name(self) -> str:
        """Its state in words."""
        return NAMES[self.state]

    @property
    def words(self) -> str:
        """What was not up, longest words first."""
        parts = [
            (self.unplanned, "down"),
            (self.planned, "down as planned"),
            (self.unwatched, "not watched"),
            (self.unknown, "not known"),
        ]
        said = [f"{duration(seconds)} {name}" for seconds, name in parts if seconds >= 0.05]
        return ", ".join(said) or (
            "nothing is promised of it" if self.state == BLANK else "up all the time that it was watched"
        )


def calendar(told: Seen, planned: Moments, edges: Sequence[Edge], since: datetime, until: datetime) -> list[Day]:
    """Days, as periods.days has them. since: when something was promised first; until: as far as it can be told. What
    lies before or after is blank."""
    down_planned = intersect(told.down, planned)
    sets = (told.up, subtract(told.down, planned), down_planned, told.unknown)
    cuts = [(max(first, min(since, last)).timestamp(), last.timestamp()) for _, first, last in edges]
    cuts = [(first, max(first, min(last, until.timestamp()))) for first, last in cuts]
    sums = [list(_by(one, cuts)) for one in sets]
    found = []
    for number, (day, _, _) in enumerate(edges):
        up, unplanned, agreed, unknown = (one[number] for one in sums)
        whole = cuts[number][1] - cuts[number][0]
        unwatched = max(0.0, whole - up - unplanned - agreed - unknown)
        state = _state(whole, unplanned, agreed, unknown, unwatched)
        found.append(Day(day, state, up, unplanned, agreed, unknown, unwatched))
    return found


def _by(one: Moments, cuts: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Seconds of a set in each of many cuts that follow each other."""
    at = 0
    for begin, end in cuts:
        while at < len(one) and one[at][1] <= begin:
            at += 1
        total, here = 0.0, at
        while here < len(one) and one[here][0] < end:
            total += max(0.0, min(one[here][1], end) - max(one[here][0], begin))
            here += 1
        yield total


def _state(whole: float, unplanned: float, agreed: float, unknown: float, unwatched: float) -> str:
    if whole <= 0:
        return BLANK
    if unplanned > 0:
        return FAIL
    if unwatched >= SHORT:
        return UNWATCHED
    if unknown >= SHORT:
        return UNKNOWN
    return PLANNED if agreed > 0 else OK


def stretches(told: Seen, planned: Moments, begins: datetime, until: datetime) -> list[Stretch]:
    """The states of a stretch of time one after the other, coarse enough to be drawn: of what is too short to be seen
    beside its neighbour the worst is kept."""
    begin, end = begins.timestamp(), until.timestamp()
    if begin >= end:
        return []
    sets = {
        FAIL: subtract(told.down, planned),
        PLANNED: intersect(told.down, planned),
        UNKNOWN: told.unknown,
        OK: told.up,
        UNWATCHED: subtract(((begin, end),), told.watched),
    }
    flat = sorted((*each, state) for state, one in sets.items() for each in clip(one, begin, end))
    least = (end - begin) / FINE
    found: list[tuple[float, float, str]] = []
    for first, last, state in flat:
        before = found[-1] if found else None
        short = before is not None and (last - first < least or before[1] - before[0] < least)
        if before is not None and (before[2] == state or (short and len(flat) > FINE)):
            worst = min(before[2], state, key=GRAVE.index)
            found[-1] = (before[0], last, worst)
        else:
            found.append((first, last, state))
    return [(_at(first), _at(last), state, _words(first, last, state)) for first, last, state in found]


def _words(first: float, last: float, state: str) -> str:
    return f"{NAMES[state]} for {duration(last - first)} from {_at(first):%d %b %H:%M:%S} UTC"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class Bar:
    """A budget as a bar, as SVG lengths: what is spent, what will be when it goes on so ("" when not known), and where
    the budget ends. over: more is spent than there was."""

    spent_width: str
    ahead_width: str
    limit_x: str
    over: bool


def bar(budget: float, spent: float, ahead: float | None) -> Bar:
    """All in seconds; ahead None: not known."""
    whole = max(budget, spent, ahead or 0.0, 0.001)
    return Bar(
        _length(spent, whole), "" if ahead is None else _length(ahead, whole), _length(budget, whole), spent > budget
    )


def _length(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"
