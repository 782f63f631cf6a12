"""One precheck of a drill: go, no-go or unknown, with its sentence, evidence, age and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Say(StrEnum):
    """unknown blocks as no_go does."""

    GO = "go"
    NO_GO = "no_go"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Said:
    """What one check found. fix: what to do, "" when it is go. evidence: what was seen, one line each."""

    word: Say
    sentence: str
    fix: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One check as it is kept and shown. max_age: seconds from `at` (Unix seconds) on which it counts."""

    name: str
    title: str
    word: Say
    sentence: str
    fix: str
    evidence: tuple[str, ...]
    at: float
    max_age: float


def go(sentence: str, *evidence: str) -> Said:
    """Nothing stands in the way."""
    return Said(Say.GO, sentence, "", evidence)


def no_go(sentence: str, fix: str, *evidence: str) -> Said:
    """This was seen, and with it no drill begins."""
    return Said(Say.NO_GO, sentence, fix, evidence)


def unknown(sentence: str, fix: str, *evidence: str) -> Said:
    """It could not be seen, so no drill begins."""
    return Said(Say.UNKNOWN, sentence, fix, evidence)
