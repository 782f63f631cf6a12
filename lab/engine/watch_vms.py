"""VMs in the engine's eyes: what the answering hosts report, what became of migrations, restarts of HA VMs."""

from __future__ import annotations

from lab import life
from lab.audit import record
from lab.engine.state import Engine
from lab.world import Host, Vm

LEASE = 140.0  # lab seconds after which a dead host's VM leases are free
BOOT = 72.0  # from powering_up to up
AGAIN = 60.0


def hear(engine: Engine, quiet: bool = False) -> None:
    """Takes over the VMs that answering hosts report. A VM whose last host does not answer stays as it was seen."""
    world = engine.world
    trusted = {
        host.name: engine.reachable(host) and host.engine_status not in ("connecting", "non_responsive")
        for host in world.hosts.values()
    }
    for vm in world.vms.values():
        before = engine.vm_seen.get(vm.id)
        now = (vm.status, vm.host)
        if before == now:
            continue
        if not quiet and before and not trusted.get(now[1] or before[1], True):
            continue
        engine.vm_seen[vm.id] = now
        if before and not quiet:
            _changed(engine, vm, before, now)


def _changed(engine: Engine, vm: Vm, before: tuple[str, str], now: tuple[str, str]) -> None:
    source = engine.moving.pop(vm.id, "") if now[0] == "up" else ""
    if source:
        _migration_over(engine, vm, source, now[1])
    if now[0] in ("wait_for_launch", "powering_up", "down") and before[0] != now[0]:
        engine.vm_since[vm.id] = engine.wall
    if now[0] == "down" and vm.id not in engine.stopping and before[0] != "down":
        _gone(engine, vm, before[1])
    if now[0] == "down":
        engine.stopping.discard(vm.id)


def _migration_over(engine: Engine, vm: Vm, source: str, host: str) -> None:
    if host == source:
        text = f"Migration failed (VM: {vm.name}, Source: {source})."
        record(engine.world, 65, "error", text, host=source, vm=vm.id)
        return
    text = (
        f"Migration completed (VM: {vm.name}, Source: {source}, Destination: {host}, Duration: 14 seconds, "
        "Total: 15 seconds, Actual downtime: 88ms)"
    )
    record(engine.world, 63, "normal", text, host=source, vm=vm.id)


def _gone(engine: Engine, vm: Vm, host: str) -> None:
    known = engine.world.hosts.get(host)
    if known is not None and engine.world.clock.now() - known.booted < 600 and known.booted > 0:
        text = f"VM {vm.name} was set to down due to host {host} reboot or manual fence."
        record(engine.world, 143, "warning", text, host=host, vm=vm.id)
    else:
        text = f"VM {vm.name} is down with error. Exit message: Lost connection with qemu process."
        record(engine.world, 119, "error", text, host=host, vm=vm.id)
    if vm.high_availability and not vm.is_engine:
        _fail_over(engine, vm)


def restart_lost(engine: Engine) -> None:
    """HA VMs of a host that does not answer: with a lease they start elsewhere once it has run out."""
    world = engine.world
    for host in world.hosts.values():
        since = engine.lost_since.get(host.id)
        if host.engine_status != "non_responsive" or since is None or engine.now - since < LEASE:
            continue
        for vm in world.vms.values():
            waiting = engine.vm_seen.get(vm.id, ("", ""))[1] == host.name
            if waiting and vm.high_availability and vm.lease and not vm.is_engine and vm.status == "down":
                _fail_over(engine, vm)


def _fail_over(engine: Engine, vm: Vm) -> None:
    if engine.now < engine.not_before.get(vm.id, 0.0):
        return
    engine.not_before[vm.id] = engine.now + AGAIN
    text = f"Highly Available VM {vm.name} failed. It will be restarted automatically."
    record(engine.world, 9602, "error", text, vm=vm.id)
    target = pick(engine, vm)
    if target is None:
        text = f"Failed to restart VM {vm.name}: no host can run it."
        record(engine.world, 9603, "error", text, vm=vm.id)
        return
    boot(engine, vm, target)
    record(
        engine.world, 506, "normal", f"VM {vm.name} was restarted on Host {target.name}.", host=target.name, vm=vm.id
    )


def pick(engine: Engine, vm: Vm) -> Host | None:
    """The host with most free memory that may run a stopped VM: up, answering, and seeing its LUNs."""
    groups = {engine.world.lun_groups[wwid] for wwid in vm.luns if wwid in engine.world.lun_groups}
    fit = [
        host
        for host in engine.world.hosts.values()
        if host.engine_status == "up" and engine.reachable(host) and groups <= {host.group}
    ]
    return max(fit, key=lambda host: host.free_memory, default=None)


def boot(engine: Engine, vm: Vm, host: Host) -> None:
    """Starts a VM on a host: wait_for_launch, powering_up, up (facts/engine-api.md, live captures)."""
    vm.host, vm.status = host.name, "wait_for_launch"
    engine.vm_seen[vm.id] = (vm.status, vm.host)
    engine.vm_since[vm.id] = engine.wall

    def to(before: str, after: str) -> None:
        if vm.status == before and vm.host == host.name:
            vm.status = after

    engine.later(2.0, lambda: to("wait_for_launch", "powering_up"))
    engine.later(2.0 + BOOT, lambda: to("powering_up", "up"))


def remember_host(engine: Engine) -> None:
    """The host of the engine VM: fencing it is not held back after a start (PreviousHostedEngineHost)."""
    running = life.running_on(engine.world)
    if running and running != engine.engine_host_now:
        engine.engine_host_before, engine.engine_host_now = engine.engine_host_now, running
