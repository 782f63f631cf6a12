"""Sets global or local maintenance on the command line of a host. What it comes to is seen in the steps after it."""

from __future__ import annotations

from failover.catalog import modes, release
from failover.catalog.pair import member
from portal.kernel.command import Command
from portal.kernel.step import Parameters, Seen, Step, act_ended
from portal.kernel.verdict import Verdict, done


def command(mode: str) -> Command:
    """hosted-engine's own command. Never with --force (facts/hosted-engine.md 7)."""
    return Command(("hosted-engine", "--set-maintenance", f"--mode={mode}"), timeout=60, root=True)


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if parameters["scope"] == modes.HOST:
        return done("The engine itself sets the flag when it takes the host into maintenance.")
    return act_ended(seen, f"hosted-engine on {member(parameters, 'on').name}")


STEP = Step(
    name="mode_set",
    title="Set the mode on the host",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    act=lambda parameters: (command(parameters["scope"]),),
    settled=_settled,
    undo=lambda parameters: (release.end(parameters["scope"], parameters["lag"]),),
    patience=90,
    every=1,
    expected=2,
)
