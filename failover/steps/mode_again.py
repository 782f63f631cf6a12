"""Sets the mode once more when the other host does not see it: a write may be lost with exit code 0
(facts/hosted-engine.md 4, traps 3 and 4)."""

from __future__ import annotations

from failover.catalog import asking, modes, release
from failover.catalog.pair import member
from failover.steps.mode_set import command
from portal.kernel.step import ACT, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, go, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if parameters["scope"] == modes.HOST:
        return done("The engine has set the flag, so there is nothing to repeat.")
    told = modes.seen_set(asking.read(seen, parameters), parameters)
    again = ACT in seen
    if told and asking.settled_down(seen):
        return done("Another host sees it: the second write came through." if again else "Another host sees it.")
    if told is None:
        return wait("No other host says what it sees.")
    return wait(f"The other host does not see it{', though it was written twice' if again else ''}.")


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    if not asking.settled_down(seen):
        return wait(f"What was written needs {parameters['lag']} s until another host has read it.")
    if modes.seen_set(asking.read(seen, parameters), parameters) is None:
        return wait("No other host says what it sees, so nothing is repeated.")
    return go("The write was lost; it is repeated once.")


STEP = Step(
    name="mode_again",
    title="See it from the other host, or set it once more",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=asking.pair_and_acted,
    ready=_ready,
    act=lambda parameters: (command(parameters["scope"]),),
    settled=_settled,
    undo=lambda parameters: (release.end(parameters["scope"], parameters["lag"]),),
    patience=120,
    every=1,
    expected=20,
)
