"""The overview: would the estate survive, and what needs a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Host
from inventory.services import pages_incident
from inventory.services.pages_changes import together
from inventory.services.pages_engine import Seen, seen
from inventory.services.pages_history import DAY
from inventory.services.pages_overview import LATEST, STRIPS, Strip, day, not_ok, strips, waiting_runs
from inventory.services.pages_overview import needs as needed
from inventory.services.pages_redundancy import redundancy
from inventory.views import incident
from inventory.views.answers import Tile, by_gravity, headline, tiles
from inventory.views.drawing import blocks, hours
from inventory.views.frame import frame_of
from portal.access.admission import needs
from portal.runs import pages


@needs("estate.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Six answers, 24 hours, the latest changes, what needs a person."""
    now = timezone.now()
    looks = list(pages_incident.looks_with_vms(Q(engine__watched=True)))
    engines = seen(looks, now)
    paths = redundancy(now, (side.host.pk for one in engines for side in one.sides.values()))
    hosts = with_strip(engines)
    chosen = [host.pk for host, _ in hosts]
    bad, moved = not_ok(now, chosen), day(now, chosen)
    rows = strips(now, hosts, bad, moved, frame_of(request).around.tallies)
    told = frame_of(request).around.answers
    six = tiles(engines, paths, _site(engines), told.get("backups"), told.get("drills"))
    shown = _since(six, rows, now)
    state, title, lead = headline(engines, paths.answer, shown)
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
        "changes": together((row for row in moved if row.from_outcome or row.to_outcome != "ok"), LATEST),
        "needs": first,
        "needs_count": number,
        "needs_total": number + len(waiting),
        "runs": [(run, *pages.shape(run)) for run in waiting],
        "urgent": state != "ok",
        "available": told["drills"].also if "drills" in told else None,
    }
    happening = pages_incident.found(by_gravity(engines), looks, bad, moved)
    if happening is None:
        return render(request, "inventory/overview.html", context)
    context |= incident.context(*happening, shown, paths.parts) | {"lines": pages_incident.lines(moved, now)}
    return render(request, "inventory/incident.html", context)


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
