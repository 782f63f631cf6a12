"""Gives the paths back and waits until every one of them carries I/O."""

from __future__ import annotations

from failover.catalog.pair import member
from failover.steps import offline_paths
from portal.kernel.step import ACT, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act, on = seen.get(ACT), member(parameters, "on")
    if act is not None and act.exit_code not in (0, None):
        return failed(f"{on.name} did not take the paths back (exit code {act.exit_code}): {act.error_line()}")
    facts = offline_paths.maps(seen)
    if isinstance(facts, str):
        return wait(f"The maps of {on.name} cannot be read: {facts}")
    missing = sorted(hctl for hctl, word in offline_paths.standing(facts, parameters).items() if word != "up")
    if missing:
        return wait(f"{len(missing)} paths of {on.name} do not carry I/O yet, the first {missing[0]}.")
    return done(f"All {len(offline_paths.chosen(parameters))} paths of {on.name} carry I/O again.")


STEP = Step(
    name="online_paths",
    title="Give the fabric's paths back",
    mutating=True,
    where=lambda parameters: member(parameters, "on").target,
    looks=offline_paths.looks,
    act=lambda parameters: offline_paths.set_to("running", parameters),
    settled=_settled,
    undo="No undo: paths that carry I/O are how it should be.",
    patience=300,
    every=2,
    expected=30,
)
