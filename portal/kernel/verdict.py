"""What a step says when it has looked: one word and one sentence that a DBA can act on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """go: act now. wait: look again. done: it is as it should be. failed: it will not become so by waiting."""

    GO = "go"
    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """One word with its sentence. The sentence is never empty: it is what the person sees."""

    word: Word
    sentence: str

    def __post_init__(self) -> None:
        if not self.sentence.strip():
            raise ValueError("a verdict without a sentence says nothing")


def go(sentence: str) -> Verdict:
    """The step may act now."""
    return Verdict(Word.GO, sentence)


def wait(sentence: str) -> Verdict:
    """Not yet; look again after `every` seconds until patience ends."""
    return Verdict(Word.WAIT, sentence)


def done(sentence: str) -> Verdict:
    """The step's effect is there."""
    return Verdict(Word.DONE, sentence)


def failed(sentence: str) -> Verdict:
    """The step's effect will not come."""
    return Verdict(Word.FAILED, sentence)
