"""Asks the guard rails again, of the hosts themselves, right before anything is armed or set."""

from __future__ import annotations

from failover.catalog import asking, modes
from failover.catalog.pair import member
from failover.verdicts.guard import Act, Kind, Refused, decide
from failover.verdicts.guard_seen import Standing, facts
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait

ENTERING = {modes.GLOBAL: Kind.GLOBAL_ENTER, modes.LOCAL: Kind.LOCAL_ENTER, modes.HOST: Kind.HOST_ENTER}
PASSING = ("known", "observer", "settled")  # a host that is silent for a moment may answer at the next look


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    sight, told = asking.read(seen, parameters), asking.told(seen, "standing")
    if told["left"] is not None and told["left"] <= 0:
        return failed("The deadline of this maintenance has passed, so it is not entered: plan it anew.")
    standing = Standing(told["statuses"], tuple(told["runs"]), told["window"], told["restarted"], told["room"])
    states = {one.name: sight.states[one.pk] for one in sight.members}
    on = member(parameters, "on")
    act = Act(ENTERING[parameters["scope"]], "" if parameters["scope"] == modes.GLOBAL else on.name)
    said = decide(facts(sight.verdict, states, standing), act)
    if not isinstance(said, Refused):
        return done(f"The guard rails allow it. {sight.verdict.sentence}")
    words = f"{said.sentence} {said.possible}"
    return wait(words) if said.rule in PASSING else failed(words)


STEP = Step(
    name="mode_ready",
    title="Ask the guard rails",
    mutating=False,
    looks=asking.pair_and_standing,
    settled=_settled,
    undo="No undo: it only looks.",
    patience=60,
    every=1,
    expected=2,
)
