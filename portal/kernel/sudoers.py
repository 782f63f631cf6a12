"""A command as one line of a sudoers file allows it. Pure.

sudo joins a command's words with single spaces and matches them with fnmatch(3) against what the file says. `*` there
matches spaces and slashes, too, so it stands at the end of a line only, behind a script that checks its own words;
everything else that varies is spelled sign by sign. A line feed cannot be written: a class of signs stands for it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from portal.kernel.collector import sudo_line
from portal.kernel.command import Command

FOLDER = "/usr/bin/"  # of timeout(1) and kill(1) on EL8 and EL9; sudoers takes whole paths only
LINE_FEED = r"[[\:cntrl\:]]"
_SPECIAL = {
    "\\": r"\\\\",  # sudoers takes one pair away, fnmatch the other
    "\n": LINE_FEED,
    **{sign: "\\" + sign for sign in "#,:=*?[]!^"},
}
_SPACE_AFTER_SPACE = re.compile(r"(?<= ) |^ | $")  # sudoers makes one of many


@dataclass(frozen=True)
class Varies:
    """A part of a command that differs from run to run. written: what stands for it in the sample; whole: only where it
    is a word of its own. pattern: as sudoers takes it. why: one sentence for the file."""

    written: str
    pattern: str
    why: str
    whole: bool = False


def digits(count: int) -> str:
    """The pattern of a number of so many digits."""
    return "[0-9]" * count


def uuid() -> str:
    """The pattern of a Run's id."""
    return "-".join("[0-9a-f]" * count for count in (8, 4, 4, 4, 12))


def allowed(command: Command, varies: tuple[Varies, ...] = ()) -> str:
    """A `root` command as a sudoers file names it, without account. Raises ValueError: a `*` would stand before other
    words, or the command is not ASCII."""
    return FOLDER + spelled(tuple(shlex.split(sudo_line(command))), varies)


def spelled(words: tuple[str, ...], varies: tuple[Varies, ...] = ()) -> str:
    """The words of a command, the varying parts as patterns."""
    parts = [_word(word, varies) for word in words]
    if any("*" in _bare(part) for part in parts[:-1]):
        raise ValueError("a * before other words would let any words in")
    return _SPACE_AFTER_SPACE.sub(r"\ ", " ".join(parts))


def _word(word: str, varies: tuple[Varies, ...]) -> str:
    if not word.isascii():
        raise ValueError(f"not ASCII, so no sudoers line: {word!r}")
    for one in varies:
        if word == one.written:
            return one.pattern
    marks = [one for one in varies if not one.whole and one.written in word]
    if not marks:
        return "".join(_SPECIAL.get(sign, sign) for sign in word)
    before, _, after = word.partition(marks[0].written)
    return _word(before, varies) + marks[0].pattern + _word(after, varies)


def _bare(part: str) -> str:
    """The part without what is escaped."""
    return re.sub(r"\\.", "", part)
