"""The prechecks that the hosts themselves answer (facts/hosted-engine.md 6, pre-checks 1 to 5)."""

from __future__ import annotations

from failover.catalog.pair import Member
from failover.catalog.sight import Sight
from failover.verdicts.check import Said, go, no_go, unknown
from inventory.probes.ha_state import LIBVIRT, NEEDED, SETTLED
from inventory.probes.she_status import STOP_AT
from inventory.verdicts.she_rows import HostRow


def _rows(sight: Sight) -> tuple[HostRow | None, ...]:
    return tuple(sight.row(one) for one in sight.members)


def _and(names: list[str]) -> str:
    return " and ".join(names)


def observers(sight: Sight) -> Said:
    """Every host answers, lists all of them, and sees all of them live."""
    silent = [one for one in sight.members if sight.snapshots[one.pk] is None]
    if silent:
        why = [f"{one.name}: {sight.why[one.pk]}" for one in silent]
        words = f"{_and([one.name for one in silent])} does not say how HA stands. {' '.join(why)}"
        return unknown(words, "Make the host answer `hosted-engine --vm-status --json`.", *why)
    wrong = [line for one in sight.members for line in _not_live(sight, one)]
    if wrong:
        return no_go(
            f"The hosts do not all see each other live: {'; '.join(wrong)}.",
            "Start ovirt-ha-agent where it is stopped, and wait 70 s until every host is live.",
            *wrong,
        )
    return go(f"{_and([one.name for one in sight.members])} answer and see each other live.")


def _not_live(sight: Sight, observer: Member) -> list[str]:
    snapshot = sight.snapshots[observer.pk]
    found = []
    for one in sight.members:
        record = snapshot.host(one.he_id) if snapshot else None
        if record is None:
            found.append(f"{observer.name} has no record of {one.name}")
        elif record.stopped:
            found.append(f"{observer.name} sees the HA agent of {one.name} stopped")
        elif not record.live:
            found.append(f"{observer.name} does not see {one.name} live")
    return found


def one_engine(sight: Sight) -> Said:
    """Exactly one host runs the engine well, in state EngineUp; the others are in EngineDown (2)."""
    on = sight.engine_on()
    serving = [row.host for row in _rows(sight) if row and row.serves]
    if len(serving) > 1:
        return no_go(
            f"{_and(serving)} each claim to run the engine.", "Look at both hosts at once before anything else."
        )
    if on is None:
        return unknown("No host says that the engine answers on it.", f"{sight.verdict.sentence}")
    odd = []
    for one in sight.members:
        row = sight.row(one)
        state = row.state if row else ""
        if state != ("EngineUp" if one is on else "EngineDown"):
            odd.append(f"{one.name} is in state {state or 'unknown'}")
    if odd:
        return no_go(
            f"The engine answers on {on.name}, but {'; '.join(odd)}.",
            "Wait until the HA agents show EngineUp on one host and EngineDown on the others.",
            *odd,
        )
    return go(f"The engine runs on {on.name} alone; the others stand by.")


def scores(sight: Sight) -> Said:
    """All above zero, less than 800 apart (3.1). Memory that is too little for the engine VM costs 400 of them."""
    found = {one.name: row.score if (row := sight.row(one)) else None for one in sight.members}
    lines = [f"{name}: {'not known' if score is None else score}" for name, score in found.items()]
    missing = [name for name, score in found.items() if score is None]
    if missing:
        return unknown(f"The score of {_and(missing)} is not known.", "See why its HA agent does not publish.", *lines)
    zero = [name for name, score in found.items() if score == 0]
    if zero:
        words = f"{_and(zero)} has score 0, so a drill now could leave nobody to start the engine VM for minutes."
        return no_go(words, "Wait: a host's score comes back 560 s after its engine VM went down.", *lines)
    known = [score for score in found.values() if score is not None]
    if max(known) - min(known) >= STOP_AT:
        words = f"The scores are {max(known) - min(known)} apart: from {STOP_AT} on HA stops the engine VM by itself."
        return no_go(words, "Mend what lowers the score; the agent's log names it.", *lines)
    return go(f"Scores: {', '.join(lines)}.", *lines)


def global_flag(sight: Sight) -> Said:
    """Global maintenance is off, as every host reads it."""
    flags = {one.name: sight.flag(one) for one in sight.members}
    lines = [f"{name}: {'not said' if flag is None else 'on' if flag else 'off'}" for name, flag in flags.items()]
    if True in flags.values():
        return no_go(
            "Global maintenance is on, so HA would start nothing.",
            "Leave it with its window, or `hosted-engine --set-maintenance --mode=none`; check from another host.",
            *lines,
        )
    if None in flags.values():
        return unknown("Not every host says whether global maintenance is on.", "Make every host answer.", *lines)
    return go("Global maintenance is off on every host.", *lines)


def local_flags(sight: Sight) -> Said:
    """Neither flag in ha.conf is set on any host, the hidden manual one included (4, traps 5 and 6)."""
    told = {one.name: state.maintenance if (state := sight.states[one.pk]) else None for one in sight.members}
    lines = [f"{name}: {'not read' if flag is None else 'set' if flag else 'not set'}" for name, flag in told.items()]
    held = [name for name, flag in told.items() if flag]
    if held:
        return no_go(
            f"{_and(held)} is in local maintenance by its ha.conf.",
            "Leave it with `hosted-engine --set-maintenance --mode=none` on that host.",
            *lines,
        )
    if None in told.values():
        return unknown("ha.conf could not be read on every host.", "Let the portal's account read ha.conf.", *lines)
    return go("No host has a local maintenance flag.", *lines)


def units(sight: Sight) -> Said:
    """The services that HA rests on are active (5)."""
    down: list[str] = []
    blind: list[str] = []
    for one in sight.members:
        state = sight.states[one.pk]
        if state is None or not state.units:
            blind.append(one.name)
            continue
        down += [f"{name} on {one.name} is {word}" for name in NEEDED if (word := state.unit(name)) != "active"]
        if not any(state.unit(name) == "active" for name in LIBVIRT):
            down.append(f"neither libvirtd nor virtqemud is active on {one.name}")
    if down:
        return no_go(f"{'; '.join(down)}.", "Start the units with systemctl and see why they stopped.", *down)
    if blind:
        return unknown(f"The units of {_and(blind)} could not be read.", "Make the host answer over SSH.")
    return go("The services that HA rests on are active on every host.")


def agents(sight: Sight) -> Said:
    """Every agent runs for 70 s: before, it knows nobody else as live and may try a start of its own (2.4, 6c)."""
    ages = {one.name: state.agent_age if (state := sight.states[one.pk]) else None for one in sight.members}
    young = [name for name, age in ages.items() if age is not None and age < SETTLED]
    if young:
        return no_go(f"The HA agent of {_and(young)} started less than {SETTLED} s ago.", f"Wait {SETTLED} s.")
    blind = [name for name, age in ages.items() if age is None]
    if blind:
        return unknown(f"When the HA agent of {_and(blind)} started is not known.", "Read it with systemctl show.")
    return go(f"Every HA agent runs for more than {SETTLED} s.")


def page(sight: Sight) -> Said:
    """The engine's health page is good, asked by the portal (6.6)."""
    health = sight.witness.health
    if health is None:
        return unknown(f"The engine was not asked: {sight.witness.why_not}", "Make the engine reachable from here.")
    if health.good:
        return go("The engine's health page says that its database is up.")
    return no_go(f"The engine's health page is not good: {health.health.why}", "See ovirt-engine on the engine VM.")
