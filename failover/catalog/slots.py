"""Times that are free: what lies between busy ones and is long enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Busy:
    """Something that holds an engine. kind: drill | schedule | window | backup | blackout | run. ends None: nobody
    knows when it ends, so nothing after its begin is free. link: where the API tells more, "" where it does not."""

    kind: str
    title: str
    begins: datetime
    ends: datetime | None
    engine: int | None  # None: all engines
    change: str = ""
    link: str = ""

    def touches(self, begins: datetime, ends: datetime) -> bool:
        """Whether it overlaps a time; one that ends as the other begins does not."""
        return self.begins < ends and (self.ends is None or self.ends > begins)


@dataclass(frozen=True)
class Slot:
    """A free time."""

    begins: datetime
    ends: datetime


def free(busy: Iterable[Busy], begins: datetime, ends: datetime, least: timedelta) -> list[Slot]:
    """The free times between two moments that last at least so long, the soonest first, each as long as it is."""
    found, cursor = [], begins
    for one in sorted(busy, key=lambda each: each.begins):
        if not one.touches(begins, ends):
            continue
        if one.begins - cursor >= least and one.begins > cursor:
            found.append(Slot(cursor, one.begins))
        if one.ends is None:
            return found
        cursor = max(cursor, one.ends)
    if ends - cursor >= least and ends > cursor:
        found.append(Slot(cursor, ends))
    return found
