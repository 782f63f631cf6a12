"""What a section of a period report is made of. Cells are those of drill reports."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from failover.reports.layout import Cell
from failover.reports.period.content import Judged
from failover.reports.period.plots import Plot

MOST = 400  # rows of a table on paper; the JSON form holds all


@dataclass(frozen=True)
class Column:
    """width: twentieths of the table's. Fixed, so that a long table is laid out in a single pass."""

    text: str
    width: int
    right: bool = False


Row = tuple[Cell, ...]
Facts = tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Table:
    """none: what stands in its place when there is no row. most: rows that paper shows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    none: str = ""
    title: str = ""
    note: str = ""
    most: int = MOST

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that paper shows."""
        return self.rows[: self.most]

    @property
    def left(self) -> int:
        """How many it leaves out."""
        return max(0, len(self.rows) - self.most)


@dataclass(frozen=True)
class Item:
    """One thing in detail: its facts, two beside each other, and tables under its name."""

    title: str
    state: str
    facts: Facts
    tables: tuple[Table, ...] = ()

    @property
    def pairs(self) -> tuple[Facts, ...]:
        """The facts by two."""
        return tuple(self.facts[at : at + 2] for at in range(0, len(self.facts), 2))


@dataclass(frozen=True)
class Section:
    """gaps: what it should hold and does not, in sentences. state, words: what it comes to; "" where nothing is
    judged."""

    title: str
    facts: Facts = ()
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[Item, ...] = ()
    note: str = ""
    gaps: tuple[str, ...] = field(default=())
    number: str = ""
    state: str = ""
    words: str = ""

    def at(self, number: int, gaps: tuple[str, ...], judged: Judged | None) -> Section:
        """With its number, what is missing in it, and what it comes to."""
        numbered = replace(self, number=str(number), gaps=gaps)
        if judged is None:
            return numbered
        return replace(numbered, state=judged.state, words=f"{judged.words[:1].upper()}{judged.words[1:]}.")


def columns(*words: str) -> tuple[Column, ...]:
    """ "Engine 4", "Backups 3>": the text, its width, and > where numbers stand right."""
    found = []
    for word in words:
        text, _, width = word.rpartition(" ")
        found.append(Column(text, int(width.rstrip(">")), width.endswith(">")))
    return tuple(found)


def text(words: str, missing: str = "not recorded") -> Cell:
    """A text that may break into lines, or in words that there is none."""
    return Cell(words, wide=True) if words else Cell(missing, meta=True)


def number(words: str, missing: str = "not known") -> Cell:
    """A number, right; or in words that there is none."""
    return Cell(words, right=True) if words else Cell(missing, right=True, meta=True)
