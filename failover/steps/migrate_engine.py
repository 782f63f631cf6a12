"""Lets the engine migrate its own VM to the other host: the planned way, with no outage but the migration's own."""

from __future__ import annotations

from failover.catalog import sight
from failover.catalog.pair import member
from failover.verdicts.injection import fit
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return fit(sight.read(seen, parameters), member(parameters, "on"))


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    """Only when every host agrees and the engine's own page is good."""
    view, goal = sight.read(seen, parameters), member(parameters, "to")
    row, on = view.row(goal), view.engine_on()
    if on != goal or row is None or row.live is not True:
        return wait(f"The engine does not serve on {goal.name} yet: {view.verdict.sentence}")
    if row.record is None or row.record.detail != "Up":
        return wait(f"The engine VM has not arrived on {goal.name}: {view.verdict.sentence}")
    if view.witness.health is None or not view.witness.health.good:
        return wait(f"{goal.name} says that the engine serves; its page does not: {view.witness.why_not}")
    return done(f"The engine serves on {goal.name}, seen by {row.live_by} hosts and its own page.")


STEP = Step(
    name="migrate_engine",
    title="Migrate the engine VM",
    mutating=True,
    looks=sight.looks,
    ready=_ready,
    act=lambda parameters: (Work("failover.migrate"),),
    settled=_settled,
    undo="No undo: the engine serves on either host alike; another switchover brings it back.",
    patience=900,
    every=2,
    expected=60,
)
