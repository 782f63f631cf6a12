"""One host's ovirt-ha-broker: its engine-health word, its reads of the shared metadata, its alive list.

facts/hosted-engine.md 2.2 (engine-status), 2.4 (live-data), 3.3 (10 s reads, writes at once).
"""

from __future__ import annotations

from lab import he_metadata, life_storage, life_vm
from lab.world import HeRecord, Host, VmRecord, World

READ, MONITOR, ALIVE_KEPT = 10.0, 10.0, 60.0
LOCKED = "Storage of VM is locked. Is another host already starting the VM?"
UNITS = ("ovirt-ha-agent", "ovirt-ha-broker", "vdsmd")


def unit_active(world: World, host: Host, unit: str) -> bool:
    """True when the unit runs: the host is powered and booted, and systemd says active."""
    return host.powered and world.at >= host.ready_at and host.units.get(unit) == "active"


def reset(world: World, host: Host, stale_socket: bool = False) -> None:
    """A broker that starts anew (or dies): it has forgotten everything that was not on storage."""
    broker = host.broker
    broker.records, broker.alive, broker.alive_at = {}, (), -10_000.0
    broker.status, broker.sticky_unexpected, broker.registered = None, False, False
    broker.next_read = broker.next_monitor = world.at
    broker.network_ok, broker.stale_socket = 5, stale_socket


def due(world: World, host: Host) -> float:
    """Lab time of the next read or monitor round; never while the unit does not run."""
    if not unit_active(world, host, "ovirt-ha-broker"):
        return life_vm.NEVER
    return min(host.broker.next_read, host.broker.next_monitor)


def step(world: World, host: Host) -> None:
    """Does the read and the monitor round that are due."""
    if not unit_active(world, host, "ovirt-ha-broker"):
        return
    broker = host.broker
    if broker.next_read <= world.at:
        if life_storage.cut_since(world, host) is not None or he_metadata.spoiled(world, "bytes"):
            host.units["ovirt-ha-broker"] = "inactive"  # it ends itself, with exit code 0
            reset(world, host)
            return
        read(world, host)
        broker.next_read = world.at + READ
    if broker.next_monitor <= world.at:
        poll(world, host)
        poll_network(world, host)
        broker.next_monitor = world.at + MONITOR


def read(world: World, host: Host) -> None:
    """Reads the shared metadata. Keys are never dropped from the cache, even when the record was wiped."""
    host.broker.records.update(world.records)
    host.broker.global_maintenance = world.global_maintenance and not he_metadata.spoiled(world, "global")


def write(world: World, host: Host, record: HeRecord) -> None:
    """Writes a record: on storage and in the own cache at once; others read it within 10 s."""
    world.records[record.host_id] = record
    host.broker.records[record.host_id] = record


def poll(world: World, host: Host) -> None:
    """The engine-health monitor: in its own 10 s round, or at an event of vdsm."""
    if not unit_active(world, host, "ovirt-ha-broker"):
        return
    host.broker.status = _status(world, host)


def poll_network(world: World, host: Host) -> None:
    """Five network tests every 10 s."""
    lost = host.penalties.get("gateway-tests-lost", 0)
    host.broker.network_ok = 5 - min(5, lost)


def _status(world: World, host: Host) -> dict[str, str]:
    if not unit_active(world, host, "vdsmd"):
        return _word("unknown", "unknown", "unknown", "failed to getVmStats")
    record = world.engine.records.get(host.name)
    if record is None:
        vm = "down_unexpected" if host.broker.sticky_unexpected else "down"
        return _word(vm, "bad", "unknown", "vm not running on this host")
    if record.status == "Down":
        return _down(host, record)
    if record.status == "Migration Destination":
        return _word("down", "bad", record.status, "bad vm status")
    host.broker.sticky_unexpected = False
    if record.status in ("WaitForLaunch", "Powering up", "Paused"):
        return _word("up", "bad", record.status, "bad vm status")
    if record.status != "Powering down" and life_vm.phase(world) == "up":
        return _word("up", "good", record.status)
    return _word("up", "bad", record.status, "failed liveliness check")


def _down(host: Host, record: VmRecord) -> dict[str, str]:
    if record.exit == "migrated":
        return _word("down", "bad", "Down", "VM migrated away successfully")
    if record.exit == "locked":
        return _word("down", "bad", "Down", LOCKED)
    host.broker.sticky_unexpected = True
    return _word("down_unexpected", "bad", "Down", "bad vm status")


def _word(vm: str, health: str, detail: str, reason: str = "") -> dict[str, str]:
    """An engine-status in the key order of facts/hosted-engine.md 2.2; no reason key when good."""
    words = {"vm": vm, "health": health, "detail": detail}
    return {**words, "reason": reason} if reason else words


def live(world: World, host: Host) -> tuple[int, ...]:
    """The ids that this broker calls alive; none when its agent has been silent for 60 s."""
    broker = host.broker
    return broker.alive if world.at - broker.alive_at < ALIVE_KEPT else ()
