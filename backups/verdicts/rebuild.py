"""Could the engine be rebuilt from a backup? The overview's answer over all policies."""

from __future__ import annotations

from collections.abc import Sequence

from backups.verdicts.facts import Facts
from backups.verdicts.policy import Verdict, verdict
from backups.verdicts.words import moment
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome

_GRAVITY = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)
_WORDS = (Word.YES, Word.NOT_KNOWN, Word.NO)


def answer(policies: Sequence[Facts]) -> Answer:
    """Of the policy that is worst off; one that is switched off speaks only where no other does."""
    chosen = [one for one in policies if one.enabled] or list(policies)
    if not chosen:
        words = "No policy says when the engine is backed up. An administrator makes the first."
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, words)
    told = [(one, verdict(one)) for one in chosen]
    facts, found = max(told, key=lambda pair: (_WORDS.index(pair[1].word), _GRAVITY.index(pair[1].outcome)))
    words = _sentence(facts, found)
    return Answer(found.word, found.outcome, f"{facts.name}: {words}" if len(chosen) > 1 else words)


def _sentence(facts: Facts, found: Verdict) -> str:
    """What holds, and the gravest thing that does not."""
    base = found.lead
    if facts.proven is not None:
        base = f"The newest backup that is proven restorable is of {moment(facts.proven.taken, facts.now)}."
    return " ".join([base, *(line.sentence for line in found.lines[:1])])
