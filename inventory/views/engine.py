"""The engine: its hosts as a pair, their scores, what the observers say, what must not be left behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Engine
from inventory.services.host_keys import shown
from inventory.services.pages_engine import Seen, Side, looks_of, scores, seen, why_stale
from inventory.services.pages_history import DAY
from inventory.verdicts import she
from inventory.verdicts.she_rows import HostRow
from inventory.views.chart import Chart, score_chart
from inventory.views.drawing import Bar, score_bar
from inventory.views.paths import path
from inventory.views.watchdog import Left, left_behind
from portal.access.admission import needs
from portal.access.services import may

SHAPES = {she.Kind.IN_MAINTENANCE: "maintenance"}
STARTING = ("EngineStart", "EngineStarting", "ReinitializeFSM", "StartState")


@dataclass(frozen=True)
class Half:
    """One host of the pair. stale: what is shown is the last known, and is not used."""

    row: HostRow
    side: Side | None
    state: str
    word: str
    stale: bool
    score: int | None
    bar: Bar | None
    on_engine: bool

    @property
    def units(self) -> list[tuple[str, str]]:
        """Agent and broker in systemd's words."""
        state = self.side.state if self.side else None
        named = ("ovirt-ha-agent", "ovirt-ha-broker")
        return [(name, (state.unit(name) if state else None) or "not known") for name in named]


@needs("estate.view")
def engine(request: HttpRequest) -> HttpResponse:
    """?engine=<pk> chooses one; otherwise the first by name."""
    now = timezone.now()
    engines = list(
        Engine.objects.select_related("site").defer("password", "ssh_private_key", "ca_pem").order_by("name")
    )
    chosen = _chosen(request, engines)
    if chosen is None:
        return render(request, "inventory/engine_none.html", {"section": "engine", "path": path("Engine")})
    found = seen(looks_of(Q(engine=chosen)), now)
    context: dict[str, Any] = {
        "section": "engine",
        "engine": chosen,
        "engines": engines,
        "may_look": may(request.user, "look.now"),
        "connection": shown(chosen.ssh_public_key) if may(request.user, "estate.manage") else None,
        "may_manage": may(request.user, "estate.manage"),
        "path": path("Engine") if len(engines) == 1 else path(("Engine", "engine"), chosen.name),
    }
    if found:
        context |= _seen_context(found[0], now)
    else:
        context |= {
            "state": "unknown",
            "headline": f"{chosen.name} was not looked at yet",
            "lead": "Looks begin with the first sync of the engine. Start the looks worker and beat.",
        }
    return render(request, "inventory/engine.html", context)


def _chosen(request: HttpRequest, engines: list[Engine]) -> Engine | None:
    asked = request.GET.get("engine", "")
    if not asked:
        return next((one for one in engines if one.watched), engines[0] if engines else None)
    found = next((one for one in engines if str(one.pk) == asked), None)
    if found is None:
        raise Http404("There is no such engine.")
    return found


def _seen_context(one: Seen, now: datetime) -> dict[str, Any]:
    verdict = one.verdict
    points = scores(one, now)
    best = max((row.score for row in verdict.hosts if row.score is not None), default=0)
    halves = [half(row, one.sides.get(row.host), verdict, best) for row in verdict.hosts]
    chart: Chart = score_chart(points, {row.host: row.score for row in verdict.hosts}, best, (now - DAY, now))
    left: Left = left_behind(one)
    return {
        "seen": one,
        "verdict": verdict,
        "state": SHAPES.get(verdict.kind, verdict.outcome.value),
        "headline": verdict.headline,
        "lead": verdict.sentence,
        "halves": halves,
        "chart": chart,
        "observers": [name for name, side in one.sides.items() if side.look is not None],
        "looked": [side.look.at if side.look else None for side in one.sides.values() if side.look is not None],
        "health": one.health,
        "health_why": why_stale(one.health_look) if one.health_look else "The engine's pages were not asked yet.",
        "left": left,
    }


def half(row: HostRow, side: Side | None, verdict: she.SheVerdict, best: int) -> Half:
    """One host as its half of the pair."""
    state, word, stale = state_of(row)
    bar = score_bar(row.score, best) if row.score is not None else None
    return Half(row, side, state, word, stale, row.score, bar, row.host == verdict.engine_on)


def state_of(row: HostRow) -> tuple[str, str, bool]:
    """Shape, word and whether the record is stale, in oVirt's own words where it said one."""
    if row.live is False and not row.asked:
        return "fail", "Not answering", True
    if row.record is None or not row.record.live:
        return "unknown", "Not known", True
    word = row.state or "state not published"
    if row.maintenance:
        return "maintenance", word, False
    if row.state in STARTING:
        return "running", word, False
    if row.live is None:
        return "unknown", word, False
    if row.serves or row.candidate:
        return "ok", word, False
    return ("unknown" if row.candidate is None else "fail"), word, False
