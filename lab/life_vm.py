"""The engine VM: its life cycle on each host's vdsm, its volume lease, and the service inside it.

Durations are the measured model of facts/hosted-engine.md: WaitForLaunch 2 s, Powering up 20 s, service good 70 s
after that, guest shutdown 25 s, migration 25 s, dead-host lease 140 s, refused lease answered after 8 s.
"""

from __future__ import annotations

from lab.world import Host, Vm, VmRecord, World

LAUNCH, POWER_UP, SERVICE_BOOT, SHUTDOWN, MIGRATION = 2.0, 20.0, 70.0, 25.0, 25.0
LEASE_DEAD, LEASE_RENEW, LEASE_REFUSED = 140.0, 20.0, 8.0
HTTPD_AFTER = 10.0  # the web server answers (with 503) before the engine does
RECORD_KEPT = 60.0  # the engine destroys a leftover Down record after about this long
NEVER = float("inf")

RUNNING = ("WaitForLaunch", "Powering up", "Up", "Powering down", "Migration Source", "Paused")
_REST_WORDS = {
    "WaitForLaunch": "wait_for_launch",
    "Powering up": "powering_up",
    "Up": "up",
    "Powering down": "powering_down",
    "Migration Source": "migrating",
    "Paused": "paused",
}


def engine_vm(world: World) -> Vm:
    """The HostedEngine VM."""
    return next(vm for vm in world.vms.values() if vm.is_engine)


def running_on(world: World) -> str:
    """Name of the host whose vdsm runs the engine VM, "" when none does. The truth, not what anybody sees."""
    return next((name for name, record in world.engine.records.items() if record.status in RUNNING), "")


def phase(world: World) -> str:
    """What a client of the engine's web address meets now: "off" | "refused" | "503" | "up"."""
    name = running_on(world)
    if not name:
        return "off"
    record = world.engine.records[name]
    if record.status == "Powering down":
        return "503" if world.at - record.since < 3.0 else "refused"
    if record.status not in ("Up", "Migration Source"):
        return "off"
    if world.engine_health == "dead":
        return "503"
    age = world.at - world.engine.service_at
    if age < HTTPD_AFTER:
        return "refused"
    return "503" if age < SERVICE_BOOT else "up"


def start(world: World, host: Host) -> None:
    """vdsm creates the VM; whether it runs is decided by the lease (facts/hosted-engine.md 6b to 6d)."""
    world.engine.records[host.name] = VmRecord("WaitForLaunch", world.at)
    world.engine.news.add(host.name)


def shutdown(world: World, host: Host) -> None:
    """The guest is asked to shut down; it is Down 25 s later. A VM that is not booted yet goes at once."""
    record = world.engine.records[host.name]
    if record.status == "Up":
        _set(world, host.name, "Powering down")
    elif record.status != "Powering down":
        go_down(world, host.name, "unexpected")


def destroy(world: World, host: Host) -> None:
    """vdsm VM.destroy: the process ends and the record goes with it."""
    record = world.engine.records.pop(host.name)
    if record.status in RUNNING and world.engine.lease_host == host.name:
        world.engine.lease_host = ""
    if record.status in RUNNING:
        host.broker.sticky_unexpected = True
    settle(world)


def go_down(world: World, name: str, why: str) -> None:
    """The VM process on a host ends and leaves a Down record with a reason."""
    _set(world, name, "Down")
    world.engine.records[name].exit = why
    if world.engine.lease_host == name:
        world.engine.lease_host = ""
    settle(world)


def lose_host(world: World, name: str) -> None:
    """A host lost power: its record is gone, its lease runs out 140 s after the last renewal."""
    lose_lease(world, name, world.at)


def lose_lease(world: World, name: str, at: float) -> None:
    """The VM ends without giving its lease back, whose last renewal was before a lab time."""
    world.engine.records.pop(name, None)
    world.engine.news.add(name)
    if world.engine.lease_host == name:
        renewed = at - (at % LEASE_RENEW)
        world.engine.lease_until = renewed + LEASE_DEAD
    settle(world)


def begin_migration(world: World, source: str, target: str) -> None:
    """A live migration of the engine VM starts; both records say so."""
    _set(world, source, "Migration Source")
    world.engine.records[target] = VmRecord("Migration Destination", world.at)
    world.engine.news.add(target)


def cancel_migration(world: World) -> None:
    """The migration ends where it began."""
    for name in [n for n, r in world.engine.records.items() if r.status == "Migration Destination"]:
        del world.engine.records[name]
    for name, record in world.engine.records.items():
        if record.status == "Migration Source":
            _set(world, name, "Up")


def restart_service(world: World) -> None:
    """The engine service starts again inside its running VM; it serves after 70 s."""
    world.engine.service_at = world.at
    world.engine_health = "booting"


def due(world: World) -> float:
    """Lab time at which the next thing happens to the engine VM."""
    times = [_due(world, name, record) for name, record in world.engine.records.items()]
    if running_on(world):
        times += [at for wait in (HTTPD_AFTER, SERVICE_BOOT) if (at := world.engine.service_at + wait) > world.at]
    return min(times, default=NEVER)


def _due(world: World, name: str, record: VmRecord) -> float:
    if record.status == "WaitForLaunch":
        return _launch_due(world, name, record)
    waits = {"Powering up": POWER_UP, "Powering down": SHUTDOWN, "Migration Destination": MIGRATION}
    if record.status in waits:
        return record.since + waits[record.status]
    if record.status == "Down" and world.engine.last_phase == "up":
        return max(record.since, world.engine.served_since) + RECORD_KEPT
    return NEVER


def _launch_due(world: World, name: str, record: VmRecord) -> float:
    holder = world.engine.lease_host
    if holder in ("", name):
        return record.since + LAUNCH
    if world.hosts[holder].powered and running_on_host(world, holder):
        return record.since + LEASE_REFUSED
    return max(record.since + LAUNCH, world.engine.lease_until)


def running_on_host(world: World, name: str) -> bool:
    """True when that host's vdsm runs the engine VM."""
    record = world.engine.records.get(name)
    return record is not None and record.status in RUNNING


def step(world: World) -> None:
    """Everything that is due at world.at."""
    for name, record in list(world.engine.records.items()):
        if _due(world, name, record) <= world.at:
            _advance(world, name, record)
    settle(world)


def _advance(world: World, name: str, record: VmRecord) -> None:
    if record.status == "WaitForLaunch":
        _launch(world, name)
    elif record.status == "Powering up":
        _set(world, name, "Up")
        restart_service(world)
    elif record.status == "Powering down":
        go_down(world, name, "unexpected")
    elif record.status == "Migration Destination":
        _arrive(world, name)
    elif record.status == "Down":
        del world.engine.records[name]  # destroying it sends no event; the broker's next poll sees it


def _launch(world: World, name: str) -> None:
    holder = world.engine.lease_host
    if holder not in ("", name) and world.hosts[holder].powered and running_on_host(world, holder):
        go_down(world, name, "locked")
        return
    world.engine.lease_host = name
    _set(world, name, "Powering up")


def _arrive(world: World, name: str) -> None:
    source = next((n for n, r in world.engine.records.items() if r.status == "Migration Source"), "")
    _set(world, name, "Up")
    if source:
        go_down(world, source, "migrated")
    world.engine.lease_host = name


def _set(world: World, name: str, status: str) -> None:
    record = world.engine.records[name]
    world.engine.news.add(name)
    record.status, record.since, record.exit = status, world.at, ""


def settle(world: World) -> None:
    """Brings what follows from the records up to date: the Vm row, the health word, the true outage intervals."""
    name, vm = running_on(world), engine_vm(world)
    vm.host = name
    vm.status = _REST_WORDS[world.engine.records[name].status] if name else "down"
    now = phase(world)
    if now == "up":
        world.engine_health = "good"
    _note_outage(world, now)


def _note_outage(world: World, now: str) -> None:
    was = world.engine.last_phase
    if (was == "up") == (now == "up"):
        world.engine.last_phase = now
        return
    outages = world.truth.setdefault("engine_outages", [])
    assert isinstance(outages, list)
    if now == "up":
        outages[-1].update(until=world.at, until_wall=world.clock.wall_at(world.at), host=running_on(world))
        world.engine.generation += 1
        world.engine.served_since = world.at
    else:
        outages.append(
            {"from": world.at, "from_wall": world.clock.wall_at(world.at), "until": None, "until_wall": None}
        )
    world.engine.last_phase = now
