"""Calendar periods in a time zone: a day, a week from Monday, a month, a quarter, a year. Each begins with the first
moment of its first day there, so that it is an hour shorter or longer where the clock is changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Kind(StrEnum):
    """How long a period is."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


@dataclass(frozen=True)
class Span:
    """begins belongs to it, ends does not; both in UTC. zone: IANA name, by whose calendar it is."""

    kind: Kind
    begins: datetime
    ends: datetime
    zone: str

    @property
    def first(self) -> date:
        """Its first day there."""
        return self.begins.astimezone(ZoneInfo(self.zone)).date()


def problem(zone: str) -> str:
    """Why a zone cannot be used, in one sentence; "" when it can."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{zone or 'Nothing'} is no time zone. Use an IANA name, such as Africa/Nairobi."
    return ""


def holding(kind: Kind, zone: str, at: datetime) -> Span:
    """The period that holds a moment."""
    return _from(kind, zone, _first(kind, at.astimezone(ZoneInfo(zone)).date()))


def before(span: Span) -> Span:
    """The period just before."""
    return holding(span.kind, span.zone, span.begins - timedelta(seconds=1))


def due(span: Span, hour: int) -> datetime:
    """When its report is due: at this hour of the day after it, by the clock there. An hour that the clock skips is the
    one after it; one that comes twice is the first."""
    there = ZoneInfo(span.zone)
    day = span.ends.astimezone(there).date()
    return datetime.combine(day, time(hour), there).astimezone(UTC)


def ended(kind: Kind, zone: str, hour: int, after: datetime, until: datetime) -> Iterator[Span]:
    """Periods whose report is due after one moment, up to and including another; the oldest first."""
    span = before(holding(kind, zone, after))
    while due(span, hour) <= until:
        if due(span, hour) > after:
            yield span
        span = holding(kind, zone, span.ends)


def parts(span: Span) -> tuple[tuple[datetime, datetime], ...]:
    """What it is divided into for a plot: a day into hours, a week or month into days, a quarter into weeks, a year
    into months. The first and the last may be shorter than the others."""
    found: list[tuple[datetime, datetime]] = []
    begins = span.begins
    while begins < span.ends:
        end = min(_next(span, begins), span.ends)
        found.append((begins, end))
        begins = end
    return tuple(found)


def _next(span: Span, begins: datetime) -> datetime:
    if span.kind is Kind.DAILY:
        return begins + timedelta(hours=1)
    inner = {Kind.QUARTERLY: Kind.WEEKLY, Kind.YEARLY: Kind.MONTHLY}.get(span.kind, Kind.DAILY)
    return holding(inner, span.zone, begins).ends


def _first(kind: Kind, day: date) -> date:
    if kind is Kind.DAILY:
        return day
    if kind is Kind.WEEKLY:
        return day - timedelta(days=day.weekday())
    if kind is Kind.YEARLY:
        return day.replace(month=1, day=1)
    return day.replace(month=(day.month - 1) // 3 * 3 + 1 if kind is Kind.QUARTERLY else day.month, day=1)


def _from(kind: Kind, zone: str, day: date) -> Span:
    days = {Kind.DAILY: 1, Kind.WEEKLY: 7, Kind.MONTHLY: 31, Kind.QUARTERLY: 92, Kind.YEARLY: 366}[kind]
    return Span(kind, _midnight(day, zone), _midnight(_first(kind, day + timedelta(days=days)), zone), zone)


def _midnight(day: date, zone: str) -> datetime:
    """The first moment of a day there. Where the clock skips midnight, it is the moment of the change."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
