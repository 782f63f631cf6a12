"""Which change an act belongs to: the system that is in charge of its target, and the row of the number there."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import IntegrityError, transaction

from portal.changes.asked import LONGEST, Asked, looks_like
from portal.changes.models import Change, ChangeSystem


class BindRefused(Exception):
    """The change that was named cannot be the one. Its text is one sentence."""


def in_charge(site: str) -> list[ChangeSystem]:
    """The change systems that cover a site, by name. One that is switched off stays in charge: what belongs to it is
    prevented until it is switched on."""
    return [row for row in ChangeSystem.objects.all() if row.covers(site)]


def bind(asked: Asked, site: str, by: str, now: datetime) -> Change | None:
    """The change's row, made when it is new; nobody is asked for it here. None: no change was named, or no change
    system is in charge, and then the number is text that nobody checks. Raises BindRefused."""
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
        known = ", ".join(one.name for one in systems)
        words = f"{name or 'No system'} is named, and {known} are in charge" if not name else f"{name} is not in charge"
        raise BindRefused(f"{words} of this target: name one of {known} as the change system.")
    return change_of(row, number, asked.sys_id, by, now)


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


def change_of(system: ChangeSystem, number: str, sys_id: str, by: str, now: datetime) -> Change:
    """The row of a number, made when it is new and then read back soon."""
    found = Change.objects.filter(system=system, number=number).select_related("system").first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Change.objects.create(
                system=system, number=number, sys_id=sys_id, asked_by=by, asked_at=now, look_at=now,
                mark=hashlib.sha256(f"{system.pk}/{number}".encode()).hexdigest(),
                sentence="It was not read back yet.",
            )  # fmt: skip
    except IntegrityError:  # two at one time
        return Change.objects.select_related("system").get(system=system, number=number)
