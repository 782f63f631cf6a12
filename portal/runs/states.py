"""How Runs and RunSteps may move. The only place that writes `status`, `state` and `phase`: by conditional UPDATE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.runs.models import Run, RunStep

S = Run.Status
T = RunStep.State

# Run: from -> to.
RUN_MOVES: dict[str, frozenset[str]] = {
    S.DRAFT: frozenset({S.AWAITING_APPROVAL, S.QUEUED, S.ABORTED}),
    S.AWAITING_APPROVAL: frozenset({S.QUEUED, S.ABORTED}),
    S.QUEUED: frozenset({S.RUNNING, S.ABORTED}),
    S.RUNNING: frozenset(
        # running -> running: another worker takes over a lease that ran out
        {S.RUNNING, S.WAITING, S.SUCCEEDED, S.FAILED, S.ERRORED, S.ABORTED, S.ROLLED_BACK, S.NEEDS_ATTENTION}
    ),
    S.WAITING: frozenset({S.RUNNING}),
    S.SUCCEEDED: frozenset(),
    S.FAILED: frozenset({S.QUEUED}),  # a person retries
    S.ERRORED: frozenset({S.QUEUED}),
    S.ABORTED: frozenset(),
    S.ROLLED_BACK: frozenset(),
    S.NEEDS_ATTENTION: frozenset({S.QUEUED}),
}

ENDED = frozenset({S.SUCCEEDED, S.FAILED, S.ERRORED, S.ABORTED, S.ROLLED_BACK, S.NEEDS_ATTENTION})

# RunStep: from -> to.
STEP_MOVES: dict[str, frozenset[str]] = {
    T.WAITING: frozenset({T.RUNNING, T.SKIPPED}),
    T.RUNNING: frozenset({T.RUNNING, T.HELD, T.DONE, T.FAILED, T.SKIPPED}),
    T.HELD: frozenset({T.WAITING, T.IGNORED, T.FAILED}),  # retried, ignored, or its undos begin
    T.DONE: frozenset({T.DONE, T.UNDONE, T.UNDO_FAILED}),
    T.IGNORED: frozenset(),
    T.FAILED: frozenset({T.FAILED, T.WAITING, T.SKIPPED, T.UNDONE, T.UNDO_FAILED}),
    T.SKIPPED: frozenset({T.WAITING}),
    T.UNDONE: frozenset(),
    T.UNDO_FAILED: frozenset({T.FAILED}),  # a person retries the undo
}


class NotAllowed(Exception):
    """A move that the tables do not have: a mistake in the code, never a race."""


def move_run(pk: int, origins: Iterable[str], to: str, under: int | None = None, **fields: Any) -> bool:
    """Moves a Run from one of the origins; False when it stands elsewhere or its fence is not `under`.
    Raises NotAllowed for a move that is not in the table, IntegrityError when the target has another active Run."""
    origins = list(origins)
    _check(RUN_MOVES, origins, to)
    rows = Run.objects.filter(pk=pk, status__in=origins)
    if under is not None:
        rows = rows.filter(fence=under)
    return rows.update(status=to, **fields) == 1


def move_step(pk: int, origins: Iterable[str], to: str, **fields: Any) -> bool:
    """Moves a RunStep from one of the origins; False when it stands elsewhere. Raises NotAllowed."""
    origins = list(origins)
    _check(STEP_MOVES, origins, to)
    return RunStep.objects.filter(pk=pk, state__in=origins).update(state=to, **fields) == 1


def _check(table: dict[str, frozenset[str]], origins: list[str], to: str) -> None:
    wrong = [origin for origin in origins if to not in table[origin]]
    if wrong:
        raise NotAllowed(f"{', '.join(wrong)} -> {to}")
