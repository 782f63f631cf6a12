"""A section of the kit's page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backups.kit.content import Source
from backups.kit.words import UNKNOWN, plain, when


@dataclass(frozen=True)
class Cell:
    """Text in a table or a fact. mono: a hash, a WWID, a path. blank: not known, and drawn so."""

    text: str
    mono: bool = False
    blank: bool = False


@dataclass(frozen=True)
class Section:
    """facts: label and value, before the table. heads and rows: a table; () without one. empty: what stands for rows
    when there are none. source: where it comes from and when."""

    title: str
    source: str = ""
    facts: tuple[tuple[str, Cell], ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    empty: str = ""
    note: str = ""


def cell(text: str | int | None, *, mono: bool = False) -> Cell:
    """A value, or "Not known"."""
    word = plain(str(text)) if text is not None else ""
    return Cell(word, mono) if word else Cell(UNKNOWN, blank=True)


def yes(value: bool | None) -> Cell:
    """yes, no, or not known."""
    return cell(None if value is None else "yes" if value else "no")


def facts(
    pairs: Iterable[tuple[str, str | int | None]], mono: frozenset[str] = frozenset()
) -> tuple[tuple[str, Cell], ...]:
    """Labels with their values; labels in `mono` are spelled in the mono face."""
    return tuple((label, cell(value, mono=label in mono)) for label, value in pairs)


def origin(source: Source, zone: str) -> str:
    """ "Source: kvm01 over SSH, 22 Nov 2026 10:14 EAT" and what could not be read."""
    if source.at is None:
        return " ".join(("Never collected.", *source.why))
    stale = (f"Not answered {when(source.missed, zone)} (stale, not used to judge).",) if source.missed else ()
    return " ".join((f"Source: {source.by or 'not named'}, {when(source.at, zone)}.", *stale, *source.why))
