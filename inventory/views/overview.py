"""The overview: would the estate survive, and what needs a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Host
from inventory.services import pages_redundancy
from inventory.services.pages_engine import Seen, looks_of, seen
from inventory.services.pages_history import DAY
from inventory.services.pages_overview import LATEST, STRIPS, Strip, day, not_ok, strips, waiting_runs
from inventory.services.pages_overview import needs as needed
from inventory.views.answers import Tile, headline, tiles
from inventory.views.drawing import blocks, hours
from inventory.views.frame import frame_of
from portal.access.admission import needs
from portal.runs import pages


@needs("estate.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Six answers, 24 hours, the latest changes, what needs a person."""
    now = timezone.now()
    engines = seen(looks_of(Q(engine__watched=True)), now)
    lun_verdict, lun_at = pages_redundancy.verdict(now)
    hosts = with_strip(engines)
    chosen = [host.pk for host, _ in hosts]
    bad, moved = not_ok(now, chosen), day(now, chosen)
    rows = strips(now, hosts, bad, moved, frame_of(request).around.tallies)
    shown = _since(tiles(engines, lun_verdict, lun_at, _site(engines)), rows, now)
    state, title, lead = headline(engines, lun_verdict, shown)
    first, number = needed(bad)
    waiting = waiting_runs()
    context = {
        "section": "overview",
        "tiles": shown,
        "state": state,
        "headline": title,
        "lead": lead,
        "strips": [(row, blocks(row.stretches, now - DAY, now)) for row in rows],
        "ticks": hours(now - DAY, now),
        "changes": [row for row in moved if row.from_outcome or row.to_outcome != "ok"][:LATEST],
        "needs": first,
        "needs_count": number,
        "needs_total": number + len(waiting),
        "runs": [(run, *pages.shape(run)) for run in waiting],
        "urgent": state != "ok",
    }
    return render(request, "inventory/overview.html", context)


def with_strip(engines: list[Seen]) -> list[tuple[Host, str]]:
    """The hosted-engine hosts, each with its agent's state and score of now."""
    found = []
    for one in engines:
        rows = {row.host: row for row in one.verdict.hosts}
        for name, side in one.sides.items():
            if side.look is None or side.look.at is None:
                continue
            row = rows.get(name)
            score = f", {row.score}" if row is not None and row.score is not None else ""
            state = row.state if row is not None and row.state else "state not known"
            found.append((side.host, f"{state}{score}"))
    return found[:STRIPS]


def _site(engines: list[Seen]) -> str:
    return next((one.engine.site.name for one in engines), "PROD")


def _since(shown: list[Tile], rows: list[Strip], now: datetime) -> list[Tile]:
    """Since when the first two answers hold: when a strip that they rest on last changed."""
    hosts = [row for row in rows if row.host is not None or row.name == "Engine"]
    paths = [row for row in rows if row.name == "LUN paths"]
    return [replace(shown[0], since=_last(hosts, now)), replace(shown[1], since=_last(paths, now)), *shown[2:]]


def _last(rows: list[Strip], now: datetime) -> datetime | None:
    """When the newest of the present states began; None when that is more than a day ago, or not known."""
    starts = [row.stretches[-1][0] for row in rows if row.stretches]
    newest = max(starts, default=None)
    return newest if newest is not None and newest > now - DAY else None
