"""Availability as files for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from failover.services.availability_shapes import as_dict, correction, outages
from failover.services.pages_availability import Page, Row

SUMMARY = (
    "id", "service", "engine", "kind", "key", "period", "zone", "objective", "begins", "ends", "until", "up_s",
    "down_planned_s", "down_unplanned_s", "not_watched_s", "unknown_s", "ratio", "budget_s", "spent_s", "left_s",
    "projected_s", "outcome", "word", "sentence",
)  # fmt: skip
LEDGER = ("entry", "begins", "ends", "seconds", "planned", "corrected", "cause", "by", "at", "reason", "counts")
RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a cell that begins so for a formula


def summary(name: str, rows: Sequence[Row]) -> HttpResponse:
    """One line per service."""
    told = [as_dict(row) for row in rows]
    return _file(name, SUMMARY, ([one[column] for column in SUMMARY] for one in told))


def ledger(name: str, page: Page) -> HttpResponse:
    """One line per outage as it counts, per outage as it was seen, and per correction."""
    lines: list[list[object]] = []
    for word, found in (("counts", page.row.told.outages), ("seen", page.seen.outages)):
        for one in outages(found):
            lines.append([word, *(one.get(column) for column in LEDGER[1:7]), "", "", "", ""])
    for entry in page.entries:
        one = correction(entry)
        spare = ["", one["kind"], "", one["cause"]]
        lines.append(["correction", one["begins"], one["ends"], *spare, *(one[each] for each in LEDGER[7:])])
    return _file(name, LEDGER, lines)


def _file(name: str, head: Sequence[str], lines: Iterable[Sequence[object]]) -> HttpResponse:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    writer.writerows([_cell(each) for each in line] for line in lines)
    answer = HttpResponse(buffer.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(RISKY) and not isinstance(value, int | float) else text
