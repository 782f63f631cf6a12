"""What the tuning of one Oracle VM comes to: a finding per rule, what drifted since a person approved it, and the
answer for the overview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from inventory.tuning.compliance import drift
from inventory.tuning.row import Row
from inventory.verdicts.answer import Answer, Word
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import GRAVE, Outcome

KEY = 120  # characters of a finding's subject


def subject(name: str, parameter: str) -> Subject:
    """A finding is about one parameter of one VM. A name that is too long loses its end, never the parameter."""
    return Subject("vm", f"{name[: KEY - len(parameter) - 1]} {parameter}")


def finding(row: Row, name: str) -> Finding:
    """Of one row. What is right now and lost at the next boot has a check of its own."""
    check = "tuning_fleeting" if row.fleeting else f"tuning_{row.area}"
    return Finding(check, row.outcome, subject(name, row.parameter), f"{name}: {row.sentence}")


def findings(rows: Iterable[Row], name: str, approved: Mapping[str, str] | None) -> tuple[Finding, ...]:
    """A finding for every row that can be a fault, and one for every drift. approved None: nobody approved anything."""
    every = list(rows)
    told = [finding(row, name) for row in every if row.severity != "info"]
    return (*told, *drifts(every, name, approved))


def drifts(rows: Iterable[Row], name: str, approved: Mapping[str, str] | None) -> list[Finding]:
    """A warning per running value that is another one than the approved."""
    if approved is None:
        return []
    found = drift(approved, (row for row in rows if row.area != "engine"))
    words = "Set it back, or approve it"
    return [
        Finding("tuning_drift", Outcome.WARN, subject(name, one.parameter), f"{name}: {one.sentence} {words}.")
        for one in found
    ]


def gravest(told: Iterable[Finding]) -> Finding | None:
    """What a person must see first; None when there is nothing."""
    return min(told, key=lambda one: GRAVE.index(one.outcome), default=None)


def answer(told: Iterable[Finding], name: str) -> Answer:
    """Whether one VM runs as declared. A part that is not known is no yes."""
    every = list(told)
    first = gravest(every)
    if first is None:
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, f"The look at {name} told nothing.")
    if first.outcome is Outcome.OK:
        return Answer(Word.YES, Outcome.OK, f"All {len(every)} settings of {name} are as declared.")
    more = sum(one.outcome is first.outcome for one in every) - 1
    rest = f" {more} more of {name} are like that." if more else ""
    word = {Outcome.FAIL: Word.NO, Outcome.UNKNOWN: Word.NOT_KNOWN, Outcome.WARN: Word.YES}[first.outcome]
    return Answer(word, first.outcome, f"{first.sentence}{rest}")


def together(answers: Iterable[Answer]) -> Answer | None:
    """The answer over all VMs: that of the worst; None when no VM is declared."""
    every = list(answers)
    if not every:
        return None
    worst = min(every, key=lambda one: GRAVE.index(one.outcome))
    if worst.outcome is Outcome.OK and len(every) > 1:
        return Answer(Word.YES, Outcome.OK, f"All {len(every)} Oracle VMs run as declared.")
    return worst
