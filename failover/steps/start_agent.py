"""Starts ovirt-ha-agent again and waits until the other host sees it live."""

from __future__ import annotations

from failover.catalog import sight
from failover.catalog.pair import member
from failover.catalog.words import word
from failover.steps import stop_agent
from portal.kernel.step import ACT, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on, act = member(parameters, "on"), seen.get(ACT)
    if act is not None and act.exit_code not in (0, None):
        return failed(f"{on.name} did not start its HA agent (exit code {act.exit_code}): {act.error_line()}")
    unit = word(seen["unit"])
    if unit != "active":
        return wait(f"The HA agent of {on.name} is {unit or 'not known'}.")
    row = sight.read(seen, parameters).row(on)
    if row is None or row.live is not True or row.state != "EngineUp":
        return wait(f"The HA agent of {on.name} runs; it is not yet live in state EngineUp for every host.")
    return done(f"The HA agent of {on.name} guards the engine again: every host sees it live.")


STEP = Step(
    name="start_agent",
    title="Start the HA agent",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=stop_agent.looks,
    act=stop_agent.start,
    settled=_settled,
    undo="No undo: a running agent is how it should be.",
    patience=240,
    every=2,
    expected=80,
)
