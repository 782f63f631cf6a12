"""The chart of a LUN's read latency: the mean of every five minutes per host over a day, the objective as a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inventory.views.chart import MOST, Chart, Level, Points
from inventory.views.drawing import Line, apart, gaps, hours, line

LEAST = 2.0  # milliseconds that the axis shows at least, so that a quiet LUN looks quiet
STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


def latency_chart(series: Sequence[tuple[str, Points]], objective: float, window: tuple[datetime, datetime]) -> Chart:
    """series: (host, mean milliseconds per read and five minutes), in order. objective in milliseconds."""
    shown = series[:MOST]
    highest = max((value for _, rows in shown for _, value in rows), default=0.0)
    top = max(LEAST, highest * 1.1)
    lines = [_named(line(number, host, rows, window, top), host, rows) for number, (host, rows) in enumerate(shown, 1)]
    union = sorted({at for _, rows in shown for at, _ in rows})
    step = next((one for one in STEPS if top / one <= 5), STEPS[-1])
    values = [step * number for number in range(int(top / step) + 1)]
    levels = [_level(value, top) for value in values if abs(value - objective) > top / 12]
    silent = gaps([(at, 0.0) for at in union], window) if union else []
    hidden = max(0, len(series) - MOST)
    return Chart(apart(lines), levels, _level(objective, top), silent, [], hours(*window), hidden)


def _named(one: Line, host: str, rows: Points) -> Line:
    last = f"{rows[-1][1]:.2f} ms" if rows else "no data"
    return Line(one.number, one.path, f"{host} {last}", one.label_y)


def _level(value: float, top: float) -> Level:
    return Level(f"{100 - value / top * 100:.2f}%", f"{value:g}")
