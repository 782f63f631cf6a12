"""The estate's life: everything that happens by itself, in the order of its due times, and the acts upon it.

`tick(world)` lives up to `world.clock.now()`. Nothing sleeps here, so a test may drive it with a clock of its own.
Every reader and every act calls `tick` first.
"""

from __future__ import annotations

from lab import life_agent, life_broker, life_hosts, life_storage, life_vm
from lab.life_vm import engine_vm, running_on
from lab.world import Host, Vm, World

__all__ = [
    "act",
    "engine_generation",
    "engine_phase",
    "engine_vm",
    "global_maintenance",
    "ha_stats",
    "migrate",
    "power",
    "running_on",
    "tick",
    "vdsm_local_maintenance",
]


def tick(world: World) -> None:
    """Lives up to now, event by event. Calling it often or rarely gives the same life."""
    now = world.clock.now()
    he_hosts = [host for host in world.hosts.values() if host.he_host_id is not None]
    while (at := _due(world, he_hosts)) <= now:
        world.at = max(world.at, at)
        _step(world, he_hosts)
    world.at = max(world.at, now)


def _due(world: World, he_hosts: list[Host]) -> float:
    times = [life_vm.due(world), life_hosts.due(world), life_storage.due(world)]
    for host in he_hosts:
        times += [life_broker.due(world, host), life_agent.due(world, host)]
    return min(times)


def _step(world: World, he_hosts: list[Host]) -> None:
    life_vm.step(world)
    life_storage.step(world)
    _tell_news(world)
    for host in he_hosts:
        life_broker.step(world, host)
    for host in he_hosts:
        life_agent.step(world, host)
    life_hosts.step(world)
    life_vm.settle(world)
    _tell_news(world)


def _tell_news(world: World) -> None:
    """vdsm's events reach the broker of their host at once."""
    for name in world.engine.news:
        life_broker.poll(world, world.hosts[name])
    world.engine.news.clear()


def act(world: World) -> None:
    """What every act ends with: the consequences that need no time, and the events vdsm sends at once."""
    life_vm.settle(world)
    _tell_news(world)


def engine_phase(world: World) -> str:
    """What the engine's web address does now: "off" (no answer), "refused", "503" (web server only), "up"."""
    tick(world)
    return life_vm.phase(world)


def engine_generation(world: World) -> int:
    """Counts the starts of the engine service; a token of an older generation is dead."""
    tick(world)
    return world.engine.generation


def migrate(world: World, vm_id: str, host_name: str | None) -> str:
    """Starts a live migration, to a named host or the best other one, and returns its name. Raises ValueError
    with the engine's kind of sentence when there is no host to go to or the VM does not run."""
    tick(world)
    vm = world.vms[vm_id]
    if not vm.host or vm.status != "up":
        raise ValueError("VM is not running.")
    target = host_name or _best_target(world, vm)
    if target not in world.hosts or target == vm.host or not life_hosts.reachable(world, world.hosts[target]):
        raise ValueError("There is no host that satisfies current scheduling constraints.")
    if vm.is_engine:
        life_vm.begin_migration(world, vm.host, target)
    else:
        life_hosts.migrate_plain(world, vm, target)
    act(world)
    return target


def _best_target(world: World, vm: Vm) -> str:
    source = world.hosts[vm.host]
    fit = [
        host
        for host in world.hosts.values()
        if host.name != vm.host
        and host.group == source.group
        and host.engine_status == "up"
        and life_hosts.reachable(world, host)
        and (not vm.is_engine or (host.he_host_id is not None and host.score > max(0, source.score - 800)))
    ]
    return max(fit, key=lambda host: (host.score, host.free_memory)).name if fit else ""


def vdsm_local_maintenance(world: World, host_name: str, on: bool) -> None:
    """vdsm's setHaMaintenanceMode LOCAL, as the engine calls it: writes only the first flag (facts 4.6).
    Raises ValueError when the host's broker does not answer; the flag is written all the same (facts 4.2)."""
    tick(world)
    host = world.hosts[host_name]
    host.local_maintenance = on
    if not life_broker.unit_active(world, host, "ovirt-ha-broker"):
        raise ValueError("Hosted Engine HA maintenance could not be enabled.")


def global_maintenance(world: World, on: bool) -> None:
    """Global maintenance through the host that runs the engine VM (REST path): leaves local flags alone."""
    tick(world)
    host = world.hosts.get(life_vm.running_on(world))
    if host is None or not life_broker.unit_active(world, host, "ovirt-ha-broker"):
        raise ValueError("Hosted Engine is not configured on this host.")
    write_global(world, host, on)


def write_global(world: World, host: Host, on: bool) -> bool:
    """The broker writes record 0. False when the write is lost because no host id is locked; then the broker ends
    itself and comes back with its agent (facts 4.3)."""
    if host.agent.phase != "running" or not host.agent.published:
        host.units["ovirt-ha-broker"] = "inactive"
        life_broker.reset(world, host)
        return False
    world.global_maintenance = host.broker.global_maintenance = on
    return True


def power(world: World, host_name: str, on: bool) -> None:
    """Cuts or restores the power of a host."""
    tick(world)
    life_hosts.power(world, host_name, on)
    act(world)


def ha_stats(world: World, host_name: str) -> dict[str, object] | None:
    """vdsm's haStats of a host as the engine would read them now (facts 4, REST mapping); None: not configured."""
    tick(world)
    host = world.hosts[host_name]
    if host.he_host_id is None:
        return None
    own = host.broker.records.get(host.he_host_id)
    if own is None or not life_broker.unit_active(world, host, "ovirt-ha-broker"):
        return _stats(active=False, score=0, local=False, everywhere=False)
    active = host.he_host_id in life_broker.live(world, host)
    return _stats(active=active, score=own.score, local=own.maintenance, everywhere=host.broker.global_maintenance)


def _stats(active: bool, score: int, local: bool, everywhere: bool) -> dict[str, object]:
    return {
        "active": active,
        "configured": True,
        "global_maintenance": everywhere,
        "local_maintenance": local,
        "score": score,
    }
