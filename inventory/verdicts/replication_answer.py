"""What would be lost if production were lost now: the overview's answer from all pairs."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.verdicts.replication import Replicated
from portal.kernel.outcome import GRAVE, Outcome
from portal.kernel.words import span

NOT_KNOWN = "Not known"

Said = tuple[str, Outcome, str]  # the word, how grave it is, one sentence


def answer(pairs: Sequence[Replicated], silent: str) -> Said:
    """All pairs in, answer out. silent: why pairs may be missing, "" when none is. One pair of which it is not known
    makes all of it not known: what is lost with a database is what its worst LUN loses."""
    dark = next((one for one in pairs if one.loss.seconds is None), None)
    if dark is not None:
        return NOT_KNOWN, Outcome.UNKNOWN, dark.loss.why or dark.sentence
    if silent:
        return NOT_KNOWN, Outcome.UNKNOWN, f"Pairs may be missing. {silent}"
    if not pairs:
        words = "The arrays tell of no replication pair: what no backup holds would be lost."
        return "Everything", Outcome.FAIL, words
    most = max(one.loss.seconds or 0.0 for one in pairs)
    word = "Nothing" if most == 0 else span(most)
    worst = min(pairs, key=lambda one: GRAVE.index(one.outcome))
    if worst.outcome is not Outcome.OK:
        return word, worst.outcome, worst.sentence
    many = "The one pair was" if len(pairs) == 1 else f"All {len(pairs)} pairs were"
    how = "the same on both sides" if most == 0 else "within their objectives"
    return word, Outcome.OK, f"{many} {how} when the arrays were last asked."
