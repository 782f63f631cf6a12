"""Starts the drill's clock, on the portal's wall clock and on the monotonic clock that the prober shares."""

from __future__ import annotations

from failover.catalog import told
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    began = told.read(seen)["began"]
    return done(f"The clock runs since {began}.") if began else wait("The clock does not run yet.")


STEP = Step(
    name="start_clock",
    title="Start the clock",
    mutating=False,
    looks=told.looks,
    act=lambda parameters: (Work("failover.start_clock"),),
    settled=_settled,
    undo="No undo: it only writes down.",
    patience=30,
    every=1,
    expected=1,
)
