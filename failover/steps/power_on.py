"""The host gets its power back: a person switches it on, or fencing has done so already."""

from __future__ import annotations

from failover.catalog import sight, told
from failover.catalog.pair import member
from failover.steps import cut_power
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, failed, wait

NAME = "power_on"


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on, known = member(parameters, "on"), told.read(seen)
    refused = [one for one in told.prompts(known, NAME) if one["answer"] == "not_done"]
    if refused:
        return failed(f"{refused[0]['by']} says that {on.name} is not switched on: {refused[0]['seen']}")
    view = sight.read(seen, parameters)
    state = view.states[on.pk]
    if state is None or not state.boot_id:
        return wait(f"{on.name} does not answer yet: {view.why[on.pk]}")
    if state.boot_id == known["boots"].get(on.name):
        return wait(f"{on.name} answers and has not booted anew: was its power cut at all?")
    return done(f"{on.name} has booted and answers.")


STEP = Step(
    name=NAME,
    title="Give the host its power back",
    mutating=True,
    looks=cut_power.looks,
    act=lambda parameters: (Work("failover.power_on"),),
    settled=_settled,
    undo="No undo: a running host is how it should be.",
    patience=3600,
    every=3,
    expected=600,
)
