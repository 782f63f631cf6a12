"""The agent's score and what it knows of the other hosts (facts/hosted-engine.md 3.1)."""

from __future__ import annotations

from lab import life_vm
from lab.world import HeRecord, Host, World

BASE, FAILED_START, FAILED_STARTS_FORGOTTEN = 3400, 50, 600.0
SCORELESS = ("ReinitializeFSM", "LocalMaintenance", "EngineUnexpectedlyDown", "AgentStopped", "StartState")


def remote(world: World, host: Host) -> list[HeRecord]:
    """The records of the other hosts that this agent believes to be alive, as its broker last read them."""
    return [
        record
        for number, record in host.broker.records.items()
        if number in host.broker.alive and number != host.he_host_id
    ]


def score(world: World, host: Host) -> int:
    """The score of facts 3.1 in the host's present state."""
    if host.state in SCORELESS:
        return 0
    failed = [at for at in host.agent.failed_starts if world.at - at < FAILED_STARTS_FORGOTTEN]
    if len(failed) > 3:
        return 0
    lost = sum(penalties(world, host).values()) + FAILED_START * len(failed)
    return max(0, BASE - lost)


def penalties(world: World, host: Host) -> dict[str, int]:
    """Name -> points taken off now (facts 3.1)."""
    points = {"network": int((1 - host.broker.network_ok / 5) * 1600)}
    percent = host.penalties.get("cpu-load-percent", 0)
    if host.state not in ("EngineUp", "EngineUpBadHealth"):
        points["cpu load"] = int(min(1.0, max(0.0, (percent - 40) / 50)) * 1000)
    if host.state not in ("EngineUp", "GlobalMaintenance") and host.free_memory < life_vm.engine_vm(world).memory:
        points["low memory"] = 400
    points["mgmt bridge"] = host.penalties.get("mgmt-bridge", 0)
    points["config"] = host.penalties.get("config", 0)
    return {name: value for name, value in points.items() if value}
