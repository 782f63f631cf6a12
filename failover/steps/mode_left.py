"""Confirms that HA guards the engine again: no flag anywhere, real states, scores above 0."""

from __future__ import annotations

from failover.catalog import asking, modes
from portal.kernel.step import Parameters, Seen, Step
from portal.kernel.verdict import Verdict


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    statuses = asking.told(seen, "statuses")["statuses"]
    return modes.left(asking.read(seen, parameters), parameters, statuses)


STEP = Step(
    name="mode_left",
    title="Confirm that HA guards the engine again",
    mutating=False,
    looks=asking.pair_and_statuses,
    settled=_settled,
    undo="No undo: it only looks.",
    patience=600,  # a restarted agent acquires its storage for up to 240 s, then watches for 60 s (6 a)
    every=1,
    expected=30,
)
