"""Climbs the ladder with the vault's copy, opened while it is read."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from backups.catalog.ladder import climb, proven_to, whole
from backups.catalog.rung import Mark, Rung
from backups.models import Backup, Copy
from backups.services import vault
from backups.services.telling import climb_sentence, of_run
from backups.works import rechecking
from backups.works.knowing import expectation
from backups.works.rehearsing import Watched
from portal.connectors.pg_restore import PgRestore
from portal.evidence.services import append
from portal.kernel.step import WorkFailed, Working


def work(working: Working) -> None:
    """Every rung of the run's backup, into the catalog."""
    backup = of_run(working.parameters)
    try:
        source = Watched(vault.opened(backup), working.check)
        rungs = climb(source, expectation(backup), PgRestore())
    except vault.NoCopy as error:
        rungs = (Rung("present", Mark.UNKNOWN, str(error)),)
    record(working, backup, rungs)


def record(working: Working, backup: Backup, rungs: tuple[Rung, ...]) -> None:
    """Writes what a climb found, under the run's lease. Raises WorkFailed as sparing does."""
    sparing(working, backup, rungs)
    ladder = [shown(rung) for rung in rungs]
    with working.writing():
        Backup.objects.filter(pk=backup.pk).update(
            ladder=ladder,
            proven_to=proven_to(rungs),
            whole=whole(rungs),
            climbed_at=timezone.now(),
            climbed_run=str(working.parameters["run"]),
        )
        backup.refresh_from_db()
        append("backup.verified", "holdfast", f"backup:{backup.ident}", {"ladder": ladder, "whole": backup.whole})
    working.say(climb_sentence(backup))


def sparing(working: Working, backup: Backup, rungs: tuple[Rung, ...]) -> None:
    """Raises WorkFailed when the vault's file is at fault and not the archive: what was found out about the archive
    before stands, since the copies at other places are still what it was found out about."""
    first = rungs[0].outcome if rungs else Mark.UNKNOWN
    copy = vault.copy_of(backup)
    if first is Mark.FAIL and copy is not None:
        rechecking.read_back(working, copy)
        copy.refresh_from_db()
        if copy.state != Copy.State.HELD:
            raise WorkFailed(f"The vault's copy of {backup.ident} is lost. {copy.sentence}")
    if first is Mark.UNKNOWN and backup.whole:
        told = rungs[0].sentence if rungs else "The archive could not be read."
        raise WorkFailed(f"{told} What was found out about {backup.ident} before stands.")


def shown(rung: Rung) -> dict[str, Any]:
    """As Backup.ladder and Rehearsal.rungs have it."""
    return {
        "name": rung.name,
        "outcome": str(rung.outcome),
        "sentence": rung.sentence,
        "evidence": list(rung.evidence),
    }
