"""Stops ovirt-ha-agent on the host of the engine. Not a failover: the engine goes on, and nobody guards it
(facts/hosted-engine.md 6 c). Only `systemctl stop` keeps it down; a kill is healed after 10 s."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import sight
from failover.catalog.pair import member
from failover.catalog.words import word
from failover.verdicts.injection import fit
from portal.kernel.command import Command
from portal.kernel.step import ACT, Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait

UNIT = "ovirt-ha-agent"


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, and the unit on the step's own host."""
    return {**sight.looks(parameters), "unit": Command(("systemctl", "is-active", UNIT), timeout=5)}


def start(parameters: Parameters) -> tuple[Command, ...]:
    """Starts the agent; harmless when it runs."""
    return (Command(("systemctl", "start", UNIT), timeout=60, root=True),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    """Starts it, and asks whether it runs: `systemctl start` may end with 0 and leave nothing behind."""
    return (*start(parameters), Command(("systemctl", "is-active", UNIT), timeout=5))


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return fit(sight.read(seen, parameters), member(parameters, "on"))


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on, act = member(parameters, "on"), seen.get(ACT)
    if act is None:
        return wait(f"The HA agent of {on.name} runs.")
    if act.exit_code not in (0, None):
        return failed(f"{on.name} did not stop its HA agent (exit code {act.exit_code}): {act.error_line()}")
    unit = word(seen["unit"])
    if unit not in ("inactive", "failed"):
        return wait(f"The HA agent of {on.name} is {unit or 'not known'}, not stopped.")
    return done(f"The HA agent of {on.name} is stopped.")


STEP = Step(
    name="stop_agent",
    title="Stop the HA agent",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=looks,
    ready=_ready,
    act=lambda parameters: (Command(("systemctl", "stop", UNIT), timeout=60, root=True),),
    settled=_settled,
    undo=_undo,
    patience=60,
    every=2,
    expected=3,
)
