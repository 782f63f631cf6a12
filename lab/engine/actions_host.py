"""Commands on hosts: maintenance, activation, fencing, SPM (facts/engine-api.md 4, facts/hosted-engine.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lab import life
from lab.audit import record
from lab.engine import jobs, watch_hosts, watch_storage
from lab.engine.actions import Call, Denied, command
from lab.engine.shapes import deeper
from lab.engine.shapes_log import fault
from lab.engine.state import Engine
from lab.world import Host

AFTER_START = 300.0  # DisableFenceAtStartupInSec
QUIET = 180.0  # FenceQuietTimeBetweenOperationsInSec
POWER_SECONDS = 10.0  # of one stop or start, lab seconds; the real one polls up to 18 times 10 s
INITIALISING = 5.0
NO_OTHER_HOST = (
    "Cannot switch the Host(s) to Maintenance mode.\nNone of the hosts capable of running the engine VM has score more "
    "than 0 and is in Up state."
)


def _carries_engine(host: Host, engine: Engine) -> bool:
    return any(vm.is_engine and vm.host == host.name for vm in engine.world.vms.values())


def _other_can_carry(engine: Engine, host: Host) -> bool:
    for other in engine.world.hosts.values():
        stats = engine.ha.get(other.id)
        if other is host or stats is None or other.engine_status != "up":
            continue
        if stats["active"] and not stats["local_maintenance"] and int(str(stats["score"])) > 0:
            return True
    return False


def _status_job(call: Call, host: Host, description: str, goal: str, while_: tuple[str, ...]) -> None:
    """A job that ends when the host reaches a status, and fails when it takes another way."""

    def verdict() -> str:
        if host.engine_status == goal:
            return "finished"
        return "" if host.engine_status in while_ else "failed"

    call.job(jobs.begin(call.engine, call.account, description, call.correlation, verdict))


@command("hosts", "deactivate")
async def deactivate(call: Call) -> None:
    """Maintenance: returns when the migrations are launched; the host stays preparing until it is empty."""
    host, engine = call.host(), call.engine
    if host.engine_status in ("maintenance", "preparing_for_maintenance"):
        raise Denied(409, "Cannot switch Host to Maintenance mode. Host is already in Maintenance mode.")
    if host.engine_status in ("non_responsive", "connecting", "reboot") and watch_hosts.vms_on(engine, host):
        raise Denied(409, "Cannot switch Host to Maintenance mode. Host has running VMs and is not responding.")
    if _carries_engine(host, engine) and not _other_can_carry(engine, host):
        raise Denied(409, NO_OTHER_HOST)
    _announce_maintenance(call, host)
    before = host.engine_status
    host.engine_status = "preparing_for_maintenance"
    engine.drained[host.id] = call.correlation
    if host.he_host_id is not None and not _set_local(engine, host):
        host.engine_status = before
        raise Denied(409, "Cannot switch Host to Maintenance mode. Hosted Engine HA maintenance could not be enabled.")
    _status_job(call, host, f"Moving Host {host.name} to Maintenance", "maintenance", ("preparing_for_maintenance",))
    watch_hosts.send_away(engine, host)


def _announce_maintenance(call: Call, host: Host) -> None:
    reason = call.text("reason")
    code, tail = (600, f" Reason: {reason}") if reason else (620, "")
    text = f"Host {host.name} was switched to Maintenance mode by {call.account.shown}.{tail}"
    record(
        call.engine.world, code, "normal", text, host=host.name, correlation_id=call.correlation, user=call.account.id
    )


def _set_local(engine: Engine, host: Host) -> bool:
    """The HA flag through VDSM. Its failure is fatal only on the host of the engine VM (facts/hosted-engine.md 4)."""
    try:
        life.vdsm_local_maintenance(engine.world, host.name, True)
    except ValueError:
        if _carries_engine(host, engine):
            record(engine.world, 17, "error", f"Failed to switch Host {host.name} to Maintenance mode.", host=host.name)
            return False
        text = (
            f"Host {host.name} was switched to Maintenance mode, but Hosted Engine HA maintenance could not be "
            "enabled. Please enable it manually."
        )
        record(engine.world, 10453, "warning", text, host=host.name)
    return True


@command("hosts", "activate")
async def activate(call: Call) -> None:
    """Clears only the flag that the engine itself set, then initialises the host."""
    host, engine = call.host(), call.engine
    if host.engine_status not in ("maintenance", "non_operational", "non_responsive", "preparing_for_maintenance"):
        raise Denied(409, f"Cannot activate Host. Host in {host.engine_status.replace('_', ' ').title()} status.")
    text = f"Activation of host {host.name} initiated by {call.account.shown}."
    record(engine.world, 16, "normal", text, host=host.name, correlation_id=call.correlation, user=call.account.id)
    host.engine_status = "unassigned"
    engine.drained.pop(host.id, None)
    _status_job(call, host, f"Activating Host {host.name}", "up", ("unassigned", "connecting"))
    if host.he_host_id is not None and host.local_maintenance:
        try:
            life.vdsm_local_maintenance(engine.world, host.name, False)
        except ValueError:
            text = (
                f"Host {host.name} was activated, but the Hosted Engine HA maintenance could not be disabled. "
                "Please disable it manually."
            )
            record(engine.world, 10454, "warning", text, host=host.name, correlation_id=call.correlation)
    engine.later(INITIALISING, lambda: watch_hosts.awake(engine, host))


def _may_fence(engine: Engine, host: Host) -> None:
    up_for = engine.now - engine.started
    if up_for < AFTER_START and host.name != engine.engine_host_before:
        detail = "Cannot restart Host. Fence is disabled due to the Engine Service start up sequence."
        raise Denied(409, detail)
    if engine.now - engine.fenced_at.get(host.id, -QUIET) < QUIET:
        raise Denied(409, "Cannot restart Host. Power Management operation is still in progress or in its quiet time.")


def _agent_trouble(engine: Engine, host: Host) -> str:
    """Why the fence agent cannot be asked; "" when it can."""
    dead = engine.fault("bmc_dead")
    if isinstance(dead, set | frozenset | list | tuple) and host.name in dead:
        return "Unable to connect to fence agent"
    if not any(other is not host and engine.reachable(other) for other in engine.world.hosts.values()):
        return "There is no other host in the data center that can be used to execute the operation"
    return ""


@command("hosts", "fence")
async def fence(call: Call) -> None:
    """Power management. status answers HTTP 200 whatever comes back (facts/engine-api.md 0.15)."""
    kind = call.text("fence_type")
    if not kind:
        raise Denied(400, "Action [fenceType] required for fence", "Incomplete parameters")
    kinds: dict[str, Callable[[Call, Host], object]] = {"status": _fence_status, "manual": _fence_manual}
    if kind in kinds:
        kinds[kind](call, call.host())
    elif kind in ("restart", "start", "stop"):
        await _fence_power(call, call.host(), kind)
    else:
        raise Denied(400, f"Fence type {kind} is not valid. Valid values: manual, restart, start, stop, status.")


def _fence_status(call: Call, host: Host) -> None:
    trouble = _agent_trouble(call.engine, host)
    if trouble:
        call.extra |= {"status": "failed", "fault": fault(trouble)}
        text = f"Failed to verify Power Management configuration for Host {host.name}."
        record(call.engine.world, 495, "error", text, host=host.name, correlation_id=call.correlation)
        return
    word = "on" if host.powered else "off"
    call.extra["power_management"] = f"<power_management>\n{deeper(f'<status>{word}</status>')}\n</power_management>"
    text = f"Manual fencing status of Host {host.name} is {word}."
    record(call.engine.world, 494, "normal", text, host=host.name, correlation_id=call.correlation)


def _fence_manual(call: Call, host: Host) -> None:
    """A person confirms that the host has been rebooted: its VMs are taken as down."""
    if host.engine_status not in ("non_responsive", "connecting", "maintenance", "non_operational", "reboot"):
        raise Denied(409, f"Cannot confirm 'Host has been rebooted'. Host status is {host.engine_status}.")
    for vm in call.engine.world.vms.values():
        if call.engine.vm_seen.get(vm.id, ("", ""))[1] == host.name and vm.host in ("", host.name):
            call.engine.vm_seen[vm.id] = ("down", "")
            text = f"VM {vm.name} was set to down due to host reboot or manual fence"
            record(call.engine.world, 143, "warning", text, host=host.name, vm=vm.id, correlation_id=call.correlation)
    host.spm = False


async def _fence_power(call: Call, host: Host, kind: str) -> None:
    engine = call.engine
    _may_fence(engine, host)
    if kind == "stop" and host.engine_status != "maintenance":
        raise Denied(409, "Cannot stop Host. Host must be in Maintenance mode.")
    trouble = _agent_trouble(engine, host)
    engine.fenced_at[host.id] = engine.now
    record(engine.world, 9017, "normal", f"Power management {kind} of Host {host.name} initiated.", host=host.name,
           correlation_id=call.correlation)  # fmt: skip
    if trouble:
        text = f"Power management {kind} of Host {host.name} failed."
        record(engine.world, 9019, "error", text, host=host.name, correlation_id=call.correlation)
        raise Denied(409, trouble)
    if kind in ("restart", "stop"):
        life.power(engine.world, host.name, False)
        await asyncio.sleep(engine.pause(POWER_SECONDS))
    if life.engine_phase(engine.world) != "up":
        return  # the engine ran there: nobody is left to switch the host on
    if kind in ("restart", "start"):
        life.power(engine.world, host.name, True)
        _restarted(call, host)
        await asyncio.sleep(engine.pause(POWER_SECONDS))
    text = f"Power management {kind} of Host {host.name} succeeded."
    record(engine.world, 9018, "normal", text, host=host.name, correlation_id=call.correlation)


def _restarted(call: Call, host: Host) -> None:
    engine = call.engine
    back = "maintenance" if call.truth("maintenance_after_restart") or host.engine_status == "maintenance" else "up"
    engine.back_to[host.id] = back
    engine.lost_since[host.id] = engine.now
    host.engine_status = "reboot"
    text = f"Host {host.name} was restarted by {call.account.shown}."
    record(engine.world, 41, "normal", text, host=host.name, correlation_id=call.correlation, user=call.account.id)
    goal = f"Restarting Host {host.name}"
    _status_job(call, host, goal, back, ("reboot", "connecting"))


@command("hosts", "forceselectspm")
async def force_select_spm(call: Call) -> None:
    """Makes this host the SPM."""
    host = call.host()
    if host.engine_status != "up":
        raise Denied(409, "Cannot force select SPM. Host is not Up.")
    if host.spm:
        raise Denied(409, "Cannot force select SPM. The Host is already the SPM.")
    watch_storage.choose_spm(call.engine, host, call.correlation)


@command("hosts", "refresh")
async def refresh(call: Call) -> None:
    """Reads the host's capabilities again."""
    host = call.host()
    if host.engine_status not in ("up", "maintenance", "non_operational"):
        raise Denied(409, "Cannot refresh Host. Host is not responding.")
    text = f"Refreshing capabilities of Host {host.name}"
    call.job(jobs.begin(call.engine, call.account, text, call.correlation, jobs.done))


@command("hosts", "upgradecheck")
async def upgrade_check(call: Call) -> None:
    """Asks the host's package manager; the result is an event."""
    host = call.host()
    if host.engine_status not in ("up", "maintenance", "non_operational"):
        raise Denied(409, "Cannot check Host for updates. Host status is not valid.")
    text = f"Check for available updates on host {host.name} was completed with message 'no updates available.'."
    record(call.engine.world, 885, "normal", text, host=host.name, correlation_id=call.correlation)
    call.job(
        jobs.begin(call.engine, call.account, f"Checking updates of Host {host.name}", call.correlation, jobs.done)
    )
