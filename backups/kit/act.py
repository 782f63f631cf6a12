"""One act of the runbook. A value that is not known is never made up: its command becomes "Not known: ..."."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from backups.kit.words import plain

# Words that a shell takes as they stand, so that common commands read as people type them
_BARE = {"|", "&&", "||", '"$KEY"', "$KEY"}


@dataclass(frozen=True)
class Missing:
    """A value that is not known, and what to do to find it."""

    todo: str


Value = str | Missing


@dataclass(frozen=True)
class Command:
    """A line for a shell; known False: `text` says what is not known, and there is nothing to type."""

    text: str
    known: bool = True


@dataclass(frozen=True)
class Answer:
    """A question that the deployment asks, and the answer."""

    question: str
    answer: str
    known: bool = True


@dataclass(frozen=True)
class Act:
    """where: the machine, or the person's place. expect: what is seen when it went well, and how long to wait."""

    where: str
    title: str
    commands: tuple[Command, ...] = ()
    expect: str = ""
    warning: str = ""
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Acts that belong together, in order."""

    title: str
    acts: tuple[Act, ...]
    note: str = ""


def value(text: str | int | None, todo: str) -> Value:
    """A known value, made harmless to print, or what to do to find it."""
    word = plain(str(text)) if text is not None else ""
    return word or Missing(todo)


def joined(*parts: Value) -> Value:
    """Parts of one word; not known when one of them is not."""
    missing = next((part for part in parts if isinstance(part, Missing)), None)
    return missing or "".join(part for part in parts if isinstance(part, str))


def command(*words: Value) -> Command:
    """Words quoted once. What stands in _BARE is shell."""
    for word in words:
        if isinstance(word, Missing):
            return Command(f"Not known: {word.todo}", known=False)
    return Command(" ".join(word if word in _BARE else shlex.quote(word) for word in words if isinstance(word, str)))


def answer(question: str, given: Value) -> Answer:
    """An answer, or "Not known: ..."."""
    if isinstance(given, Missing):
        return Answer(question, f"Not known: {given.todo}", known=False)
    return Answer(question, given)
