"""Headlines: the verdict of a page in a few words."""

from __future__ import annotations

from inventory.services.pages_now import Tally
from portal.kernel.outcome import Outcome

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def number(value: int) -> str:
    """Small numbers as words: "one", "12"."""
    return WORDS[value] if value < len(WORDS) else f"{value:,}"


def counted(value: int, noun: str) -> str:
    """1 check, 2 checks."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def parts(tally: Tally) -> list[str]:
    """What is not ok, the worst first: ["one failure", "two not known"]."""
    said = []
    if tally[Outcome.FAIL]:
        said.append(f"{number(tally[Outcome.FAIL])} failure{'s' if tally[Outcome.FAIL] != 1 else ''}")
    if tally[Outcome.WARN]:
        said.append(f"{number(tally[Outcome.WARN])} warning{'s' if tally[Outcome.WARN] != 1 else ''}")
    if tally[Outcome.UNKNOWN]:
        said.append(f"{number(tally[Outcome.UNKNOWN])} not known")
    return said


def headline_of(tally: Tally) -> str:
    """ "one failure, two not known"; "all checks hold"; "not looked at yet"."""
    if not tally.total:
        return "not looked at yet"
    return ", ".join(parts(tally)) or f"all {number(tally.total)} checks hold"


def sentence(text: str) -> str:
    """With its first letter large."""
    return text[:1].upper() + text[1:]
