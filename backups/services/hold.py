"""Holding a backup for an audit or a change: retention does not touch it until somebody lets it go."""

from __future__ import annotations

from django.db import transaction

from backups.models import Backup
from backups.services.clock import now
from inventory.services.signal import announce
from portal.evidence import services as evidence
from portal.runs.services.refused import Refused, recorded

LONGEST = 200


def keep(backup: Backup, by: str, why: str) -> Backup:
    """Holds it. why: for the auditor, at most 200 characters. Raises Refused: no reason, no backup, or it is going."""
    why = " ".join(why.split())
    try:
        return _keep(backup.pk, by, why)
    except Refused as refusal:
        raise recorded(refusal, by, f"backup:{backup.ident}", {"wish": "keep", "why": why[:LONGEST]}) from None


@transaction.atomic
def _keep(pk: int, by: str, why: str) -> Backup:
    row = Backup.objects.select_for_update().get(pk=pk)
    if not why or len(why) > LONGEST:
        raise Refused("parameters", f"Say in 1 to {LONGEST} characters why {row.ident} is held.")
    if row.deleted_at is not None:
        raise Refused(
            "state", f"{row.ident} was deleted at {row.deleted_at:%Y-%m-%d %H:%M} UTC: nothing is left to hold."
        )
    if row.retiring_at is not None:
        raise Refused("state", f"The deletion of {row.ident} began at {row.retiring_at:%H:%M} UTC: it is too late.")
    if row.status == Backup.Status.FAILED:
        raise Refused("state", f"{row.ident} failed, so it is no backup that could be held.")
    row.keep, row.keep_by, row.keep_at = why, by, now()
    row.save(update_fields=["keep", "keep_by", "keep_at"])
    announce("backups")
    evidence.append("backup.kept", by, f"backup:{row.ident}", {"ident": row.ident, "why": why, "sha256": row.sha256})
    return row


def release(backup: Backup, by: str) -> Backup:
    """Lets it go: retention speaks about it again. Raises Refused when nobody holds it."""
    try:
        return _release(backup.pk, by)
    except Refused as refusal:
        raise recorded(refusal, by, f"backup:{backup.ident}", {"wish": "release"}) from None


@transaction.atomic
def _release(pk: int, by: str) -> Backup:
    row = Backup.objects.select_for_update().get(pk=pk)
    if not row.keep:
        raise Refused("state", f"Nobody holds {row.ident}.")
    body = {"ident": row.ident, "was_held_for": row.keep, "was_held_by": row.keep_by}
    row.keep, row.keep_by, row.keep_at = "", "", None
    row.save(update_fields=["keep", "keep_by", "keep_at"])
    announce("backups")
    evidence.append("backup.released", by, f"backup:{row.ident}", body)
    return row
