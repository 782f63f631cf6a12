"""Watches what a stopped agent means: the other host no longer sees the host live, and the engine goes on serving."""

from __future__ import annotations

from failover.catalog import sight
from failover.catalog.pair import member, others
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    view, on = sight.read(seen, parameters), member(parameters, "on")
    for other in others(parameters, "on"):
        snapshot = view.snapshots[other.pk]
        record = snapshot.host(on.he_id) if snapshot else None
        if record is None:
            return wait(f"{other.name} does not say how it sees {on.name}: {view.why[other.pk]}")
        if record.live:
            return wait(f"{other.name} still sees {on.name} live; it needs 60 s of silence.")
    health = view.witness.health
    if health is None or not health.good:
        return wait(f"The engine's page is not good: {view.witness.why_not or (health.health.why if health else '')}")
    return done(f"HA no longer sees {on.name} live, and the engine goes on serving: this is no failover.")


STEP = Step(
    name="watch_unguarded",
    title="Watch the engine without its agent",
    mutating=False,
    looks=sight.looks,
    settled=_settled,
    undo="No undo: it only waits.",
    patience=240,
    every=2,
    expected=75,
)
