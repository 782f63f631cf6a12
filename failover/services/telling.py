"""What steps of drills are told about the portal's records (settings.HOLDFAST_TELLINGS)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from backups.models import Backup
from failover.models import Drill
from failover.verdicts import fingerprint
from portal.kernel.step import Parameters
from portal.runs.models import Run, RunStep


def drill_of(parameters: Parameters) -> Drill:
    """The drill of a Run. Raises Drill.DoesNotExist."""
    return Drill.objects.select_related("engine", "run").get(run__ref=parameters["run"])


def drill(parameters: Parameters) -> dict[str, Any]:
    """What failover.catalog.told reads."""
    row, now = drill_of(parameters), timezone.now()
    ended = RunStep.objects.filter(run__ref=parameters["run"], ended__isnull=False).values_list("name", "ended")
    changes = fingerprint.changes(row.before, row.after, expected(row)) if row.before and row.after else ()
    return {
        "before": bool(row.before),
        "after": bool(row.after),
        "changes": [{"sentence": one.sentence, "expected": one.expected} for one in changes],
        "boots": {name: one["boot"] for name, one in row.before.get("hosts", {}).items()},
        "began": f"{row.clock_began:%Y-%m-%d %H:%M:%S} UTC" if row.clock_began else "",
        "ended": f"{row.clock_ended:%Y-%m-%d %H:%M:%S} UTC" if row.clock_ended else "",
        "prompts": list(row.prompts.values("step", "attempt", "position", "question", "answer", "by", "seen")),
        "fenced": bool(row.marks.get("fenced")),
        "since": {name: (now - at).total_seconds() for name, at in ended if at is not None},
    }


def expected(row: Drill) -> fingerprint.Expected:
    """What a drill of this plan is meant to change."""
    given = row.run.parameters if row.run else {}
    hit = next((one for one in row.before.get("hosts", {}) if row.before["hosts"][one]["pk"] == given.get("on")), "")
    return fingerprint.expected_of(row.like, hit)


def rehearsal(parameters: Parameters) -> dict[str, Any]:
    """What the step rehearse_backup reads: run 0 while there is none."""
    run = Run.objects.filter(idempotency_key=rehearsal_key(parameters), plan="backup_rehearse").first()
    if run is None:
        return {"run": 0}
    backup = Backup.objects.get(pk=int(run.target.partition(":")[2]))
    return {
        "run": run.pk,
        "active": run.status in Run.ACTIVE,
        "status": run.status,
        "sentence": run.sentence,
        "backup": backup.ident,
        "proven": run.status == Run.Status.SUCCEEDED and backup.proof == Backup.Proof.PROVEN,
    }


def rehearsal_key(parameters: Parameters) -> str:
    """One rehearsal per drill, whoever starts it again."""
    return f"drill-{parameters['run']}"
