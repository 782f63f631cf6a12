"""What administrators do with change systems: save, try, change the signing key. Each with its record, and no secret in
any."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from portal.changes.models import ChangeSystem
from portal.changes.services.looking import announce, wake
from portal.changes.services.opening import opened
from portal.evidence import services as evidence
from portal.kernel.change import ChangeFailed, ChangeKey, Gate
from portal.kernel.secret import Secret

PROBE = "HOLDFAST-TEST"  # a number that no change system knows: its answer proves address, trust and login


class Stale(Exception):
    """Somebody else has saved it meanwhile. Its text is one sentence."""


@transaction.atomic
def save(row: ChangeSystem, by: str, changed: Iterable[str], based_on: int | None = None) -> ChangeSystem:
    """Keeps a new or an edited one. changed: names of fields. based_on: the version that the edit was made of. Raises
    Stale."""
    new = row.pk is None
    if not new:
        held = ChangeSystem.objects.select_for_update().get(pk=row.pk)
        if based_on is not None and held.version != based_on:
            words = f"{held.name} was edited meanwhile (version {held.version}, yours is of {based_on})"
            raise Stale(f"{words}: read it again. Nothing was saved.")
        row.version = held.version + 1
    row.save()
    told = {"kind": row.kind, "url": row.url, "required": row.required, "enabled": row.enabled, "sites": row.sites}
    body = {**told, "changed": sorted(changed), "version": row.version}
    evidence.append("change_system.added" if new else "change_system.changed", by, f"changes:{row.name}", body)
    return row


@transaction.atomic
def rotate(pk: int, by: str, now: datetime) -> Secret:
    """A new signing key, which is shown once; the one before counts on until it is dropped."""
    row = ChangeSystem.objects.select_for_update().get(pk=pk)
    fresh = Secret(secrets.token_urlsafe(32))
    row.former_key, row.signing_key, row.rotated_at = row.signing_key, fresh, now
    row.version += 1
    row.save(update_fields=["former_key", "signing_key", "rotated_at", "version"])
    evidence.append("change_system.key_rotated", by, f"changes:{row.name}", {"former_counts": bool(row.former_key)})
    return fresh


@transaction.atomic
def drop_former(pk: int, by: str) -> bool:
    """Ends the former key: both sides know the new one. False when there is none."""
    row = ChangeSystem.objects.select_for_update().get(pk=pk)
    if not row.former_key:
        return False
    ChangeSystem.objects.filter(pk=pk).update(former_key=Secret(""), version=F("version") + 1)
    evidence.append("change_system.former_key_dropped", by, f"changes:{row.name}")
    return True


def try_it(row: ChangeSystem, by: str, now: datetime) -> tuple[bool, str]:
    """Asks it for a change that is not there: whether it is reached, trusted and lets the portal in. One sentence."""
    try:
        seen = opened(row).read(ChangeKey(row.name, PROBE))
    except ChangeFailed as error:
        good, words = False, str(error)
        ChangeSystem.objects.filter(pk=row.pk).update(error=words, failing_since=row.failing_since or now)
    else:
        good, words = _told(row, seen.gate)
        ChangeSystem.objects.filter(pk=row.pk).update(error="", failing_since=None, answered_at=now)
        wake(now)
    evidence.append("change_system.tried", by, f"changes:{row.name}", {"good": good, "sentence": words})
    announce()
    return good, words


def _told(row: ChangeSystem, gate: Gate) -> tuple[bool, str]:
    if gate is Gate.INVALID:
        return True, f"{row.name} answers: it lets the portal in, and knows no change {PROBE}, as it should be."
    return False, f"{row.name} answers, and says {gate.value} of the change {PROBE}, which should not be there."
