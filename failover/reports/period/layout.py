"""What a section of a period report is made of. Cells are those of drill reports."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from failover.reports.layout import Cell
from failover.reports.period.plots import Plot

MOST = 400  # rows of a table on paper; the JSON form holds all


@dataclass(frozen=True)
class Column:
    """width: twentieths of the table's. Fixed, so that a long table is laid out in a single pass."""

    text: str
    width: int
    right: bool = False


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """none: what stands in its place when there is no row. left: how many rows paper leaves out."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    none: str = ""
    title: str = ""
    note: str = ""

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that paper shows."""
        return self.rows[:MOST]

    @property
    def left(self) -> int:
        """How many it leaves out."""
        return max(0, len(self.rows) - MOST)


@dataclass(frozen=True)
class Item:
    """One thing in detail: its facts and tables under its name."""

    title: str
    state: str
    facts: tuple[tuple[str, Cell], ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Section:
    """gaps: what it should hold and does not, in sentences."""

    title: str
    facts: tuple[tuple[str, Cell], ...] = ()
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[Item, ...] = ()
    note: str = ""
    gaps: tuple[str, ...] = field(default=())
    number: str = ""

    def at(self, number: int, gaps: tuple[str, ...]) -> Section:
        """With its number and what is missing in it."""
        return replace(self, number=str(number), gaps=gaps)


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
