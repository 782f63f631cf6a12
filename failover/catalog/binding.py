"""What an approval binds to: one content, one hash, and the differences between two contents. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.kernel.plan import Plan, canonical, digest

NAMES = {
    "plan": "Plan",
    "version": "Version of the plan",
    "digest": "Steps of the plan",
    "parameters": "Parameter",
    "target": "Target",
    "change": "Change number",
    "change_system": "Change system",
    "change_id": "Identity of the change",
    "change_ci": "Configuration items of the change",
    "begins": "Begin of the window",
    "ends": "End of the window",
    "objectives": "Objectives",
}


@dataclass(frozen=True)
class Changed:
    """One thing that is not as it was approved."""

    name: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} was {self.was} and is {self.now}."


@dataclass(frozen=True)
class Bound:
    """What is agreed to. target: as Runs name it. window: aware times, or None where none was given."""

    plan: str
    version: int
    digest: str
    parameters: Mapping[str, Any]
    target: str
    change: str
    begins: datetime | None
    ends: datetime | None
    objectives: list[Any]
    change_system: str = ""
    change_id: str = ""
    change_ci: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """As it is hashed and stored; JSON. What is known of the change beside its number stands in it only where it is
        known, so that an older approval keeps its hash."""
        more = {
            "change_system": self.change_system,
            "change_id": self.change_id,
            "change_ci": list(self.change_ci),
        }
        return {
            **{name: value for name, value in more.items() if value},
            "plan": self.plan,
            "version": self.version,
            "digest": self.digest,
            "parameters": dict(self.parameters),
            "target": self.target,
            "change": self.change,
            "begins": _spelled(self.begins),
            "ends": _spelled(self.ends),
            "objectives": self.objectives,
        }


def hash_of(content: Mapping[str, Any]) -> str:
    """Hex SHA-256 over its canonical JSON."""
    return hashlib.sha256(canonical(dict(content))).hexdigest()


def steps_digest(plan: Plan, parameters: Mapping[str, Any], target: str) -> str:
    """The hash of what will be done to whom, as the installed plan would do it now."""
    return digest(plan, parameters, target)


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Changed]:
    """What differs, one entry per thing; parameters one by one."""
    found = []
    for name in sorted(set(was) | set(now), key=lambda each: (list(NAMES).index(each) if each in NAMES else 99, each)):
        if name == "parameters":
            found += _parameters(was.get(name) or {}, now.get(name) or {})
        elif was.get(name) != now.get(name):
            found.append(Changed(NAMES.get(name, name), _told(was.get(name)), _told(now.get(name))))
    return found


def _parameters(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Changed]:
    keys = [key for key in sorted(set(was) | set(now)) if was.get(key) != now.get(key)]
    return [Changed(f"Parameter {key}", _told(was.get(key)), _told(now.get(key))) for key in keys]


def _told(value: Any) -> str:
    if value is None or value == "":
        return "not given"
    return value if isinstance(value, str) else canonical(value).decode()


def _spelled(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""
