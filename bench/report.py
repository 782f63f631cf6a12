"""The yearly report of a year-old estate as PDF, on one core: rows to content, content to pages, pages to bytes. The
goal: 60 pages or more in less than 30 s; and the second making of each form has the same bytes."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.pages import database

GOAL = 30.0  # seconds
PAGES = 60


def timed(words: str, deed: Callable[[], Any]) -> tuple[Any, float]:
    """(what the deed gives, seconds of one core); says so beside the wall's, which others on the machine lengthen."""
    began, burnt = time.perf_counter(), time.process_time()
    found = deed()
    spent = time.process_time() - burnt
    print(f"{words:38}{time.perf_counter() - began:8.2f} s wall{spent:8.2f} s CPU")
    return found, spent


def alone() -> None:
    """This process on one core, where the system lets it choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def definition(period: str) -> Any:
    """A report of the whole estate for auditors."""
    from failover.models import ReportDefinition

    now = datetime(2026, 1, 1, tzinfo=UTC)
    return ReportDefinition.objects.create(
        title=f"Failover and recovery, {period}", period=period, zone="Africa/Nairobi", roles=["auditor"],
        formats=["pdf", "html", "csv", "json"], decided_to=now, changed_by="bench", changed_at=now,
    )  # fmt: skip


def due(of: Any, day: datetime) -> Any:
    """The report of the period that holds a day, to be made."""
    from failover.models import PeriodReport
    from failover.reports.period.span import Kind, holding

    span = holding(Kind(of.period), of.zone, day)
    return PeriodReport.objects.create(
        definition=of, begins=span.begins, ends=span.ends, period=of.period, zone=of.zone, language=of.language,
        due_at=span.ends, next_at=span.ends,
    )  # fmt: skip


def make(row: Any, folder: Path | None) -> tuple[float, int, bool]:
    """(seconds from rows to PDF, pages, whether every form is the same when it is made again)."""
    from failover.services import period_files, period_reports

    made, first = timed("rows to content, sealed", lambda: period_reports.make(row, "bench"))
    pdf, second = timed("content to PDF", lambda: period_files.pdf_file(made))
    pages = pages_of(pdf.raw)
    same = pdf.raw == period_files.pdf_file(period_reports.read(row)).raw
    for form, deed in period_files.FORMS.items():
        file = pdf if form == "pdf" else timed(f"content to {form.upper()}", partial(deed, made))[0]
        same = same and (form == "pdf" or file.raw == deed(period_reports.read(row)).raw)
        if folder is not None:
            (folder / file.name).write_bytes(file.raw)
    print(f"{len(made.report.drills)} drills, {pages} pages, {len(pdf.raw):,} bytes, equal when made again: {same}")
    return first + second, pages, same


def pages_of(raw: bytes) -> int:
    """How many pages a PDF has, its packed objects included."""
    count = len(re.findall(rb"/Type ?/Page\b", raw))
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        with contextlib.suppress(zlib.error):
            count += len(re.findall(rb"/Type ?/Page\b", zlib.decompress(found.group(1))))
    return count


def main() -> int:
    """Makes the year, the monthly and the yearly report; prints the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=None, help="a folder that the files are written to")
    options = parser.parse_args()
    from bench.result import finish

    alone()
    with database(f"holdfast_bench_report_{os.getpid()}"):
        from bench.history import Size, Year

        ends = datetime(2026, 1, 1, tzinfo=UTC)
        year = Year(ends, Size(drills=84, luns=96, vms=8, windows=104, faults=160, outages=14), days=400)
        timed("a year of rows", year.fill)
        print("monthly:")
        make(due(definition("monthly"), datetime(2025, 11, 15, tzinfo=UTC)), options.keep)
        print("yearly:")
        seconds, pages, same = make(due(definition("yearly"), datetime(2025, 6, 1, tzinfo=UTC)), options.keep)
    if pages < PAGES or not same:
        sys.exit(f"the yearly report has {pages} pages, {PAGES} are wanted; equal when made again: {same}")
    return finish("report", {"yearly_seconds": seconds, "pages": float(pages)}, {"yearly_seconds": GOAL})


if __name__ == "__main__":
    sys.exit(main())
