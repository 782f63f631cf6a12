"""The path matrix as geometry: one small drawing per LUN and host."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from inventory.services.pages_luns import Cell

WIDE, STEP, LETTER, SPACE = 8, 11, 13, 6  # px: a mark, mark to mark, the fabric's letter, between fabrics


@dataclass(frozen=True)
class Drawn:
    """A mark at its place; x in px."""

    kind: str
    x: int
    crossed: bool


@dataclass(frozen=True)
class Letter:
    """A fabric's letter at its place."""

    text: str
    x: int


@dataclass(frozen=True)
class Matrix:
    """One cell as the template draws it."""

    cell: Cell
    width: int
    marks: tuple[Drawn, ...]
    letters: tuple[Letter, ...]
    spoken: str


def matrix(cell: Cell) -> Matrix:
    """Marks grouped by fabric, each group under its letter."""
    x = 0
    marks, letters = [], []
    for fabric, group in groupby(cell.marks, key=lambda mark: mark.fabric):
        letters.append(Letter(fabric, x))
        x += LETTER
        for mark in group:
            marks.append(Drawn(mark.kind, x, mark.kind == "faulty"))
            x += STEP
        x += SPACE
    return Matrix(cell, max(x - SPACE, 1), tuple(marks), tuple(letters), spoken(cell))


def spoken(cell: Cell) -> str:
    """The cell in words, for those who do not see the marks."""
    names = {"active": "active", "faulty": "faulty", "missing": "declared but not seen", "unknown": "not known"}
    counts = {kind: sum(mark.kind == kind for mark in cell.marks) for kind in (*names, "undeclared")}
    said = [f"{counts[kind]} {words}" for kind, words in names.items() if counts[kind]]
    if counts["undeclared"]:
        said.append(f"{counts['undeclared']} not declared")
    return f"{cell.view.host}: {', '.join(said) or 'no path'}"
