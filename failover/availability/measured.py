"""A service's availability in one stretch of time, and its outages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from failover.availability.corrected import Entry, Kind, Laid, corrected, laid
from failover.availability.corrected import planned as planned_times
from failover.availability.intervals import Interval, Moments, clip, intersect, length, subtract, union
from failover.availability.watched import Rule, Seen, Span, State, is_watched, known_until, seen, within

LONGEST = 300  # characters of an outage's cause


@dataclass(frozen=True)
class Permit:
    """A time that was agreed to before. begins: the later of its agreement and its beginning. name: of the window or
    drill."""

    begins: float
    ends: float
    name: str


@dataclass(frozen=True)
class History:
    """Everything that is known of one service. entries: corrections that count, in their order."""

    service: str
    rule: Rule
    spans: tuple[Span, ...] = ()
    permits: tuple[Permit, ...] = ()
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Outage:
    """One time without service, cut where it becomes planned or stops being so. ends None: it goes on. corrected: a
    person has put something right about it. before: it began before the stretch of time that was asked for."""

    begins: datetime
    ends: datetime | None
    planned: bool
    cause: str
    seconds: float = 0.0
    corrected: bool = False
    before: bool = False


@dataclass(frozen=True)
class Availability:
    """begins, ends: as asked for; until: as far as it could be told. The five amounts add up to until - begins.
    objective: of 1. ratio: of the time in which it was known and not planned to be down; None when there is none.
    budget_s: what may be lost from begins to ends; spent_s: what was lost, planned time left out."""

    service: str
    objective: float
    begins: datetime
    ends: datetime
    up_s: float
    down_planned_s: float
    down_unplanned_s: float
    not_watched_s: float
    unknown_s: float
    ratio: float | None
    budget_s: float
    spent_s: float
    outages: tuple[Outage, ...]
    until: datetime
    watched: bool = True  # asked now; or it is over, and nothing is missing now

    @property
    def elapsed_s(self) -> float:
        """Seconds that could be told of."""
        return (self.until - self.begins).total_seconds()

    @property
    def not_seen_s(self) -> float:
        """Seconds of which nobody knows whether it was up."""
        return self.not_watched_s + self.unknown_s

    @property
    def down_now(self) -> bool:
        """Whether an outage goes on."""
        return bool(self.outages) and self.outages[-1].ends is None

    @property
    def left_s(self) -> float:
        """What is left of the budget; below 0 when more was spent."""
        return self.budget_s - self.spent_s


def measure(of: History, objective: float, begins: float, ends: float, now: float) -> Availability:
    """objective: of 1. begins, ends, now: Unix seconds. What lies after now is not counted."""
    whole = seen(of.spans, of.rule)
    known = known_until(whole, of.rule, now)
    until = max(begins, min(ends, known))
    over = laid(of.entries)
    told = within(corrected(within(whole, begins, until), over), begins, until)
    permits = planned_times(union((one.begins, one.ends) for one in of.permits), over)
    planned = clip(intersect(told.down, permits), begins, until)
    unplanned = subtract(told.down, planned)
    up_s, spent_s = length(told.up), length(unplanned)
    alive = is_watched(whole, of.rule, now)
    parts = sorted([(each, True) for each in planned] + [(each, False) for each in unplanned])
    return Availability(
        service=of.service,
        objective=objective,
        begins=_at(begins),
        ends=_at(ends),
        up_s=up_s,
        down_planned_s=length(planned),
        down_unplanned_s=spent_s,
        not_watched_s=max(0.0, until - begins - length(told.watched)),
        unknown_s=length(told.unknown),
        ratio=up_s / (up_s + spent_s) if up_s + spent_s > 0 else None,
        budget_s=(1 - objective) * max(0.0, ends - begins),
        spent_s=spent_s,
        outages=tuple(
            _outage(of, over, each, is_planned, (begins, until), alive and until == known) for each, is_planned in parts
        ),
        until=_at(until),
        watched=alive or ends < now,
    )


def _outage(of: History, over: Laid, at: Interval, planned: bool, within_: Interval, goes_on: bool) -> Outage:
    begin, end = at
    touched = union(over.down, over.up, over.planned, over.unplanned)
    named = [one.cause for one in of.entries if one.kind is Kind.CAUSE and _meet(one, at) and one.cause]
    return Outage(
        begins=_at(begin),
        ends=None if goes_on and end == within_[1] else _at(end),
        planned=planned,
        cause=named[-1] if named else _cause(of, at, planned),
        seconds=end - begin,
        corrected=bool(named) or bool(clip(touched, begin, end)),
        before=begin == within_[0],
    )


def _cause(of: History, at: Interval, planned: bool) -> str:
    """What is known without a person: the windows and drills it was planned in, what its questions brought, what the
    entries that make it down say."""
    words = [one.name for one in of.permits if planned and _meet(one, at)]
    words += [_why(one, len(of.rule.parts) > 1) for one in of.spans if one.state is State.DOWN and _meet(one, at)]
    words += [one.cause for one in of.entries if one.kind is Kind.DOWN and _meet(one, at)]
    return "; ".join(dict.fromkeys(each for each in words if each))[:LONGEST]


def _why(one: Span, several: bool) -> str:
    return f"{one.part}: {one.why}" if several and one.why else one.why


def _meet(one: Span | Permit | Entry, at: Interval) -> bool:
    return (one.begins < at[1] and one.ends > at[0]) or at[0] <= one.begins < at[1]


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def state_sets(of: History, begins: float, until: float) -> tuple[Seen, Moments]:
    """What the service was in a stretch of time, put right, and when being down was planned: for drawings."""
    over = laid(of.entries)
    told = within(corrected(within(seen(of.spans, of.rule), begins, until), over), begins, until)
    permits: Iterable[Interval] = ((one.begins, one.ends) for one in of.permits)
    return told, planned_times(union(permits), over)
