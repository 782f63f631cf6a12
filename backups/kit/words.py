"""Times, ages and sizes as the kit spells them (ui.md 5), and text from hosts made harmless to print."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNKNOWN = "Not known"
# C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of what follows them
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LONGEST = 400


def plain(text: str) -> str:
    """One line without control characters, at most 400 long: what a host says ends up in commands and on paper."""
    return _HIDDEN.sub("\ufffd", text.strip())[:_LONGEST]


def when(at: int | None, zone: str) -> str:
    """22 Nov 2026 10:14 EAT; "Not known" for None. A zone that does not exist counts as UTC and says so."""
    if at is None:
        return UNKNOWN
    try:
        place: tzinfo = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        place = UTC
    local = datetime.fromtimestamp(at, place)
    return f"{local.day} {local:%b %Y %H:%M %Z}"


def size(count: int | None) -> str:
    """Bytes in whole or tenth units of 1024."""
    if count is None:
        return UNKNOWN
    number, units = float(count), ["TiB", "GiB", "MiB", "KiB", "B"]
    while number >= 1024 and len(units) > 1:
        number /= 1024
        units.pop()
    return f"{number:.1f} {units[-1]}".replace(".0 ", " ")


def listed(items: Iterable[str], empty: str = UNKNOWN) -> str:
    """ "a, b and c" """
    words = [item for item in items if item]
    if not words:
        return empty
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def fours(digest: str) -> str:
    """A hash in groups of four."""
    return " ".join(digest[place : place + 4] for place in range(0, len(digest), 4))
