"""Hosts as machines: power, boot, and the ordinary VMs on them. What the engine notices of it is lab/engine's part."""

from __future__ import annotations

import uuid

from lab import life_agent, life_broker, life_vm, multipath
from lab.world import Host, Vm, World

BOOT = 45.0  # seconds from power-on to sshd and the units
MIGRATION = 15.0  # of an ordinary VM


def power(world: World, host_name: str, on: bool) -> None:
    """Cuts or restores a host's power. Off: everything on it stops where it stands, nothing is published."""
    host = world.hosts[host_name]
    if on == host.powered:
        return
    (_power_on if on else _power_off)(world, host)


def _power_off(world: World, host: Host) -> None:
    host.powered = False
    for unit in host.transient:
        host.units.pop(unit, None)
    host.transient.clear()
    _note(world, host, on=False)
    life_vm.lose_host(world, host.name)
    for vm_id in [i for i, m in world.migrations.items() if host.name in m[:2]]:
        world.vms[vm_id].status = "up"  # a migration whose target died goes on at its source
        del world.migrations[vm_id]
    lost = world.truth.setdefault("vms_lost", [])
    assert isinstance(lost, list)
    for vm in on_host(world, host.name):
        lost.append({"at": world.at, "vm": vm.name, "host": host.name})
        vm.status, vm.host = "down", ""
    for record in world.engine.records.values():
        if record.status == "Migration Source":
            life_vm.cancel_migration(world)
            break


def _power_on(world: World, host: Host) -> None:
    host.powered, host.booted, host.ready_at = True, world.at, world.at + BOOT
    host.boot_id = str(uuid.uuid4())
    multipath.boot(world, host)
    host.unit_since.clear()
    host.vm_conf = False
    _note(world, host, on=True)
    if host.he_host_id is None:
        return
    life_broker.reset(world, host)
    host.broker.next_read = host.broker.next_monitor = host.ready_at
    host.state, host.agent.timeout = "StartState", None
    if host.units.get("ovirt-ha-agent") == "active":
        life_agent.start(world, host)


def _note(world: World, host: Host, on: bool) -> None:
    powers = world.truth.setdefault("power", [])
    assert isinstance(powers, list)
    powers.append({"at": world.at, "wall": world.clock.wall_at(world.at), "host": host.name, "on": on})


def reachable(world: World, host: Host) -> bool:
    """True when the engine can talk to the host's vdsm."""
    return life_broker.unit_active(world, host, "vdsmd") and not host.hanging


def due(world: World) -> float:
    """Lab time at which the next migration of an ordinary VM ends."""
    return min((ends for _, _, ends in world.migrations.values()), default=life_vm.NEVER)


def step(world: World) -> None:
    """Ends the migrations that are due."""
    for vm_id in [i for i, (_, _, ends) in world.migrations.items() if ends <= world.at]:
        _, target, _ = world.migrations.pop(vm_id)
        world.vms[vm_id].host, world.vms[vm_id].status = target, "up"


def on_host(world: World, name: str) -> list[Vm]:
    """The ordinary VMs that run on a host."""
    return [vm for vm in world.vms.values() if vm.host == name and not vm.is_engine]


def migrate_plain(world: World, vm: Vm, target: str) -> None:
    """Starts the live migration of an ordinary VM; it ends after 15 s."""
    vm.status = "migrating"
    world.migrations[vm.id] = (vm.host, target, world.at + MIGRATION)
