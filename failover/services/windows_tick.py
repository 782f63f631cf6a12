"""What becomes of maintenance windows without a person: their Runs end, deadlines come, somebody ends them elsewhere.
Read from the records and the stored looks by a tick of its own, never by the worker that runs the plans."""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from failover.catalog import release
from failover.models import Window
from failover.services.windows import EXTEND
from failover.verdicts.guard_facts import Facts
from inventory.models import Engine
from inventory.templatetags.holdfast import full
from portal.evidence.services import append
from portal.runs.models import Run, RunStep

log = logging.getLogger(__name__)

S = Window.State
WARN_BEFORE = timedelta(minutes=10)
FRESH = timedelta(seconds=60)  # after entering, until the looks may say that it is gone
DONE = (Run.Status.SUCCEEDED,)
ENTERED_BY = ("mode_set", "mode_again", "host_deactivate")  # the steps that a failed entering may leave behind


def reconcile(now: datetime | None = None) -> None:
    """Brings every open window in step with its Runs, and raises the alarms of its deadline. May run at any time."""
    now = now or timezone.now()
    _resume()
    for pk in Window.objects.filter(state__in=Window.OPEN).values_list("pk", flat=True):
        with transaction.atomic():
            row = (
                Window.objects.select_for_update(of=("self",))
                .select_related("engine", "host", "enter_run", "leave_run")
                .filter(pk=pk, state__in=Window.OPEN)
                .first()
            )
            if row is not None:
                _follow(row, now)


def _resume() -> None:
    """A person has let a failed Run go on: its window is on its way again."""
    again = (
        (S.FAILED, "enter_run__status__in", S.ENTERING, "Entering it is tried again."),
        (S.ACTIVE, "leave_run__status__in", S.LEAVING, "Leaving it is tried again."),
    )
    for state, active, to, words in again:
        for row in Window.objects.select_related("host").filter(state=state, **{active: Run.ACTIVE}):
            with contextlib.suppress(IntegrityError), transaction.atomic():  # another window may be open by now
                _move(row, "window.resumed", words, state=to, ended_at=None)


def _follow(row: Window, now: datetime) -> None:
    if row.state == S.ENTERING:
        _entering(row, now)
    elif row.state == S.LEAVING:
        _leaving(row, now)
    if row.state == S.ACTIVE:
        _extended(row)
        _kept(row)
        _alarm(row, now)


def _move(row: Window, kind: str, sentence: str, **fields: Any) -> None:
    """The window's one way to change here: row, and record."""
    fields["sentence"] = sentence
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))
    body = {"sentence": sentence, "scope": row.scope, "host": row.host.name if row.host else "", "owner": row.owner}
    append(kind, "holdfast", f"window:{row.pk}", body)


def _entering(row: Window, now: datetime) -> None:
    run = row.enter_run
    if run is None or run.status in Run.ACTIVE or run.status in (Run.Status.DRAFT, Run.Status.AWAITING_APPROVAL):
        return
    if run.status in DONE:
        words = "It was entered, seen from the other host."
        _move(row, "window.entered", words, state=S.ACTIVE, entered_at=run.ended or now, **_armed(row, run))
    elif _left_set(run):
        words = f"Entering it failed and it may be set all the same: leave it. {run.sentence}"
        _move(row, "window.entered_partly", words, state=S.ACTIVE, entered_at=run.ended or now, **_armed(row, run))
    else:
        _move(row, "window.failed", f"It was not entered. {run.sentence}", state=S.FAILED, ended_at=run.ended or now)


def _left_set(run: Run) -> bool:
    """Whether a Run that did not succeed may have left its mode set."""
    acted = run.steps.filter(name__in=ENTERED_BY, intended_at__isnull=False)
    return acted.exclude(state__in=(RunStep.State.UNDONE, RunStep.State.SKIPPED)).exists()


def _armed(row: Window, run: Run) -> dict[str, Any]:
    """The release that a Run has armed, if it did and has not undone it."""
    step = run.steps.filter(name="release_arm", intended_at__isnull=False, state=RunStep.State.DONE).first()
    return _release(run, step) if step is not None else {}


def _release(run: Run, step: RunStep) -> dict[str, Any]:
    assert step.intended_at is not None
    due = step.intended_at + timedelta(seconds=run.parameters["release_after"])
    return {"release": release.unit(str(run.ref)), "release_on_id": run.parameters["on"], "released_at": due}


def _leaving(row: Window, now: datetime) -> None:
    run = row.leave_run
    if run is not None and run.status in Run.ACTIVE:
        return
    if run is not None and run.status in DONE:
        _move(row, "window.ended", "It was left, seen from the other host.", state=S.ENDED, ended_at=run.ended or now)
    else:
        why = run.sentence if run else "Its run is gone."
        _move(row, "window.leave_failed", f"Leaving it did not come to its end: {why}", state=S.ACTIVE)


def _extended(row: Window) -> None:
    """The newest extension that ended well is what counts."""
    mine = Run.objects.filter(plan=EXTEND, parameters__window=row.pk, status__in=DONE)
    run = mine.order_by("-pk").first()
    if run is None or _counted(row, run):
        return
    deadline = datetime.fromisoformat(run.parameters["deadline"])
    times = row.extended + (row.deadline != deadline)  # an adoption has set it already
    fields = {"deadline": deadline, "extended": times, "warned_at": None, "overdue_at": None}
    _move(row, "window.extended", f"Its deadline is {full(deadline)}.", **fields, **_armed(row, run))


def _kept(row: Window) -> None:
    """An extension that was turned round when the release before it was gone already: its own one stays armed."""
    run = Run.objects.filter(plan=EXTEND, parameters__window=row.pk).order_by("-pk").first()
    if run is None or run.status != Run.Status.NEEDS_ATTENTION or row.release == release.unit(str(run.ref)):
        return
    step = run.steps.filter(name="release_arm", state=RunStep.State.UNDO_FAILED).first()
    if step is not None:
        words = "Its extension was turned round after the release before it was gone; the newer one stays armed."
        _move(row, "window.release_kept", words, **_release(run, step))


def _counted(row: Window, run: Run) -> bool:
    """Whether this extension is in the row: by its release, or, where none is armed, by its deadline."""
    name = release.unit(str(run.ref))
    if run.steps.filter(name="release_arm", intended_at__isnull=False).exists():
        return row.release == name
    return row.deadline is not None and row.deadline >= datetime.fromisoformat(run.parameters["deadline"])


def _alarm(row: Window, now: datetime) -> None:
    if row.deadline is None:
        return
    if row.overdue_at is None and now >= row.deadline:
        words = f"It is overdue since {full(row.deadline)}: leave it or extend it."
        _move(row, "window.overdue", words, overdue_at=now, warned_at=row.warned_at or now)
        log.error("%s (owner %s): %s", row, row.owner, words)
    elif row.warned_at is None and now >= row.deadline - WARN_BEFORE:
        words = f"Its deadline is {full(row.deadline)}: leave it or extend it."
        _move(row, "window.warned", words, warned_at=now)
        log.warning("%s (owner %s): %s", row, row.owner, words)


def ended_elsewhere(engine: Engine, facts: Facts, now: datetime) -> None:
    """Closes an active window that the looks show as over: by its release, or by somebody's hand. Nothing is concluded
    from what is not known."""
    with transaction.atomic():
        rows = Window.objects.select_for_update(of=("self",)).select_related("host", "engine")
        row = rows.filter(Q(entered_at__lt=now - FRESH) | Q(foreign=True), engine=engine, state=S.ACTIVE).first()
        if row is None or still_set(row.scope, row.host.name if row.host else "", facts) is not False:
            return
        kind, words = "window.ended_elsewhere", "Somebody ended it outside of the portal."
        if row.released_at is not None and now >= row.released_at:
            kind = "window.released"
            words = f"The dead-man's release on {row.release_on} ended it, since nobody did by {full(row.released_at)}."
        _move(row, kind, words, state=S.ENDED, ended_at=now)
        log.warning("%s: %s", row, words)


def still_set(scope: str, host: str, facts: Facts) -> bool | None:
    """Whether the mode is set as the hosts and the engine tell it now; None: not known."""
    if scope == Window.Scope.GLOBAL:
        return facts.global_on
    one = facts.host(host)
    if one is None:
        return None
    if scope == Window.Scope.HOST and one.status in ("maintenance", "preparing_for_maintenance"):
        return True
    if one.flag_local is None or one.flag_manual is None:
        return None
    return one.flag_local or one.flag_manual
