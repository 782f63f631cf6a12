"""The engine VM as a machine of its own: an SSH host that is there exactly while the VM runs, wherever it runs.

Its processes are real; lab/backup/place.c shows them the VM's own files and its own PostgreSQL."""

from __future__ import annotations

import uuid

from lab import engine_vm_service, life_vm
from lab.world import ENGINE, Host, World, uid

ADDRESS = "127.0.254.1"
UNITS = ("sshd", "chronyd", "crond", "postgresql", "ovirt-engine", "ovirt-engine-dwhd", "ovirt-provider-ovn", "httpd",
         "grafana-server")  # fmt: skip
LINGERS = 3.0  # lab seconds for which a guest that shuts down still has its sshd


def build(world: World) -> Host:
    """The machine, up for long."""
    vm = life_vm.engine_vm(world)
    return Host(
        id=vm.id,
        name=ENGINE,
        hostname=world.engine_fqdn,
        address=ADDRESS,
        he_host_id=None,
        booted=-50_000.0,
        memory=vm.memory,
        free_memory=vm.memory // 4,
        cores=vm.cores,
        units=dict.fromkeys(UNITS, "active"),
        boot_id=uid("boot", ENGINE),
    )


def is_up(world: World) -> bool:
    """True while the guest's operating system runs and has a network."""
    for record in world.engine.records.values():
        if record.status in ("Up", "Migration Source"):
            return True
        if record.status == "Powering down" and world.at - record.since < LINGERS:
            return True
    return False


def look(world: World) -> str:
    """Brings the machine up to date with its VM. "gone" | "came" when it just lost or got its power, else ""."""
    machine, up = world.machine(ENGINE), is_up(world)
    refresh_units(world, machine)
    if up == machine.powered:
        return ""
    machine.powered = up
    if not up:
        machine.transient.clear()
        machine.units = dict.fromkeys(UNITS, "active")
        return "gone"
    machine.booted, machine.boot_id = world.at, str(uuid.uuid4())
    return "came"


def database_down(world: World) -> bool:
    """True while a fault keeps the VM's PostgreSQL from answering."""
    return any(fault.name in ("backup-db-down", "engine-db-down") for fault in world.faults)


def refresh_units(world: World, machine: Host) -> None:
    """What systemd says of the services that faults concern."""
    machine.units["postgresql"] = "failed" if database_down(world) else "active"
    machine.units["ovirt-engine"] = engine_vm_service.word(world)
