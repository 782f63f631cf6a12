"""How an alert lives: from what is on record and what holds now to one move. Pure, so that every interruption can be
tried: whoever died between two moves finds the same rows and makes the same move again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.alerts.rules.alarm import Alarm, Severity


class Move(StrEnum):
    """What happens to an alert."""

    NONE = "none"
    OPEN = "opened"
    SAY = "said"  # the sentence changed
    REPEAT = "repeated"  # it was gone, or came anew between two looks
    RAISE = "raised"  # it has become graver: people are told again
    CALM = "calmed"  # it no longer holds; resolved when that lasts
    RESOLVE = "resolved"


@dataclass(frozen=True)
class Standing:
    """An open alert as the rows have it. again: when it came last; calm: seconds that it must be gone; calm_since:
    since when it is gone, None while it holds."""

    severity: Severity
    sentence: str
    again: datetime
    calm: float
    calm_since: datetime | None


def move(held: Standing | None, alarm: Alarm | None, now: datetime) -> Move:
    """The one move of this moment."""
    if alarm is None:
        return Move.NONE if held is None else _gone(held, now)
    if held is None:
        return Move.OPEN if _lasted(alarm, now) else Move.NONE
    if alarm.until is not None:
        return _gone(held, now)
    if held.calm_since is not None or alarm.again > held.again:
        return Move.REPEAT
    if alarm.severity.rank > held.severity.rank:
        return Move.RAISE
    return Move.SAY if alarm.sentence != held.sentence else Move.NONE


def _lasted(alarm: Alarm, now: datetime) -> bool:
    """Also of what began in the future of a clock that was put back: it holds, so it is told."""
    begun = alarm.since
    until = alarm.until or now
    return begun > now or until - begun >= timedelta(seconds=alarm.hold)


def _gone(held: Standing, now: datetime) -> Move:
    if held.calm_since is None:
        return Move.RESOLVE if held.calm <= 0 else Move.CALM
    over = held.calm_since > now or now - held.calm_since >= timedelta(seconds=held.calm)
    return Move.RESOLVE if over else Move.NONE


def acknowledged(by: str, until: datetime | None, now: datetime) -> bool:
    """Whether somebody has taken it on as of now. until None: for as long as it is open."""
    return bool(by) and (until is None or now < until)


def escalates(due: datetime | None, taken_on: bool, held_back: bool, now: datetime) -> bool:
    """Whether the next one is told: the time is over, nobody has taken it on, and nothing holds it back."""
    return due is not None and now >= due and not taken_on and not held_back
