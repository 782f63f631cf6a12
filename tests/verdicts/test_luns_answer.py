"""The overview's answer about the LUNs: what hosts see, and what the proofs of the estates say."""

from __future__ import annotations

import pytest

from inventory.verdicts.answer import Answer, Word
from inventory.verdicts.luns import proven
from portal.kernel.outcome import Outcome

SEEN = Answer(Word.YES, Outcome.OK, "2 hosts see 8 of 8 declared paths.")


def test_without_a_proof_the_hosts_speak_alone():
    assert proven(SEEN, []) is SEEN


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.OK, Word.YES),
        (Outcome.WARN, Word.YES),
        (Outcome.FAIL, Word.NO),
        (Outcome.UNKNOWN, Word.NOT_KNOWN),
    ],
)
def test_the_proof_has_the_last_word_when_hosts_see_nothing_wrong(outcome, word):
    assert proven(SEEN, [(outcome, "So it is.")]) == Answer(word, outcome, "So it is.")


def test_the_gravest_estate_speaks():
    proofs = [(Outcome.OK, "a"), (Outcome.UNKNOWN, "b"), (Outcome.FAIL, "c"), (Outcome.WARN, "d")]
    assert proven(SEEN, proofs).sentence == "c"


def test_what_hosts_see_stands_when_it_is_graver():
    lost = Answer(Word.NO, Outcome.FAIL, "LUN 1 has only one HBA.")
    assert proven(lost, [(Outcome.UNKNOWN, "Switch SWA1 did not answer.")]) is lost
