"""Nothing may be left behind (facts/hosted-engine.md 6, closing checks)."""

from __future__ import annotations

from failover.catalog.pair import Member
from failover.catalog.sight import Sight

SETTLED_STATES = ("EngineUp", "EngineDown")


def unsettled(sight: Sight) -> list[str]:
    """What is not yet as before any drill, one clause each: scores, liveness, agents, states."""
    found = [f"{one.name} does not answer ({sight.why[one.pk]})" for one in _silent(sight)]
    for one in sight.members:
        row = sight.row(one)
        if one in _silent(sight):
            continue
        if row is None or row.live is not True:
            found.append(f"{one.name} is not seen live by every host")
        elif not row.score:
            found.append(f"{one.name} has score 0 in state {row.state or 'unknown'}")
        elif row.state not in SETTLED_STATES:
            found.append(f"{one.name} is in state {row.state or 'unknown'}")
    if sight.engine_on() is None:
        found.append("no host is known to run the engine well")
    return found


def left_behind(sight: Sight) -> list[str]:
    """What a drill must never leave: flags, stopped units, a paused VM; one clause each."""
    found = [f"global maintenance is on, as {one.name} reads it" for one in sight.members if sight.flag(one)]
    for one in sight.members:
        state, row = sight.states[one.pk], sight.row(one)
        if state is not None and state.maintenance:
            found.append(f"{one.name} has a local maintenance flag in ha.conf")
        for unit in ("ovirt-ha-agent", "ovirt-ha-broker"):
            word = state.unit(unit) if state is not None else None
            if word != "active":
                found.append(f"{unit} on {one.name} is {word or 'not known'}")
        if row is not None and row.record is not None and row.record.live and row.record.detail == "Paused":
            found.append(f"the engine VM is paused on {one.name}")
    return found


def _silent(sight: Sight) -> list[Member]:
    return [one for one in sight.members if sight.snapshots[one.pk] is None]
