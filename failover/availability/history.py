"""Everything that is known of one service, and what an outage is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from failover.availability.corrected import Entry
from failover.availability.watched import Rule, Seen, Span, past, seen


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

    @cached_property
    def seen(self) -> Seen:
        """What it was when, before any correction. Worked out once, however often it is measured."""
        return seen(self.spans, self.rule)

    @cached_property
    def newest(self) -> float:
        """When the last span ends; without any, before all time."""
        return max((one.ends for one in self.spans), default=float("-inf"))

    def by(self, now: float) -> History:
        """The same without what lies after now: a clock that was ahead may have left it."""
        return self if self.newest <= now else replace(self, spans=past(self.spans, now))


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
