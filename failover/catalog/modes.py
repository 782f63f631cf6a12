"""When a maintenance is really entered, and really left: judged by what the other host sees (facts/hosted-engine.md 4:
an exit code is no proof, and a host's own answer is at first only its broker's memory)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from failover.catalog.pair import Member, member, others
from failover.catalog.sight import Sight
from inventory.probes.she_status import IDLE_STATE
from portal.kernel.step import Parameters
from portal.kernel.verdict import Verdict, done, wait

GLOBAL, LOCAL, HOST = "global", "local", "host"
SCOPES = (GLOBAL, LOCAL, HOST)
# states in which an agent does not guard the engine
UNREAL = ("GlobalMaintenance", "LocalMaintenance", "ReinitializeFSM", "StartState", "AgentStopped", IDLE_STATE, "")
LAG = 20  # seconds after which another host has read what was written (4, rule after trap 4)


def scope_problem(value: str) -> str:
    """ "" or why it is no scope."""
    return "" if value in SCOPES else f"{value!r} is no scope; there are: {', '.join(SCOPES)}."


def time_problem(value: str) -> str:
    """ "" or why it is no time with its zone."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return f"{value!r} is no time in ISO 8601."
    return "" if at.tzinfo else f"{value!r} has no time zone."


def seen_set(sight: Sight, parameters: Parameters) -> bool | None:
    """Whether another host than the one that it was set on sees the mode. None: no other host says."""
    on = member(parameters, "on")
    told = [_told(sight, observer, on, parameters["scope"]) for observer in others(parameters, "on")]
    return True if True in told else False if False in told else None


def _told(sight: Sight, observer: Member, on: Member, scope: str) -> bool | None:
    if scope == GLOBAL:
        return sight.flag(observer)
    snapshot = sight.snapshots[observer.pk]
    record = snapshot.host(on.he_id) if snapshot else None
    return None if record is None else record.live and record.maintenance


def entered(sight: Sight, parameters: Parameters, statuses: Mapping[str, str | None]) -> Verdict:
    """done when flag and every state agree. statuses: the engine's word per host, None when it does not say."""
    on, scope = member(parameters, "on"), parameters["scope"]
    if scope == GLOBAL:
        missing = _not_global(sight)
        words = "Global maintenance is on, seen by every host; every agent is in GlobalMaintenance and no host is in "
        words += "local maintenance."
    else:
        missing = _not_local(sight, on, parameters)
        words = f"{on.name} is in local maintenance, seen from the other host: state LocalMaintenance, score 0."
        if _waits(sight, on):
            words = f"{on.name} is in local maintenance: its flag is set, and its agent waits until it is gone."
    if scope == HOST and not missing and statuses.get(on.name) != "maintenance":
        missing = f"The engine's status of {on.name} is {statuses.get(on.name) or 'not known'}, not maintenance."
    return wait(missing) if missing else done(words)


def _not_global(sight: Sight) -> str:
    for one in sight.members:
        flag, row = sight.flag(one), sight.row(one)
        if flag is not True:
            said = "does not see global maintenance" if flag is False else f"cannot be asked: {sight.why[one.pk]}"
            return f"{one.name} {said}"[:300].rstrip(".") + "."
        if row is None or row.state != "GlobalMaintenance":
            return f"The agent of {one.name} is in state {(row and row.state) or 'not known'}, not GlobalMaintenance."
        if flags := _flags(sight, one):
            return flags
    return ""


def _flags(sight: Sight, one: Member) -> str:
    """ "" when both flags in ha.conf are known to be off."""
    state = sight.states[one.pk]
    if state is None or state.maintenance is None:
        return f"The flags in ha.conf of {one.name} are not known."
    return f"ha.conf of {one.name} holds a local maintenance flag." if state.maintenance else ""


def _not_local(sight: Sight, on: Member, parameters: Parameters) -> str:
    state = sight.states[on.pk]
    if state is None or state.local_maintenance is None:
        return f"The flags in ha.conf of {on.name} are not known."
    if not state.local_maintenance:
        return f"ha.conf of {on.name} does not hold local_maintenance=True."
    if unseen := "" if _waits(sight, on) else _not_published(sight, on, parameters):
        return unseen
    if not any(_carries(sight, one) for one in others(parameters, "on")):
        return "The other host is not seen as able to carry the engine."
    return ""


def _waits(sight: Sight, on: Member) -> bool:
    """An agent that was started while its flag was set waits and publishes nothing (4, trap 5). So does every agent
    that loses its storage in maintenance: it ends, systemd starts it again, and nobody else ever sees the mode."""
    state = sight.states[on.pk]
    if state is None or state.log is None or not state.maintenance:
        return False
    return state.log.waiting and state.unit("ovirt-ha-agent") == "active"


def _not_published(sight: Sight, on: Member, parameters: Parameters) -> str:
    seen = seen_set(sight, parameters)
    if seen is not True:
        who = " and ".join(one.name for one in others(parameters, "on"))
        return f"{who} {'does not say' if seen is None else 'does not see'} that {on.name} is in local maintenance."
    row = sight.row(on)
    if row is None or row.state != "LocalMaintenance":
        return f"The agent of {on.name} is in state {(row and row.state) or 'not known'}, not LocalMaintenance."
    return ""


def _carries(sight: Sight, one: Member) -> bool:
    """Able to carry the engine; where it is the only one left that can see, by its own live record."""
    row = sight.row(one)
    if row is None or row.candidate is not None:
        return row is not None and row.candidate is True
    seeing = [other for other in sight.members if (told := sight.snapshots[other.pk]) and told.sees(other.he_id)]
    return seeing == [one] and bool(row.score)


def cleared(sight: Sight, parameters: Parameters) -> bool | None:
    """Whether the others see no mode any more, and ha.conf of the host itself holds no flag. None: not known."""
    on = member(parameters, "on")
    seen = seen_set(sight, parameters)
    if parameters["scope"] == GLOBAL:
        return None if seen is None else not seen
    state = sight.states[on.pk]
    if state is None or state.maintenance is None or seen is None:
        return None
    return not seen and not state.maintenance


def left(sight: Sight, parameters: Parameters, statuses: Mapping[str, str | None]) -> Verdict:
    """done when no flag is left and every agent is back in a real state with a score."""
    on, scope = member(parameters, "on"), parameters["scope"]
    for one in sight.members if scope == GLOBAL else (on, *others(parameters, "on")):
        missing = _not_back(sight, one, watched=scope == GLOBAL or one == on)
        if missing:
            return wait(missing)
    if scope == HOST and statuses.get(on.name) != "up":
        return wait(f"The engine's status of {on.name} is {statuses.get(on.name) or 'not known'}, not up.")
    names = " and ".join(one.name for one in (sight.members if scope == GLOBAL else (on,)))
    return done(f"No maintenance is left: {names} guards the engine again, seen from the other host, with a score.")


def _not_back(sight: Sight, one: Member, *, watched: bool) -> str:
    """watched: the host itself has to be back; of the others only the global flag counts."""
    if sight.flag(one) is not False:
        said = "still sees global maintenance" if sight.flag(one) else f"cannot be asked: {sight.why[one.pk]}"
        return f"{one.name} {said}"[:300].rstrip(".") + "."
    if not watched:
        return ""
    if flags := _flags(sight, one):
        return flags
    row = sight.row(one)
    if row is None or row.live is not True:
        return f"The record of {one.name} is not seen as live by two hosts yet."
    if row.state in UNREAL:
        return f"The agent of {one.name} is in state {row.state or 'not known'}."
    return f"The score of {one.name} is still 0 in state {row.state}." if not row.score else ""
