"""What would be lost with production, from all pairs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from inventory.verdicts.replication_answer import answer
from inventory.verdicts.replication_rpo import Loss
from portal.kernel.outcome import Outcome


@dataclass(frozen=True)
class Pair:
    """As far as the answer looks at one."""

    loss: Loss
    outcome: Outcome = Outcome.OK
    sentence: str = "ora_data01 is split."


def lost(seconds, outcome=Outcome.OK, why=""):
    return Pair(Loss(None if seconds is None else 0.0, seconds, why), outcome)


@pytest.mark.parametrize(
    ("pairs", "silent", "said"),
    [
        ([], "", ("Everything", "fail")),
        ([], "DORADO-DR did not answer.", ("Not known", "unknown")),
        ([lost(0.0)], "", ("Nothing", "ok")),
        ([lost(0.0), lost(90.0)], "", ("1 min", "ok")),
        ([lost(0.0), lost(90.0, Outcome.FAIL)], "", ("1 min", "fail")),
        ([lost(0.0), lost(None, Outcome.UNKNOWN, "No time is told.")], "", ("Not known", "unknown")),
        ([lost(0.0)], "DORADO-DR did not tell its LUNs.", ("Not known", "unknown")),
    ],
)
def test_the_worst_pair_answers(pairs, silent, said):
    word, outcome, sentence = answer(pairs, silent)
    assert (word, outcome.value) == said
    assert sentence


def test_the_reason_is_given():
    assert answer([lost(None, Outcome.UNKNOWN, "No time is told.")], "")[2] == "No time is told."
    assert answer([lost(None, Outcome.UNKNOWN)], "")[2] == "ora_data01 is split."
    assert answer([lost(5.0, Outcome.FAIL)], "")[2] == "ora_data01 is split."
