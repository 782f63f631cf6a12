"""The change that somebody names when asking for an act: number, and what goes with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# how numbers of each kind of change system look: facts/drills-and-evidence.md 4.1 to 4.3
LOOKS = {
    "servicenow": re.compile(r"CHG[0-9]+", re.ASCII),
    "bmc": re.compile(r"CRQ[0-9]+", re.ASCII),
    "jira": re.compile(r"[A-Z][A-Z0-9_]*-[0-9]+", re.ASCII),
}
LONGEST = 80  # characters of a number, a system's name, a sys_id
KINDS = ("standard", "normal", "emergency")


@dataclass(frozen=True)
class Asked:
    """system: the name of a change system, "" for the one that is in charge of the target. begins, ends: the time in
    which the act is meant to happen, aware; None when none is given."""

    number: str = ""
    system: str = ""
    sys_id: str = ""
    ci: tuple[str, ...] = ()
    begins: datetime | None = None
    ends: datetime | None = None
    kind: str = ""

    @classmethod
    def of(cls, change: str | Asked) -> Asked:
        """From what a form or an older caller gives: the number alone."""
        return change if isinstance(change, Asked) else cls(change.strip())

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Asked:
        """From `change` of the API, already checked for types. ci is kept in order, once each."""
        window = given.get("window") or {}
        names = tuple(dict.fromkeys(str(name).strip() for name in given.get("ci") or () if str(name).strip()))
        number, system, sys_id, kind = (
            str(given.get(name) or "").strip() for name in ("number", "system", "sys_id", "type")
        )
        return cls(number, system, sys_id, names, window.get("start"), window.get("end"), kind)

    @property
    def plain(self) -> bool:
        """Only a number was given."""
        return self == Asked(self.number)

    def content(self) -> dict[str, Any]:
        """As it is frozen with the act, and hashed; JSON."""
        return {
            "system": self.system,
            "number": self.number,
            "sys_id": self.sys_id,
            "ci": list(self.ci),
            "window": {"start": spelled(self.begins), "end": spelled(self.ends)},
            "type": self.kind,
        }

    @classmethod
    def thawed(cls, content: Mapping[str, Any]) -> Asked:
        """From `content`."""
        window = content.get("window") or {}
        return cls(
            str(content.get("number", "")),
            str(content.get("system", "")),
            str(content.get("sys_id", "")),
            tuple(content.get("ci") or ()),
            moment(window.get("start")),
            moment(window.get("end")),
            str(content.get("type", "")),
        )


def looks_like(number: str) -> str:
    """The kind of change system that such a number is of; "" for none that is known."""
    return next((kind for kind, look in LOOKS.items() if look.fullmatch(number)), "")


def spelled(at: datetime | None) -> str:
    """ISO 8601 in UTC; "" for None."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""


def moment(text: object) -> datetime | None:
    """What `spelled` wrote; None for anything else that is empty."""
    return datetime.fromisoformat(str(text)) if text else None


def missing(wanted: Iterable[str], covered: Iterable[str]) -> list[str]:
    """Configuration items that are wanted and not covered; upper and lower case are one."""
    known = {name.casefold() for name in covered}
    return [name for name in wanted if name.casefold() not in known]
