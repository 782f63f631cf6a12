"""The replication of the Oracle LUNs from the production array to the DR array, as it stands at a moment.

One consistency group. Synchronous: both sides are the same until the link is lost or the group is split; then a
resynchronisation takes a fifth of the outage, 30 s to 300 s. Asynchronous: a cycle begins every `interval` seconds and
takes a fifteenth of it; the age of the secondary is the start of the last complete cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.san.design import DR, Array, Replication
from lab.world import World

NORMAL, SYNCHRONISING, SPLIT, INTERRUPTED = "1", "23", "26", "34"
SAME, OLDER, INCOMPLETE = "1", "2", "3"
SHORTEST, LONGEST, SHARE = 30.0, 300.0, 0.2
CYCLE_SHARE = 1 / 15


@dataclass(frozen=True)
class Moment:
    """The codes that both arrays tell, and two lab times: of the last complete cycle's start and end."""

    running: str
    secondary: str
    started: float
    ended: float
    progress: str = "-1"

    @property
    def same(self) -> bool:
        """Both sides hold the same data."""
        return self.secondary == SAME


def note(world: World, old: Replication) -> None:
    """Remembers when the replication broke and how long its resynchronisation takes after that."""
    assert world.san is not None
    recovery, new = world.san.recovery, world.san.design.replication
    broken = _broken_at(new)
    if broken is not None and recovery.broken is None:
        recovery.broken, recovery.synced = world.at, _consistent(world, old, world.at)[0]
    elif broken is None and recovery.broken is not None:
        outage = world.at - recovery.broken
        recovery.broken, recovery.until = None, world.at + min(max(SHORTEST, outage * SHARE), LONGEST)


def _broken_at(pair: Replication) -> float | None:
    times = [at for at in (pair.link_lost, pair.split) if at is not None]
    return min(times) if times else None


def _consistent(world: World, pair: Replication, at: float) -> tuple[float, float]:
    """(start, end) of the last complete cycle before a lab time."""
    assert world.san is not None
    if at < world.san.recovery.until:
        return world.san.recovery.synced, world.san.recovery.synced
    if pair.synchronous:
        return at, at
    duration = pair.interval * CYCLE_SHARE
    start = (at - duration) // pair.interval * pair.interval
    return start, start + duration


def moment(world: World) -> Moment:
    """How it stands now."""
    assert world.san is not None
    pair, recovery = world.san.design.replication, world.san.recovery
    if _broken_at(pair) is not None:
        running = INTERRUPTED if pair.split is None else SPLIT
        return Moment(running, OLDER, recovery.synced, recovery.synced)
    start, end = _consistent(world, pair, world.at)
    if world.at < recovery.until:
        left = recovery.until - world.at
        progress = str(max(0, min(99, int(100 - left * 100 / LONGEST))))
        return Moment(SYNCHRONISING, INCOMPLETE if pair.synchronous else OLDER, start, end, progress)
    if pair.synchronous:
        return Moment(NORMAL, SAME, start, end)
    running = SYNCHRONISING if world.at % pair.interval < pair.interval * CYCLE_SHARE else NORMAL
    return Moment(running, OLDER, start, end)


def is_primary(pair: Replication, array: Array) -> bool:
    """Whether an array holds the primary LUNs."""
    return (array.name == DR) == pair.switched
