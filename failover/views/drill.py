"""The page of one drill: its approval before, its clock and steps while it runs, what was measured after."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from failover.models import Drill
from failover.services import conduct, pages_change, pages_clock, pages_drill
from failover.services.pages_drills import Row, drills, row_of
from inventory.services.pages_engine import looks_of, seen
from inventory.views.engine import state_of
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.runs import pages
from portal.runs.models import Run
from portal.runs.views import ALL_LINES, LINES


def found(pk: int) -> Drill:
    """The drill with its run and engine. Raises Http404."""
    row = drills().filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such drill.")
    return row


def trail(drill: Drill, *more: str) -> list[Step]:
    """The path above a page of this drill."""
    url = f"/drills/{drill.pk}/" if more else ""
    return [*path(("Drills", "drills")), Step(f"Drill {drill.pk}", url), *(Step(title) for title in more)]


@needs("estate.view")
@require_safe
def drill(request: HttpRequest, pk: int) -> HttpResponse:
    """One drill in whatever state it is."""
    return shown(request, found(pk))


def shown(request: HttpRequest, row: Drill, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    """The page; after a refusal with its sentences."""
    now = timezone.now()
    person, acts = request.user.get_username(), acts_of(request.user)
    told = row_of(row, now)
    steps = list(row.run.steps.order_by("position")) if row.run else []
    undecided = row.run is not None and any(pages.undecided(row.run, step) for step in steps)
    card = pages_drill.card(row, person, acts, now)
    broken, asked = pages_drill.glass(row, now)
    context: dict[str, Any] = {
        "section": "drills",
        "drill": row,
        "run": row.run,
        "state": told.state if not undecided else "warn",
        "word": told.word if not undecided else "Waits for a decision",
        "headline": _headline(row, told, steps),
        "lead": _lead(row, told, steps),
        "mistakes": mistakes,
        "card": card,
        "begin": pages_drill.beginning(row, card.standing, acts, now) if card else None,
        "steps": pages.rows(row.run, steps, now, acts) if row.run else [],
        "lines": pages.latest(row.run, ALL_LINES if request.GET.get("lines") == "all" else LINES) if row.run else [],
        "whole": request.GET.get("lines") == "all",
        "can": pages.doable(row.run, person, acts) if row.run else None,
        "parameters": pages_drill.parameters(row),
        "objectives": pages_drill.objectives(row),
        "prompts": pages_drill.prompts(row),
        "most_mb": settings.HOLDFAST_ATTACHMENT_MB,
        "live": pages_drill.live(row),
        "over": pages_drill.over(row),
        "broken": broken,
        "glass_asked": asked,
        "acts": acts,
        "person": person,
        "roles": conduct.ROLES,
        "severities": conduct.SEVERITIES,
        "bound": pages_change.bound(row, now),
        "path": trail(row),
    }
    context |= _live(row) if context["live"] or context["over"] else {"ready": pages_drill.ready(row, now)}
    context["begun_with"] = pages_drill.frozen(row, now)
    return render(request, "failover/drill.html", context, status=status)


def _live(row: Drill) -> dict[str, Any]:
    now = timezone.now()
    return {"clock": pages_clock.clock(row, now), "watched": pages_clock.watched(row), "pair": _pair(row)}


def _pair(row: Drill) -> list[tuple[Any, str, str]]:
    """Both hosts as looked at last: row, shape, word."""
    one = next(iter(seen(looks_of(Q(engine=row.engine)), timezone.now())), None)
    if one is None:
        return []
    return [(host, *state_of(host)[:2]) for host in one.verdict.hosts]


def _headline(row: Drill, told: Row, steps: list[Any]) -> str:
    if row.run is not None and row.run.status in Run.ACTIVE:
        return pages.headline(row.run, steps)
    return f"{row.title}: {told.word[:1].lower()}{told.word[1:]}"


def _lead(row: Drill, told: Row, steps: list[Any]) -> str:
    if row.run is None:
        return "It has no run: nothing can be approved or begun. Request it anew."
    if told.standing is not None:
        return told.standing.sentence
    return pages.lead(row.run, steps)
