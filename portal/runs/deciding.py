"""A step that failed, in a plan that lets people decide: it waits in the database for a retry, for a second person who
ignores it, or for an abort; when its time is over, the undos begin (docs/adr/0023)."""

from __future__ import annotations

from django.db.models.functions import Now

from portal.kernel.words import span
from portal.runs import journal, record
from portal.runs.drive import BACK, DECIDE, Drive, Stop, by_portal, in_seconds
from portal.runs.ending import aborted, begin_ending
from portal.runs.models import Run, RunStep
from portal.runs.states import move_run, move_step

T = RunStep.State

ASKED = 900.0  # seconds that a gate's question waits for people
AWAY = 120.0  # the same while something is away that the undos would give back


def patience(drive: Drive) -> float:
    """Seconds that people have when a gate stops a step that changes something."""
    done = RunStep.objects.filter(run_id=drive.run.pk, state=T.DONE, mutating=True, intended_at__isnull=False)
    return AWAY if any(row.undo for row in done) else ASKED


def hold(drive: Drive, row: RunStep, sentence: str, seconds: float) -> bool:
    """Lets people decide for so many seconds. False: a command of the step may still run on a host, so nobody is asked
    and its undos begin."""
    if row.intended_at is not None and not by_portal(row):
        return False
    with drive.lease.writing():
        move_step(row.pk, [T.RUNNING], T.HELD, ended=Now(), deadline=in_seconds(seconds), sentence=sentence)
        ways = "retry or abort" if row.mutating else "retry, ignore or abort"
        drive.note(row, f"{sentence} It waits {span(seconds)} for a decision: {ways}.")
        body = {"step": row.name, "position": row.position, "sentence": sentence, "seconds": seconds}
        record.put(drive.run, "run.step_held", "portal", body)
    row.refresh_from_db()
    return True


def waits(drive: Drive, row: RunStep) -> Stop:
    """What has become of a held step: still undecided, decided, aborted, or its time is over. Asked under the lock that
    every decision takes, so one that came in time is never overrun."""
    with drive.lease.writing():
        row.refresh_from_db()
        if row.state != T.HELD:
            return Stop("park")  # decided this moment: the Run is looked at anew
        if aborted(drive, row):
            return BACK
        if not drive.overdue(row):
            return DECIDE
        began = f"{row.sentence} Nobody decided in time, so the undos begin."
        begin_ending(drive, Run.Status.FAILED, row, began)
    return BACK


def park(drive: Drive) -> None:
    """Lets go of the worker until the decision or the end of its time."""
    with drive.lease.writing():
        row = RunStep.objects.filter(run_id=drive.run.pk, state=T.HELD).first()
        waiting = row is not None and not Run.objects.filter(pk=drive.run.pk).exclude(abort_by="").exists()
        due = row.deadline if row is not None and waiting else Now()
        fields = {"due_at": due, "lease_owner": "", "lease_expires": None}
        move_run(drive.run.pk, [Run.Status.RUNNING], Run.Status.WAITING, under=drive.lease.fence, **fields)
        journal.announce(drive.run.pk)


def ignored(row: RunStep) -> str:
    """Who ignored a step, and why, as a sentence ends."""
    return f"ignored by {row.ignored_by}: {row.ignored_why.rstrip('.')}."
