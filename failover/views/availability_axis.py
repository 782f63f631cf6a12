"""The time axis of a month, a quarter or a year."""

from __future__ import annotations

from datetime import datetime

from failover.availability.periods import days
from inventory.views.drawing import Tick

MOST = 8  # ticks of an axis


def axis(begins: datetime, ends: datetime, zone: str) -> list[Tick]:
    """Beginnings of days, as many as have room, and of months where there are more than one."""
    whole = (ends - begins).total_seconds()
    edges = days(begins, ends, zone)
    if len(edges) > 40:
        edges = [edge for edge in edges if edge[0].day == 1]
    step = max(1, round(len(edges) / MOST))
    chosen = edges[::step]
    found = []
    for number, (day, first, _) in enumerate(chosen):
        share = (first - begins).total_seconds() / whole * 100
        side = "" if number == 0 else "middle crowded" if number % 2 else "middle"
        if share < 95:
            found.append(Tick(f"{share:.2f}%", f"{day.day} {day:%b}", side))
    return [*found, Tick("100%", "end", "end")]
