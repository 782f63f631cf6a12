"""A change system at the kernel's port, for tests of what stands above it. Its answers are the test's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from portal.kernel.change import ChangeFailed, ChangeKey, ChangeSeen, ChangeWanted, Gate

HOUR = timedelta(hours=1)


@dataclass
class FakeSystem:
    """changes: by number. error: raised at every call, and `errors` by the name of the call, as often as listed."""

    changes: dict[str, ChangeSeen] = field(default_factory=dict)
    notes: list[tuple[str, str, str]] = field(default_factory=list)  # number, text, mark
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    closed: list[tuple[str, str, datetime, datetime]] = field(default_factory=list)
    error: ChangeFailed | None = None
    errors: dict[str, list[ChangeFailed]] = field(default_factory=dict)
    reads: int = 0
    clash: tuple[str, ...] = ()
    made: dict[str, str] = field(default_factory=dict)
    strict: bool = True  # a sys_id that does not belong to the number is answered as a change that is not there

    def put(self, number: str, gate: Gate = Gate.ALLOWED, **fields: Any) -> ChangeSeen:
        """A change as people left it there; its window is open for four hours."""
        now = timezone.now()
        before = self.changes.get(number)
        seen = before or ChangeSeen(
            ChangeKey("snow", number, f"id-{number}"), "Implement", gate, "The board approved it.", "normal",
            now - HOUR, now + 4 * HOUR, ("olvm",), "https://snow.bank.example/change", 1,
        )  # fmt: skip
        self.changes[number] = replace(seen, **{"gate": gate, "sequence": seen.sequence + 1, **fields})
        return self.changes[number]

    def _fail(self, call: str) -> None:
        if self.error is not None:
            raise self.error
        if self.errors.get(call):
            raise self.errors[call].pop(0)

    def read(self, key: ChangeKey) -> ChangeSeen:
        self.reads += 1
        self._fail("read")
        found = self.changes.get(key.number)
        if found is not None and self.strict and key.sys_id not in ("", found.key.sys_id):
            return ChangeSeen(key, "", Gate.INVALID, f"The sys_id of {key.number} belongs to another change.")
        if found is None:
            return ChangeSeen(key, "", Gate.INVALID, f"{key.number} is not known to the change system.")
        return found

    def create(self, wanted: ChangeWanted) -> ChangeSeen:
        self._fail("create")
        number = self.made.setdefault(wanted.mark, f"CHG{len(self.made) + 1:07d}")
        if number not in self.changes:
            self.put(number, Gate.AWAITING, begins=wanted.begins, ends=wanted.ends, ci=wanted.ci)
        return self.changes[number]

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        self._fail("find")
        number = self.made.get(wanted.mark)
        return self.changes[number] if number else None

    def note(self, key: ChangeKey, text: str, mark: str) -> None:
        self._fail("note")
        if mark not in [one[2] for one in self.notes]:
            self.notes.append((key.number, text, mark))

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        self._fail("attach")
        self.files.append((key.number, name, content))

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        self._fail("close")
        self.closed.append((key.number, code, began, ended))

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        self._fail("clashes")
        return self.clash


CURRENT: list[FakeSystem] = []


def connect(kind: str, url: str, account: str, secret: object, ca: str, **more: object) -> FakeSystem:
    """What HOLDFAST_CHANGE_CONNECT names in these tests."""
    return CURRENT[-1]
