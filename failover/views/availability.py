"""How available the services were, against what is promised of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from failover.models import Objective
from failover.services import pages_availability as pages
from failover.services.availability import current, objectives
from failover.services.availability_shapes import as_dict, whole
from failover.services.pages_availability import Page, Row
from failover.views.availability_axis import axis
from failover.views.availability_csv import ledger, summary
from inventory.views.drawing import Block, Tick, blocks
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.kernel.outcome import worst

HEAD = "Availability"


@needs("estate.view")
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """?at=2026-11-26 shows the periods that hold a day; ?format=csv or json gives the file."""
    now = timezone.now()
    at = asked(request, now, timezone.get_current_timezone_name())
    known = list(objectives(retired=True))
    rows = pages.listed([one for one in known if one.retired_at is None], now, at)
    if (wanted := request.GET.get("format")) == "json":
        return JsonResponse({"made": now.isoformat(), "services": [as_dict(row) for row in rows]})
    if wanted == "csv":
        return summary("availability", rows)
    state, headline, lead = _told(rows)
    context = {
        "section": "drills",
        "tab": "availability",
        "state": state,
        "headline": headline,
        "lead": lead,
        "rows": [(row, row.bar) for row in rows],
        "at": request.GET.get("at", ""),
        "retired": [one for one in known if one.retired_at is not None],
        "acts": acts_of(request.user),
        "path": path(("Drills", "drills"), HEAD),
    }
    return render(request, "failover/availability.html", context)


def _told(rows: Sequence[Row]) -> tuple[str, str, str]:
    """State, headline and sentence: the worst of all services."""
    if not rows:
        lead = "An objective is set for every watched engine and declared service by itself, within a minute."
        return "unknown", "Nothing is promised yet", lead
    first = rows[0]
    state = worst(row.verdict.outcome for row in rows).value
    count = sum(row.verdict.outcome is first.verdict.outcome for row in rows)
    words = {
        "fail": f"{count} of {len(rows)} objectives lost",
        "unknown": f"Not known for {count} of {len(rows)} services",
        "warn": f"{count} of {len(rows)} budgets nearly spent",
        "ok": f"{len(rows)} of {len(rows)} services within their budget",
    }
    return state, words[state], first.verdict.sentence


@needs("estate.view")
@require_safe
def service(request: HttpRequest, pk: int) -> HttpResponse:
    """One service in a period: ?at=2026-11-26; ?format=csv or json gives the file."""
    now = timezone.now()
    row = found(pk)
    page = pages.shown(row, now, asked(request, now, current(row).zone))
    if (wanted := request.GET.get("format")) == "json":
        return JsonResponse({"made": now.isoformat(), **whole(page)})
    if wanted == "csv":
        return ledger(f"availability-{row.pk}", page)
    shown = page.row
    context = {
        "section": "drills",
        "tab": "availability",
        "state": shown.verdict.outcome.value,
        "headline": _headline(shown),
        "lead": shown.verdict.sentence,
        "page": page,
        "row": shown,
        "strip": blocks(page.stretches, shown.period.begins, shown.period.ends),
        "ticks": axis(shown.period.begins, shown.period.ends, shown.period.zone),
        "outages": list(reversed(shown.told.outages))[: pages.MOST],
        "seen": list(reversed(page.seen.outages))[: pages.MOST] if page.corrected else [],
        "most": pages.MOST,
        "at": request.GET.get("at", ""),
        "columns": DAYS,
        "months": [(month, marks(month.days)) for month in page.months],
        "notable": notable(page),
        "acts": acts_of(request.user),
        "path": trail(row.title),
    }
    return render(request, "failover/availability_service.html", context)


def _headline(row: Row) -> str:
    if row.told.ratio is None:
        return f"No data in {row.period.name}"
    words = {"Lost": "objective lost", "Kept": "objective kept", "Not known": "not known whether it is kept"}
    return f"{row.percent} in {row.period.name}: {words.get(row.verdict.word, row.verdict.word.lower())}"


def found(pk: int) -> Objective:
    """The objective, retired or not. Raises Http404."""
    row = objectives(retired=True).filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such objective.")
    return row


def trail(*steps: str) -> list[Step]:
    """The path above the headline."""
    return path(("Drills", "drills"), (HEAD, "availability"), steps[-1])


def asked(request: HttpRequest, now: datetime, zone: str) -> datetime:
    """The moment that ?at= names. Raises Http404 for what is no day."""
    try:
        return pages.moment(request.GET.get("at", ""), now, zone)
    except ValueError:
        raise Http404("That is no day: write one such as 2026-11-26.") from None


COLUMN = 100 / 31  # per cent of a month's row that a day takes
DAYS = [Tick(f"{(day - 0.5) * COLUMN:.2f}%", str(day), "middle") for day in (1, 5, 10, 15, 20, 25, 31)]


def marks(days: Sequence[Any]) -> list[Block]:
    """The days of a month as blocks of one row, every day in the column of its number."""
    return [
        Block(
            one.state,
            f"{(one.day.day - 1) * COLUMN + 0.15:.2f}%",
            f"{COLUMN - 0.3:.2f}%",
            f"{(one.day.day - 0.5) * COLUMN:.2f}%",
            False,
            f"{one.day.day} {one.day:%b}: {one.words}",
        )
        for one in days
    ]


def notable(page: Page) -> list[Any]:
    """The days of the year that were not all up, the newest first: what the strip shows, as rows."""
    days = [day for month in page.months for day in month.days if day.state not in ("ok", "blank")]
    return list(reversed(days))
