"""Confirms the maintenance: the flag from the other host, both flags in ha.conf, the state of every live host."""

from __future__ import annotations

from failover.catalog import asking, modes
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict, Word, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    statuses = asking.told(seen, "statuses")["statuses"]
    verdict = modes.entered(asking.read(seen, parameters), parameters, statuses)
    if verdict.word is Word.DONE and not asking.settled_down(seen):
        return wait(f"It looks so; what was written is believed after {parameters['lag']} s.")
    return verdict


STEP = Step(
    name="mode_confirm",
    title="Confirm it from the other host",
    mutating=False,
    looks=asking.pair_and_statuses,
    settled=_settled,
    undo="No undo: it only looks.",
    patience=180,
    every=1,
    expected=20,
)
