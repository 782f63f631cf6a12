"""Makes sure that ovirt-engine runs: HA's restart of the VM has started it; where not, this does."""

from __future__ import annotations

from failover.catalog import sight
from failover.catalog.words import word
from failover.steps import stop_engine_service
from portal.kernel.step import ACT, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act = seen.get(ACT)
    if act is not None and act.exit_code not in (0, None):
        return failed(f"The engine service did not start (exit code {act.exit_code}): {act.error_line()}")
    unit = word(seen["unit"])
    health = sight.read(seen, parameters).witness.health
    if unit == "active" and health is not None and health.good:
        return done("The engine service runs and its health page is good.")
    return wait(f"The engine service is {unit or 'not known'}, and its health page is not good.")


STEP = Step(
    name="start_engine_service",
    title="The engine service runs",
    mutating=True,
    where=stop_engine_service.where,
    looks=stop_engine_service.looks,
    act=stop_engine_service.start,
    settled=_settled,
    undo="No undo: a running engine is how it should be.",
    patience=600,
    every=3,
    expected=5,
)
