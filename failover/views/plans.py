"""Drill plans: those that are built in, those that people composed, every version of each."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from failover.models import ComposedPlan
from failover.plans_drills import DRILLS
from failover.services import composed, pages_composed
from failover.views.acts import status_of
from inventory.models import Engine
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.runs.models import Run
from portal.runs.services import Refused


@needs("estate.view")
@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    """All plans; those of this estate's own first."""
    rows = pages_composed.listed()
    used = sum(1 for row in rows if row.plan.retired_at is None)
    context = {
        "section": "drills",
        "tab": "plans",
        "state": "waiting",
        "headline": f"{len(DRILLS)} built-in plans, {used or 'none'} of your own",
        "lead": "A plan of your own is composed of the same steps. An unsafe order is refused, with the reason.",
        "rows": rows,
        "built": DRILLS,
        "acts": acts_of(request.user),
        "path": path(("Drills", "drills"), "Plans"),
    }
    return render(request, "failover/plans.html", context)


@needs("estate.view")
@require_safe
def plan(request: HttpRequest, name: str) -> HttpResponse:
    """One composed plan: its newest version in full, those before by their steps and hash."""
    return _page(request, name)


def _page(request: HttpRequest, name: str, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    row = pages_composed.found().filter(name=name).first()
    if row is None or not row.versions.all():
        raise Http404("There is no such plan.")
    shown = pages_composed.shown(row, Run.objects.filter(plan=name).count())
    context = {
        "section": "drills",
        "tab": "plans",
        "state": shown.state,
        "headline": shown.now.title,
        "lead": shown.why_not or _lead(row, shown),
        "shown": shown,
        "versions": [(one, pages_composed.lines(one.steps)) for one in shown.versions],
        "engines": Engine.objects.filter(watched=True).order_by("name"),
        "mistakes": mistakes,
        "acts": acts_of(request.user),
        "path": [*path(("Drills", "drills"), ("Plans", "drill-plans")), Step(name)],
    }
    return render(request, "failover/plan.html", context, status=status)


def _lead(row: ComposedPlan, shown: pages_composed.Shown) -> str:
    if row.retired_at is not None:
        return f"{row.retired_by} retired it: {row.retired_why} No new drill uses it."
    drills = f"{shown.runs} drill{'s' if shown.runs != 1 else ''}" if shown.runs else "No drill"
    return f"Version {shown.now.number}, saved by {shown.now.by}. {drills} of it so far."


@needs("drill.compose")
@require_POST
def retire(request: HttpRequest, name: str) -> HttpResponse:
    """No new drill uses the plan from now on."""
    try:
        composed.retire(name, request.user.get_username(), request.POST.get("why", ""))
    except ComposedPlan.DoesNotExist:
        raise Http404("There is no such plan.") from None
    except Refused as refusal:
        return _page(request, name, tuple(refusal.sentences), status_of(refusal))
    messages.success(request, "The plan is retired. Old drills of it stay readable.")
    return redirect("drill-plan", name)
