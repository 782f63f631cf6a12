"""A service's availability in one stretch of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from failover.availability.corrected import corrected, laid
from failover.availability.corrected import planned as planned_times
from failover.availability.history import History, Outage, Permit
from failover.availability.intervals import NOTHING, Interval, Moments, clip, intersect, length, subtract, union
from failover.availability.outages import Piece, outages
from failover.availability.watched import Seen, State, is_watched, known_until, within

__all__ = ["Availability", "History", "Outage", "Permit", "measure", "state_sets"]


@dataclass(frozen=True)
class Availability:
    """begins, ends: as asked for; until: as far as it could be told. The five amounts add up to until - begins, to the
    microsecond.
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
    unsure: str = ""  # why nothing can be told of it now, though it is asked; "" while it can

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
    of = of.by(now)
    whole = of.seen
    known = known_until(whole, of.rule, now)
    until = max(begins, min(ends, known))
    over = laid(of.entries)
    told = within(corrected(within(whole, begins, until), over), begins, until)
    permits = planned_times(union((one.begins, one.ends) for one in of.permits), over)
    planned = clip(intersect(told.down, permits), begins, until)
    unplanned = subtract(told.down, planned)
    up_s, spent_s = length(told.up), length(unplanned)
    alive = is_watched(whole, of.rule, now)
    present = alive and until == known
    pieces = sorted([Piece(*each, True) for each in planned] + [Piece(*each, False) for each in unplanned])
    return Availability(
        service=of.service,
        objective=objective,
        begins=_at(begins),
        ends=_at(ends),
        up_s=up_s,
        down_planned_s=length(planned),
        down_unplanned_s=spent_s,
        not_watched_s=length(subtract(_stretch(begins, until), told.watched)),
        unknown_s=length(told.unknown),
        ratio=up_s / (up_s + spent_s) if up_s + spent_s > 0 else None,
        budget_s=round((1 - objective) * max(0.0, ends - begins), 6),
        spent_s=spent_s,
        outages=tuple(outages(of, over, pieces, begins, until if present else None)),
        until=_at(until),
        watched=alive or ends < now,
        unsure=_unsure(of) if present and told.unknown and told.unknown[-1][1] == until else "",
    )


def _stretch(begins: float, until: float) -> Moments:
    return ((begins, until),) if begins < until else NOTHING


def _unsure(of: History) -> str:
    """Why the newest answer that told nothing did so."""
    last = max((one for one in of.spans if one.state is State.UNKNOWN), key=lambda one: one.ends)
    return last.why or "its answer tells nothing"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def state_sets(of: History, begins: float, until: float) -> tuple[Seen, Moments]:
    """What the service was in a stretch of time, put right, and when being down was planned: for drawings."""
    over = laid(of.entries)
    told = within(corrected(within(of.seen, begins, until), over), begins, until)
    permits: Iterable[Interval] = ((one.begins, one.ends) for one in of.permits)
    return told, planned_times(union(permits), over)
