"""Routes: who is told of what, and who would be told now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.admission import needs
from portal.alerts.forms import RouteForm
from portal.alerts.models import CONCERNS, SEVERITIES, Route
from portal.alerts.services import pages
from portal.alerts.services.settings import remove_route, save_route
from portal.alerts.views.trail import NOT_VALID, ROUTES, SECTION, done, trail

WHAT = ("severity", "concern", "kind", "name", "engine", "site")


@needs("alert.manage")
@require_safe
def routes(request: HttpRequest) -> HttpResponse:
    """All routes in their order; ?severity=&concern=... says who would be told now."""
    rows = pages.lines()
    used = [one for one in rows if one.route.enabled]
    asked = {name: request.GET.get(name, "") for name in WHAT}
    if used:
        state, headline = "ok", f"{len(used)} route{'s' if len(used) != 1 else ''} in use"
        lead = "The first that fits an alert decides, unless it goes on to those behind it."
    else:
        state, headline = "warn", "No route is in use"
        lead = "Critical alerts go to the operators and approvers by e-mail; of everything else nobody is told."
    context = {
        "section": SECTION,
        "tab": "routes",
        "state": state,
        "headline": headline,
        "lead": lead,
        "rows": rows,
        "asked": asked,
        "severities": SEVERITIES[::-1],
        "concerns": CONCERNS,
        "preview": _preview(asked),
        "path": trail("Routes"),
    }
    return render(request, "alerts/routes.html", context)


def _preview(asked: dict[str, str]) -> pages.Preview | None:
    try:
        spoken = pages.spoken_of(*(asked[name] for name in WHAT))
    except ValueError:
        return None
    return pages.preview(spoken, timezone.now())


@needs("alert.manage")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds the route."""
    return _form(request, Route(), "New route", "Add the route")


@needs("alert.manage")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST changes the route."""
    row = get_object_or_404(Route, pk=pk)
    return _form(request, row, row.name, "Save the route")


def _form(request: HttpRequest, row: Route, headline: str, button: str) -> HttpResponse:
    known = Route.objects.get(pk=row.pk) if row.pk else None
    form, status = RouteForm(request.POST or None, instance=row), 200
    if request.method == "POST":
        if form.is_valid():
            receivers = list(form.cleaned_data["receivers"])
            save_route(form.save(commit=False), receivers, request.user.get_username())
            done(request, lambda: None, f"{form.instance.name} is saved. See below who would be told now.")
            return redirect("alert-routes")
        status = NOT_VALID
    context = {
        "section": SECTION,
        "tab": "routes",
        "form": form,
        "state": "waiting",
        "headline": headline,
        "lead": "An alert is told by the first route that fits it at that moment.",
        "button": button,
        "back": reverse("alert-routes"),
        "known": known,
        "can_manage": True,
        "path": trail(ROUTES, headline),
    }
    return render(request, "alerts/route.html", context, status=status)


@needs("alert.manage")
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes one away."""
    row = get_object_or_404(Route, pk=pk)
    done(request, lambda: remove_route(row, request.user.get_username()), f"{row.name} is taken away.")
    return redirect("alert-routes")
