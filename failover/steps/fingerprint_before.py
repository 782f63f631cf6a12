"""Writes down how production stands before the drill: VMs, where they run, LUNs, flags, paths."""

from __future__ import annotations

from failover.catalog import told
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if told.read(seen)["before"]:
        return done("Production is written down as it stands before the drill.")
    return wait("Production is not written down yet.")


STEP = Step(
    name="fingerprint_before",
    title="Write down production as it stands",
    mutating=False,
    looks=told.looks,
    act=lambda parameters: (Work("failover.fingerprint_before"),),
    settled=_settled,
    undo="No undo: it only writes down.",
    patience=90,
    every=3,
    expected=6,
)
