"""Ends the mode on the command line. Of a host that the engine has activated only what is left: activating clears
local_maintenance alone, a flag set by hand stays (facts/hosted-engine.md 4, trap 6)."""

from __future__ import annotations

from failover.catalog import asking, modes
from failover.catalog.pair import member
from failover.steps.mode_set import command
from portal.kernel.step import ACT, Parameters, Seen, Step, act_ended
from portal.kernel.verdict import Verdict, done, wait

NO_UNDO = "No undo: leaving gives HA back; a new maintenance is entered anew."


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on = member(parameters, "on")
    if ACT in seen:
        return act_ended(seen, f"hosted-engine on {on.name}")
    if parameters["scope"] == modes.GLOBAL:
        return wait("Global maintenance is not ended yet.")
    state = asking.read(seen, parameters).states[on.pk]
    if state is None or state.maintenance is None:
        return wait(f"The flags in ha.conf of {on.name} are not known.")
    if not state.maintenance:
        return done(f"ha.conf of {on.name} holds no flag any more.")
    return wait(f"ha.conf of {on.name} still holds a flag.")


STEP = Step(
    name="mode_clear",
    title="End the mode on the host",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=asking.pair,
    act=lambda parameters: (command("none"),),
    settled=_settled,
    undo=NO_UNDO,
    patience=120,
    every=1,
    expected=2,
)
