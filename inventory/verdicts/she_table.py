"""What each observer says, side by side: the table that shows agreement, lag and blindness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inventory.probes.reading.vm_status import HeSnapshot
from inventory.verdicts.she_inputs import Observation
from inventory.verdicts.she_rows import View


@dataclass(frozen=True)
class Told:
    """One observer's answer to one question."""

    observer: str
    answer: str


@dataclass(frozen=True)
class FactRow:
    """One question, everybody's answer, and whether those who can see agree; None: fewer than two can see."""

    fact: str
    answers: tuple[Told, ...]
    agree: bool | None


def observers_table(observations: Sequence[Observation], view: View) -> tuple[FactRow, ...]:
    """One row per question, one answer per observer, in the order of the observations."""
    return tuple(_row(fact, ask, observations, view) for fact, ask in _QUESTIONS.items())


def _row(fact: str, ask: Callable[[HeSnapshot], str], observations: Sequence[Observation], view: View) -> FactRow:
    refused = dict(view.refused)
    told, heard = [], []
    for one in observations:
        if one.snapshot is None or one not in view.usable:
            told.append(Told(one.host, f"not known: {refused[one.host]}"))
        elif one not in view.seeing and fact != GLOBAL:
            told.append(Told(one.host, "not used: its own record is not live"))
        else:
            told.append(Told(one.host, ask(one.snapshot)))
            heard.append(told[-1].answer)
    return FactRow(fact, tuple(told), len(set(heard)) == 1 if len(heard) > 1 else None)


def _engine(seen: HeSnapshot) -> str:
    up = [f"{one.hostname} ({'good' if one.serving else one.detail or one.health})" for one in seen.hosts if one.vm_up]
    return ", ".join(up) or "nowhere"


def _live(seen: HeSnapshot) -> str:
    return ", ".join(str(one.host_id) for one in seen.hosts if one.live) or "none"


def _scores(seen: HeSnapshot) -> str:
    return ", ".join(f"{one.host_id}: {one.score}" for one in seen.hosts if one.live) or "none"


def _states(seen: HeSnapshot) -> str:
    return ", ".join(f"{one.host_id}: {one.state or 'unknown'}" for one in seen.hosts if one.live) or "none"


def _flag(seen: HeSnapshot) -> str:
    return {True: "on", False: "off", None: "not said"}[seen.global_maintenance]


GLOBAL = "Global maintenance"
_QUESTIONS: dict[str, Callable[[HeSnapshot], str]] = {
    "Engine VM": _engine,
    GLOBAL: _flag,
    "Live host ids": _live,
    "Scores": _scores,
    "States": _states,
}
