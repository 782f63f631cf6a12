"""Tables whose order, page and filter stand in the URL; the same rows as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.functional import cached_property

SIZE = 50
LARGEST = 200
MOST = 10_000  # rows of a CSV file

Row = TypeVar("Row", bound=Model)
Cell = tuple[str, Callable[[Any], object]]


@dataclass(frozen=True)
class Column:
    """order: fields that sort it, "" for a column that does not sort. kind: the class of head and cells."""

    key: str
    title: str
    order: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True)
class Head:
    """A column's head as the template needs it. aria: ascending, descending or ""."""

    title: str
    kind: str
    url: str
    aria: str


class Listing(Generic[Row]):
    """One page of a queryset. Parameters: sort (a column's key, "-" before it for descending), page (from 1), rows (how
    many of them a page has, 200 at most)."""

    def __init__(self, request: HttpRequest, rows: QuerySet[Row], columns: Sequence[Column], sort: str) -> None:
        self.request = request
        self.columns = {column.key: column for column in columns}
        asked = request.GET.get("sort", sort)
        self.sort = asked if self._sorts(asked) else sort
        self.queryset = rows.order_by(*self._order())

    def add_columns(self, columns: Sequence[Column]) -> None:
        """Other columns for the head; the order stays as it is."""
        self.columns = {column.key: column for column in columns}

    def _sorts(self, asked: str) -> bool:
        column = self.columns.get(asked.removeprefix("-"))
        return column is not None and bool(column.order)

    def _order(self) -> list[str]:
        fields = self.columns[self.sort.removeprefix("-")].order
        if not self.sort.startswith("-"):
            return [*fields, "pk"]
        return [field[1:] if field.startswith("-") else f"-{field}" for field in fields] + ["-pk"]

    @cached_property
    def page(self) -> int:
        return self._number("page", 1, 100_000)

    @cached_property
    def size(self) -> int:
        """Rows of a whole page."""
        return self._number("rows", SIZE, LARGEST)

    def _number(self, name: str, default: int, most: int) -> int:
        try:
            return max(1, min(int(self.request.GET.get(name, default)), most))
        except ValueError:
            return default

    @cached_property
    def rows(self) -> list[Row]:
        """The page's rows."""
        start = (self.page - 1) * self.size
        return list(self.queryset[start : start + self.size])

    @cached_property
    def total(self) -> int:
        """All rows of the filter, in a query of its own: counted beside the page, every row of a year of history would
        first be joined with what only the page shows."""
        return self.queryset.order_by().count()

    @property
    def first(self) -> int:
        return (self.page - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return (self.page - 1) * self.size + len(self.rows)

    @property
    def heads(self) -> list[Head]:
        return [self._head(column) for column in self.columns.values()]

    def _head(self, column: Column) -> Head:
        aria = {column.key: "ascending", f"-{column.key}": "descending"}.get(self.sort, "")
        turned = f"-{column.key}" if aria == "ascending" else column.key
        return Head(column.title, column.kind, self.url(sort=turned, page=None) if column.order else "", aria)

    def url(self, **changed: str | None) -> str:
        """This page's query with some parameters changed; None takes one out."""
        query = self.request.GET.copy()
        for name, value in changed.items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return f"?{query.urlencode()}"

    @property
    def next_url(self) -> str:
        return self.url(page=str(self.page + 1)) if self.last < self.total else ""

    @property
    def previous_url(self) -> str:
        return self.url(page=str(self.page - 1)) if self.page > 1 else ""

    @property
    def csv_url(self) -> str:
        return self.url(format="csv", page=None)

    @property
    def wants_csv(self) -> bool:
        return self.request.GET.get("format") == "csv"

    def csv(self, name: str, cells: Sequence[Cell]) -> StreamingHttpResponse:
        """All rows of the filter, in this order, as a file."""
        writer = csv.writer(Echo())

        def lines() -> Iterator[str]:
            yield writer.writerow([title for title, _ in cells])
            for row in self.queryset[:MOST].iterator(chunk_size=1000):
                yield writer.writerow([_safe(cell(row)) for _, cell in cells])

        response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return response


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """Text in, text out."""
        return text


def _safe(value: object) -> str:
    """As text; what a spreadsheet would take for a formula gets an apostrophe."""
    text = "" if value is None else str(value)
    return (
        f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not text[1:].replace(".", "").isdigit() else text
    )
