"""The answer to one of the dashboard's questions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.kernel.outcome import Outcome


class Word(StrEnum):
    """Yes, No, or Not known; the last never counts as the first."""

    YES = "Yes"
    NO = "No"
    NOT_KNOWN = "Not known"


@dataclass(frozen=True)
class Answer:
    """The word, how grave it is, and one sentence."""

    word: Word
    outcome: Outcome
    sentence: str
