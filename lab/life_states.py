"""The agent's state machine, one function per state (facts/hosted-engine.md 3.2). A function returns the next state,
or None to stay. Entering a state that goes on without waiting (NOWAIT) is told by the returned pair's second word."""

from __future__ import annotations

from collections.abc import Callable

from lab import life_score, life_vm
from lab.agent_log import log, log_transition
from lab.world import Host, World

LOOP = 10.0
AWAY, BAD_HEALTH, STOPPING, STARTING, UNEXPECTED = 40.0, 300.0, 300.0, 600.0, 560.0
DIFFERENCE = 800
START_COMMAND = 2.0  # how long hosted-engine --vm-start takes


def enter(world: World, host: Host, state: str) -> None:
    """Changes the state, clears its timer, and notes the transition for the log and for tests."""
    old, host.state = host.state, state
    host.agent.entered, host.agent.timeout = world.at, None
    if state == "EngineUnexpectedlyDown":
        host.agent.timeout = world.at + UNEXPECTED
    log_transition(world, host, old, state)
    seen = world.truth.setdefault("transitions", [])
    assert isinstance(seen, list)
    wall = world.clock.wall_at(world.at)
    seen.append({"at": world.at, "wall": wall, "host": host.name, "from": old, "to": state})


def advance(world: World, host: Host) -> None:
    """One loop of the state machine."""
    new = _maintenance(host) or _STATES[host.state](world, host)
    if new is not None and new != host.state:
        enter(world, host, new)
        if new == "EngineStart":
            host.agent.next_tick = world.at + START_COMMAND


def _maintenance(host: Host) -> str | None:
    """What the two maintenance modes override, whatever the state says."""
    local = host.local_maintenance or host.local_maintenance_manual
    if local and host.state not in ("EngineUp", "EngineUpBadHealth"):
        return "LocalMaintenance"
    if host.broker.global_maintenance and host.state != "LocalMaintenance":
        return "GlobalMaintenance"
    return None


def _vm(host: Host) -> str:
    return (host.broker.status or {}).get("vm", "unknown")


def _good(host: Host) -> bool:
    return (host.broker.status or {}).get("health") == "good"


def _reinitialize(world: World, host: Host) -> str | None:
    if _vm(host) == "unknown":
        return "UnknownLocalVmState"
    return "EngineStarting" if _vm(host) == "up" else "EngineDown"


def _down(world: World, host: Host) -> str | None:
    if _vm(host) == "unknown":
        return "UnknownLocalVmState"
    if _vm(host) == "up":
        return "EngineStarting"
    others = life_score.remote(world, host)
    if any((record.engine_status or {}).get("vm") == "up" for record in others):
        return None
    best = max((record.score for record in others), default=0)
    own = life_score.score(world, host)
    if own > 0 and own >= best and world.at - host.agent.started >= host.agent.grace:
        _say(world, host, f"Engine down and local host has best score ({own}), attempting to start engine VM", "ERROR")
        return "EngineStart"
    return None


def _start(world: World, host: Host) -> str | None:
    """The command has run for 2 s. vdsm cleans a Down record up and creates the VM anew."""
    if host.units.get("vdsmd") != "active":
        host.agent.failed_starts.append(world.at)
        return "EngineDown"
    life_vm.start(world, host)
    host.agent.next_tick = world.at + LOOP
    return "EngineStarting"


def _starting(world: World, host: Host) -> str | None:
    status = host.broker.status or {}
    if status.get("vm") == "up" and _good(host):
        return "EngineUp"
    if status.get("reason", "").startswith("Storage of VM is locked"):
        _say(world, host, "Another host already took over..", "INFO")
        return "EngineForceStop"
    if status.get("vm") != "up":
        return "EngineMaybeAway"
    return "EngineStop" if _timed_out(world, host, STARTING) else None


def _up(world: World, host: Host) -> str | None:
    own = life_score.score(world, host)
    best = max(life_score.remote(world, host), key=lambda record: record.score, default=None)
    if _vm(host) == "down_unexpected":
        _say(world, host, "Engine vm was unexpectedly shut down", "ERROR")
        return "EngineUnexpectedlyDown"
    if _vm(host) == "unknown":
        return "UnknownLocalVmState"
    if _vm(host) != "up":
        return "EngineMaybeAway"
    if best is not None and best.score >= own + DIFFERENCE:
        text = "score is significantly better than local score, shutting down VM on this host"
        _say(world, host, f"Host {best.hostname} (id {best.host_id}) {text}", "ERROR")
        return "EngineStop"
    return None if _good(host) else "EngineUpBadHealth"


def _bad_health(world: World, host: Host) -> str | None:
    if _vm(host) == "up" and not _good(host):
        left = 0.0 if host.agent.timeout is None else host.agent.timeout - world.at
        _say(
            world, host, f"Engine VM has bad health status, timeout in {int(left) or int(BAD_HEALTH)} seconds", "ERROR"
        )
        return "EngineStop" if _timed_out(world, host, BAD_HEALTH) else None
    return "EngineUp" if _vm(host) == "up" else _up(world, host)


def _stop(world: World, host: Host) -> str | None:
    record = world.engine.records.get(host.name)
    if record is None or record.status not in life_vm.RUNNING:
        _say(world, host, "Engine VM stopped on localhost", "ERROR")
        return "EngineDown"
    if record.status == "Paused":
        return "EngineForceStop"
    if record.status == "Up":
        life_vm.shutdown(world, host)
    return "EngineForceStop" if _timed_out(world, host, STOPPING) else None


def _force_stop(world: World, host: Host) -> str | None:
    if life_vm.running_on_host(world, host.name):
        life_vm.destroy(world, host)
    return "EngineDown"


def _away(world: World, host: Host) -> str | None:
    if _vm(host) == "up":
        return "EngineStarting"
    if any((record.engine_status or {}).get("vm") == "up" for record in life_score.remote(world, host)):
        return "EngineDown"
    return "EngineUnexpectedlyDown" if _timed_out(world, host, AWAY) else None


def _unexpected(world: World, host: Host) -> str | None:
    if _vm(host) == "up":
        return "EngineStarting"
    _say(world, host, "Score is 0 due to unexpected vm shutdown", "INFO")
    return "EngineDown" if _timed_out(world, host, UNEXPECTED) else None


def _unknown(world: World, host: Host) -> str | None:
    return None if _vm(host) == "unknown" else "ReinitializeFSM"


def _local(world: World, host: Host) -> str | None:
    return None if host.local_maintenance or host.local_maintenance_manual else "ReinitializeFSM"


def _global(world: World, host: Host) -> str | None:
    return None if host.broker.global_maintenance else "ReinitializeFSM"


def _timed_out(world: World, host: Host, seconds: float) -> bool:
    """Starts the state's timer at the first loop after entry (facts 6e), then says whether it has run out."""
    if host.agent.timeout is None:
        host.agent.timeout = world.at + seconds
        return False
    if world.at < host.agent.timeout:
        return False
    _say(world, host, f"Timeout on transitioning from {host.state}", "ERROR")
    return True


def _say(world: World, host: Host, text: str, level: str) -> None:
    log(world, host, level, "states", "HostedEngine", "consume", text)


_STATES: dict[str, Callable[[World, Host], str | None]] = {
    "StartState": _reinitialize,
    "ReinitializeFSM": _reinitialize,
    "EngineDown": _down,
    "EngineStart": _start,
    "EngineStarting": _starting,
    "EngineUp": _up,
    "EngineUpBadHealth": _bad_health,
    "EngineStop": _stop,
    "EngineForceStop": _force_stop,
    "EngineMaybeAway": _away,
    "EngineUnexpectedlyDown": _unexpected,
    "UnknownLocalVmState": _unknown,
    "LocalMaintenance": _local,
    "GlobalMaintenance": _global,
}
