"""Asking a change system for a change. At most one per key: the mark goes along, and the system gives the same one."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.utils import timezone

from portal.changes.models import Change, ChangeSystem
from portal.changes.services import looking
from portal.changes.services.binding import change_of
from portal.changes.services.opening import opened
from portal.evidence import services as evidence
from portal.kernel.change import ChangeWanted


def mark_of(by: str, key: str) -> str:
    """What makes a repeat recognisable over there."""
    return hashlib.sha256(f"{by}\n{key}".encode()).hexdigest()[:32]


def ask(system: ChangeSystem, wanted: ChangeWanted, by: str, now: datetime) -> Change:
    """Asks for a change and keeps it. wanted.mark: the same gives the same change. Raises ChangeFailed: then nobody
    knows whether it was made, and asking again with the same mark finds out."""
    earlier = Change.objects.filter(mark=wanted.mark).select_related("system").first()
    if earlier is not None:
        return earlier
    seen = opened(system).create(wanted)
    change = change_of(system, seen.key.number, seen.key.sys_id, by, now)
    fields = {"mark": wanted.mark, "short": wanted.short[:160], "asked_by": by}
    Change.objects.filter(pk=change.pk).update(**fields)
    body = {
        "number": seen.key.number, "sys_id": seen.key.sys_id, "short": wanted.short, "kind": wanted.kind,
        "window": [wanted.begins, wanted.ends], "ci": list(wanted.ci), "mark": wanted.mark,
    }  # fmt: skip
    evidence.append("change.asked", by, looking.subject(change), body)
    looking.keep(change, seen, timezone.now())
    change.refresh_from_db()
    return change
