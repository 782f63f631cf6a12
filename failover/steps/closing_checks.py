"""Makes sure that the drill leaves nothing behind (facts/hosted-engine.md 6)."""

from __future__ import annotations

from failover.catalog import sight
from failover.verdicts.closing import left_behind, unsettled
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    view = sight.read(seen, parameters)
    left = [*left_behind(view), *unsettled(view)]
    if left:
        return wait(f"Something is left behind: {'; '.join(left)}.")
    return done("Nothing is left behind: no flag, no stopped unit, every host live with its score.")


STEP = Step(
    name="closing_checks",
    title="Nothing is left behind",
    mutating=False,
    looks=sight.looks,
    settled=_settled,
    undo="No undo: nothing is changed.",
    patience=120,
    every=3,
    expected=3,
)
