"""Runs as people see them: the shape and word of each status, steps with their acts and undos, lines."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from portal.runs.models import Run, RunLine, RunStep

S = Run.Status
T = RunStep.State


def home(pk: int) -> str:
    """The address of the page that a Run belongs to (settings.HOLDFAST_HOMES), its own where it belongs to none."""
    homes = (import_string(path)(pk) for path in settings.HOLDFAST_HOMES)
    return next((url for url in homes if url), reverse("run", args=[pk]))


STATUS = {
    S.DRAFT: ("waiting", "Draft"),
    S.AWAITING_APPROVAL: ("waiting", "Awaiting approval"),
    S.QUEUED: ("waiting", "Queued"),
    S.RUNNING: ("running", "Running"),
    S.WAITING: ("running", "Running"),
    S.SUCCEEDED: ("ok", "Succeeded"),
    S.FAILED: ("fail", "Failed"),
    S.ERRORED: ("fail", "Errored"),
    S.ABORTED: ("warn", "Aborted"),
    S.ROLLED_BACK: ("warn", "Rolled back"),
    S.NEEDS_ATTENTION: ("fail", "Needs attention"),
}
STEP = {
    T.WAITING: ("waiting", "Waiting"),
    T.RUNNING: ("running", "Running"),
    T.HELD: ("fail", "Failed, waits for a decision"),
    T.DONE: ("ok", "Done"),
    T.IGNORED: ("warn", "Ignored"),
    T.FAILED: ("fail", "Failed"),
    T.SKIPPED: ("waiting", "Skipped"),
    T.UNDONE: ("warn", "Undone"),
    T.UNDO_FAILED: ("fail", "Undo failed"),
}
RETRIED = (S.FAILED, S.ERRORED, S.NEEDS_ATTENTION)


def shape(run: Run, steps: Sequence[RunStep] = ()) -> tuple[str, str]:
    """Shape and word of a run; a held one waits for a person, and so does one with a step that failed, when its steps
    are given."""
    if any(undecided(run, step) for step in steps):
        return "warn", "Waits for a decision"
    if run.held_by and run.status in Run.ACTIVE:
        return "maintenance", f"Held by {run.held_by}"
    if run.ending and run.status in Run.ACTIVE:
        return "running", "Undoing"
    return STATUS[S(run.status)]


@dataclass(frozen=True)
class Row:
    """One step as the table shows it. acts and undos: command lines. undecided: people may decide on its failure;
    ignorable: this reader, too, may let the run go on."""

    step: RunStep
    shape: str
    word: str
    acts: list[str]
    undos: list[str]
    took: timedelta | None
    retriable: bool
    undecided: bool
    ignorable: bool


def rows(run: Run, steps: Sequence[RunStep], now: datetime, acts: frozenset[str] = frozenset()) -> list[Row]:
    """All steps in order; a running one has taken until now. acts: what the reader may do."""
    return [_row(run, step, now, acts) for step in steps]


def _row(run: Run, step: RunStep, now: datetime, acts: frozenset[str]) -> Row:
    state, word = STEP[T(step.state)]
    took = (step.ended or now) - step.began if step.began and (step.ended or step.state == T.RUNNING) else None
    undecided_ = undecided(run, step)
    ended = run.status in RETRIED and step.state in (T.FAILED, T.UNDO_FAILED)
    retriable = "run.start" in acts and (ended or undecided_)
    ignorable = "run.approve" in acts and undecided_ and not step.mutating
    return Row(step, state, word, lines(step.act), lines(step.undo), took, retriable, undecided_, ignorable)


def undecided(run: Run, step: RunStep) -> bool:
    """Whether people may still decide on a step that failed."""
    return step.state == T.HELD and run.status in Run.ACTIVE and not run.ending and not run.abort_by


def lines(acts: Sequence[dict[str, Any]]) -> list[str]:
    """What is run, as a person would type it; what the portal does itself in words."""
    return [_line(act) for act in acts]


def _line(act: dict[str, Any]) -> str:
    if "work" in act:
        return f"the portal itself: {act['work']}"
    return shlex.join(act["argv"]) if "argv" in act else f"fetch {act['fetch']} as {act['name']}"


def headline(run: Run, steps: Sequence[RunStep]) -> str:
    """Support bundle, step 2 of 4; the status once it has ended."""
    held = next((step for step in steps if step.state == T.HELD), None)
    if run.status in Run.ACTIVE and held is not None:
        return f"{run.title}: step {held.position} of {len(steps)} waits for a decision"
    now = next((step for step in steps if step.state == T.RUNNING), None)
    if run.status in Run.ACTIVE and now is not None:
        return f"{run.title}, step {now.position} of {len(steps)}"
    return f"{run.title}: {shape(run)[1].lower()}"


def lead(run: Run, steps: Sequence[RunStep]) -> str:
    """The run's own sentence, else what the current step says, else what is waited for."""
    if run.sentence:
        return run.sentence
    now = next((step for step in steps if step.state in (T.RUNNING, T.HELD)), None)
    if now is not None and now.sentence:
        ways = "Retry it, or abort." if now.mutating else "Retry it, ignore it, or abort."
        return f"{now.sentence} {ways}" if now.state == T.HELD else now.sentence
    if run.status == S.AWAITING_APPROVAL:
        return f"{run.requested_by} asked for it. It waits for another person to approve it; nothing was done."
    if run.status == S.QUEUED:
        return "It waits for a worker. Nothing was done yet."
    return f"On {run.target_name}, asked for by {run.requested_by}."


@dataclass(frozen=True)
class Doable:
    """Which acts the page offers now."""

    hold: bool
    resume: bool
    abort: bool
    approve: bool
    why_not_approve: str


def doable(run: Run, person: str, acts: frozenset[str]) -> Doable:
    """What this person may do to the run as it is."""
    active = run.status in Run.ACTIVE and not run.ending and not run.abort_by
    waits = run.status == S.AWAITING_APPROVAL
    why = ""
    if waits and run.requested_by == person:
        why = f"{person} asked for this run: another person approves it."
    elif waits and "run.approve" not in acts:
        why = "Your role does not approve runs."
    return Doable(
        hold=active and not run.held_by and "run.start" in acts,
        resume=active and bool(run.held_by) and "run.start" in acts,
        abort=(active or waits) and "run.abort" in acts,
        approve=waits and not why,
        why_not_approve=why,
    )


def latest(run: Run, most: int) -> list[RunLine]:
    """The newest lines first."""
    return list(run.lines.select_related("step").order_by("-number")[:most])
