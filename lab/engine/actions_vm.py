"""Commands on VMs: start, stop, shutdown, migrate, and the engine VM's global maintenance (facts/engine-api.md 4)."""

from __future__ import annotations

from lab import life, life_vm
from lab.audit import record
from lab.engine import jobs, watch_hosts, watch_vms
from lab.engine.actions import Call, Denied, command
from lab.engine.wire import Refusal
from lab.world import Host, Vm

SHUTDOWN = 25.0  # lab seconds of a guest's own shutdown
SCORE_MARGIN = 800
NO_TARGET = "There is no host that satisfies current scheduling constraints."


def _ordinary(call: Call, verb: str) -> Vm:
    """The VM; the engine VM refuses (facts/hosted-engine.md 4: use hosted-engine --vm-*)."""
    vm = call.vm()
    if vm.is_engine:
        raise Denied(409, f"Cannot {verb} VM. This VM is not managed by the engine.")
    return vm


def _event(call: Call, vm: Vm, code: int, text: str) -> None:
    record(
        call.engine.world, code, "normal", text, vm=vm.id, host=vm.host, correlation_id=call.correlation,
        user=call.account.id,
    )  # fmt: skip


def _status_job(call: Call, vm: Vm, description: str, goal: str) -> None:
    moving = {"up": ("wait_for_launch", "powering_up", "migrating"), "down": ("powering_down", "up", "migrating")}[goal]

    def verdict() -> str:
        if vm.status == goal:
            return "finished"
        return "" if vm.status in moving else "failed"

    call.job(jobs.begin(call.engine, call.account, description, call.correlation, verdict))


def _named_host(call: Call, path: str) -> Host | None:
    node = call.body.find(path)
    if node is None:
        return None
    name = (node.findtext("name") or "").strip()
    found = call.engine.world.hosts.get(name) if name else call.engine.host(node.get("id", ""))
    if found is None:
        raise Denied(400, "Host does not exist.")
    return found


@command("vms", "start")
async def start(call: Call) -> None:
    """Starts a VM; complete means that VDSM has been asked."""
    vm, engine = _ordinary(call, "run"), call.engine
    if engine.seen(vm)[0] != "down":
        raise Denied(409, "Cannot run VM. VM is running.")
    target = _named_host(call, "vm/placement_policy/hosts/host") or watch_vms.pick(engine, vm)
    if target is None or target.engine_status != "up":
        raise Denied(409, f"Cannot run VM. {NO_TARGET}")
    watch_vms.boot(engine, vm, target)
    _event(call, vm, 153, f"VM {vm.name} was started by {call.account.shown} (Host: {target.name}).")
    _status_job(call, vm, f"Launching VM {vm.name}", "up")


@command("vms", "stop")
async def stop(call: Call) -> None:
    """Powers a VM off at once."""
    vm = _ordinary(call, "stop")
    _must_run(call, vm, "stop")
    call.engine.stopping.add(vm.id)
    _event(call, vm, 33, f"VM {vm.name} powered off by {call.account.shown} (Host: {vm.host}){_reason(call)}.")
    vm.status, vm.host = "down", ""
    call.engine.world.migrations.pop(vm.id, None)
    call.engine.vm_seen[vm.id] = ("down", "")
    call.engine.vm_since[vm.id] = call.engine.wall
    call.engine.stopping.discard(vm.id)
    _status_job(call, vm, f"Powering-off VM {vm.name}", "down")


def _reason(call: Call) -> str:
    return f" (Reason: {call.text('reason')})" if call.text("reason") else ""


def _must_run(call: Call, vm: Vm, verb: str) -> None:
    status, name = call.engine.seen(vm)
    if status == "down":
        raise Denied(409, f"Cannot {verb} VM. VM is not running.")
    host = call.engine.world.hosts.get(name)
    if host is None or not call.engine.reachable(host):
        raise Denied(409, f"Cannot {verb} VM. VM's Host is not responding.")


@command("vms", "shutdown")
async def shutdown(call: Call) -> None:
    """Asks the guest to shut down; it is down 25 s later."""
    vm, engine = _ordinary(call, "shutdown"), call.engine
    _must_run(call, vm, "shutdown")
    engine.stopping.add(vm.id)
    vm.status = "powering_down"
    _event(
        call, vm, 73, f"VM shutdown initiated by {call.account.shown} on VM {vm.name} (Host: {vm.host}){_reason(call)}."
    )

    def down() -> None:
        if vm.status == "powering_down":
            host, vm.status, vm.host = vm.host, "down", ""
            text = f"VM {vm.name} is down. Exit message: User shut down from within the guest"
            record(engine.world, 61, "normal", text, host=host, vm=vm.id, correlation_id=call.correlation)

    engine.later(SHUTDOWN, down)
    _status_job(call, vm, f"Shutting down VM {vm.name}", "down")


@command("vms", "reboot")
async def reboot(call: Call) -> None:
    """Reboots the guest."""
    vm = _ordinary(call, "reboot")
    _must_run(call, vm, "reboot")
    vm.status = "reboot_in_progress"
    call.engine.later(60.0, lambda: setattr(vm, "status", "up") if vm.status == "reboot_in_progress" else None)
    _event(call, vm, 157, f"User {call.account.shown} initiated reboot of VM {vm.name}.")


def _fits_engine(call: Call, vm: Vm, target: Host) -> bool:
    """The scheduler's filter for the engine VM: configured, score > 0 and > current score - 800."""
    there, here = call.engine.ha.get(target.id), call.engine.ha.get(call.engine.world.hosts[vm.host].id)
    if there is None or here is None:
        return False
    score = int(str(there["score"]))
    return score > 0 and score > int(str(here["score"])) - SCORE_MARGIN


@command("vms", "migrate")
async def migrate(call: Call) -> None:
    """Live migration, to the named host or to the scheduler's choice."""
    vm, engine = call.vm(), call.engine
    status, source = engine.seen(vm)
    if status == "migrating":
        raise Denied(409, "Cannot migrate VM. Migration is in progress.")
    if status != "up":
        raise Denied(409, "Cannot migrate VM. VM is not running.")
    target = _named_host(call, "host")
    if target is not None:
        if target.name == source:
            raise Denied(409, "Cannot migrate VM. VM is already running on the specified Host.")
        if target.engine_status != "up" or (vm.is_engine and not _fits_engine(call, vm, target)):
            raise Denied(409, f"Cannot migrate VM. {NO_TARGET}")
    try:
        chosen = life.migrate(engine.world, vm.id, target.name if target else None)
    except ValueError as trouble:
        raise Denied(409, f"Cannot migrate VM. {trouble}") from None
    engine.vm_seen[vm.id] = ("migrating", source)
    watch_hosts.announce(engine, vm, source, chosen, call.correlation)
    _migration_job(call, vm, source)
    if engine.world.engine_faults.get("fail_migrations"):
        _end_where_it_began(call, vm)


def _migration_job(call: Call, vm: Vm, source: str) -> None:
    def verdict() -> str:
        if vm.status == "migrating":
            return ""
        return "finished" if vm.status == "up" and vm.host != source else "failed"

    call.job(jobs.begin(call.engine, call.account, f"Migrating VM {vm.name}", call.correlation, verdict))


@command("vms", "cancelmigration")
async def cancel_migration(call: Call) -> None:
    """Ends a migration where it began."""
    vm = call.vm()
    if vm.status != "migrating":
        raise Denied(409, "Cannot cancel migration for VM. VM is not migrating.")
    _end_where_it_began(call, vm)


def _end_where_it_began(call: Call, vm: Vm) -> None:
    if vm.is_engine:
        life_vm.cancel_migration(call.engine.world)
        life.act(call.engine.world)
    else:
        call.engine.world.migrations.pop(vm.id, None)
        vm.status = "up"


@command("vms", "maintenance")
async def maintenance(call: Call) -> None:
    """Global maintenance, through the engine VM only; local flags are left alone (facts/hosted-engine.md 4)."""
    vm, engine = call.vm(), call.engine
    if not vm.is_engine:
        text = "Moving to maintenance mode is currently only available for the VM containing the hosted engine."
        raise Refusal(400, text, "text/plain")
    if not call.text("maintenance_enabled"):
        raise Denied(400, "Action [maintenanceEnabled] required for maintenance", "Incomplete parameters")
    on = call.truth("maintenance_enabled")
    word = "enabled" if on else "disabled"
    host = engine.world.hosts.get(vm.host)
    try:
        if host is None or host.engine_status != "up":
            raise ValueError("The Host is not Up.")
        life.global_maintenance(engine.world, on)
    except ValueError as trouble:
        text = f"Failed to set Hosted Engine HA Global Maintenance to {word}."
        record(engine.world, 10451, "error", text, vm=vm.id, correlation_id=call.correlation)
        raise Denied(409, f"Cannot update Hosted Engine HA maintenance. {trouble}") from None
    text = f"Hosted Engine HA Global Maintenance was {word} by {call.account.shown}."
    _event(call, vm, 10450, text)
