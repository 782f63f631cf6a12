"""What the steps of backups are told of the catalog."""

from __future__ import annotations

import time
from typing import Any

from backups.models import Backup, Copy, Destination, Kit
from portal.kernel.step import Parameters


def of_run(parameters: Parameters) -> Backup:
    """The backup that a run takes, or that it is on, or that its parameter names. Raises Backup.DoesNotExist."""
    kind, _, key = parameters["target"].partition(":")
    rows = Backup.objects.select_related("engine", "policy")
    if kind == "backup":
        return rows.get(pk=int(key))
    if "backup" in parameters:
        return rows.get(pk=parameters["backup"])
    return rows.get(run__ref=parameters["run"])


def backup(parameters: Parameters) -> dict[str, Any]:
    """status, cause, sentence, what_to_do, size, sha256 of the run's backup; before: what the engine had; climbed,
    climb: the ladder and one sentence about it; rehearsed: one sentence when this run has rehearsed it; looked_back,
    on_engine: archives of the catalog on the engine VM; last_size: bytes of the newest archive before; now: the
    portal's clock, Unix seconds."""
    row = of_run(parameters)
    last = Backup.objects.filter(engine=row.engine, status=Backup.Status.DONE).exclude(pk=row.pk).first()
    rehearsal = row.rehearsals.filter(run__ref=parameters["run"]).first()
    return {
        "status": row.status,
        "before": row.objects_then.get("before", {}),
        "cause": row.cause,
        "sentence": row.sentence,
        "what_to_do": row.what_to_do,
        "size": row.size,
        "sha256": row.sha256,
        "climbed": row.climbed_run == str(parameters["run"]),
        "climb": climb_sentence(row),
        "rehearsed": rehearsal.sentence if rehearsal else "",
        "looked_back": row.looked_back,
        "on_engine": Backup.objects.filter(engine=row.engine, on_engine=True).count(),
        "last_size": last.size if last else None,
        "now": time.time(),
    }


def copy(parameters: Parameters) -> dict[str, Any]:
    """place, state, sentence, sha256 of the parameter's backup at the run's destination; "" while there is no copy."""
    pk = int(parameters["target"].partition(":")[2])
    found = Copy.objects.filter(backup_id=parameters["backup"], destination_id=pk).first()
    place = Destination.objects.get(pk=pk).name
    return {
        "place": place,
        "state": found.state if found else "",
        "sentence": found.sentence if found else "",
        "sha256": found.sha256 if found else "",
    }


def kit(parameters: Parameters) -> dict[str, Any]:
    """bundle, sha256, headline of the kit that the run has collected; "" while there is none."""
    row = Kit.objects.filter(run__ref=parameters["run"]).only("bundle", "sha256", "headline").first()
    return {
        "bundle": row.bundle if row else "",
        "sha256": row.sha256 if row else "",
        "headline": row.headline if row else "",
    }


def climb_sentence(row: Backup) -> str:
    """How far the ladder goes, in one sentence."""
    if row.whole:
        return f"Every rung of {row.ident} holds."
    wrong = next((rung for rung in row.ladder if rung["outcome"] in ("fail", "unknown")), None)
    if wrong is None:
        return f"The ladder of {row.ident} was not climbed."
    word = "fails" if wrong["outcome"] == "fail" else "cannot be judged"
    return f"{row.ident} {word} at the rung {wrong['name']}: {wrong['sentence']}"
