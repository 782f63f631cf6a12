"""The change of a drill as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from failover.models import Drill
from failover.services import breaking, change_gate
from portal.changes.models import Change
from portal.changes.pages import GATES
from portal.changes.services.queueing import undelivered
from portal.runs.states import ENDED


@dataclass(frozen=True)
class Bound:
    """What the change allows the drill now, as it was read back last. lost: notes that were not delivered."""

    change: Change
    state: str
    word: str
    sentence: str
    lost: int


def bound(drill: Drill, now: datetime) -> Bound | None:
    """None for a drill without a change of a change system."""
    run = drill.run
    if run is None or run.bound is None:
        return None
    lost = undelivered(run.bound.pk)
    if run.status in ENDED:
        return Bound(run.bound, "waiting", "Over", "The drill has ended.", lost)
    decision = change_gate.stored(run, now, drill)
    if decision is None:
        words = "The glass is broken: what the change says counts for nothing now."
        return Bound(run.bound, "warn" if breaking.lifts(drill, now) else "unknown", "Lifted", words, lost)
    state, word = ("unknown", "Not read back") if decision.unread else GATES[decision.gate]
    return Bound(run.bound, state, word, decision.sentence, lost)
