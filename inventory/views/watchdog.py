"""What must never be left behind on a self-hosted engine (facts/hosted-engine.md 6, closing checks)."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.services.pages_engine import Seen
from inventory.verdicts.she_rows import HostRow


@dataclass(frozen=True)
class Left:
    """state: ok, warn or unknown; said: one sentence per thing that was left or is not known."""

    state: str
    word: str
    said: tuple[str, ...]


def left_behind(one: Seen) -> Left:
    """Maintenance flags, stopped agents, score 0, hosts that nobody can ask."""
    left: list[str] = []
    unknown: list[str] = []
    for row in one.verdict.hosts:
        left += _left(row)
        if row.flag_local is None or row.flag_manual is None:
            unknown.append(f"The flags in ha.conf of {row.host} are not known now.")
        if row.record is None or not row.record.live:
            unknown.append(f"The agent of {row.host} says nothing about now.")
        side = one.sides.get(row.host)
        if side is not None and side.host.status == "maintenance":
            left.append(f"The engine holds {row.host} in maintenance: activate it when the work is done.")
    if any(
        told.answer == "on"
        for fact in one.verdict.observers
        if fact.fact == "Global maintenance"
        for told in fact.answers
    ):
        left.insert(0, "Global maintenance is on: HA starts, stops and moves nothing.")
    if left:
        return Left("warn", f"{len(left)} left behind", tuple(left + unknown))
    if unknown or not one.verdict.hosts:
        return Left("unknown", "Not known", tuple(unknown) or ("No hosted-engine host is known.",))
    return Left("ok", "Nothing left behind", ("No maintenance flag, no stopped agent, no score 0 on any host.",))


def _left(row: HostRow) -> list[str]:
    said = []
    if row.record is not None and row.record.live and row.record.maintenance:
        said.append(f"{row.host} publishes local maintenance.")
    if row.flag_local or row.flag_manual:
        flags = [
            name
            for name, on in (("local_maintenance", row.flag_local), ("local_maintenance_manual", row.flag_manual))
            if on
        ]
        said.append(f"ha.conf of {row.host} holds {' and '.join(flags)}.")
    if row.record is not None and row.record.stopped:
        said.append(f"The HA agent of {row.host} is stopped.")
    if row.score == 0 and not row.maintenance:
        said.append(f"{row.host} has score 0 in state {row.state or 'not known'}.")
    return said
