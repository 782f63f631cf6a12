"""How much data would be lost now: the age of the last point that the other side surely holds, on the portal's clock.

Never better than what is known. Synchronous: nothing, while both arrays say so; else the last point at which that was
so. Asynchronous: the START of the last cycle that was completed (facts/san.md 4.4); while a cycle runs its
predecessor's start is told only where cycles are timed from start to start."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.verdicts.replication_pairs import Joined
from portal.kernel.san import Pair

_NORMAL, _SYNCHRONISED, _INCOMPLETE, _WRITABLE = frozenset({"1", "24"}), "1", "3", "3"


@dataclass(frozen=True)
class Loss:
    """consistent_at: Unix seconds on the portal's clock, None when not known. seconds: what would be lost now. why: one
    sentence when it is not known."""

    consistent_at: float | None
    seconds: float | None
    why: str = ""


def loss(pair: Joined, now: float, known: float | None = None) -> Loss:
    """The loss at `now` (Unix seconds). known: the last consistent point that an earlier judgement found."""
    usable = _usable(pair)
    if usable:
        return Loss(None, None, usable)
    if pair.kind == "metro" or pair.synchronous:
        if all(_perfect(one) for _, one in pair.told) and pair.primary is not None:
            return _confirmed(pair, now)
        return _aged(_latest(_points(pair, now), known), now, "The arrays tell no time at which the pair was in step.")
    told = _points(pair, now)
    return _aged(min(told) if told else known, now, _no_cycle(pair))


def _usable(pair: Joined) -> str:
    """Why the other side cannot be used at all, "" when it can."""
    if pair.kind == "replication" and pair.synchronous is None:
        return "The arrays do not tell whether the pair is synchronous, so what would be lost is not known."
    if pair.kind == "replication" and any(_secondary_data(one) == _INCOMPLETE for _, one in pair.told):
        return "The other side is incomplete and cannot be used, so no point in time is safe."
    return ""


def _secondary_data(pair: Pair) -> str:
    return pair.remote_data if pair.primary else pair.local_data


def _perfect(pair: Pair) -> bool:
    """One array's word that every write is on both sides."""
    well = pair.running in _NORMAL and pair.health == "1"
    if pair.kind == "metro":
        return well and pair.link in ("", "10")
    return well and _secondary_data(pair) == _SYNCHRONISED and pair.secondary_access != _WRITABLE


def _confirmed(pair: Joined, now: float) -> Loss:
    silent = next((view for view in pair.views if view.pair is None), None)
    if silent is None:
        return Loss(now, 0.0)
    return Loss(
        None, None, f"{silent.array} does not confirm that the pair is in step, so what would be lost is not known."
    )


def _points(pair: Joined, now: float) -> list[float]:
    """The last consistent point by each view that tells one, on the portal's clock, none of them in the future."""
    told = ((_point(one), pair.views[at].offset) for at, one in pair.told)
    return [min(point - offset, now) for point, offset in told if point is not None and offset is not None]


def _point(pair: Pair) -> float | None:
    """On the array's clock."""
    if pair.ended is None:
        return None
    if pair.synchronous or pair.kind == "metro":
        return pair.ended
    if pair.started is None:
        return None
    if pair.started <= pair.ended:
        return pair.started
    return pair.started - pair.interval if pair.interval and pair.timing == "2" else None


def _latest(told: list[float], known: float | None) -> float | None:
    """Both are true: the other side held everything up to then. Of two views the older one counts."""
    points = [*([min(told)] if told else []), *([known] if known is not None else [])]
    return max(points) if points else None


def _aged(point: float | None, now: float, why: str) -> Loss:
    return Loss(None, None, why) if point is None else Loss(point, max(0.0, now - point))


def _no_cycle(pair: Joined) -> str:
    if any(view.pair is not None and view.offset is None for view in pair.views):
        return "The arrays' clocks were not read, so the age of the last cycle is not known."
    return "The arrays do not tell when the last whole cycle began. It is known once a cycle has ended."
