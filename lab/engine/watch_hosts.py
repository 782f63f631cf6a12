"""Hosts in the engine's eyes: answering, connecting, non responsive, being emptied, coming back."""

from __future__ import annotations

from lab import life
from lab.audit import record
from lab.engine.state import Engine
from lab.world import Host, Vm

MISSED = 10.0  # lab seconds without an answer before a host is connecting
GRACE = 60.0  # TimeoutToResetVdsInSeconds
GRACE_SPM, GRACE_VM = 20.0, 0.5
RETRY_MIGRATION = 30.0
REBOOT_LIMIT = 600.0
RESTING = ("maintenance", "unassigned")
AWAY = ("connecting", "non_responsive", "reboot")


def hear(engine: Engine) -> None:
    """Takes over what the answering hosts report of their HA agents; the others keep their last, stale values."""
    for host in engine.world.hosts.values():
        if host.he_host_id is not None and (engine.reachable(host) or host.id not in engine.ha):
            stats = life.ha_stats(engine.world, host.name)
            if stats is not None:
                engine.ha[host.id] = stats


def look(engine: Engine) -> None:
    """One look at every host."""
    for host in engine.world.hosts.values():
        if host.engine_status in RESTING:
            continue
        if engine.reachable(host):
            _answers(engine, host)
        else:
            _misses(engine, host)
    hear(engine)


def _answers(engine: Engine, host: Host) -> None:
    engine.lost_since.pop(host.id, None)
    if host.engine_status not in AWAY:
        return
    host.engine_status = engine.back_to.pop(host.id, "up")
    record(engine.world, 13, "normal", f"Status of host {host.name} was set to Up.", host=host.name)


def _misses(engine: Engine, host: Host) -> None:
    now = engine.now
    since = engine.lost_since.setdefault(host.id, now)
    status, silent = host.engine_status, now - since
    overdue = REBOOT_LIMIT if status == "reboot" else MISSED + grace(engine, host)
    if status not in AWAY and silent >= MISSED:
        _connecting(engine, host)
    elif status in ("connecting", "reboot") and silent >= overdue:
        _non_responsive(engine, host)


def grace(engine: Engine, host: Host) -> float:
    """How long a silent host stays connecting, lab seconds."""
    vms = sum(1 for status, name in engine.vm_seen.values() if name == host.name and status != "down")
    return GRACE + GRACE_SPM * host.spm + GRACE_VM * vms


def _connecting(engine: Engine, host: Host) -> None:
    engine.back_to[host.id] = host.engine_status
    host.engine_status = "connecting"
    seconds = int(grace(engine, host))
    text = (
        f"Host {host.name} is not responding. It will stay in Connecting state for a grace period of {seconds} seconds "
        "and after that an attempt to fence the host will be issued."
    )
    record(engine.world, 9008, "warning", text, host=host.name)


def _non_responsive(engine: Engine, host: Host) -> None:
    host.engine_status = "non_responsive"
    record(engine.world, 9027, "warning", f"Host {host.name} is not responding.", host=host.name)
    for identifier, (status, name) in engine.vm_seen.items():
        if name == host.name and status != "down" and identifier in engine.world.vms:
            text = f"VM {engine.world.vms[identifier].name} was set to the Unknown status."
            record(engine.world, 142, "warning", text, host=host.name, vm=identifier)
    _fence(engine, host)


def _fence(engine: Engine, host: Host) -> None:
    """Automatic fencing: held back by the cluster's connectivity rule (50 %), else tried; it only works when the
    estate says that the power cord is not what was pulled (engine fault auto_fence)."""
    others = list(engine.world.hosts.values())
    lost = sum(other.engine_status in ("non_responsive", "connecting") for other in others)
    if lost * 2 >= len(others):
        text = f"Host {host.name} became non responsive. Fence operation skipped as the system is still initializing."
        if engine.now - engine.started >= 300:
            text = f"Host {host.name} became non responsive. Fence operation skipped: too many hosts are not reachable."
        record(engine.world, 9013, "alert", text, host=host.name)
        return
    record(engine.world, 9017, "normal", f"Power management restart of Host {host.name} initiated.", host=host.name)
    if not engine.fault("auto_fence"):
        text = f"Power management restart of Host {host.name} failed."
        record(engine.world, 9019, "error", text, host=host.name)
        return
    life.power(engine.world, host.name, False)
    engine.later(20.0, lambda: life.power(engine.world, host.name, True))
    host.engine_status = "reboot"
    record(engine.world, 121, "normal", f"Host {host.name} was restarted.", host=host.name)


def vms_on(engine: Engine, host: Host) -> list[Vm]:
    """The VMs that still run on a host, as the engine sees it."""
    return [vm for vm in engine.world.vms.values() if engine.seen(vm)[1] == host.name]


def send_away(engine: Engine, host: Host) -> None:
    """Starts the migrations that empty a host; what cannot leave now is tried again."""
    for vm in vms_on(engine, host):
        if engine.seen(vm)[0] != "up":
            continue
        try:
            target = life.migrate(engine.world, vm.id, None)
        except ValueError:
            text = f"Failed to migrate VM {vm.name} to another host while {host.name} moves to maintenance."
            record(engine.world, 140, "error", text, host=host.name, vm=vm.id)
            continue
        announce(engine, vm, host.name, target, engine.drained.get(host.id, ""))
        engine.vm_seen[vm.id] = ("migrating", host.name)


def announce(engine: Engine, vm: Vm, source: str, target: str, correlation_id: str) -> None:
    """Notes that a migration has begun."""
    engine.moving[vm.id] = source
    text = f"Migration started (VM: {vm.name}, Source: {source}, Destination: {target})."
    record(engine.world, 62, "normal", text, host=source, vm=vm.id, correlation_id=correlation_id)


def empty(engine: Engine) -> None:
    """Hosts that prepare for maintenance: done when nothing runs there any more."""
    for host in engine.world.hosts.values():
        if host.engine_status != "preparing_for_maintenance":
            continue
        if vms_on(engine, host):
            _try_again(engine, host)
        else:
            host.engine_status = "maintenance"
            host.spm = False
            correlation = engine.drained.pop(host.id, "")
            text = f"Host {host.name} was switched to Maintenance Mode."
            record(engine.world, 15, "normal", text, host=host.name, correlation_id=correlation)


def _try_again(engine: Engine, host: Host) -> None:
    if engine.now - engine.tried_at.get(host.id, engine.now) >= RETRY_MIGRATION:
        engine.tried_at[host.id] = engine.now
        send_away(engine, host)
    engine.tried_at.setdefault(host.id, engine.now)


def awake(engine: Engine, host: Host) -> None:
    """An activated host has been initialised."""
    if host.engine_status != "unassigned":
        return
    if not engine.reachable(host):
        engine.back_to[host.id] = "up"
        host.engine_status = "connecting"
        return
    host.engine_status = "up"
    record(engine.world, 13, "normal", f"Status of host {host.name} was set to Up.", host=host.name)
