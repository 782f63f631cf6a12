"""Asking for a drill: the plan's steps, what is decided before the start, the readiness of now."""

from __future__ import annotations

import secrets

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from failover.forms import DrillForm
from failover.models import Drill
from failover.services import drills
from failover.services.durations import needed
from failover.services.pages_drill import check_rows
from failover.services.pages_plans import drill_plan
from failover.services.readiness import checks_of, expired, last
from failover.views.acts import NOT_VALID, status_of
from inventory.models import Engine
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.kernel.plan import Plan
from portal.runs.services import Refused


@needs("run.start")
def new(request: HttpRequest, engine: int, plan: str) -> HttpResponse:
    """GET shows the form and the readiness; POST asks for the drill. Nothing begins by it."""
    row = get_object_or_404(Engine, pk=engine)
    what = drill_plan(plan)
    if what is None:
        raise Http404("There is no such plan.")
    form = DrillForm(request.POST or None, engine=row, plan=what)
    mistakes: tuple[str, ...] = ()
    status = 200
    if request.method == "POST":
        status = NOT_VALID
        if form.is_valid():
            try:
                return redirect("drill", _asked(request, row, what, form).pk)
            except Refused as refusal:
                mistakes, status = tuple(refusal.sentences), status_of(refusal)
    return render(request, "failover/new.html", _context(request, row, what, form, mistakes), status=status)


def _asked(request: HttpRequest, engine: Engine, plan: Plan, form: DrillForm) -> Drill:
    given = form.cleaned_data
    return drills.request(
        engine,
        plan.name,
        form.parameters(),
        by=request.user.get_username(),
        objectives=form.objectives(),
        people=form.named(),
        window=form.window,
        change=given["change"].strip(),
        key=request.POST.get("key", "")[:200],
        words={name: given[name] for name in ("scenario", "assumptions", "announced")},
    )


def _context(
    request: HttpRequest, engine: Engine, plan: Plan, form: DrillForm, mistakes: tuple[str, ...]
) -> dict[str, object]:
    looked = last(engine, plan.name)
    ahead, back = needed(plan)
    return {
        "section": "drills",
        "engine": engine,
        "plan": plan,
        "form": form,
        "mistakes": mistakes,
        "state": "waiting",
        "headline": f"{plan.title} of {engine.name}",
        "lead": "Nothing happens before another person approves it and a person begins it in its window.",
        "key": request.POST.get("key") or secrets.token_hex(16),
        "ahead": ahead,
        "back": back,
        "rows": check_rows(checks_of(looked), timezone.now()) if looked else [],
        "why": expired(engine, plan.name),
        "path": [*path(("Drills", "drills")), Step(f"Plan {plan.title}")],
    }
