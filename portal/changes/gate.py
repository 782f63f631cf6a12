"""What a change, as it was read back last, means for one act: awaiting, allowed, prevented or invalid, and why. Pure.
The states: facts/drills-and-evidence.md 4.2; window arithmetic: 4.4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.changes.asked import Asked, missing
from portal.kernel.change import ChangeSeen, Gate
from portal.kernel.words import span


@dataclass(frozen=True)
class Decision:
    """gate: only `allowed` lets anything act. sentence: why. unread: the change could not be read back, so nothing is
    known of it."""

    gate: Gate
    sentence: str
    unread: bool = False

    @property
    def lets(self) -> bool:
        """Whether the act may go on."""
        return self.gate is Gate.ALLOWED


@dataclass(frozen=True)
class Need:
    """What the act wants of its change. asked: as it was frozen. ahead, back: seconds that it takes and that its way
    back would take. begun: it has changed something already, so only the end of the window counts."""

    asked: Asked
    ahead: float = 0.0
    back: float = 0.0
    begun: bool = False


def decide(seen: ChangeSeen | None, error: str, need: Need, now: datetime) -> Decision:
    """seen: as read back last, None when it never was. error: why it could not be read back this time, "" when it
    could: what is not known prevents."""
    if error:
        words = f"The change {need.asked.number} cannot be read back, so nothing acts. {error}"
        return Decision(Gate.PREVENTED, words, unread=True)
    if seen is None:
        words = f"The change {need.asked.number} was not read back from the change system yet, so nothing acts."
        return Decision(Gate.PREVENTED, words, unread=True)
    if seen.gate is not Gate.ALLOWED:
        return Decision(seen.gate, seen.sentence)
    return _covers(seen, need) or _in_time(seen, need, now) or Decision(Gate.ALLOWED, _allowed(seen, need))


def _covers(seen: ChangeSeen, need: Need) -> Decision | None:
    """Whether it is still the change that was asked for."""
    asked = need.asked
    if asked.sys_id and not seen.key.sys_id:
        words = f"Its system tells no sys_id of {seen.key.number}, and {asked.sys_id} was asked for"
        return Decision(Gate.INVALID, f"{words}: request anew, without it.")
    if asked.sys_id.casefold() not in ("", seen.key.sys_id.casefold()):
        words = f"{seen.key.number} has the sys_id {seen.key.sys_id}, and {asked.sys_id} was asked for"
        return Decision(Gate.INVALID, f"{words}: it is another change of that number. Request anew.")
    if seen.ci and (lacking := missing(asked.ci, seen.ci)):
        words = f"{seen.key.number} covers {', '.join(seen.ci)}, not {', '.join(lacking)}"
        return Decision(Gate.INVALID, f"{words}: add it to the change, or request anew.")
    if _moved(seen, asked):
        words = f"{seen.key.number} is planned {_window(seen.begins, seen.ends)} now"
        words = f"{words}, and {_window(asked.begins, asked.ends)} was asked for, which lies outside of it"
        return Decision(Gate.INVALID, f"{words}: the change was moved. Move it back, or request anew.")
    return None


def _moved(seen: ChangeSeen, asked: Asked) -> bool:
    # what was asked for is kept to the second
    begins = seen.begins.replace(microsecond=0) if seen.begins else None
    early = asked.begins is not None and begins is not None and asked.begins < begins
    return early or (asked.ends is not None and seen.ends is not None and asked.ends > seen.ends)


def _in_time(seen: ChangeSeen, need: Need, now: datetime) -> Decision | None:
    """The window is the change system's; what was asked for narrows it."""
    number = seen.key.number
    if seen.ends is None:  # an end that only the requester names was agreed to by nobody
        words = f"{number} tells no planned end, so nobody can say whether there is time"
        return Decision(Gate.PREVENTED, f"{words}: enter the planned window in the change system.")
    begins = max((at for at in (seen.begins, need.asked.begins) if at is not None), default=None)
    ends = min(seen.ends, need.asked.ends or seen.ends)
    if now >= ends:
        words = f"The window of {number} ended at {_at(ends)}: nothing further acts"
        return Decision(Gate.INVALID, f"{words}. Extend the change, or stop.")
    if begins is not None and now < begins:
        return Decision(Gate.PREVENTED, f"The window of {number} begins at {_at(begins)}: nothing acts before.")
    if not need.begun and now + timedelta(seconds=need.ahead + need.back) > ends:
        words = f"It takes about {span(need.ahead)} and its way back {span(need.back)}"
        words = f"{words}, which ends after the window of {number} at {_at(ends)}"
        return Decision(Gate.PREVENTED, f"{words}: extend the change or plan it anew.")
    return None


def _allowed(seen: ChangeSeen, need: Need) -> str:
    # not every system keeps configuration items with its changes: what it does not tell cannot be compared
    blind = " It names no item, so what it covers is not compared." if need.asked.ci and not seen.ci else ""
    return f"{seen.key.number} allows it: {seen.sentence}{blind}"


def _window(begins: datetime | None, ends: datetime | None) -> str:
    return f"from {_at(begins) if begins else 'any time'} to {_at(ends) if ends else 'any time'}"


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
