"""What went another way than planned: from steps, people's acts, prompts and the comparison of production."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from failover.reports.content import Deviation
from failover.reports.given import Given, Step

ACTS = ("run.held", "run.resumed", "run.abort_asked", "run.retried")
_NEVER = datetime.min.replace(tzinfo=UTC)  # only beside others without a time


def deviations(given: Given) -> tuple[Deviation, ...]:
    """In the order of time; those without a time last."""
    found = [*_acts(given), *_steps(given), *_prompts(given), *_rules(given), *_production(given)]
    if not found and given.run.status != "succeeded":
        found.append(Deviation(given.run.ended, f"The run ended as {given.run.status.replace('_', ' ')}.", ""))
    return tuple(sorted(found, key=lambda one: (one.at is None, one.at or _NEVER)))


def _acts(given: Given) -> Iterator[Deviation]:
    for act in given.acts:
        if act.kind in ACTS:
            reason = str(act.body.get("reason") or "")
            said = str(act.body.get("sentence") or act.kind)
            more = f" Reason: {reason}" if reason and reason not in said else ""
            yield Deviation(act.at, f"{said}{more}", act.actor)
        elif act.kind == "run.recovered":
            yield Deviation(act.at, "Another worker took the run over: the one before had gone.", "")


def _steps(given: Given) -> Iterator[Deviation]:
    for step in given.steps:
        words = _words(step)
        if step.state == "ignored":
            told = f"{words} {step.ignored_why} It had failed: {step.sentence}"
            yield Deviation(step.ignored_at or step.ended, told, step.ignored_by)
        elif words:
            yield Deviation(step.ended or step.began, f"{words}{f' {step.sentence}' if step.sentence else ''}", "")
    idle = [step for step in given.steps if step.state == "waiting"]
    if idle:
        names = _range(idle)
        yield Deviation(given.run.ended, f"{names} did not run.", "")


def _words(step: Step) -> str:
    name = f"Step {step.position} ({step.title})"
    return {
        "failed": f"{name} failed.",
        "held": f"{name} failed, and nobody decided on it.",
        "ignored": f"{name} was ignored:",
        "skipped": f"{name} was skipped.",
        "undone": f"{name} was undone.",
        "undo_failed": f"{name} could not be undone.",
        "running": f"{name} has no end.",
    }.get(step.state, "")


def _range(idle: list[Step]) -> str:
    numbers = [step.position for step in idle]
    if len(numbers) == 1:
        return f"Step {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"Steps {numbers[0]} to {numbers[-1]}"
    return f"Steps {', '.join(str(one) for one in numbers)}"


def _prompts(given: Given) -> Iterator[Deviation]:
    for one in given.prompts:
        if one.answer == "not_done":
            yield Deviation(one.at, f"Not done as asked: {one.question} Seen: {one.seen}", one.by)
        elif not one.answer:
            yield Deviation(one.asked_at, f"Never answered: {one.question}", "")


def _rules(given: Given) -> Iterator[Deviation]:
    for one in given.glasses:
        if one.confirmed_by:
            words = f"Glass was broken: the calendar's gates were lifted. Reason: {one.reason}"
            yield Deviation(one.confirmed_at, words, f"{one.asked_by}, {one.confirmed_by}")
    began, ended = given.run.started, given.run.ended
    if began and given.drill.window_begins and began < given.drill.window_begins:
        yield Deviation(began, "It began before its window.", "")
    if ended and given.drill.window_ends and ended > given.drill.window_ends:
        yield Deviation(ended, "It ended after its window.", "")


def _production(given: Given) -> Iterator[Deviation]:
    for one in given.changes or ():
        if not one.expected:
            yield Deviation(None, one.sentence, "")
