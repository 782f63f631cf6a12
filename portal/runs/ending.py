"""How a Run comes to its end: the turn to the undos, and the last word."""

from __future__ import annotations

import logging

from django.db.models.functions import Now

from portal.runs import journal, record
from portal.runs.drive import Drive, in_seconds
from portal.runs.models import Run, RunStep
from portal.runs.states import move_run, move_step

log = logging.getLogger(__name__)

S = Run.Status
T = RunStep.State


def begin_ending(drive: Drive, ending: str, row: RunStep | None, sentence: str) -> None:
    """Turns the Run round: from here on it walks its undos, whatever happens. ending: failed | errored | aborted;
    row: the step that was under way."""
    words = f"Step {row.position} ({row.title}): {sentence}" if row and ending != S.ABORTED else sentence
    with drive.lease.writing():
        Run.objects.filter(pk=drive.run.pk).update(ending=ending, sentence=words)
        RunStep.objects.filter(run_id=drive.run.pk).update(deadline=None)
        if row:
            _leave(row, ending, sentence)
        drive.note(row, words)
        body = {"sentence": sentence, **({"step": row.name, "position": row.position} if row else {})}
        record.put(drive.run, f"run.{ending}", "portal", body)
    drive.run.ending, drive.run.sentence = ending, words


def aborted(drive: Drive, row: RunStep | None) -> bool:
    """Turns the Run round when a person has asked for its end."""
    run = Run.objects.only("abort_by", "abort_reason").get(pk=drive.run.pk)
    if not run.abort_by:
        return False
    reason = f": {run.abort_reason}" if run.abort_reason else "."
    begin_ending(drive, S.ABORTED, row, f"Aborted by {run.abort_by}{reason}")
    return True


def _leave(row: RunStep, ending: str, sentence: str) -> None:
    if row.state == T.HELD:  # it had failed already, and keeps saying why
        move_step(row.pk, [T.HELD], T.FAILED, sentence=row.sentence if ending == S.ABORTED else sentence)
        return
    if ending == S.ABORTED and row.intended_at is None:
        move_step(row.pk, [T.WAITING, T.RUNNING], T.SKIPPED, ended=Now(), sentence="It was stopped before it acted.")
        return
    move_step(row.pk, [T.RUNNING], T.FAILED, ended=Now(), sentence=sentence)


def finish(drive: Drive, status: str, sentence: str) -> bool:
    """The Run's last write: status, sentence, record, signature. False when it may not succeed, since a person has
    asked for its abort."""
    with drive.lease.writing():
        fields = {"sentence": sentence, "ended": Now(), "lease_owner": "", "lease_expires": None, "due_at": None}
        rows = Run.objects.filter(pk=drive.run.pk)
        if status == S.SUCCEEDED and rows.exclude(abort_by="").exists():
            return False  # asked for at the last moment; the row is locked now, so no later one is missed
        for row in RunStep.objects.filter(run_id=drive.run.pk, state=T.WAITING):
            move_step(row.pk, [T.WAITING], T.SKIPPED, sentence="The run ended before it.")
        move_run(drive.run.pk, [S.RUNNING], status, under=drive.lease.fence, **fields)
        drive.note(None, sentence)
        record.put(drive.run, "run.ended", "portal", {"status": status, "sentence": sentence})
        record.close(drive.run.pk)
    if status == S.NEEDS_ATTENTION:
        log.error("Run %s needs attention: %s", drive.run.pk, sentence)
    return True


def park(drive: Drive, after: float, sentence: str = "") -> None:
    """Lets go of the worker: the Run waits in the database for `after` seconds, or, when held, for a person."""
    with drive.lease.writing():
        run = Run.objects.only("held_by", "abort_by", "ending").get(pk=drive.run.pk)
        held = bool(run.held_by) and not run.abort_by and not run.ending
        held = held and not after
        fields = {"due_at": None if held else in_seconds(after), "lease_owner": "", "lease_expires": None}
        if sentence:
            fields["sentence"] = sentence
        move_run(drive.run.pk, [S.RUNNING], S.WAITING, under=drive.lease.fence, **fields)
        journal.announce(drive.run.pk)
