"""Breaking the glass: two people lift window, blackout and change of one drill, with a reason that everybody sees."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from failover.models import BreakGlass, Drill
from failover.services.approvals import LONGEST, deciding, run_of, told
from failover.services.frame import Standing
from inventory.services.told import Banner
from inventory.templatetags.holdfast import full
from portal.access.services import may
from portal.runs.services import Refused
from portal.runs.states import ENDED

log = logging.getLogger(__name__)

HOLDS = timedelta(hours=4)
LEAST = 20  # characters of a reason


def ask(pk: int, by: str, reason: str) -> BreakGlass:
    """The first person says why the gates must be lifted. Nothing is lifted yet. Raises Refused."""
    reason = " ".join(reason.split())[:LONGEST]
    with deciding(pk, by, "break glass") as (drill, now):
        if run_of(drill).status in ENDED:
            raise Refused("state", f"{drill.title} has ended: there is no gate to lift.")
        if len(reason) < LEAST:
            raise Refused("parameters", f"Say in at least {LEAST} characters why it cannot wait.")
        if drill.broken_glass.filter(confirmed_at=None).exists():
            raise Refused("state", "It is asked for already, and waits for a second person.")
        row = BreakGlass.objects.create(drill=drill, reason=reason, asked_by=by, asked_at=now)
        told(drill, "drill.break_glass_asked", by, {"reason": reason})
        return row


def confirm(pk: int, by: str) -> BreakGlass:
    """A second person, who may approve, agrees: from now on the gates are lifted for four hours. Raises Refused."""
    with deciding(pk, by, "confirm break glass") as (drill, now):
        row = drill.broken_glass.filter(confirmed_at=None).first()
        if row is None:
            raise Refused("state", f"Nobody has asked to break the glass for {drill.title}.")
        if row.asked_by.casefold() == by.casefold():
            raise Refused("four_eyes", f"{by} asked for it: another person confirms.")
        person = User.objects.filter(username=by, is_active=True).first()
        if person is None or not may(person, "run.approve"):
            raise Refused("four_eyes", f"{by} is nobody who may approve, so this is no second person.")
        row.confirmed_by, row.confirmed_at, row.until = by, now, now + HOLDS
        row.save(update_fields=["confirmed_by", "confirmed_at", "until"])
        told(drill, "drill.glass_broken", by, {"reason": row.reason, "asked_by": row.asked_by, "until": str(row.until)})
        log.error("The glass is broken for %s by %s and %s: %s", drill.title, row.asked_by, by, row.reason)
        return row


def broken(drill: Drill, now: datetime) -> BreakGlass | None:
    """The glass that is broken now."""
    return drill.broken_glass.filter(confirmed_at__isnull=False, until__gt=now).first()


def lifts(drill: Drill, now: datetime) -> bool:
    """Whether window, blackout and change are lifted for the drill."""
    return broken(drill, now) is not None


def alarm(engines: Sequence[Standing]) -> Banner | None:
    """The alarm on every page, for as long as a glass is broken and its drill has not ended."""
    for one in engines:
        if one.glass is not None:
            words = f"{one.glass.names} broke the glass for {one.glass.title} until {full(one.glass.until)}"
            return Banner("fail", f"{words}: {one.glass.reason}")
    return None
