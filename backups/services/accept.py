"""Accepting that an archive's size is unlike those before: a person says what changed, and the trend begins anew."""

from __future__ import annotations

from django.db import transaction

from backups.catalog.rung import Mark
from backups.models import Backup
from backups.services import prove
from inventory.services.signal import announce
from portal.evidence import services as evidence
from portal.runs.models import Run
from portal.runs.services.refused import Refused, recorded

LONGEST = 200


def doubt(backup: Backup) -> str:
    """What the ladder, as last climbed, says against its size; "" when it does not."""
    rung = next((one for one in backup.ladder if one["name"] == "size"), None)
    return str(rung["sentence"]) if rung and rung["outcome"] == str(Mark.FAIL) else ""


def refused(backup: Backup) -> str:
    """Why its size cannot be accepted; "" when it can."""
    if backup.size_accepted:
        return f"{backup.size_accepted} has accepted the size of {backup.ident} already."
    if not doubt(backup):
        return f"The ladder does not doubt the size of {backup.ident}: there is nothing to accept."
    least = backup.policy.min_size if backup.policy else 1
    if (backup.size or 0) < least:
        return f"{backup.ident} is smaller than the {least} bytes that its policy demands: change the policy first."
    return ""


def size(backup: Backup, by: str, why: str, key: str = "") -> Run:
    """Accepts it, and climbs the ladder again. why: what changed, at most 200 characters. Raises Refused."""
    why = " ".join(why.split())
    try:
        with transaction.atomic():
            row = Backup.objects.select_for_update(of=("self",)).select_related("policy").get(pk=backup.pk)
            if wrong := refused(row):
                raise Refused("state", wrong)
            if not why or len(why) > LONGEST:
                raise Refused("parameters", f"Say in 1 to {LONGEST} characters what changed.")
            Backup.objects.filter(pk=row.pk).update(size_accepted=by)
            body = {"ident": row.ident, "size": row.size, "why": why, "ladder": doubt(row)}
            evidence.append("backup.size_accepted", by, f"backup:{row.ident}", body)
            announce("backups")
            return prove.verify(row, by, key)
    except Refused as refusal:
        raise recorded(refusal, by, f"backup:{backup.ident}", {"wish": "accept size", "why": why[:LONGEST]}) from None
