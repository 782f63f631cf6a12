"""From spans to what a service was when: up, down, unknown, or not watched at all.

A span goes from its first answer to its last one. The time between two spans goes to the worse of both when it is no
longer than a few late questions: an outage is counted from the last answer before it to the first one after it, never
shorter than it was. A longer time is nobody's: not watched, and never counted as up. How long that is was decided by
the rhythm of that time, so that no edit of today makes a time of the past better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from failover.availability.intervals import NOTHING, Interval, Moments, clip, intersect, subtract, union


class State(StrEnum):
    """What an answer says, the worst first."""

    DOWN = "down"
    UNKNOWN = "unknown"
    UP = "up"


_WORSE = tuple(State)


@dataclass(frozen=True)
class Span:
    """Equal answers of one part of a service, from the first to the last one. Unix seconds."""

    part: str
    state: State
    begins: float
    ends: float
    why: str = ""


@dataclass(frozen=True)
class Rhythm:
    """since: from when on it is in force. hole: seconds between two answers from which on nobody asked in between."""

    since: float
    hole: float


@dataclass(frozen=True)
class Rule:
    """How a service's spans are read. parts: of which each is asked. rhythms: oldest first, at least one; the first one
    counts for what lies before it, too. late: seconds that an answer may take until it is known."""

    parts: tuple[str, ...]
    rhythms: tuple[Rhythm, ...]
    late: float

    def due(self, answered: float) -> float:
        """Until when the next answer had to come after one, for somebody to have asked in between. A rhythm that is
        changed meanwhile may shorten that time and never lengthens it."""
        before = [one for one in self.rhythms if one.since <= answered] or self.rhythms[:1]
        found = answered + before[-1].hole
        for one in self.rhythms:
            if answered < one.since < found:
                found = min(found, one.since + one.hole)
        return found


@dataclass(frozen=True)
class Seen:
    """What a service was when; what is in none of the three was not watched. last: of its newest answer of all parts;
    None before the first one."""

    up: Moments = NOTHING
    down: Moments = NOTHING
    unknown: Moments = NOTHING
    last: float | None = None
    spans: tuple[Span, ...] = field(default=(), repr=False)

    @property
    def watched(self) -> Moments:
        """When it was asked."""
        return union(self.up, self.down, self.unknown)


def past(spans: Sequence[Span], now: float) -> tuple[Span, ...]:
    """What was answered by now. A clock that was ahead left spans of the future: they say nothing of the present, and
    one that has been reached meanwhile says nothing beyond the newest answer that is not of the future."""
    ended: dict[str, float] = {}
    for one in spans:
        if one.ends <= now:
            ended[one.part] = max(one.ends, ended.get(one.part, one.ends))
    return tuple(_cut(one, ended.get(one.part, now), now) for one in spans if one.begins <= now)


def _cut(one: Span, newest: float, now: float) -> Span:
    if one.ends <= now:
        return one
    return replace(one, ends=newest if newest > one.begins else now)


def seen(spans: Iterable[Span], rule: Rule) -> Seen:
    """A service is down when any part is, up when all are; a part that is not asked makes it not watched."""
    ordered = tuple(sorted(spans, key=lambda one: (one.begins, one.ends)))
    parts = [_part([one for one in ordered if one.part == part], rule) for part in rule.parts]
    if not parts:
        return Seen()
    watched, up, down = parts[0].watched, parts[0].up, parts[0].down
    for one in parts[1:]:
        watched, up, down = intersect(watched, one.watched), intersect(up, one.up), union(down, one.down)
    lasts = [one.last for one in parts]
    last = None if None in lasts else min(each for each in lasts if each is not None)
    return Seen(subtract(up, down), down, subtract(subtract(watched, up), down), last, ordered)


def _part(spans: Sequence[Span], rule: Rule) -> Seen:
    held: dict[State, list[Interval]] = {state: [] for state in State}
    before: Span | None = None
    for one in spans:
        held[one.state].append((one.begins, one.ends))
        if before is not None and before.ends < one.begins <= rule.due(before.ends):
            held[min(before.state, one.state, key=_WORSE.index)].append((before.ends, one.begins))
        if before is None or one.ends >= before.ends:
            before = one
    # a clock that was put back makes two spans of one time: the worse one counts
    down = union(held[State.DOWN])
    unknown = subtract(union(held[State.UNKNOWN]), down)
    up = subtract(subtract(union(held[State.UP]), down), unknown)
    return Seen(up, down, unknown, before.ends if before else None)


def known_until(what: Seen, rule: Rule, now: float) -> float:
    """Until when it can be told what the service was: its newest answer while it is watched, otherwise now. Nothing is
    made up for the seconds since."""
    return min(what.last, now) if is_watched(what, rule, now) and what.last is not None else now


def is_watched(what: Seen, rule: Rule, now: float) -> bool:
    """Whether its newest answer is young enough."""
    return what.last is not None and now <= rule.due(what.last) + rule.late


def within(what: Seen, begin: float, end: float) -> Seen:
    """The same for one stretch of time."""
    spans = tuple(one for one in what.spans if (one.begins < end and one.ends > begin) or begin <= one.begins < end)
    up, down, unknown = (clip(each, begin, end) for each in (what.up, what.down, what.unknown))
    return Seen(up, down, unknown, what.last, spans)
