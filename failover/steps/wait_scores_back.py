"""Waits until every host could take over again: live, in its own state, with a score. 560 s after a failover (3.3)."""

from __future__ import annotations

from failover.catalog import sight
from failover.verdicts.closing import unsettled
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    view = sight.read(seen, parameters)
    odd = unsettled(view)
    if odd:
        return wait(f"Not every host could take over yet: {'; '.join(odd)}.")
    scores = ", ".join(f"{one.name} {row.score}" for one in view.members if (row := view.row(one)))
    return done(f"Every host is live and has its score: {scores}.")


STEP = Step(
    name="wait_scores_back",
    title="Wait until every host can take over",
    mutating=False,
    looks=sight.looks,
    settled=_settled,
    undo="No undo: it only waits.",
    patience=1500,
    every=3,
    expected=600,
)
