"""Lets the engine migrate its own VM to the other host: the planned way, with no outage but the migration's own."""

from __future__ import annotations

import json
from collections.abc import Mapping

from failover.catalog import migration, sight
from failover.catalog.pair import member
from failover.verdicts.injection import fit
from portal.kernel.step import Look, Parameters, Seen, Step, Told, Work
from portal.kernel.verdict import Verdict, done, failed, wait


def looks(parameters: Parameters) -> Mapping[str, Look]:
    """The pair, and what the engine says of the migration that it was asked for."""
    return {**sight.looks(parameters), "migration": Told(migration.QUESTION)}


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    return fit(sight.read(seen, parameters), member(parameters, "on"))


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    """Only when every host agrees and the engine's own page is good. A migration that the engine has given up is
    told by the engine at once; the hosts would only show that nothing moves."""
    view, goal = sight.read(seen, parameters), member(parameters, "to")
    row, on = view.row(goal), view.engine_on()
    if on != goal and (why := migration.failure(json.loads(seen["migration"].stdout), member(parameters, "on"))):
        return failed(why)
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
    looks=looks,
    ready=_ready,
    act=lambda parameters: (Work("failover.migrate"),),
    settled=_settled,
    undo="No undo: the engine serves on either host alike; another switchover brings it back.",
    patience=900,
    every=2,
    expected=60,
)
