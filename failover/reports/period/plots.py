"""The plots of a period report, as geometry for SVG attributes: columns of parts of a period, bars of drills against
their objectives, strips of services. Black, greys and hatching, since they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from failover.reports.timeline import WIDTH, Bar, Rule, Words

LEFT, RIGHT = 96.0, 6.0
NAMES = 172.0  # where bars begin that have long names
TALL, TOP, FOOT = 96.0, 10.0, 18.0  # of columns
ROW, THICK = 15.0, 9.0  # of bars and strips
NARROW = 1.5  # the least width of a bar that can be seen
WIDEST = 44.0  # of a column
MOST = 40  # rows of a plot: one picture stays on one page, and a second one follows
LONG = 21  # letters of a name


@dataclass(frozen=True)
class Plot:
    """label: what it shows, for whoever does not see it. legend: (kind, words)."""

    label: str
    width: float
    height: float
    bars: tuple[Bar, ...]
    words: tuple[Words, ...]
    rules: tuple[Rule, ...]
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Stack:
    """One column. amounts: (kind, amount), from below."""

    name: str
    amounts: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Against:
    """A measure against its objective, both in the same unit. state: ok | warn | fail | unknown."""

    name: str
    measured: int
    limit: int
    words: str
    state: str


@dataclass(frozen=True)
class Strip:
    """One service. marks: (begins, ends, kind), of one million."""

    name: str
    words: str
    marks: tuple[tuple[int, int, str], ...]


Row = TypeVar("Row", Against, Strip)


def stacks(label: str, rows: Sequence[Stack], legend: tuple[tuple[str, str], ...], top: str, most: int = 0) -> Plot:
    """Columns side by side. most: the amount at the top; 0: each column is filled, as shares of its own whole. A column
    with nothing in it is hatched: no data."""
    step = (WIDTH - LEFT - RIGHT) / max(1, len(rows))
    wide = round(min(step * 0.8, WIDEST), 2)
    every = -(-len(rows) // 16)  # names that fit beside each other
    bars, words = [], []
    for number, one in enumerate(rows):
        x = round(LEFT + number * step + (step - wide) / 2, 2)
        bars += _column(one, x, wide, most)
        if number % every == 0:
            words.append(Words(round(x + wide / 2, 2), TOP + TALL + 12, one.name, "middle"))
    words += [Words(LEFT - 6, TOP + 4, top, "end"), Words(LEFT - 6, TOP + TALL, "0", "end")]
    rules = (Rule(LEFT, TOP, TOP + TALL),)
    return Plot(label, WIDTH, TOP + TALL + FOOT, tuple(bars), tuple(words), rules, legend)


def _column(one: Stack, x: float, wide: float, most: int) -> list[Bar]:
    whole = sum(amount for _, amount in one.amounts)
    if not whole:
        return [Bar(x, TOP, wide, TALL, "unknown", f"{one.name}: no data")] if not most else []
    found, y = [], TOP + TALL
    for kind, amount in one.amounts:
        if amount:
            high = round(max(amount / (most or whole) * TALL, 1.0), 2)
            y = round(max(y - high, TOP), 2)
            found.append(Bar(x, y, wide, high, kind, f"{one.name}: {kind}"))
    return found


def against(label: str, rows: Sequence[Against], legend: tuple[tuple[str, str], ...]) -> tuple[Plot, ...]:
    """Bars as shares of their objectives, which all stand at one line; what is more than twice as long is cut there."""
    return tuple(_against(label, shown, legend) for shown in _pages(rows))


def _pages(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As many rows as a page holds, in pictures of about one height."""
    count = -(-len(rows) // MOST)
    each = -(-len(rows) // max(1, count))
    return (rows[at : at + each] for at in range(0, len(rows), max(1, each)))


def _against(label: str, shown: Sequence[Against], legend: tuple[tuple[str, str], ...]) -> Plot:
    line = NAMES + (WIDTH - NAMES - 150) / 2
    bars, words = [], []
    for number, one in enumerate(shown):
        y = TOP + number * ROW
        wide = min(one.measured / max(1, one.limit), 2.0) * (line - NAMES)
        bars.append(Bar(NAMES, y, round(max(wide, NARROW), 2), THICK, one.state, one.words))
        words.append(Words(0, y + THICK - 1, cut(one.name, LONG + 14)))
        words.append(Words(WIDTH, y + THICK - 1, one.words, "end", strong=one.state != "ok"))
    foot = TOP + len(shown) * ROW
    words.append(Words(round(line, 2), foot + 9, "objective", "middle"))
    rules = (Rule(NAMES, TOP - 2, foot), Rule(round(line, 2), TOP - 4, foot, dashed=True))
    return Plot(label, WIDTH, foot + FOOT, tuple(bars), tuple(words), rules, legend)


def strips(
    label: str, rows: Sequence[Strip], ticks: Sequence[tuple[int, str]], legend: tuple[tuple[str, str], ...]
) -> tuple[Plot, ...]:
    """One line per service over the period: thin while it was up, thick where it was not. ticks: of one million."""
    return tuple(_strips(label, shown, ticks, legend) for shown in _pages(rows))


def _strips(
    label: str, shown: Sequence[Strip], ticks: Sequence[tuple[int, str]], legend: tuple[tuple[str, str], ...]
) -> Plot:
    bars, words = [], []
    for number, one in enumerate(shown):
        y = TOP + number * ROW
        words.append(Words(0, y + THICK - 1, cut(one.name, LONG)))
        words.append(Words(WIDTH, y + THICK - 1, one.words, "end"))
        bars.append(Bar(LEFT, y + THICK / 2 - 1, _inner(), 2, "ok", one.name))
        for begins, ends, kind in one.marks:
            x = LEFT + begins * _inner() / 1_000_000
            wide = max((ends - begins) * _inner() / 1_000_000, NARROW)
            bars.append(
                Bar(round(x, 2), y, round(min(wide, LEFT + _inner() - x), 2), THICK, kind, f"{one.name}: {kind}")
            )
    foot = TOP + len(shown) * ROW
    for at, name in ticks:
        words.append(Words(round(LEFT + at * _inner() / 1_000_000, 2), foot + 9, name, "middle"))
    return Plot(label, WIDTH, foot + FOOT, tuple(bars), tuple(words), (), legend)


def _inner() -> float:
    return WIDTH - LEFT - 60


def cut(words: str, most: int) -> str:
    """A name that has room."""
    return words if len(words) <= most else f"{words[: most - 1]}…"
