"""Marks when the steps saw the service back. What the recovery time was, the prober's record says."""

from __future__ import annotations

from failover.catalog import told
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    ended = told.read(seen)["ended"]
    return done(f"The clock stopped at {ended}.") if ended else wait("The clock has not stopped.")


STEP = Step(
    name="stop_clock",
    title="Stop the clock",
    mutating=False,
    looks=told.looks,
    act=lambda parameters: (Work("failover.stop_clock"),),
    settled=_settled,
    undo="No undo: it only writes down.",
    patience=30,
    every=1,
    expected=1,
)
