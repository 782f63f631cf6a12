"""Pages of runs: the list, one run with its live lines, and the acts of a person, each a plain POST form."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.changes.picking import pick
from portal.kernel.output import LookFailed
from portal.kernel.plan import Plan
from portal.runs import pages, ports, services
from portal.runs.models import Run
from portal.runs.registry import UnknownPlan, plan_named
from portal.runs.services import Refused

SIZE = 50
LINES = 60
ALL_LINES = 5000
STEPS_ABOVE = [{"title": "Drills", "url": "/drills/"}, {"title": "Runs", "url": "/runs/"}]


@needs("run.view")
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, the newest first; ?before=<pk> pages, ?status= filters."""
    rows = Run.objects.order_by("-pk")
    status = request.GET.get("status", "")
    if status in Run.Status.values:
        rows = rows.filter(status=status)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: SIZE + 1])
    context = {
        "section": "drills",
        "rows": [(run, *pages.shape(run)) for run in found[:SIZE]],
        "older": found[SIZE - 1].pk if len(found) > SIZE else None,
        "asked": {"status": status},
        "statuses": [(value, pages.STATUS[Run.Status(value)][1].lower()) for value in Run.Status.values],
        "path": [STEPS_ABOVE[0], {"title": "Runs"}],
    }
    return render(request, "runs/runs.html", context)


@needs("run.view")
@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: steps, acts, undos, lines."""
    row = get_object_or_404(Run, pk=pk)
    return render(request, "runs/run.html", run_context(request, row))


def run_context(request: HttpRequest, row: Run) -> dict[str, Any]:
    """What the page of a run shows. Two queries beside the run itself."""
    now = timezone.now()
    steps = list(row.steps.order_by("position"))
    state, word = pages.shape(row, steps)
    acts = acts_of(request.user)
    whole = request.GET.get("lines") == "all"
    return {
        "section": "drills",
        "run": row,
        "state": state,
        "word": word,
        "headline": pages.headline(row, steps),
        "lead": pages.lead(row, steps),
        "steps": pages.rows(row, steps, now, acts),
        "lines": pages.latest(row, ALL_LINES if whole else LINES),
        "whole": whole,
        "can": pages.doable(row, request.user.get_username(), acts),
        "path": [*STEPS_ABOVE, {"title": f"Run {row.pk}"}],
    }


def _act(request: HttpRequest, pk: int, act: Callable[[], Run], told: str) -> HttpResponse:
    """One service call; the refusal or the confirmation is told on the page that the run belongs to."""
    get_object_or_404(Run, pk=pk)
    try:
        act()
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, told)
    return redirect(pages.home(pk))


@needs("run.start")
@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Stops before the next step."""
    return _act(
        request, pk, lambda: services.hold(pk, request.user.get_username()), "The run holds before its next step."
    )


@needs("run.start")
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Goes on."""
    return _act(request, pk, lambda: services.resume(pk, request.user.get_username()), "The run goes on.")


@needs("run.approve")
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """A second person agrees to exactly the plan whose hash the page showed."""
    row = get_object_or_404(Run, pk=pk)
    if request.POST.get("digest") != row.digest:
        messages.error(request, "The plan is not the one that the page showed. Read it again; nothing was approved.")
        return redirect("run", pk)
    return _act(request, pk, lambda: services.approve(pk, request.user.get_username()), "The run is approved.")


@needs("run.start")
@require_POST
def retry(request: HttpRequest, pk: int, position: int) -> HttpResponse:
    """Tries a failed step, or a failed undo, again."""
    name = request.user.get_username()
    return _act(request, pk, lambda: services.retry(pk, position, name), f"Step {position} is tried again.")


@needs("run.approve")
def ignore(request: HttpRequest, pk: int, position: int) -> HttpResponse:
    """GET says what ignoring a step means; POST does it, with a reason, by a second person."""
    row = get_object_or_404(Run, pk=pk)
    step = get_object_or_404(row.steps, position=position)
    mistakes: list[str] = []
    if request.method == "POST":
        try:
            services.ignore(pk, position, request.user.get_username(), request.POST.get("reason", ""))
        except Refused as refusal:
            mistakes = refusal.sentences
        else:
            messages.success(request, f"Step {position} is ignored; the run goes on.")
            return redirect(pages.home(pk))
    context = {
        "section": "drills",
        "run": row,
        "step": step,
        "mistakes": mistakes,
        "later": list(row.steps.filter(position__gt=position).order_by("position")),
        "undecided": pages.undecided(row, step),
        "home": pages.home(pk),
        "path": [*STEPS_ABOVE, {"title": f"Run {row.pk}", "url": reverse("run", args=[pk])}, {"title": "Ignore"}],
    }
    return render(request, "runs/ignore.html", context, status=409 if mistakes else 200)


@needs("run.abort")
def abort(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says which undos will run in which order; POST aborts."""
    row = get_object_or_404(Run, pk=pk)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()[:500]
        name = request.user.get_username()
        return _act(request, pk, lambda: services.abort(pk, name, reason), "The run ends; its undos run now.")
    begun = row.steps.exclude(intended_at=None).order_by("-position")
    context = {
        "section": "drills",
        "run": row,
        "undos": pages.rows(row, list(begun), timezone.now()),
        "home": pages.home(pk),
        "can": pages.doable(row, request.user.get_username(), acts_of(request.user)),
        "path": [*STEPS_ABOVE, {"title": f"Run {row.pk}", "url": reverse("run", args=[pk])}, {"title": "Abort"}],
    }
    return render(request, "runs/abort.html", context)


@needs("run.start")
def new(request: HttpRequest, plan: str, host: int) -> HttpResponse:
    """GET says what a plan will do on a host; POST starts it."""
    target = f"host:{host}"
    try:
        what, name = plan_named(plan), ports.shell_for(target).name(target)
    except (UnknownPlan, LookFailed) as error:
        raise Http404(str(error)) from None
    context: dict[str, Any] = {
        "section": "hosts",
        "plan": what,
        "fields": [(each, each.kind.__name__, each.default) for each in what.parameters],
        "target_name": name,
        "key": secrets.token_hex(16),
        "mistakes": [],
        "path": [
            {"title": "Hosts", "url": "/hosts/"},
            {"title": name, "url": f"/hosts/{host}/"},
            {"title": what.title},
        ],
    }
    context["pick"] = pick(target, request.POST.get("change", ""))
    if request.method == "POST":
        started, mistakes = _start(request, what, target, name)
        if started is not None:
            return redirect("run", started.pk)
        given = [(each, each.kind.__name__, request.POST.get(each.name, "")) for each in what.parameters]
        context |= {"mistakes": mistakes, "change": request.POST.get("change", ""), "fields": given}
        return render(request, "runs/new.html", context, status=422)
    return render(request, "runs/new.html", context)


def _start(request: HttpRequest, plan: Plan, target: str, name: str) -> tuple[Run | None, list[str]]:
    if plan.approval and request.POST.get("typed", "").strip() != name:
        return None, [f"Type {name} to confirm which host is meant. Nothing was started."]
    try:
        values = {each.name: _value(each.kind, request.POST.get(each.name, "")) for each in plan.parameters}
        change = request.POST.get("change", "").strip()[:80]
        key = request.POST.get("key", "")[:200]
        return services.start(plan.name, values, target, request.user.get_username(), change, key), []
    except Refused as refusal:
        return None, refusal.sentences


def _value(kind: type, text: str) -> Any:
    """A form's text as the parameter's kind; what does not fit stays text, and the plan refuses it in words."""
    if kind is bool:
        return text == "on"
    try:
        return kind(text.strip())
    except ValueError:
        return text
