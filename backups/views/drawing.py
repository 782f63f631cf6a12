"""Geometry of the backups' drawings: numbers in, SVG attribute values out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backups.services.pages_ladder import Ladder
from inventory.templatetags.holdfast import local, size, took
from inventory.views.drawing import HEIGHT, WIDTH, percent
from portal.kernel.words import span

WIDE, STEP, LOW, RISE, TALL = 13, 16, 8, 2, 18  # px of the ladder's marks
LETTER = 0.66  # per cent of the clock's bar that one letter of a label needs on a wide screen
Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Mark:
    """One step of the ladder; px. half: the width that is drawn solid while it runs."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    cross: str


def marks(ladder: Ladder) -> list[Mark]:
    """Six rising marks, 96 x 18 px."""
    return [_mark(index, step.kind) for index, step in enumerate(ladder.steps)]


def _mark(index: int, kind: str) -> Mark:
    x, height = index * STEP, LOW + index * RISE
    y = TALL - height
    if kind == "ok":
        return Mark(kind, x, y, WIDE, height, "")
    # an outline is drawn on its middle
    x_, y_, wide, high = x + 0.6, y + 0.6, WIDE - 1.2, height - 1.2
    cross = f"M{x + 3} {y + 2}L{x + WIDE - 3} {TALL - 2}M{x + WIDE - 3} {y + 2}L{x + 3} {TALL - 2}"
    return Mark(kind, x_, y_, wide, high, cross if kind == "fail" else "")


@dataclass(frozen=True)
class Label:
    """Words at the bar. side: the text's class; row: 0 or 1 under the bar."""

    x: str
    text: str
    side: str
    kind: str
    row: int


@dataclass(frozen=True)
class Clock:
    """The RPO clock: what would be lost now, on a bar from the backup to the objective. state: ok | fail | unknown."""

    words: str
    state: str
    now: str
    now_side: str
    next: str
    objective: str
    labels: list[Label]
    told: list[str]


def clock(taken: datetime | None, now: datetime, upcoming: datetime | None, rpo: int) -> Clock | None:
    """taken: the state that the newest proven backup holds. rpo in seconds. None when nothing is proven: then nobody
    knows what would be lost."""
    if taken is None:
        return None
    age = (now - taken).total_seconds()
    ahead = (upcoming - taken).total_seconds() if upcoming and upcoming > now else None
    whole = max(age * 1.06, (ahead or 0.0) * 1.06, rpo * 1.08)
    late = age > rpo
    begin = f"{_at(taken, now)}, backup taken"
    objective = f"objective {span(rpo)}"
    words = [(0.0, begin, "", "quiet"), (rpo / whole * 100, objective, "middle", "late" if late else "objective")]
    told = [begin, objective + (", passed" if late else "")]
    if ahead is not None and upcoming is not None:
        coming = f"next backup {_at(upcoming, now)}"
        words.insert(1, (ahead / whole * 100, coming, "", "quiet"))
        told.insert(1, coming)
    share = age / whole * 100
    return Clock(
        span(age),
        "fail" if late else "ok",
        percent(age, whole),
        "" if share < 3 else "end" if share > 97 else "middle",
        percent(ahead, whole) if ahead is not None else "",
        percent(rpo, whole),
        _placed(words),
        told,
    )


def _at(at: datetime, now: datetime) -> str:
    there, here = local(at), local(now)
    text = f"{there:%H:%M:%S}" if there.second else f"{there:%H:%M}"
    return text if there.date() == here.date() else f"{there.day} {there:%b} {text}"


def _placed(words: Sequence[tuple[float, str, str, str]]) -> list[Label]:
    """Each label in the first row where it covers no other; at the bar's end it turns to the left."""
    rows: list[list[tuple[float, float]]] = [[], []]
    placed = []
    for share, text, side, kind in words:
        wide = len(text) * LETTER
        where = "end" if share + wide / 2 > 100 or (side == "" and share + wide > 100) else side
        left = share - wide if where == "end" else share - wide / 2 if where == "middle" else share
        row = next((n for n, taken in enumerate(rows) if all(not (left < b and a < left + wide) for a, b in taken)), 1)
        rows[row].append((left - 1, left + wide + 1))
        placed.append(Label(f"{share:.2f}%", text, where, kind, row))
    return placed


@dataclass(frozen=True)
class Dot:
    """One backup in a trend; per cent."""

    x: str
    y: str


@dataclass(frozen=True)
class Level:
    """A horizontal line with its words."""

    y: str
    text: str


@dataclass(frozen=True)
class Trend:
    """A small line chart over time, from 0. limit: the least that is accepted, dashed."""

    path: str
    dots: list[Dot]
    levels: list[Level]
    limit: Level | None
    last: str
    last_y: str
    ticks: list[tuple[str, str, str]]
    words: str


def sizes(points: Points, least: int) -> Trend | None:
    """Bytes of the archives, with the size below which one is refused."""
    return _trend(points, size, "size", least)


def durations(points: Points) -> Trend | None:
    """Seconds that engine-backup took."""
    return _trend(points, took, "duration", None)


def _trend(points: Points, unit: object, name: str, least: int | None) -> Trend | None:
    """None when there are fewer than two points: one is no trend."""
    if len(points) < 2:
        return None
    assert callable(unit)
    top = _round(max(value for _, value in points) * 1.1) or 1.0
    begin, end = points[0][0], points[-1][0]
    whole = (end - begin).total_seconds() or 1.0
    placed = [((at - begin).total_seconds() / whole, 1 - value / top) for at, value in points]
    path = "".join(f"{'L' if number else 'M'}{x * WIDTH:.1f} {y * HEIGHT:.2f}" for number, (x, y) in enumerate(placed))
    last = unit(points[-1][1])
    low, high = min(value for _, value in points), max(value for _, value in points)
    limit = None
    if least is not None and least > top * 0.03:
        limit = Level(percent(top - least, top), f"least accepted {unit(least)}")
    return Trend(
        path,
        [Dot(f"{x * 100:.2f}%", f"{y * 100:.2f}%") for x, y in placed],
        [Level(percent(top - top * share, top), unit(top * share) if share else "0") for share in (0.0, 0.5, 1.0)],
        limit,
        last,
        f"{placed[-1][1] * 100:.2f}%",
        [("0%", _day(begin), ""), ("50%", _day(begin + (end - begin) / 2), "middle"), ("100%", _day(end), "end")],
        f"The {name} of the last {len(points)} backups: from {unit(low)} to {unit(high)}, the newest {last}.",
    )


def _day(at: datetime) -> str:
    there = local(at)
    return f"{there.day} {there:%b}"


def _round(value: float) -> float:
    """Up to a number whose half is still easy to read."""
    power = 1.0
    while power * 1024 <= value:
        power *= 1024
    for step in (1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400, 600, 800, 1024):
        if step * power >= value:
            return step * power
    return value
