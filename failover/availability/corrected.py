"""What people put right, laid over what was seen. A later entry wins over an earlier one. Time that was not watched, or
of which nothing is known, can be made down, and never up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from failover.availability.intervals import NOTHING, Moments, intersect, subtract, union
from failover.availability.watched import Seen


class Kind(StrEnum):
    """As failover.models.Correction has them."""

    CAUSE = "cause"
    PLANNED = "planned"
    UNPLANNED = "unplanned"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Entry:
    """A correction that counts. Unix seconds."""

    kind: Kind
    begins: float
    ends: float
    cause: str = ""


@dataclass(frozen=True)
class Laid:
    """Both sides of what was put right, each the opposite of the other where they meet."""

    down: Moments = NOTHING
    up: Moments = NOTHING
    planned: Moments = NOTHING
    unplanned: Moments = NOTHING

    def with_entry(self, one: Entry) -> Laid:
        """After one more entry."""
        at: Moments = ((one.begins, one.ends),)
        if one.kind is Kind.DOWN:
            return Laid(union(self.down, at), subtract(self.up, at), self.planned, self.unplanned)
        if one.kind is Kind.UP:
            return Laid(subtract(self.down, at), union(self.up, at), self.planned, self.unplanned)
        if one.kind is Kind.PLANNED:
            return Laid(self.down, self.up, union(self.planned, at), subtract(self.unplanned, at))
        if one.kind is Kind.UNPLANNED:
            return Laid(self.down, self.up, subtract(self.planned, at), union(self.unplanned, at))
        return self


def laid(entries: Iterable[Entry]) -> Laid:
    """All entries, in the order in which they were made."""
    found = Laid()
    for one in entries:
        if one.begins < one.ends:
            found = found.with_entry(one)
    return found


def corrected(what: Seen, over: Laid) -> Seen:
    """What was seen, put right."""
    cleared = intersect(what.down, over.up)
    return Seen(
        up=subtract(union(what.up, cleared), over.down),
        down=union(subtract(what.down, over.up), over.down),
        unknown=subtract(what.unknown, over.down),
        last=what.last,
        spans=what.spans,
    )


def planned(permits: Moments, over: Laid) -> Moments:
    """What was agreed to before, put right."""
    return union(subtract(permits, over.unplanned), over.planned)
