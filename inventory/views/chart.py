"""The score chart: one line per host over a day, the limit where HA acts, holes hatched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.views.drawing import Band, Gap, Line, Tick, apart, gaps, hours, line, zeros

TOP = 3500.0
GRID = (0, 1000, 2000, 3400)
MOST = 4  # lines at most
NEAR = 150  # a grid number this close to the limit would cover it

Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Level:
    """A horizontal line with its number."""

    y: str
    text: str


@dataclass(frozen=True)
class Chart:
    """Everything the template draws. empty: no number in the whole window."""

    lines: list[Line]
    levels: list[Level]
    limit: Level | None
    gaps: list[Gap]
    bands: list[Band]
    ticks: list[Tick]
    hidden: int  # hosts without a line of their own

    @property
    def empty(self) -> bool:
        return not any(one.path for one in self.lines)


def score_chart(
    points: Mapping[str, Points], now: Mapping[str, int | None], best: int, window: tuple[datetime, datetime]
) -> Chart:
    """points: host -> score per 5 minutes; now: host -> score of now, None when not known."""
    shown = list(points.items())[:MOST]
    lines = [
        _named(line(number, host, rows, window, TOP), host, now.get(host))
        for number, (host, rows) in enumerate(shown, 1)
    ]
    limit = best - 800 if best > 800 else None
    levels = [Level(_y(value), f"{value}") for value in GRID if limit is None or abs(value - limit) > NEAR]
    union = sorted({at for _, rows in shown for at, _ in rows})
    return Chart(
        apart(lines),
        levels,
        Level(_y(limit), f"{limit}") if limit is not None else None,
        gaps([(at, 0.0) for at in union], window) if union else [],
        [band for host, rows in shown for band in zeros(host, rows, window)],
        hours(*window),
        max(0, len(points) - MOST),
    )


def _named(one: Line, host: str, score: int | None) -> Line:
    """The label says the score of now, never the last good one."""
    return Line(one.number, one.path, f"{host} {'not known' if score is None else score}", one.label_y)


def _y(value: float) -> str:
    return f"{100 - value / TOP * 100:.2f}%"
