"""Watches the LUNs while a fabric is away: every LUN keeps a good path, for as long as the drill says."""

from __future__ import annotations

from collections.abc import Mapping

from failover.catalog import told
from failover.catalog.pair import member
from failover.steps import offline_paths
from portal.kernel.step import Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {**offline_paths.looks(parameters), **told.looks(parameters)}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    facts, on = offline_paths.maps(seen), member(parameters, "on")
    if isinstance(facts, str):
        return wait(f"The maps of {on.name} cannot be read: {facts}")
    left = offline_paths.bare(facts, frozenset())
    if left:
        return failed(f"{left[0]} on {on.name} has no good path: the paths are given back at once.")
    gone = float(told.read(seen)["since"].get(offline_paths.STEP.name, 0.0))
    seconds = int(parameters["watch_seconds"])
    if gone < seconds:
        return wait(f"Every LUN of {on.name} has good paths; watched for {gone:.0f} of {seconds} s.")
    return done(f"Every LUN of {on.name} kept good paths for {seconds} s with one fabric.")


STEP = Step(
    name="watch_io",
    title="Watch the LUNs on one fabric",
    mutating=False,
    where=lambda parameters: member(parameters, "on").target,
    looks=_looks,
    settled=_settled,
    undo="No undo: it only watches.",
    patience=3600,
    every=2,
    expected=60,
)
