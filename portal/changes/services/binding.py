"""Which change an act belongs to: the system that is in charge of its target, and the row of the number there."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.changes.asked import LONGEST, Asked, looks_like
from portal.changes.models import Change, ChangeSystem
from portal.changes.services import looking
from portal.kernel.change import ChangeFailed, ChangeKey, ChangeSeen, Gate

log = logging.getLogger(__name__)

SILENT = 60.0  # seconds


class BindRefused(Exception):
    """The change that was named cannot be the one. Its text is one sentence."""


def in_charge(site: str) -> list[ChangeSystem]:
    """The change systems that cover a site, by name. One that is switched off stays in charge: what belongs to it is
    prevented until it is switched on."""
    return [row for row in ChangeSystem.objects.all() if row.covers(site)]


def bind(asked: Asked, site: str, by: str, now: datetime) -> Change | None:
    """The change's row, made when it is new. None: no change was named, or no change system is in charge, and then the
    number is text that nobody checks. The system is asked only where a sys_id is named that is not known to be the
    change's: a wrong one is refused, and nothing of it is kept. Raises BindRefused."""
    if not asked.number:
        if asked.sys_id or asked.system:
            raise BindRefused("A change is named by its number: give `number` as well.")
        return None
    systems = in_charge(site)
    if not systems:
        _unserved(asked, site)
        return None
    name, number = _split(asked, systems)
    if len(number) > LONGEST:
        raise BindRefused(f"The change number has {len(number)} characters; at most {LONGEST} are taken.")
    row = next((one for one in systems if one.name == name), None)
    if row is None:
        names = ", ".join(one.name for one in systems)
        words = f"{name} is not in charge" if name else f"No system is named, and {names} are in charge"
        raise BindRefused(f"{words} of this target: name one of {names} as the change system.")
    known = Change.objects.filter(system=row, number=number).select_related("system").first()
    if not asked.sys_id or (known is not None and (same(known.sys_id, asked.sys_id) or _silent(known))):
        return known or change_of(row, number, by, now)
    return confirmed(row, number, asked.sys_id, by, now)


def _silent(change: Change) -> bool:
    """Whether its system did not answer a moment ago: nobody waits for it twice in one request."""
    return bool(change.error) and looking.recent(change, SILENT, timezone.now())


def same(one: str, other: str) -> bool:
    """Whether two sys_ids are one."""
    return bool(one) and one.casefold() == other.casefold()


def confirmed(system: ChangeSystem, number: str, sys_id: str, by: str, now: datetime) -> Change:
    """The row of a number whose sys_id somebody names as well, once the system says that they belong together. Where it
    does not answer the sys_id stays with whoever named it: the gate compares before anything acts. Raises
    BindRefused."""
    begun = timezone.now()
    try:
        came = looking.answer(system, ChangeKey(system.name, number, sys_id))
    except ChangeFailed as error:
        log.warning("Whether %s is the sys_id of %s is not known: %s", sys_id, number, error)
        return change_of(system, number, by, now)
    if wrong := unlike(came, sys_id):
        raise BindRefused(wrong)
    change = change_of(system, number, by, now)
    looking.keep(change, came, begun)
    change.refresh_from_db()
    return change


def unlike(came: ChangeSeen, sys_id: str) -> str:
    """ "" or why what the system answers is not the change of this sys_id."""
    number = came.key.number
    if came.gate is Gate.INVALID and not came.state:
        return came.sentence
    if not came.key.sys_id:
        words = f"{came.key.system} tells no sys_id of {number}, so {sys_id} cannot be compared"
        return f"{words}: leave the sys_id out."
    if same(came.key.sys_id, sys_id):
        return ""
    return f"{number} has the sys_id {came.key.sys_id}, not {sys_id}: correct it, or leave it out."


def _unserved(asked: Asked, site: str) -> None:
    """A system that is named must be there, once there is any."""
    if asked.system and ChangeSystem.objects.exists():
        raise BindRefused(f"The change system {asked.system} is not in charge of {site or 'this target'}.")


def _split(asked: Asked, systems: list[ChangeSystem]) -> tuple[str, str]:
    """System and number; a form's "servicenow:CHG0030004" names both. One system that is alone need not be named, nor
    one that is alone of the kind that has such numbers."""
    if asked.system:
        return asked.system, asked.number
    name, colon, number = asked.number.partition(":")
    if colon and name in [row.name for row in systems]:
        return name, number.strip()
    like = [row for row in systems if row.kind == looks_like(asked.number)]
    fit = systems if len(systems) == 1 else like
    return (fit[0].name if len(fit) == 1 else ""), asked.number


def change_of(system: ChangeSystem, number: str, by: str, now: datetime) -> Change:
    """The row of a number, made when it is new and then read back soon. It has no sys_id but the one that the system
    tells (facts/drills-and-evidence.md 4.4: what somebody sent is never believed)."""
    found = Change.objects.filter(system=system, number=number).select_related("system").first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Change.objects.create(
                system=system, number=number, asked_by=by, asked_at=now, look_at=now,
                mark=hashlib.sha256(f"{system.pk}/{number}".encode()).hexdigest(),
                sentence="It was not read back yet.",
            )  # fmt: skip
    except IntegrityError:  # two at one time
        return Change.objects.select_related("system").get(system=system, number=number)
