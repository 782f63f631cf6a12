"""The drill plans that are built in. Each is a list of named steps; parameters are filled in by services.drills."""

from __future__ import annotations

from failover.catalog import pair
from failover.catalog.traits import decisions
from failover.steps import (
    closing_checks,
    cut_power,
    fingerprint_after,
    fingerprint_before,
    migrate_engine,
    offline_paths,
    online_paths,
    power_on,
    poweroff_engine_vm,
    ready_again,
    rehearse_backup,
    start_agent,
    start_clock,
    start_engine_service,
    stop_agent,
    stop_clock,
    stop_engine_service,
    wait_engine_back,
    wait_scores_back,
    walk_through,
    watch_io,
    watch_unguarded,
)
from portal.kernel.plan import Parameter, Plan
from portal.kernel.step import Step


def _key(value: int) -> str:
    return "" if value > 0 else "It is the key of a host."


def _how(value: str) -> str:
    return "" if value in ("person", "fence") else f"{value!r} is no way to cut the power; it is person or fence."


def _fabric(value: str) -> str:
    return "" if value.strip() and len(value) <= 40 else "It names a fabric."


def _watch(value: int) -> str:
    return "" if 0 <= value <= 3000 else f"{value} s is too long to watch; it is 0 to 3000."


def _questions(value: str) -> str:
    lines = [line for line in value.splitlines() if line.strip()]
    if not lines:
        return "No question is asked."
    return "" if len(lines) <= 100 and len(value) <= 20_000 else "At most 100 questions are asked in one drill."


VERSION = 2  # 2: people decide on a failed step that changes nothing
HOSTS = Parameter("hosts", "Hosted-engine hosts", str, None, pair.problem)
ON = Parameter("on", "Host that the drill acts on", int, None, _key)
TO = Parameter("to", "Host that takes over", int, None, _key)
HOW = Parameter("how", "Who cuts the power", str, "person", _how)
FABRIC = Parameter("fabric", "Fabric", str, None, _fabric)
PATHS = Parameter("paths", "SCSI addresses of its paths", str, None, offline_paths.problem)
WATCH = Parameter("watch_seconds", "Seconds to watch on one fabric", int, 60, _watch)
QUESTIONS = Parameter("questions", "Questions, one per line", str, None, _questions)
# all that a drill can be given, in the order in which people are asked
PARAMETERS = (HOSTS, ON, TO, HOW, FABRIC, PATHS, WATCH, QUESTIONS)
_BEFORE: tuple[Step, ...] = (ready_again.STEP, fingerprint_before.STEP, start_clock.STEP)
_AFTER: tuple[Step, ...] = (wait_scores_back.STEP, fingerprint_after.STEP, closing_checks.STEP)


def _plan(name: str, title: str, parameters: tuple[Parameter, ...], *steps: Step, approval: bool = True) -> Plan:
    return Plan(name, title, VERSION, steps, ("she",), parameters, approval, decisions(steps))


SHE_SWITCHOVER = _plan(
    "she_switchover",
    "Switchover of the engine",
    (HOSTS, ON, TO),
    *_BEFORE,
    migrate_engine.STEP,
    stop_clock.STEP,
    *_AFTER,
)
SHE_FAILOVER = _plan(
    "she_failover",
    "Failover of the engine",
    (HOSTS, ON),
    *_BEFORE,
    poweroff_engine_vm.STEP,
    wait_engine_back.STEP,
    stop_clock.STEP,
    *_AFTER,
)
SHE_AGENT_STOP = _plan(
    "she_agent_stop",
    "Stop of an HA agent",
    (HOSTS, ON),
    *_BEFORE,
    stop_agent.STEP,
    watch_unguarded.STEP,
    start_agent.STEP,
    stop_clock.STEP,
    *_AFTER,
)
ENGINE_SERVICE_FAILURE = _plan(
    "engine_service_failure",
    "Failure of the engine service",
    (HOSTS, ON),
    *_BEFORE,
    stop_engine_service.STEP,
    wait_engine_back.STEP,
    start_engine_service.STEP,
    stop_clock.STEP,
    *_AFTER,
)
HOST_POWER_LOSS = _plan(
    "host_power_loss",
    "Power loss of a host",
    (HOSTS, ON, HOW),
    *_BEFORE,
    cut_power.STEP,
    wait_engine_back.STEP,
    stop_clock.STEP,
    power_on.STEP,
    *_AFTER,
)
FABRIC_PATH_LOSS = _plan(
    "fabric_path_loss",
    "Loss of a fabric on a host",
    (HOSTS, ON, FABRIC, PATHS, WATCH),
    *_BEFORE,
    offline_paths.STEP,
    watch_io.STEP,
    online_paths.STEP,
    stop_clock.STEP,
    *_AFTER,
)
BACKUP_REHEARSAL = _plan(
    "backup_rehearsal",
    "Rehearsal of the newest backup",
    (HOSTS,),
    ready_again.STEP,
    start_clock.STEP,
    rehearse_backup.STEP,
    stop_clock.STEP,
    approval=False,
)
TABLETOP = _plan(
    "tabletop",
    "Drill on paper",
    (HOSTS, QUESTIONS),
    ready_again.STEP,
    start_clock.STEP,
    walk_through.STEP,
    stop_clock.STEP,
    approval=False,
)

DRILLS = (
    SHE_SWITCHOVER,
    SHE_FAILOVER,
    SHE_AGENT_STOP,
    ENGINE_SERVICE_FAILURE,
    HOST_POWER_LOSS,
    FABRIC_PATH_LOSS,
    BACKUP_REHEARSAL,
    TABLETOP,
)
