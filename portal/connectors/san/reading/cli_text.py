"""Fabric OS command output as lines of tokens. Never by columns: tabs become blanks over a pty (facts/san.md 1.2)."""

from __future__ import annotations

import re

from portal.connectors.san.reading.leaves import Unreadable

LONGEST_LINE = 4096  # characters
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_BANNER = re.compile(r'"[^"]+" on FID \d+:\s*')
_RULE = re.compile(r"[-=]{5,}\s*")
# what FOS prints, with exit code 0 or 1, instead of an answer
_ERRORS = (
    re.compile(r"^-?r?bash: .*", re.IGNORECASE),
    re.compile(r"^.*command not found.*$", re.IGNORECASE),
    re.compile(r"^.*do(es)? not have (permission|access).*$", re.IGNORECASE),
    re.compile(r"^.*permission denied.*$", re.IGNORECASE),
    re.compile(r"^invalid\b.*", re.IGNORECASE),
    re.compile(r"^usage\b.*", re.IGNORECASE),
    re.compile(r"^error\b.*", re.IGNORECASE),
    re.compile(r"^.*fabos not initialized.*$", re.IGNORECASE),
)
_NOTHING = (
    "no entry is found",
    "no isl found",
    "no trunking links",
    "there is no entry in the local name server",
    "no device found",
    "no sfp installed",
    "media not installed",
)
_SAID_LINES = 6  # an error stands in the first lines; further down these words may be somebody's port name

WWN = re.compile(r"(?:[0-9a-f]{2}:){7}[0-9a-f]{2}", re.IGNORECASE)


def lines(raw: bytes) -> list[str]:
    """The lines of one command's output, without colours, the banner of virtual fabrics and trailing blanks. Raises
    Unreadable with the switch's own words when it answers an error instead."""
    told = _ANSI.sub("", raw.decode("utf-8", "replace")).replace("\r", "\n").replace("\0", "")
    found = [line.rstrip()[:LONGEST_LINE] for line in told.split("\n")]
    found = _without_banner([line for line in found if line])
    for line in found[:_SAID_LINES]:
        if any(pattern.match(line.strip()) for pattern in _ERRORS):
            raise Unreadable(f"it says: {' '.join(line.split())[:200].rstrip('. ')}")
    return found


def _without_banner(found: list[str]) -> list[str]:
    """Drops `----- / "switchshow" on FID 128: / -----` at the start."""
    at = next((index for index, line in enumerate(found[:4]) if _BANNER.fullmatch(line.strip())), None)
    if at is None:
        return found
    rest = found[at + 1 :]
    return rest[1:] if rest and _RULE.fullmatch(rest[0].strip()) else rest


def nothing(found: list[str]) -> bool:
    """The switch says that there is nothing to list."""
    return any(word in line.lower() for line in found[:_SAID_LINES] for word in _NOTHING)


def labelled(line: str) -> tuple[str, str]:
    """`Device type: Physical Target` as ("device type", "Physical Target"); ("", "") without a colon."""
    name, colon, value = line.partition(":")
    return (" ".join(name.split()).lower(), value.strip()) if colon else ("", "")


def bare(word: str) -> str:
    """A WWN of a line, as 16 lower-case digits."""
    return word.lower().replace(":", "")


def number(word: str) -> int | None:
    """A decimal of at most 20 digits."""
    return int(word) if word.isdecimal() and word.isascii() and len(word) <= 20 else None
