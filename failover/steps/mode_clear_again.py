"""Ends the mode once more when the other host still sees it: a write may be lost with exit code 0
(facts/hosted-engine.md 4, traps 3 and 4)."""

from __future__ import annotations

from failover.catalog import asking, modes
from failover.catalog.pair import member
from failover.steps.mode_clear import NO_UNDO
from failover.steps.mode_set import command
from portal.kernel.step import ACT, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, go, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    gone = modes.cleared(asking.read(seen, parameters), parameters)
    if gone and asking.settled_down(seen):
        return done("No other host sees it any more.")
    if gone is None:
        return wait("No other host says what it sees.")
    return wait(f"It is still seen{', though it was ended twice' if ACT in seen else ''}.")


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    if not asking.settled_down(seen):
        return wait(f"What was written needs {parameters['lag']} s until another host has read it.")
    if modes.cleared(asking.read(seen, parameters), parameters) is None:
        return wait("No other host says what it sees, so nothing is repeated.")
    return go("The write was lost; it is repeated once.")


STEP = Step(
    name="mode_clear_again",
    title="See its end from the other host, or end it once more",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=asking.pair_and_acted,
    ready=_ready,
    act=lambda parameters: (command("none"),),
    settled=_settled,
    undo=NO_UNDO,
    patience=180,
    every=1,
    expected=20,
)
