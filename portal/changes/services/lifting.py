"""Two people lift the gate of a change system for acts other than drills: it is away, and something cannot wait."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from portal.access.services import may
from portal.changes.models import ChangeSystem, Lift
from portal.changes.services.looking import announce
from portal.evidence import services as evidence

log = logging.getLogger(__name__)

HOLDS = timedelta(hours=4)
LEAST, LONGEST = 20, 500  # characters of a reason


class LiftRefused(Exception):
    """It is not lifted. Its text is one sentence. kind: parameters | state | four_eyes."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@transaction.atomic
def ask(system: ChangeSystem, by: str, reason: str, now: datetime) -> Lift:
    """The first person says why. Nothing is lifted yet. Raises LiftRefused."""
    reason = " ".join(reason.split())[:LONGEST]
    if len(reason) < LEAST:
        raise LiftRefused("parameters", f"Say in at least {LEAST} characters why it cannot wait.")
    ChangeSystem.objects.select_for_update().get(pk=system.pk)
    if waiting(system, now) is not None:
        raise LiftRefused("state", "It is asked for already, and waits for a second person.")
    row = Lift.objects.create(system=system, reason=reason, asked_by=by, asked_at=now)
    evidence.append("change_system.lift_asked", by, f"changes:{system.name}", {"reason": reason})
    announce()
    return row


@transaction.atomic
def confirm(system: ChangeSystem, by: str, now: datetime) -> Lift:
    """A second person, who may approve, agrees: lifted for four hours. Raises LiftRefused."""
    ChangeSystem.objects.select_for_update().get(pk=system.pk)
    row = waiting(system, now)
    if row is None:
        raise LiftRefused("state", f"Nobody has asked to lift the gate of {system.name}.")
    if row.asked_by.casefold() == by.casefold():
        raise LiftRefused("four_eyes", f"{by} asked for it: another person confirms.")
    person = User.objects.filter(username=by, is_active=True).first()
    if person is None or not may(person, "run.approve"):
        raise LiftRefused("four_eyes", f"{by} is nobody who may approve, so this is no second person.")
    row.confirmed_by, row.confirmed_at, row.until = by, now, now + HOLDS
    row.save(update_fields=["confirmed_by", "confirmed_at", "until"])
    body = {"reason": row.reason, "asked_by": row.asked_by, "until": row.until}
    evidence.append("change_system.lifted", by, f"changes:{system.name}", body)
    log.error("The gate of %s is lifted by %s and %s: %s", system.name, row.asked_by, by, row.reason)
    announce()
    return row


@transaction.atomic
def end(system: ChangeSystem, by: str, now: datetime) -> Lift:
    """Ends a lift before its time, or takes back the wish for one: one person is enough, since it lets less pass.
    Raises LiftRefused when there is none."""
    ChangeSystem.objects.select_for_update().get(pk=system.pk)
    rows = list(_holding(system.pk, now)) + list(_waiting(system, now))
    if not rows:
        raise LiftRefused("state", f"The gate of {system.name} is not lifted, and nobody asks for it.")
    for row in rows:
        row.ended_by, row.ended_at = by, now
        row.save(update_fields=["ended_by", "ended_at"])
        body = {"reason": row.reason, "asked_by": row.asked_by, "confirmed_by": row.confirmed_by, "until": row.until}
        evidence.append("change_system.lift_ended", by, f"changes:{system.name}", body)
    announce()
    return rows[0]


def waiting(system: ChangeSystem, now: datetime) -> Lift | None:
    """The one that waits for a second person; a wish of yesterday is none."""
    return _waiting(system, now).first()


def lifted(system_pk: int, now: datetime) -> Lift | None:
    """The one that holds now."""
    return _holding(system_pk, now).first()


def _waiting(system: ChangeSystem, now: datetime) -> QuerySet[Lift]:
    return system.lifts.filter(confirmed_at=None, ended_at=None, asked_at__gt=now - HOLDS)


def _holding(system_pk: int, now: datetime) -> QuerySet[Lift]:
    # a clock that went back makes none longer
    held = Lift.objects.filter(system=system_pk, confirmed_at__isnull=False, ended_at=None)
    return held.filter(until__gt=now, until__lte=now + HOLDS)
