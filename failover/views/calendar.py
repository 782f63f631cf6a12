"""When drills are planned, when none may act, which did not happen."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from failover.forms_calendar import BlackoutForm, ScheduleForm
from failover.models import Blackout, Schedule
from failover.services import planning
from failover.services.pages_plans import drill_plan, drill_plans
from failover.services.schedules import outlook
from failover.views.acts import NOT_VALID
from inventory.models import Engine
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services.people import acts_of


@needs("estate.view")
@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Schedules with what comes next and what was missed; blackouts."""
    now = timezone.now()
    rows = Schedule.objects.select_related("engine").prefetch_related("missed").order_by("engine__name", "plan")
    outlooks = [outlook(row, now) for row in rows]
    missed = sum(len(one.missed) for one in outlooks)
    context = {
        "section": "drills",
        "tab": "calendar",
        "state": "waiting" if outlooks and not missed else "warn" if missed else "unknown",
        "headline": _headline(len(outlooks), missed),
        "lead": "A schedule proposes a drill seven days ahead. Another person approves it, and a person begins it.",
        "outlooks": outlooks,
        "blackouts": Blackout.objects.filter(ends__gt=now).select_related("engine"),
        "acts": acts_of(request.user),
        "path": path(("Drills", "drills"), "Calendar"),
    }
    return render(request, "failover/calendar.html", context)


def _headline(schedules: int, missed: int) -> str:
    if not schedules:
        return "No drill is planned by a schedule"
    if missed:
        return f"{missed} planned drill{'s' if missed > 1 else ''} did not happen"
    return f"{schedules} schedule{'s' if schedules > 1 else ''} in force"


@needs("run.start")
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Which plan is to be planned, of which engine: each asks for something else."""
    context = {
        "section": "drills",
        "tab": "calendar",
        "state": "waiting",
        "headline": "Which drill is planned?",
        "lead": "",
        "engines": Engine.objects.filter(watched=True).order_by("name"),
        "plans": drill_plans(),
        "path": [*path(("Drills", "drills"), ("Calendar", "drill-calendar")), Step("Schedule")],
    }
    return render(request, "failover/choose_plan.html", context)


@needs("run.start")
def schedule_new(request: HttpRequest, engine: int, plan: str) -> HttpResponse:
    """GET shows the form of a schedule of this plan; POST saves it."""
    zone = timezone.get_current_timezone_name()
    row = Schedule(engine=get_object_or_404(Engine, pk=engine), plan=plan, zone=zone if "/" in zone else "UTC")
    return _schedule(request, row)


@needs("run.start")
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST saves. Whoever saves it asks for what it proposes."""
    return _schedule(request, get_object_or_404(Schedule.objects.select_related("engine"), pk=pk))


def _schedule(request: HttpRequest, row: Schedule) -> HttpResponse:
    plan = drill_plan(row.plan)
    if plan is None:
        raise Http404("There is no such plan any more.")
    form = ScheduleForm(request.POST or None, instance=row, plan=plan)
    if request.method == "POST" and form.is_valid():
        given = {**form.cleaned_data, "parameters": form.parameters()}
        planning.save_schedule(form.save(commit=False), given, request.user.get_username())
        messages.success(request, "The schedule is saved.")
        return redirect("drill-calendar")
    return _form(request, form, f"Schedule: {plan.title} of {row.engine.name}", "Save the schedule")


@needs("run.start")
def blackout(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST saves a time in which no drill acts."""
    form = BlackoutForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        planning.save_blackout(form.save(commit=False), request.user.get_username())
        messages.success(request, "The blackout is saved.")
        return redirect("drill-calendar")
    return _form(request, form, "Blackout", "Save the blackout")


@needs("run.approve")
@require_POST
def blackout_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a blackout away; an approver does, since it protects from operators."""
    planning.remove_blackout(get_object_or_404(Blackout, pk=pk), request.user.get_username())
    messages.success(request, "The blackout is removed.")
    return redirect("drill-calendar")


def _form(request: HttpRequest, form: ScheduleForm | BlackoutForm, title: str, button: str) -> HttpResponse:
    context = {
        "section": "drills",
        "tab": "calendar",
        "form": form,
        "state": "waiting",
        "headline": title,
        "lead": "",
        "button": button,
        "path": [*path(("Drills", "drills"), ("Calendar", "drill-calendar")), Step(title)],
    }
    return render(request, "failover/plan_form.html", context, status=NOT_VALID if form.errors else 200)
