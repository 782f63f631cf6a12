"""What a change is told of a Run, in short notes: at its beginning, after each group of steps, when it stands still, at
its end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.kernel.words import span

OVER = ("done", "ignored", "failed", "skipped", "undone", "undo_failed")
SUCCESSFUL, ISSUES, UNSUCCESSFUL = "successful", "successful_issues", "unsuccessful"


@dataclass(frozen=True)
class Step:
    """A step as it stands. state: of portal.runs."""

    position: int
    title: str
    mutating: bool
    state: str
    sentence: str
    ended: datetime | None


@dataclass(frozen=True)
class Group:
    """Steps that belong together: one that changes something and what watches it. last: position of its last step."""

    steps: tuple[Step, ...]

    @property
    def last(self) -> int:
        return self.steps[-1].position

    @property
    def over(self) -> bool:
        """Nothing of it is to come."""
        return all(step.state in OVER for step in self.steps)

    @property
    def untouched(self) -> bool:
        """The run ended before it."""
        return all(step.state in ("skipped", "waiting") for step in self.steps)


def groups(steps: Sequence[Step]) -> list[Group]:
    """A new group begins at each step that changes something; the checks before the first one are a group, too."""
    found: list[list[Step]] = []
    for step in steps:
        if step.mutating or not found:
            found.append([])
        found[-1].append(step)
    return [Group(tuple(each)) for each in found]


def unsaid(steps: Sequence[Step], said: int) -> tuple[Step, ...]:
    """The steps of all groups that are over and reach beyond the step that was said last: one note is enough for them.
    Empty when there is nothing to say."""
    told: list[Step] = []
    for group in groups(steps):
        if not group.over:
            break
        if group.last > said and not group.untouched:
            told += [step for step in group.steps if step.position > said]
    return tuple(told)


def group_note(told: Sequence[Step], of: int) -> str:
    """Steps 3 to 5 of 12: what became of the last one that acted, and of each that did not go well."""
    first, last = told[0], told[-1]
    head = f"Step {first.position}" if first is last else f"Steps {first.position} to {last.position}"
    ended = max((step.ended for step in told if step.ended), default=None)
    bad = [step for step in told if step.state not in ("done", "skipped")]
    shown = bad or [step for step in told if step.state == "done"][-1:]
    words = " ".join(f"{step.title}: {_word(step)}{step.sentence}" for step in shown)
    return f"{stamp(ended)}{head} of {of}. {words}".strip()


def _word(step: Step) -> str:
    return "" if step.state == "done" else f"{step.state.replace('_', ' ')}. "


def stamp(at: datetime | None) -> str:
    """When it was, in front of a note: it may be delivered much later."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. " if at else ""


def start_note(title: str, place: str, run: int, people: str, began: datetime, request: str) -> str:
    """The first note. request: id of the request that asked for it, which the engine's events carry, too; "" none."""
    trace = f" Correlation id {request}." if request else ""
    return f"{stamp(began)}Holdfast began {title} on {place} (run {run}, {people}).{trace}"


def end_note(title: str, status: str, sentence: str, began: datetime | None, ended: datetime) -> str:
    """The last note of a run."""
    took = f" after {span((ended - began).total_seconds())}" if began else ""
    return f"{stamp(ended)}{title} ended{took}: {status.replace('_', ' ')}. {sentence}"


def code(status: str, ignored: bool, verdicts: Sequence[str]) -> str:
    """The close code: successful only when every step and every objective held."""
    if status != "succeeded":
        return UNSUCCESSFUL
    return ISSUES if ignored or "not met" in verdicts or "not tested" in verdicts else SUCCESSFUL
