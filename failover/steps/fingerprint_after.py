"""Writes down how production stands after the drill, and says what differs and whether the drill was meant to do it."""

from __future__ import annotations

from failover.catalog import told
from portal.kernel.step import Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    known = told.read(seen)
    if not known["after"]:
        return wait("Production is not written down yet as it stands after the drill.")
    odd = [one for one in known["changes"] if not one["expected"]]
    if odd:
        more = f" And {len(odd) - 1} more." if len(odd) > 1 else ""
        return done(f"Production differs from before in what was not expected: {odd[0]['sentence']}{more}")
    return done(f"Production stands as before; {len(known['changes'])} changes were the drill's own.")


STEP = Step(
    name="fingerprint_after",
    title="Compare production with before",
    mutating=False,
    looks=told.looks,
    act=lambda parameters: (Work("failover.fingerprint_after"),),
    settled=_settled,
    undo="No undo: it only writes down.",
    patience=300,
    every=5,
    expected=6,
)
