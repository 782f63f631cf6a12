"""What people may do to a Run that exists: approve, hold, resume, abort, retry, ignore. Each is one recorded move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from portal.access.services import may
from portal.runs import journal, ports, record, wake
from portal.runs.models import Run, RunStep
from portal.runs.record import EvidenceRefused
from portal.runs.services.refused import Refused, recorded
from portal.runs.services.start import in_the_way
from portal.runs.states import move_run, move_step

S = Run.Status
T = RunStep.State

LONGEST = 500  # characters of a reason
RETRIED = (S.FAILED, S.ERRORED, S.NEEDS_ATTENTION)


@contextmanager
def _deciding(run_pk: int, by: str, wish: str) -> Iterator[Run]:
    """A transaction that holds the Run's row; a refusal inside it is recorded after it."""
    try:
        with transaction.atomic():
            yield Run.objects.select_for_update().get(pk=run_pk)
    except EvidenceRefused as error:
        raise Refused("evidence", str(error)) from None
    except Refused as refusal:
        raise recorded(refusal, by, record.subject(run_pk), {"wish": wish}) from None


def _done(run: Run, kind: str, by: str, sentence: str, body: dict[str, Any] | None = None) -> None:
    journal.write(run.pk, None, [journal.Entry(sentence)])
    run.refresh_from_db()
    record.put(run, kind, by, {"sentence": sentence, **(body or {})})


def approve(run_pk: int, by: str) -> Run:
    """A second person lets an awaiting Run go. Raises Refused: it was asked for by the same person, it no longer
    waits, a consent of the composition objects, or its target has an active Run."""
    with _deciding(run_pk, by, "approve") as run:
        if run.requested_by == by:
            raise Refused("four_eyes", f"Run {run.pk} was asked for by {by}: another person approves it.", run=run)
        if run.status != S.AWAITING_APPROVAL:
            raise Refused("state", f"Run {run.pk} is {run.status}: there is nothing to approve.", run=run)
        if sentence := ports.objection(run, by):
            raise Refused("four_eyes", sentence, run=run)
        _queue(run, S.AWAITING_APPROVAL, approved_by=by, approved_at=Now())
        _done(run, "run.approved", by, f"Approved by {by}.", {"digest": run.digest})
    return run


def hold(run_pk: int, by: str) -> Run:
    """Stops an active Run before its next act; a command that runs on the target is followed to its end first."""
    with _deciding(run_pk, by, "hold") as run:
        if run.status not in Run.ACTIVE or run.ending or run.abort_by:
            raise Refused("state", f"Run {run.pk} is {run.ending or run.status}: it cannot be held.", run=run)
        if not run.held_by:
            Run.objects.filter(pk=run.pk).update(held_by=by)
            _done(run, "run.held", by, f"Held by {by}: no further step begins.")
    return run


def resume(run_pk: int, by: str) -> Run:
    """Lets a held Run go on."""
    with _deciding(run_pk, by, "resume") as run:
        if not run.held_by:
            raise Refused("state", f"Run {run.pk} is {run.status} and nobody holds it.", run=run)
        Run.objects.filter(pk=run.pk).update(held_by="")
        _due(run)
        _done(run, "run.resumed", by, f"Resumed by {by}.")
    return run


def abort(run_pk: int, by: str, reason: str = "") -> Run:
    """Ends a Run: what it has done is undone, last first. One that has not begun ends at once. Asking twice is
    harmless. Raises Refused when it has ended."""
    with _deciding(run_pk, by, "abort") as run:
        if run.status not in (S.DRAFT, S.AWAITING_APPROVAL, *Run.ACTIVE):
            raise Refused("state", f"Run {run.pk} is {run.status}: there is nothing to abort.", run=run)
        if run.abort_by or run.ending:
            return run
        words = f"Aborted by {by}{f': {reason}' if reason else '.'}"
        Run.objects.filter(pk=run.pk).update(abort_by=by, abort_reason=reason)
        if run.started is None and run.status != S.RUNNING:
            _end_unbegun(run, words)
        else:
            _due(run)
        _done(run, "run.abort_asked", by, words, {"reason": reason})
    return run


def retry(run_pk: int, position: int, by: str) -> Run:
    """Lets an ended Run go on at the step that failed, repeats the undo that failed, or tries a step again whose
    failure waits for a decision. What was done stays done. Raises Refused when the step did not fail, or when other
    steps have been undone meanwhile."""
    with _deciding(run_pk, by, "retry") as run:
        row = run.steps.filter(position=position).first()
        if row is not None and _undecided(run, row):
            _again(row)
            _due(run)
        elif row is None or run.status not in RETRIED or row.state not in (T.FAILED, T.UNDO_FAILED):
            state = row.state if row else "missing"
            raise Refused("state", f"Run {run.pk} is {run.status}, its step {position} is {state}: no retry.", run=run)
        elif row.state == T.UNDO_FAILED:
            _redo_undo(run, row)
        else:
            _redo_step(run, row)
        _done(run, "run.retried", by, f"Step {position} ({row.title}) is retried by {by}.", {"step": row.name})
    return run


def ignore(run_pk: int, position: int, by: str, reason: str) -> Run:
    """A second person lets the Run go on although a step failed. by: an account that may approve runs, and not whoever
    asked for this one. Raises Refused: nothing waits for that decision, or its time is over; no reason is given."""
    reason = " ".join(reason.split())[:LONGEST]
    with _deciding(run_pk, by, "ignore") as run:
        row = run.steps.filter(position=position).first()
        if row is None or not _undecided(run, row):
            state = row.state if row else "missing"
            words = f"Run {run.pk} is {run.ending or run.status}, its step {position} is {state}"
            raise Refused("state", f"{words}: no decision on it is waited for.", run=run)
        if row.mutating:
            words = f"Step {position} ({row.title}) changes something, so it is not left out: retry it, or abort."
            raise Refused("state", words, run=run)
        _second(run, by)
        if not reason:
            raise Refused("parameters", "Say why the step may be ignored: the report quotes it.", run=run)
        failed = row.sentence
        told = {"ignored_by": by, "ignored_at": Now(), "ignored_why": reason, "deadline": None}
        move_step(row.pk, [T.HELD], T.IGNORED, **told)
        _due(run)
        body = {"step": row.name, "position": position, "failed": failed, "reason": reason}
        _done(run, "run.step_ignored", by, f"Step {position} ({row.title}) is ignored by {by}: {reason}", body)
    return run


def _undecided(run: Run, row: RunStep) -> bool:
    """Whether people may still decide on a step that failed, by the database's clock."""
    forward = run.status in Run.ACTIVE and not run.ending and not run.abort_by
    return forward and RunStep.objects.filter(pk=row.pk, state=T.HELD, deadline__gte=Now()).exists()


def _second(run: Run, by: str) -> None:
    """Raises Refused unless `by` is another person, and one who may approve: asked here, so that a shell is, too."""
    if by.casefold() == run.requested_by.casefold():
        raise Refused("four_eyes", f"{by} asked for run {run.pk}: another person decides to ignore a step.", run=run)
    person = User.objects.filter(username=by, is_active=True).first()
    if person is None or not may(person, "run.approve"):
        words = f"{by} is nobody who may approve a run, so this is no second pair of eyes"
        raise Refused("four_eyes", f"{words}: a person with the role Approver ignores a step.", run=run)


def _redo_undo(run: Run, row: RunStep) -> None:
    fresh = {"phase": RunStep.Phase.SETTLED, "deadline": None, "undo_attempt": F("undo_attempt") + 1}
    move_step(row.pk, [T.UNDO_FAILED], T.FAILED, **fresh)
    _queue(run, run.status, ended=None)


def _redo_step(run: Run, row: RunStep) -> None:
    if run.steps.filter(state__in=(T.UNDONE, T.UNDO_FAILED)).exists():
        raise Refused("state", f"Run {run.pk} has undone other steps: start it anew.", run=run)
    _again(row)
    for later in run.steps.filter(position__gt=row.position, state=T.SKIPPED):
        move_step(later.pk, [T.SKIPPED], T.WAITING, sentence="", deadline=None)
    _queue(run, run.status, ended=None, ending="", abort_by="", abort_reason="")


def _again(row: RunStep) -> None:
    """The step begins anew, under a number of its own."""
    fresh: dict[str, Any] = {
        "phase": RunStep.Phase.LOOK,
        "deadline": None,
        "ended": None,
        "intended_at": None,
        "act": [],
        "undo": [],
        "no_undo": "",
    }
    origins = [T.FAILED, T.HELD]
    move_step(row.pk, origins, T.WAITING, attempt=F("attempt") + 1, out_offset=0, err_offset=0, **fresh)


def _queue(run: Run, origin: str, **fields: Any) -> None:
    try:
        with transaction.atomic():
            move_run(run.pk, [origin], S.QUEUED, queued_at=Now(), **fields)
    except IntegrityError:
        raise in_the_way(run.target, run.target_name) from None
    wake.on_commit(run.pk)


def _due(run: Run) -> None:
    """A waiting Run wants a worker now."""
    Run.objects.filter(pk=run.pk, status=S.WAITING).update(due_at=Now())
    wake.on_commit(run.pk)


def _end_unbegun(run: Run, words: str) -> None:
    for row in run.steps.filter(state=T.WAITING):
        move_step(row.pk, [T.WAITING], T.SKIPPED, sentence="The run ended before it.")
    move_run(run.pk, [run.status], S.ABORTED, ended=Now(), sentence=words)
