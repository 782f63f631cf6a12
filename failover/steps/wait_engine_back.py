"""Waits until the engine serves again, wherever HA has started it: the hosts say so, and so does the engine's page."""

from __future__ import annotations

from failover.catalog import sight
from failover.catalog.sight import Sight
from failover.verdicts.injection import nobody_can, rescue
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    view = sight.read(seen, parameters)
    on, health = view.engine_on(), view.witness.health
    if on is None:
        return wait(_away(view))
    if health is None or not health.good:
        why = view.witness.why_not or (health.health.why if health else "")
        return wait(f"{on.name} says that the engine serves; its page is not good yet. {why}".strip())
    row = view.row(on)
    everybody = all(snapshot is not None for snapshot in view.snapshots.values())
    if everybody and (row is None or row.live is not True):
        return wait(f"The engine answers on {on.name}; the hosts do not agree yet.")
    return done(f"The engine serves on {on.name}: its host and its own page say so.")


def _away(view: Sight) -> str:
    starting = [row.host for one in view.members if (row := view.row(one)) and row.claims]
    if starting:
        return f"{' and '.join(starting)} has the engine VM, which does not serve yet. {view.verdict.sentence}"
    if nobody_can(view):
        return f"Every host has score 0, so nobody starts the engine VM. {rescue(view)}"
    return f"No host runs the engine VM. {rescue(view)}"


STEP = Step(
    name="wait_engine_back",
    title="Wait until the engine serves again",
    mutating=False,
    looks=sight.looks,
    settled=_settled,
    undo="No undo: it only waits.",
    patience=1500,
    every=2,
    expected=150,
)
