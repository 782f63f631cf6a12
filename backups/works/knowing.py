"""What the portal knows about a backup's engine, as the ladder and the rehearsal want it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from backups.catalog.cause import Cause
from backups.catalog.parts import Part, asked
from backups.catalog.rehearsal import Inventory, Known, Previous
from backups.catalog.rung import Expectation
from backups.models import Backup, Rehearsal
from backups.works.judging import parts_in
from inventory.models import Engine
from inventory.services.reach import credentials
from portal.connectors.engine import EngineFailed, shared

BEFORE, AFTER = "before", "after"
TREND = 7  # archives whose sizes are the trend


def counted(engine: Engine) -> dict[str, Any]:
    """What the engine's API lists now: {"at", "counts"}, or {"at", "why"} when it does not say."""
    at = timezone.now().isoformat()
    try:
        return {"at": at, "counts": shared(credentials(engine)).counts()}
    except EngineFailed as error:
        return {"at": at, "why": str(error)}


def expectation(backup: Backup) -> Expectation:
    """What the ladder holds the archive against."""
    policy = backup.policy
    proven = Backup.objects.filter(
        engine=backup.engine, proof=Backup.Proof.PROVEN, taken__lt=backup.taken, size__isnull=False
    )
    anew = Backup.objects.filter(engine=backup.engine, taken__lt=backup.taken).exclude(size_accepted="").first()
    if anew is not None:
        proven = proven.filter(taken__gte=anew.taken)
    sizes = tuple(size for size in proven.values_list("size", flat=True)[:TREND] if size)
    return Expectation(
        now=timezone.now(),
        parts=parts_in(backup),
        engine=backup.version or backup.engine.version,
        sizes=sizes,
        min_size=policy.min_size if policy else 1,
        sha256=backup.sha256,
        taken=_cause(backup.output.get("take")),
        verified=_cause(backup.output.get("verify")),
        fqdn=backup.fqdn,
        scope=scope_of(backup),
        accepted=backup.size_accepted,
    )


def scope_of(backup: Backup) -> tuple[str, ...]:
    """The words of --scope that its run was frozen with; () for all, and for one that no run of the portal took."""
    text = str(backup.run.parameters.get("scope", "")) if backup.run else ""
    return tuple(word for word in text.split(",") if word)


def known(backup: Backup) -> Known:
    """What the rehearsal holds the restored databases against."""
    return Known(
        taken=backup.began or backup.taken,
        parts=parts_in(backup),
        inventory=_inventory(backup.objects_then),
        previous=_previous(backup),
        scope=scope_of(backup),
    )


def _inventory(then: dict[str, Any]) -> Inventory | None:
    """The count after the backup; what changed between both counts is allowed to differ."""
    before, after = then.get(BEFORE, {}), then.get(AFTER, {})
    newest = after if "counts" in after else before
    if "counts" not in newest:
        return None
    allowed = {
        kind: abs(count - before["counts"][kind])
        for kind, count in newest["counts"].items()
        if kind in before.get("counts", {})
    }
    return Inventory(datetime.fromisoformat(newest["at"]), newest["counts"], allowed)


def _previous(backup: Backup) -> Previous | None:
    """The last proven rehearsal of an older backup of this engine."""
    found = (
        Rehearsal.objects.filter(
            backup__engine=backup.engine, outcome=Backup.Proof.PROVEN, backup__taken__lt=backup.taken
        )
        .order_by("-backup__taken", "-at")
        .first()
    )
    if found is None:
        return None
    kept = asked(scope_of(backup))
    rows = {Part(part): tables for part, tables in found.tables.items() if Part(part) in kept}
    return Previous(found.at, rows, found.schema)


def _cause(printed: dict[str, Any] | None) -> Cause | None:
    """The cause as it was judged when the run ended."""
    if not printed or "cause" not in printed:
        return None
    return Cause(**printed["cause"])
