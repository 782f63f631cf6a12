"""Changes as a change system tells them: the gate, what was seen, what is asked for, and how asking can fail. Pure.

The approval is what the change system itself answers when it is asked, never what somebody sent
(facts/drills-and-evidence.md 4.4). Words of the gate: 4.2 there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from portal.kernel.output import LookFailed


class Gate(StrEnum):
    """Whether a change may go on. Only ALLOWED lets anything begin."""

    AWAITING = "awaiting"  # nobody has decided yet
    ALLOWED = "allowed"
    PREVENTED = "prevented"  # refused, on hold, closed, or not to be told
    INVALID = "invalid"  # there is no such change, or what the system tells of it contradicts itself


@dataclass(frozen=True)
class ChangeKey:
    """system: the name of the portal's row of the change system. number: for people, CHG0030004. sys_id: what calls
    take where it is not the number; "" when the system has none or it is not known yet."""

    system: str
    number: str
    sys_id: str = ""


@dataclass(frozen=True)
class ChangeSeen:
    """A change at one look. state: the system's own word. sentence: why the gate stands as it does. kind: standard |
    normal | emergency | "". begins, ends: the planned window in UTC, None when not told. sequence: larger is newer, 0
    unknown. changed: when the system says that it was last changed."""

    key: ChangeKey
    state: str
    gate: Gate
    sentence: str
    kind: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
    ci: tuple[str, ...] = ()
    url: str = ""
    sequence: int = 0
    changed: datetime | None = None


@dataclass(frozen=True)
class ChangeWanted:
    """A change to be asked for. plan and backout are texts for people. ci: configuration items, the first is the main
    one. kind: standard | normal | emergency. mark: an id of the asker, so that asking twice makes one change."""

    short: str
    description: str
    plan: str
    backout: str
    begins: datetime
    ends: datetime
    ci: tuple[str, ...] = ()
    kind: str = "normal"
    mark: str = ""


class ChangeFailed(LookFailed):
    """The change system gave no usable answer. status: HTTP status, None when none came. detail: its own (or curl's)
    words where the sentence does not carry them. wait: seconds after which it wants to be asked again, None when it
    does not say. sent: the request may have arrived."""

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        detail: str = "",
        wait: float | None = None,
        sent: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.status, self.detail, self.wait, self.sent = status, detail, wait, sent


class ChangeRefused(ChangeFailed):
    """It understood and says no, for good unless it is one of the kinds below: asking again alone does not help."""


class ChangeHeld(ChangeRefused):
    """It says no for something that people can put right over there: a right that the account lacks, a state that the
    record is in, or a no without a reason. Asking again helps once they have."""


class ChangeLogin(ChangeRefused):
    """It does not take the portal's login, or none is set: nothing asked of it goes on until that is entered."""


class ChangeBusy(ChangeFailed):
    """It answers and cannot take this now: 429, 503, a record that somebody else holds. Ask again after `wait`."""


class ChangeUnreachable(ChangeFailed):
    """No answer came: no route, no listener, or the deadline passed."""


class ChangeUntrusted(ChangeUnreachable):
    """Somebody answers whose certificate does not verify; nothing was sent."""


class ChangeGarbled(ChangeFailed):
    """Something answers that is not its API as it should be: HTML, broken JSON, a redirect, an answer too large."""


class ChangeSystem(Protocol):
    """One change system. Every method is bounded in time and raises ChangeFailed. Delivery is at least once: a repeat
    with the same mark does nothing where the first can be seen."""

    def read(self, key: ChangeKey) -> ChangeSeen:
        """The change as it stands now. A change that the system does not know is seen with the gate INVALID."""

    def create(self, wanted: ChangeWanted) -> ChangeSeen:
        """Asks for a change; with the same mark, gives the one that is there. What is raised says by `sent` whether it
        may have been made all the same."""

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        """The change that was asked for with this mark before; None when there is none. Raises ChangeFailed also where
        the system cannot be asked so, since then nobody knows."""

    def note(self, key: ChangeKey, text: str, mark: str) -> None:
        """Adds a work note."""

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        """Attaches a file."""

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        """Writes actual times and result and closes the change by the states that the system permits. code: successful
        | successful_issues | unsuccessful."""

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        """What the change system itself sees in the way of the window, as sentences; empty when nothing is."""


def newer(kept: ChangeSeen | None, came: ChangeSeen) -> ChangeSeen:
    """The newer of two sights of one change: by sequence where both tell one, else by the time of change, else the one
    that came last (facts/drills-and-evidence.md 4.2: newer replaces older, older is ignored)."""
    if kept is None:
        return came
    if kept.sequence and came.sequence:
        return came if came.sequence >= kept.sequence else kept
    if kept.changed and came.changed:
        return came if came.changed >= kept.changed else kept
    return came
