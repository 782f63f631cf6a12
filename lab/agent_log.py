"""agent.log lines in the product's form (facts/hosted-engine.md 5)."""

from __future__ import annotations

import time

from lab.world import Host, World

KEPT = 400
_PLACES = {
    "_monitoring_loop": ("hosted_engine", 531),
    "start_monitoring": ("hosted_engine", 441),
    "consume": ("states", 476),
    "score": ("states", 173),
    "check": ("state_decorators", 94),
    "notify": ("brokerlink", 67),
    "run": ("agent", 85),
    "_run_agent": ("agent", 98),
}
_PACKAGE = {"HostedEngine": "ovirt_hosted_engine_ha.agent.hosted_engine", "Agent": "ovirt_hosted_engine_ha.agent.agent"}


def log(world: World, host: Host, level: str, module: str, logger: str, function: str, message: str) -> None:
    """Appends one line to the host's agent.log."""
    wall = world.clock.wall_at(world.at) + host.clock_offset
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(wall)) + f",{int(wall % 1 * 1000):03d}"
    name = f"{_PACKAGE.get(logger, 'ovirt_hosted_engine_ha.lib.brokerlink')}.{logger}"
    where, line = _PLACES.get(function, (module, 1))
    host.log.append(f"MainThread::{level}::{stamp}::{where}::{line}::{name}::({function}) {message}")
    del host.log[:-KEPT]


def log_loop(world: World, host: Host) -> None:
    """The two lines that every loop writes: own state, best remote host."""
    log(
        world,
        host,
        "INFO",
        "hosted_engine",
        "HostedEngine",
        "_monitoring_loop",
        f"Current state {host.state} (score: {host.score})",
    )
    others = [
        record
        for number, record in host.broker.records.items()
        if number in host.broker.alive and number != host.he_host_id
    ]
    if others:
        best = max(others, key=lambda record: record.score)
        text = f"Best remote host {best.hostname} (id: {best.host_id}, score: {best.score})"
        log(world, host, "INFO", "hosted_engine", "HostedEngine", "_monitoring_loop", text)


def log_transition(world: World, host: Host, old: str, new: str) -> None:
    """The notification line of a changed state, which is also what the mail says."""
    text = f"Success, was notification of state_transition ({old}-{new}) sent? sent"
    log(world, host, "INFO", "brokerlink", "BrokerLink", "notify", text)
