"""The gate of one change for one act: read back, decided. The decision is the pure rule's (portal.changes.gate)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from portal.changes.gate import Decision, Need, decide
from portal.changes.models import Change
from portal.changes.services.binding import BindRefused, confirmed
from portal.changes.services.looking import look
from portal.kernel.change import Gate

FRESH = 3.0  # seconds for which a read-back is good for an act
STORED = timedelta(minutes=10)  # after which a page does not call a read-back known any more
BLIP = timedelta(seconds=20)  # for which a system may fail before anybody is asked


def fresh(pk: int, need: Need, now: datetime) -> Decision:
    """Reads it back (from a question at most 3 s old) and decides. For acts. now: as the question is sent; the seconds
    that the answer takes count."""
    begun = time.monotonic()
    change = look(pk, FRESH)
    sys_id = need.asked.sys_id
    try:
        if sys_id and not change.sys_id and not change.error:  # its system did not answer when it was named
            change = confirmed(change.system, change.number, sys_id, change.asked_by, now)
    except BindRefused as error:
        return Decision(Gate.INVALID, str(error))
    return of(change, need, now + timedelta(seconds=time.monotonic() - begun))


def decided(change: Change, need: Need, now: datetime) -> Decision:
    """From what was read back last; nobody is asked. For pages and lists."""
    if change.seen_at is not None and now - change.seen_at > STORED and not change.error:
        return decide(None, "It was read back too long ago.", need, now)
    return of(change, need, now)


def of(change: Change, need: Need, now: datetime) -> Decision:
    """As the row stands."""
    return decide(change.seen, change.error, need, now)


def blip(change: Change, now: datetime) -> bool:
    """Whether its system only began to fail a moment ago."""
    return change.failing_since is not None and now - change.failing_since < BLIP
