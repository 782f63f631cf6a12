"""Calendar months, quarters and years of a time zone. Their lengths are those that pass: a day on which the clocks are
put forward has 23 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NAMES = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip


@dataclass(frozen=True)
class Period:
    """begins, ends: aware, in UTC. name: November 2026, Q4 2026, 2026. first: its first day there."""

    kind: str
    zone: str
    name: str
    first: date
    begins: datetime
    ends: datetime

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.ends - self.begins).total_seconds()


def period(kind: str, zone: str, at: datetime) -> Period:
    """The period of a kind (month | quarter | year) that holds a moment, by the calendar of a zone. Raises KeyError for
    another kind, ZoneInfoNotFoundError or ValueError for no zone."""
    there = at.astimezone(ZoneInfo(zone))
    months = MONTHS[kind]
    return _beginning(kind, zone, date(there.year, (there.month - 1) // months * months + 1, 1))


def before(one: Period) -> Period:
    """The period before."""
    return _beginning(one.kind, one.zone, _moved(one.first, -MONTHS[one.kind]))


def after(one: Period) -> Period:
    """The next one."""
    return _beginning(one.kind, one.zone, _moved(one.first, MONTHS[one.kind]))


def _beginning(kind: str, zone: str, first: date) -> Period:
    following = _moved(first, MONTHS[kind])
    return Period(kind, zone, _name(kind, first), first, midnight(first, zone), midnight(following, zone))


def _moved(first: date, months: int) -> date:
    whole = first.year * 12 + first.month - 1 + months
    return date(whole // 12, whole % 12 + 1, 1)


def _name(kind: str, first: date) -> str:
    if kind == "year":
        return str(first.year)
    if kind == "quarter":
        return f"Q{(first.month + 2) // 3} {first.year}"
    return f"{_NAMES[first.month - 1]} {first.year}"


def midnight(day: date, zone: str) -> datetime:
    """When a day begins in a zone, in UTC. A midnight that the clocks leave out is the moment at which they do."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def days(begins: datetime, ends: datetime, zone: str) -> list[tuple[date, datetime, datetime]]:
    """The days of a stretch of time, each with its beginning and end, cut to it."""
    found = []
    day = begins.astimezone(ZoneInfo(zone)).date()
    while (start := midnight(day, zone)) < ends:
        following = day + timedelta(days=1)
        first, last = max(start, begins), min(midnight(following, zone), ends)
        if first < last:
            found.append((day, first, last))
        day = following
    return found
