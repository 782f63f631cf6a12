"""The changes of one change system, what people do to them there, and the ledger of what callers wrote."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SERVICENOW, JIRA, BMC, WEBHOOK = KINDS = ("servicenow", "jira", "bmc", "webhook")
NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = STATES = (
    "new",
    "assess",
    "authorize",
    "scheduled",
    "implement",
    "review",
    "closed",
    "canceled",
)
# what people and callers may move a change to; the approval stands between authorize and scheduled
NEXT: Mapping[str, tuple[str, ...]] = {
    NEW: (ASSESS, CANCELED),
    ASSESS: (AUTHORIZE, CANCELED),
    AUTHORIZE: (CANCELED,),
    SCHEDULED: (IMPLEMENT, CANCELED),
    IMPLEMENT: (REVIEW, CANCELED),
    REVIEW: (CLOSED,),
    CLOSED: (),
    CANCELED: (),
}
PREFIX = {SERVICENOW: "CHG", JIRA: "OPS-", BMC: "CRQ", WEBHOOK: "WH-"}
KEPT = 20_000  # entries of the ledger


class NotSo(ValueError):
    """What was asked for does not fit the change. The text says why."""


@dataclass
class Change:
    """One change. state: a word of STATES; every system shows it in its own words. hold: why it is on hold."""

    number: str
    sys_id: str
    short: str
    begins: datetime | None = None
    ends: datetime | None = None
    kind: str = "normal"
    ci: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)  # description, plan, backout
    state: str = NEW
    approval: str = "not requested"
    hold: str = ""
    mark: str = ""
    notes: list[str] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)  # name, media type, content
    began: str = ""
    ended: str = ""
    code: str = ""
    close_notes: str = ""
    conflicts: list[str] = field(default_factory=list)
    sequence: int = 1
    changed: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self) -> dict[str, object]:
        """All of it as JSON."""
        return {
            "number": self.number,
            "sys_id": self.sys_id,
            "short": self.short,
            "state": self.state,
            "approval": self.approval,
            "hold": self.hold,
            "kind": self.kind,
            "begins": self.begins.isoformat() if self.begins else None,
            "ends": self.ends.isoformat() if self.ends else None,
            "ci": self.ci,
            "mark": self.mark,
            "notes": self.notes,
            "files": [{"name": name, "media_type": media, "bytes": len(raw)} for name, media, raw in self.files],
            "began": self.began,
            "ended": self.ended,
            "code": self.code,
            "close_notes": self.close_notes,
            "sequence": self.sequence,
        }


@dataclass
class Desk:
    """One change system. moved: called with a change whenever it changes. calls: the callbacks that were sent."""

    kind: str
    user: str = "holdfast"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(15))
    url: str = ""
    keys: list[str] = field(default_factory=lambda: [secrets.token_hex(16)])
    changes: dict[str, Change] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)  # token -> when it ends, Unix seconds
    faults: dict[str, dict[str, str]] = field(default_factory=dict)
    ledger: list[dict[str, object]] = field(default_factory=list)
    moved: list[Callable[[Change], None]] = field(default_factory=list)
    callback: str = ""
    calls: list[dict[str, object]] = field(default_factory=list)
    extra: dict[str, dict[str, object]] = field(default_factory=dict)  # deployments of Jira, events of the webhook
    made: int = 0

    def enter(self, kind: str, number: str, **more: object) -> None:
        """Writes into the ledger what a caller did."""
        last = self.ledger[-1]["n"] if self.ledger else 0
        assert isinstance(last, int)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.ledger.append({"n": last + 1, "at": at, "kind": kind, "change": number, **more})
        if len(self.ledger) > KEPT:
            del self.ledger[: KEPT // 10]

    def find(self, name: str) -> Change | None:
        """By number or sys_id."""
        by_number = self.changes.get(name)
        return by_number or next((one for one in self.changes.values() if one.sys_id == name), None)

    def open(self, short: str, *, kind: str = "normal", mark: str = "", state: str = NEW) -> Change:
        """A new change."""
        self.made += 1
        number = f"{PREFIX[self.kind]}{30000 + self.made:07d}" if self.kind != JIRA else f"OPS-{100 + self.made}"
        change = Change(number, secrets.token_hex(16), short, kind=kind, mark=mark, state=state)
        self.changes[number] = change
        return change

    def touch(self, change: Change) -> None:
        """The change is a newer one now; whoever listens is told."""
        change.sequence += 1
        change.changed = max(datetime.now(UTC), change.changed + timedelta(milliseconds=1))
        for told in self.moved:
            told(change)

    def move(self, change: Change, state: str) -> None:
        """A caller's or a person's step. Raises NotSo when it is not permitted."""
        if state not in NEXT[change.state]:
            raise NotSo(f"{change.number} does not go from {change.state} to {state}.")
        if change.hold and state != CANCELED:
            raise NotSo(f"{change.number} is on hold.")
        change.state = state
        if state == AUTHORIZE:
            change.approval = "requested"
        self.touch(change)

    def taken(self, name: str, default: str = "") -> dict[str, str] | None:
        """A fault that is in force; one with a number of times left counts down."""
        fault = self.faults.get(name)
        if fault is None:
            return None
        left = int(fault.get("times", "0"))
        if left == 1:
            del self.faults[name]
        elif left > 1:
            fault["times"] = str(left - 1)
        return fault


def approve(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """The change advisory board says yes."""
    if change.state not in (NEW, ASSESS, AUTHORIZE):
        raise NotSo(f"{change.number} is in the state {change.state}: there is nothing to approve.")
    change.state, change.approval = SCHEDULED, "approved"
    desk.touch(change)


def reject(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """The change advisory board says no."""
    change.approval = "rejected"
    desk.touch(change)


def cancel(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """Somebody calls it off, however late."""
    if change.state in (CLOSED, CANCELED):
        raise NotSo(f"{change.number} is {change.state} already.")
    change.state = CANCELED
    desk.touch(change)


def hold(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """reason: why."""
    change.hold = words.get("reason") or "somebody waits for something"
    desk.touch(change)


def release(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """The hold ends."""
    change.hold = ""
    desk.touch(change)


def move_window(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """begins, ends: new times; or minutes: how far both go. Raises NotSo."""
    change.begins, change.ends = _moved(change.begins, words, "begins"), _moved(change.ends, words, "ends")
    desk.touch(change)


def _moved(was: datetime | None, words: Mapping[str, str], name: str) -> datetime | None:
    try:
        if name in words:
            found = datetime.fromisoformat(words[name])
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        return was + timedelta(minutes=float(words.get("minutes", "30"))) if was else None
    except ValueError:
        raise NotSo(f"{name} is no ISO time, or minutes no number.") from None


def conflict(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """Another change stands in its way; what: its words."""
    change.conflicts.append(words.get("what") or "CI Already Scheduled")
    desk.touch(change)


def step(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """state: where a person moves it. Raises NotSo."""
    desk.move(change, words.get("state", ""))


def close(desk: Desk, change: Change, words: Mapping[str, str]) -> None:
    """A person closes it; code: with which result."""
    change.state, change.code = CLOSED, words.get("code") or "successful"
    desk.touch(change)


Act = Callable[[Desk, Change, Mapping[str, str]], None]
ACTS: dict[str, Act] = {
    "approve": approve,
    "reject": reject,
    "cancel": cancel,
    "hold": hold,
    "release": release,
    "move": move_window,
    "conflict": conflict,
    "step": step,
    "close": close,
}
