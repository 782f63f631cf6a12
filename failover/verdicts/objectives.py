"""Whether an objective that was fixed before the drill was met: met | not met | not tested, with one sentence.

Met means that the whole of what was measured, its error included, lies within the objective. Not tested is whatever
could not be seen: it is never met by default (facts/drills-and-evidence.md 3.1, no. 12 and 18)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from failover.verdicts.measure import Bounds, Hole, Measured

MET, NOT_MET, NOT_TESTED = "met", "not met", "not tested"
SETTLED = 10.0  # seconds for which a service must have been seen answering before a hole may follow


@dataclass(frozen=True)
class Judged:
    """word: met | not met | not tested."""

    word: str
    sentence: str


def recovery(name: str, seconds: float, seen: Measured, must_fall: bool) -> Judged:
    """An RTO. name: the service, as a sentence begins. must_fall: the drill takes this service away, so that one that
    never stopped answering has shown nothing."""
    if seen.state == "steady":
        return _steady(name, seconds, seen, must_fall)
    if seen.state == "not back":
        return _not_back(name, seconds, seen)
    if seen.charged is None or seen.recovery is None:
        return Judged(NOT_TESTED, f"The recovery of {_inner(name)} was not measured. {seen.why}")
    if why := _doubt(seen):
        return Judged(NOT_TESTED, f"{name} was back {figure(seen.recovery)} after the injection, but {why}")
    return _recovered(name, seconds, seen, seen.recovery, seen.charged)


def _recovered(name: str, seconds: float, seen: Measured, whole: Bounds, charged: Bounds) -> Judged:
    said = f"{name} was back {figure(whole)} after the injection"
    if seen.paused:
        said += f", of which {duration(seen.paused)} waited for people and {figure(charged)} are charged"
    said += f"; the objective is {duration(seconds)}."
    if len(seen.outages) > 1:
        said += f" It was away {len(seen.outages)} times until then."
    for hole in seen.holes:
        said += _hole(hole)
    if charged.high <= seconds:
        return Judged(MET, said)
    if charged.low > seconds:
        return Judged(NOT_MET, said)
    if any(hole.began <= whole.high and hole.ended >= whole.low for hole in seen.holes):
        return Judged(NOT_TESTED, f"{said} The objective ends inside that hole, so it is not known.")
    return Judged(
        NOT_MET, f"{said} The objective lies within the error of the measurement, which does not count as met."
    )


def _steady(name: str, seconds: float, seen: Measured, must_fall: bool) -> Judged:
    if not seen.exact:
        return Judged(NOT_TESTED, f"{name} answered whenever it was asked, but {_WALL}")
    if must_fall:
        return Judged(NOT_TESTED, f"{name} never stopped answering, so nothing had to be recovered.")
    said = f"{name} never stopped answering; the longest time between two answers was {duration(seen.longest)}"
    said += f", the objective is {duration(seconds)}."
    for hole in seen.holes:
        said += _hole(hole)
    return Judged(MET if seen.longest <= seconds else NOT_TESTED, said)


def _not_back(name: str, seconds: float, seen: Measured) -> Judged:
    last = seen.outages[-1].last - seen.paused
    if last > seconds and seen.exact:
        return Judged(NOT_MET, f"{name} was still away {duration(last)} after the injection, without what was paused;"
                               f" the objective is {duration(seconds)}.")  # fmt: skip
    return Judged(NOT_TESTED, f"{name} was away when it was asked last, {duration(last)} after the injection, and the "
                              f"objective of {duration(seconds)} had not passed on the clock.")  # fmt: skip


_WALL = "the portal's machine restarted or changed in between, and the wall clock has no stated error."


def _doubt(seen: Measured) -> str:
    """Why a recovery that was seen proves nothing; "" when it does. Goes on a sentence."""
    if not seen.exact:
        return _WALL
    back = seen.outages[-1].back
    assert back is not None
    hole = next((one for one in seen.holes if one.began >= back), None)
    if hole is not None and hole.began - back < SETTLED:
        return f"it was seen answering for {duration(hole.began - back)} only: {hole.why} after that."
    return ""


def _hole(hole: Hole) -> str:
    return f" From {duration(hole.began)} to {duration(hole.ended)} nothing is known: {hole.why}."


def loss(seconds: float, age: float | None, name: str = "") -> Judged:
    """An RPO of the management plane. age: seconds from the last proven backup to the injection, None without one.
    name: that backup's."""
    if age is None:
        return Judged(
            NOT_TESTED, "No backup was proven restorable before the injection, so what would be lost is not known."
        )
    said = f"The last proven backup, {name}, was {duration(age)} old at the injection"
    said += f"; the objective is {duration(seconds)}."
    return Judged(MET if age <= seconds else NOT_MET, said)


def figure(bounds: Bounds) -> str:
    """ "2 min 31.2 s (± 0.5 s)"; the error is rounded up, for it must not look smaller than it is."""
    return f"{duration(bounds.seconds)} (± {max(1, math.ceil(bounds.error * 10 - 1e-6)) / 10:.1f} s)"


def duration(seconds: float) -> str:
    """ "0.4 s", "51.2 s", "2 min 31.2 s", "3 h 4 min 0 s"; before the injection it is negative."""
    sign, tenths = "-" if seconds < -0.05 else "", round(abs(seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 10:.1f}".removesuffix(".0") + " s"
    if hours:
        return f"{sign}{hours} h {minutes} min {text}"
    return f"{sign}{minutes} min {text}" if minutes else f"{sign}{text}"


def _inner(name: str) -> str:
    """The service inside a sentence."""
    return f"t{name[1:]}" if name.startswith("The ") else name
