"""One host's ovirt-ha-agent: its loop, its score, what it publishes. The states themselves are in life_states.py.

facts/hosted-engine.md 3.1 (score), 3.3 (constants), 4 (waiting in local maintenance), 6 (start and stop timelines).
"""

from __future__ import annotations

from lab import life_broker, life_states, life_storage, life_vm
from lab.agent_log import log, log_loop
from lab.life_score import score
from lab.world import HeRecord, Host, World

ALIVE, ACQUIRE, RESTART, WAIT_POLL = 60.0, 10.0, 10.0, 30.0
SERVICES, SERVICE_WAIT = ("vdsmd", "sanlock"), 30.0  # without them a loop ends before it publishes


def due(world: World, host: Host) -> float:
    """Lab time of the agent's next loop; never while its unit does not run."""
    if host.he_host_id is None or not life_broker.unit_active(world, host, "ovirt-ha-agent"):
        return life_vm.NEVER
    return host.agent.next_tick


def start(world: World, host: Host) -> None:
    """systemd starts the agent, and the broker that the agent's unit wants (unless it is held down by a fault)."""
    host.units["ovirt-ha-agent"] = "active"
    host.unit_since["ovirt-ha-agent"] = max(world.at, host.ready_at)
    want_broker(world, host)
    agent = host.agent
    agent.phase, agent.started, agent.next_tick = (
        "starting",
        max(world.at, host.ready_at),
        max(world.at, host.ready_at) + ACQUIRE,
    )
    agent.starts += 1
    # facts 6c: 2 of 7 restarts measured start the VM one tick before the others' liveness is known
    agent.grace = 60.0 if agent.starts % 4 == 3 else 75.0
    agent.seen, agent.published, agent.timeout = {}, False, None


def want_broker(world: World, host: Host) -> None:
    """The agent unit's Wants= brings a dead broker back; a fault that holds it down wins."""
    held = any(
        fault.target == host.name and (fault.name == "stop-broker" or fault.args.get("unit") == "ovirt-ha-broker")
        for fault in world.faults
    )
    readable = life_storage.cut_since(world, host) is None
    if host.units.get("ovirt-ha-broker") != "active" and readable and not held:
        host.units["ovirt-ha-broker"] = "active"
        host.unit_since["ovirt-ha-broker"] = max(world.at, host.ready_at)
        life_broker.reset(world, host)


def stop(world: World, host: Host) -> None:
    """systemctl stop: a clean stop publishes AgentStopped, score 0; a waiting agent has nothing to publish with."""
    agent = host.agent
    host.units["ovirt-ha-agent"] = "inactive"
    if agent.phase == "running" and agent.published and life_broker.unit_active(world, host, "ovirt-ha-broker"):
        host.state = "AgentStopped"
        agent.timeout = None
        publish(world, host, stopped=True)
    agent.phase, agent.published = "stopped", False
    log(world, host, "INFO", "agent", "Agent", "run", "Agent shutting down")


def step(world: World, host: Host) -> None:
    """One loop, if it is due."""
    if due(world, host) > world.at:
        return
    agent = host.agent
    agent.next_tick = world.at + life_states.LOOP
    if agent.phase == "waiting" and not _leave_waiting(world, host):
        return
    if not life_broker.unit_active(world, host, "ovirt-ha-broker"):
        _fail(world, host)
    elif agent.phase in ("starting", "failing"):
        _begin(world, host)
    else:
        _loop(world, host)


def _fail(world: World, host: Host) -> None:
    """The agent cannot talk to its broker: it ends, and systemd starts it again 10 s later."""
    log(world, host, "ERROR", "agent", "Agent", "_run_agent", "Trying to restart agent")
    agent = host.agent
    agent.phase, agent.published = "failing", False
    agent.next_tick = world.at + RESTART
    want_broker(world, host)


def _begin(world: World, host: Host) -> None:
    """Start-up is through: wait in local maintenance, or lock the host id and run the state machine from its start."""
    agent = host.agent
    if agent.phase == "failing":
        start(world, host)  # systemd's restart
        return
    if host.local_maintenance or host.local_maintenance_manual:
        agent.phase = "waiting"
        agent.next_tick = world.at + WAIT_POLL
        log(world, host, "INFO", "hosted_engine", "HostedEngine", "start_monitoring", "Local maintenance set")
        return
    agent.phase = "running"
    host.vm_conf = True
    host.broker.registered = True
    life_states.enter(world, host, "ReinitializeFSM")
    observe(world, host)
    publish(world, host)


def _leave_waiting(world: World, host: Host) -> bool:
    agent = host.agent
    if host.local_maintenance or host.local_maintenance_manual:
        agent.next_tick = world.at + WAIT_POLL
        log(world, host, "INFO", "hosted_engine", "HostedEngine", "start_monitoring", "Local maintenance set")
        return False
    agent.phase = "starting"
    return True


def _loop(world: World, host: Host) -> None:
    """Without vdsmd or sanlock the agent does nothing and publishes nothing, so its record gets stale."""
    missing = next((unit for unit in SERVICES if not life_broker.unit_active(world, host, unit)), "")
    if missing:
        text = f"Required service {missing} is not up."
        log(world, host, "INFO", "hosted_engine", "HostedEngine", "_monitoring_loop", text)
        host.agent.next_tick = world.at + SERVICE_WAIT
        return
    observe(world, host)
    life_states.advance(world, host)
    publish(world, host)
    log_loop(world, host)


def observe(world: World, host: Host) -> None:
    """Updates who is alive: a host whose host-ts changed within 60 s, once it has been watched for 60 s."""
    agent, at = host.agent, world.at
    alive = {host.he_host_id} if host.he_host_id is not None else set()
    for number, record in host.broker.records.items():
        ts, first, changed = agent.seen.get(number, (record.host_ts, at, -10_000.0))
        if ts != record.host_ts:
            ts, changed = record.host_ts, at
        agent.seen[number] = (ts, first, changed)
        if at - first >= ALIVE and at - changed < ALIVE:
            alive.add(number)
    host.broker.alive, host.broker.alive_at = tuple(sorted(alive)), at


def publish(world: World, host: Host, stopped: bool = False) -> None:
    """Writes this host's record with what its own broker knows now."""
    agent = host.agent
    assert host.he_host_id is not None
    host.score = score(world, host)
    if not stopped:
        agent.conf_at = world.at
    timeout = None if agent.timeout is None else agent.timeout - host.booted
    record = HeRecord(
        host_id=host.he_host_id,
        host_ts=int(world.at - host.booted),
        score=host.score,
        engine_status=dict(host.broker.status) if host.broker.status else None,
        hostname=host.hostname,
        maintenance=host.state == "LocalMaintenance",
        stopped=stopped,
        state=host.state,
        local_conf_timestamp=int(agent.conf_at - host.booted),
        wall=world.clock.wall_at(world.at) + host.clock_offset,
        timeout=timeout,
        written_at=world.at,
    )
    agent.published = True
    life_broker.write(world, host, record)
