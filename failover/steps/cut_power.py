"""Takes the power of a host away: a person does it and confirms, or the engine fences (facts/hosted-engine.md 6 d)."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import sight, told
from failover.catalog.pair import member
from failover.verdicts.injection import fit
from portal.kernel.step import Look, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, failed, wait

NAME = "cut_power"


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, and what the drill has written down."""
    return {**sight.looks(parameters), **told.looks(parameters)}


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return fit(sight.read(seen, parameters), member(parameters, "on"))


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    on, known = member(parameters, "on"), told.read(seen)
    asked = told.prompts(known, NAME)
    if any(one["answer"] == "not_done" for one in asked):
        return failed(f"{asked[0]['by']} says that the power of {on.name} was not cut: {asked[0]['seen']}")
    if not asked and not known["fenced"]:
        return wait(f"{on.name} has its power.")
    view = sight.read(seen, parameters)
    state = view.states[on.pk]
    if state is not None and state.boot_id and state.boot_id != known["boots"].get(on.name):
        return done(f"{on.name} has been without power: it boots anew.")
    if state is not None or view.snapshots[on.pk] is not None:
        who = "the engine was asked to fence it" if known["fenced"] else "a person is asked to cut its power"
        return wait(f"{on.name} still answers; {who}.")
    if asked and not asked[0]["answer"]:
        return wait(f"{on.name} is silent; the person who cut its power has not confirmed it.")
    return done(f"{on.name} is without power: it is silent.")


STEP = Step(
    name=NAME,
    title="Cut the power of the host",
    mutating=True,
    looks=looks,
    ready=_ready,
    act=lambda parameters: (Work("failover.cut_power"),),
    settled=_settled,
    undo="No undo: a person switches the host on again, at its console or its management controller.",
    patience=1800,
    every=2,
    expected=60,
)
