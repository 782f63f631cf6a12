"""The chart of what a host counted: errors of FC ports and failures of paths within an hour, over a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from inventory.views.chart import Chart, Level, Points
from inventory.views.drawing import Line, apart, gaps, hours, line

LEAST = 4.0  # that the axis shows at least, so that a single error looks like one
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def counted_chart(series: Mapping[str, Points], window: tuple[datetime, datetime]) -> Chart:
    """series: name -> what was counted in the hour before each point. A line for every series, at zero too."""
    highest = max((value for rows in series.values() for _, value in rows), default=0.0)
    top = max(LEAST, highest * 1.1)
    lines = [_named(line(n, name, rows, window, top), name, rows) for n, (name, rows) in enumerate(series.items(), 1)]
    step = _step(top)
    levels = [_level(step * number, top) for number in range(int(top / step) + 1)]
    union = sorted({at for rows in series.values() for at, _ in rows})
    silent = gaps([(at, 0.0) for at in union], window) if union else []
    return Chart(apart(lines), levels, None, silent, [], hours(*window), 0)


def _step(top: float) -> float:
    """So that at most five levels are drawn."""
    scale = 1.0
    while True:
        found = next((one * scale for one in STEPS if top / (one * scale) <= 5), None)
        if found is not None:
            return found
        scale *= 1000


def _named(one: Line, name: str, rows: Points) -> Line:
    last = f"{rows[-1][1]:.0f}" if rows else "no data"
    return Line(one.number, one.path, f"{name} {last}", one.label_y)


def _level(value: float, top: float) -> Level:
    return Level(f"{100 - value / top * 100:.2f}%", f"{value:g}")
