"""What a section of a report's page is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from failover.reports.words import NOT_RECORDED


@dataclass(frozen=True)
class Cell:
    """state: ok | warn | fail | unknown | waiting, its shape stands before the text. more: a second line."""

    text: str
    state: str = ""
    strong: bool = False
    mono: bool = False
    right: bool = False
    more: str = ""
    wide: bool = False  # may break into lines
    meta: bool = False  # stands behind: not recorded, not tested


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    text: str
    right: bool = False


@dataclass(frozen=True)
class Block:
    """Lines as they came, with a name."""

    title: str
    lines: tuple[str, ...]
    note: str = ""

    @property
    def text(self) -> str:
        """The lines under one another."""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Section:
    """Facts, then a table, then blocks; `none` where all are empty. name: "plot", "signs" or none."""

    title: str
    facts: tuple[tuple[str, Cell], ...] = ()
    heads: tuple[Head, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    blocks: tuple[Block, ...] = ()
    note: str = ""
    none: str = ""
    name: str = ""
    number: str = ""

    def at(self, number: str) -> Section:
        """With its number."""
        return replace(self, number=number)


MOST = 100  # rows of a table that could be of any length, on paper


def fewer(rows: tuple[tuple[Cell, ...], ...]) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    """The first rows, and a sentence where some are left out."""
    left = len(rows) - MOST
    return rows[:MOST], f"{left:,} more rows are left out here; the JSON form holds them." if left > 0 else ""


def said(text: str, missing: str = NOT_RECORDED) -> Cell:
    """A text, or in words that there is none."""
    return Cell(text, wide=True) if text else Cell(missing, meta=True)


def heads(*words: str) -> tuple[Head, ...]:
    """Columns; a word that begins with > is of numbers and stands right."""
    return tuple(Head(word.removeprefix(">"), word.startswith(">")) for word in words)
