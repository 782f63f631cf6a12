"""How a policy stands: could the engine be rebuilt, how much would be lost, what is to be done first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backups.verdicts.facts import Facts
from backups.verdicts.lines import Line, age, lines
from backups.verdicts.words import counted, moment
from inventory.verdicts.answer import Word
from portal.kernel.outcome import Outcome, worst


@dataclass(frozen=True)
class Clock:
    """The RPO clock. taken: the state that could be restored; None: none could. lost, objective: seconds."""

    taken: datetime | None
    now: datetime
    next_due: datetime | None
    objective: float
    lost: float | None


@dataclass(frozen=True)
class Verdict:
    """word: could the engine be rebuilt from a backup? base: the title without what is wrong; lead: what is held;
    lines: what is not as decided, the gravest first."""

    word: Word
    outcome: Outcome
    base: str
    lead: str
    lines: tuple[Line, ...]
    clock: Clock

    @property
    def title(self) -> str:
        """ "Restorable to 06:00:04 today; the copy at DR is late, and 2 more" """
        if not self.lines:
            return self.base
        more = f", and {len(self.lines) - 1} more" if len(self.lines) > 1 else ""
        return f"{self.base}; {self.lines[0].short}{more}"

    @property
    def sentence(self) -> str:
        """What is held, then every line."""
        return " ".join([self.lead, *(line.sentence for line in self.lines)])


def verdict(facts: Facts) -> Verdict:
    """Never ok while nothing is proven, however green everything else looks."""
    found = lines(facts)
    word, own, base, lead = _restorable(facts) if facts.proven else _nothing_proven(facts)
    lost = max(age(facts, facts.proven), 0.0) if facts.proven else None
    taken = facts.proven.taken if facts.proven else None
    clock = Clock(taken, facts.now, facts.next_due, facts.aims.rpo, lost)
    return Verdict(word, worst([own, *(line.outcome for line in found)]), base, lead, found, clock)


_Said = tuple[Word, Outcome, str, str]


def _restorable(facts: Facts) -> _Said:
    assert facts.proven is not None
    base = f"Restorable to {moment(facts.proven.taken, facts.now)}"
    return Word.YES, Outcome.OK, base, f"{counted(facts.proven_count, 'proven backup')}, minimum {facts.aims.minimum}."


def _nothing_proven(facts: Facts) -> _Said:
    if facts.total == 0:
        return _none_taken(facts)
    if facts.done is None:
        started = facts.newest is not None and facts.newest.status == "STARTED"
        if started and not facts.failed:
            lead = "The first backup is being taken; nothing can be restored before it is proven."
            return Word.NOT_KNOWN, Outcome.UNKNOWN, "The first backup is being taken", lead
        return Word.NO, Outcome.FAIL, "No backup has ended as DONE", "There is nothing to restore. Back up now."
    if facts.done.whole is False or facts.done.proof == "failed":
        lead = f"{facts.done.ident} cannot be restored, and no other backup is proven. Take a new one."
        return Word.NO, Outcome.FAIL, "No backup is restorable", lead
    lead = f"{counted(facts.total, 'backup')}, none restored in a rehearsal that held. Rehearse {facts.done.ident}."
    return Word.NOT_KNOWN, Outcome.UNKNOWN, "No backup is proven restorable", lead


def _none_taken(facts: Facts) -> _Said:
    base = "No backup has been taken"
    if facts.missed_count:
        return Word.NO, Outcome.FAIL, base, f"Policy {facts.name} has taken none, though one was due. Back up now."
    due = f"wait for {moment(facts.next_due, facts.now)}" if facts.next_due else "give it a schedule"
    return Word.NOT_KNOWN, Outcome.UNKNOWN, base, f"Policy {facts.name} has taken none yet. Back up now, or {due}."
