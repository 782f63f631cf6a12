"""LUNs: the path matrix, and one LUN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Lun
from inventory.services import latency, pages_ports
from inventory.services.pages_findings import Worst, worst_of
from inventory.services.pages_luns import cell, declared, lun_page, totals, views
from inventory.services.pages_luns import luns as matching
from inventory.views.drawing import Block, blocks, days_of
from inventory.views.frame import frame_of
from inventory.views.latency_chart import latency_chart
from inventory.views.listing import Column, Listing
from inventory.views.marks import Matrix, matrix
from inventory.views.paths import path
from inventory.views.titles import counted, headline_of
from portal.access.admission import needs
from portal.kernel.outcome import Outcome, worst

BESIDE = 4  # hosts beside each other in the matrix
BEFORE = (
    Column("name", "LUN", ("name",)),
    Column("used", "Used by"),
    Column("size", "Size", ("size",), "number"),
    Column("wwid", "WWID", ("uuid",)),
)
AFTER = (Column("state", "State", ("rank",)),)
CSV = (
    ("lun", lambda row: row.name),
    ("wwid", lambda row: row.uuid),
    ("size_bytes", lambda row: row.size),
    ("used_by", lambda row: "; ".join(one["name"] for one in row.used_by)),
    ("domain", lambda row: row.domain.name if row.domain else ""),
    ("state", lambda row: worst_of(row.worst).state),
    ("sentence", lambda row: worst_of(row.worst).sentence),
)
USES = [("direct", "Direct LUN"), ("domain", "storage domain"), ("none", "not used")]


@needs("estate.view")
def luns(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """All LUNs beside the hosts that see them."""
    now = timezone.now()
    listing: Listing[Any] = Listing(request, matching(request.GET, now), (*BEFORE, *AFTER), "name")
    if listing.wants_csv:
        return listing.csv("luns", CSV)
    names = request.GET.get("host", "").replace(",", " ").split()
    wwids = [row.uuid for row in listing.rows]
    seen = views(names, wwids, now, BESIDE + 1)
    more = len(seen) > BESIDE
    seen = seen[:BESIDE]
    pairs = declared([view.host_pk for view in seen], wwids)
    listing.add_columns([*BEFORE, *(Column(view.host, f"{view.host} paths") for view in seen), *AFTER])
    rows = []
    for row in listing.rows:
        cells = [cell(view, row.uuid, pairs) for view in seen]
        rows.append((row, worst_of(row.worst), [matrix(one) for one in cells]))
    marks = totals(drawn.cell for _, _, cells in rows for drawn in cells)
    tally = frame_of(request).tally("lun")
    whole = listing.total == len(listing.rows) and not request.GET and not more
    context = {
        "section": "luns",
        "tab": "luns",
        "listing": listing,
        "rows": rows,
        "views": seen,
        "more": more,
        "asked": {name: request.GET.get(name, "") for name in ("q", "state", "use", "host")},
        "uses": USES,
        "state": tally.worst.value,
        "headline": headline(marks) if whole and marks else f"LUN paths: {headline_of(tally)}",
        "lead": _lead(rows, tally.worst),
        "path": path("LUNs"),
    }
    return render(request, "inventory/luns.html", context)


def headline(marks: Counter[str]) -> str:
    """61 of 64 declared paths active, 1 faulty, 2 not known."""
    total = sum(marks.values()) - marks["undeclared"]
    if not total:
        return "No path is declared yet"
    said = [f"{marks['active']} of {total} declared paths active"]
    for kind, words in (("faulty", "faulty"), ("missing", "not seen"), ("unknown", "not known")):
        if marks[kind]:
            said.append(f"{marks[kind]} {words}")
    return ", ".join(said)


def named(sentence: str, luns_: Iterable[Lun]) -> str:
    """The sentence with LUNs by the name that people know; the WWID stands in the table."""
    for one in luns_:
        sentence = sentence.replace(f"LUN {one.uuid}", one.name).replace(one.uuid, one.name)
    return sentence


def _lead(rows: list[tuple[Any, Worst, list[Matrix]]], outcome: Outcome) -> str:
    bad = [seen for _, seen, _ in rows if seen.state != "ok"]
    if outcome is Outcome.OK:
        return "Every declared path is active. A path that vanishes is a failure, whatever the tools say."
    ranks = {"fail": 0, "unknown": 1, "warn": 2}
    first = min(bad, key=lambda seen: ranks.get(seen.state, 3), default=None)
    return (
        named(first.sentence, [row for row, _, _ in rows])
        if first
        else "The LUN that needs a look is on another page or filtered out."
    )


def _strip(one: latency.HostLatency, begin: datetime, end: datetime) -> list[Block]:
    """Day by day; a day without reads stays blank."""
    return blocks([(day.begin, day.end, day.state, day.words) for day in one.days], begin, end)


@needs("estate.view")
def lun(request: HttpRequest, pk: int) -> HttpResponse:
    """One LUN: every declared path on every host that sees it."""
    now = timezone.now()
    try:
        page = lun_page(pk, now)
    except Lun.DoesNotExist:
        raise Http404("There is no such LUN.") from None
    outcome = worst(one.outcome for one in page.findings)
    marks = totals(page.cells)
    first = next((one for one in page.findings if one.outcome is outcome), None)
    reads = latency.month(page.lun.uuid, now)
    month = now - timedelta(days=30)
    context = {
        "section": "luns",
        "page": page,
        "lun": page.lun,
        "cells": [(one, matrix(one)) for one in page.cells],
        "latency": reads,
        "days": [(one.host, _strip(one, month, now)) for one in reads],
        "day_ticks": days_of(month, now),
        "failing": pages_ports.failing_lun(page.lun.uuid, now),
        "chart": latency_chart([(one.host, one.points) for one in reads], 1.0, (now - timedelta(days=1), now)),
        "state": outcome.value,
        "headline": f"{page.lun.name}: {headline(marks)}" if page.cells else f"{page.lun.name}: not looked at yet",
        "lead": named(first.sentence, [page.lun])
        if first
        else f"No host has reported this LUN. {counted(0, 'look')} speak of it.",
        "path": path(("LUNs", "luns"), page.lun.name),
    }
    return render(request, "inventory/lun.html", context)
