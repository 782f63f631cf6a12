"""The rehearsal: ladder and restore in one reading of the vault's copy, into a scratch PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from backups.catalog.parts import Part
from backups.catalog.rehearsal import SCHEMA
from backups.catalog.rung import Mark, Rung
from backups.models import Backup, Rehearsal
from backups.services import vault
from backups.services.telling import of_run
from backups.works.climbing import record, shown
from backups.works.knowing import expectation, known
from backups.works.rehearsing import Place, Rehearsed, rehearse, rows_of
from portal.connectors.scratch_folder import sweep
from portal.evidence.services import append
from portal.kernel.step import WorkFailed, Working
from portal.runs.models import Run


def work(working: Working) -> None:
    """Into the catalog: the ladder, the rehearsal, and what the archive is proven to."""
    backup = of_run(working.parameters)
    for name in sweep(vault.scratch()):
        working.say(f"The scratch folder {name} of a rehearsal that was killed is removed.")
    try:
        archive = vault.opened(backup)
    except vault.NoCopy as error:
        if backup.proof == Backup.Proof.PROVEN:
            raise WorkFailed(f"{error} {backup.ident} stays proven by the rehearsals before.") from None
        _write(working, backup, timezone.now(), None, str(error))
        return
    began = datetime.now(UTC)
    done = rehearse(archive, expectation(backup), known(backup), Place(vault.scratch()), working.say, working.check)
    record(working, backup, done.ladder)
    _write(working, backup, began, done, _sentence(backup, done))


def _sentence(backup: Backup, done: Rehearsed) -> str:
    if done.verdict == Backup.Proof.PROVEN:
        tables = sum(len(tables) for tables in rows_of(done.restored).values())
        rows = sum(sum(tables.values()) for tables in rows_of(done.restored).values())
        return (
            f"{backup.ident} is proven restorable: {tables} tables with {rows} rows came back in {done.seconds:.0f} s."
        )
    wrong = next((rung for rung in (*done.rungs, *done.ladder) if rung.outcome in (Mark.FAIL, Mark.UNKNOWN)), None)
    word = "is not restorable as it should be" if done.verdict == Backup.Proof.FAILED else "is not proven"
    return f"{backup.ident} {word}: {wrong.sentence if wrong else 'no rung says why.'}"


def _write(working: Working, backup: Backup, began: datetime, done: Rehearsed | None, sentence: str) -> None:
    outcome = Backup.Proof(done.verdict) if done else Backup.Proof.UNKNOWN
    now = timezone.now()
    rungs = [shown(rung) for rung in (done.rungs if done else (Rung("restored", Mark.UNKNOWN, sentence),))]
    engine = done.restored.databases.get(Part.ENGINE) if done else None
    with working.writing():
        # a rehearsal that came to no answer takes nothing away from one that proved it
        kept = outcome == Backup.Proof.UNKNOWN and backup.proof == Backup.Proof.PROVEN
        Backup.objects.filter(pk=backup.pk).update(
            proof=backup.proof if kept else outcome,
            proven_at=now if outcome == Backup.Proof.PROVEN else backup.proven_at,
        )
        Rehearsal.objects.update_or_create(
            backup=backup,
            run=Run.objects.get(ref=working.parameters["run"]),
            defaults={
                "at": now, "seconds": done.seconds if done else 0.0, "outcome": outcome, "sentence": sentence,
                "server": done.restored.server if done else "", "rungs": rungs,
                "schema": (engine.answers.get(SCHEMA) or "") if engine else "",
                "tables": {str(part): dict(rows) for part, rows in rows_of(done.restored).items()} if done else {},
                "notes": list(done.restored.notes) if done else [],
            },
        )  # fmt: skip
        body: dict[str, Any] = {"outcome": outcome, "sentence": sentence, "rungs": rungs, "began": began.isoformat()}
        append("backup.rehearsed", "holdfast", f"backup:{backup.ident}", body)
    working.say(sentence)
