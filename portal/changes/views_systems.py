"""Pages of change systems: what an administrator sets, tries and rotates; lifting a gate by two people."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.admission import needs, require
from portal.access.services import may
from portal.access.services.people import acts_of
from portal.changes import pages
from portal.changes.forms import SystemForm
from portal.changes.models import ChangeSystem
from portal.changes.services import lifting, systems
from portal.changes.views import ABOVE, FRAME, NOT_VALID

CONFLICT = 409
OVER = [*ABOVE, {"title": "Change systems", "url": "/changes/systems/"}]


@needs("run.view")
@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """All change systems."""
    rows = pages.systems()
    bad = [row for row in rows if row.state in ("fail", "unknown")]
    context = {
        **FRAME,
        "rows": rows,
        "state": bad[0].state if bad else "ok" if rows else "unknown",
        "headline": f"{len(rows)} change system{'' if len(rows) == 1 else 's'}" if rows else "No change system is set",
        "lead": bad[0].sentence if bad else "What one says is asked for each time; nothing that it sends is believed.",
        "acts": acts_of(request.user),
        "path": [*OVER[:-1], {"title": "Change systems"}],
    }
    return render(request, "changes/systems.html", context)


@needs("run.view")
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One change system."""
    return _page(request, pk)


def _page(
    request: HttpRequest, pk: int, mistakes: tuple[str, ...] = (), key: str = "", status: int = 200
) -> HttpResponse:
    row, now = get_object_or_404(ChangeSystem, pk=pk), timezone.now()
    told = pages.shown(row)
    context = {
        **FRAME,
        "system": row,
        "told": told,
        "state": told.state,
        "word": told.word,
        "headline": f"{row.name}: {told.word[:1].lower()}{told.word[1:]}",
        "lead": told.sentence,
        "mistakes": mistakes,
        "new_key": key,
        "callback": request.build_absolute_uri(reverse("api-change-call", args=[row.name])),
        "calls": pages.calls(row.callbacks.all()),
        "lifted": lifting.lifted(row.pk, now),
        "lift_asked": lifting.waiting(row, now),
        "person": request.user.get_username(),
        "acts": acts_of(request.user),
        "path": [*OVER, {"title": row.name}],
    }
    answer = render(request, "changes/system.html", context, status=status)
    if key:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@needs("estate.manage")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds it."""
    return _form(request, SystemForm(request.POST or None), "New change system", "/changes/systems/")


@needs("estate.manage")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST saves what was changed."""
    row = get_object_or_404(ChangeSystem, pk=pk)
    return _form(request, SystemForm(request.POST or None, instance=row), f"Edit {row.name}", f"/changes/systems/{pk}/")


def _form(request: HttpRequest, form: SystemForm, headline: str, back: str) -> HttpResponse:
    mistakes: tuple[str, ...] = ()
    if request.method == "POST" and form.is_valid():
        based_on = request.POST.get("version", "")
        version = int(based_on) if based_on.isdecimal() and len(based_on) < 10 else form.based_on
        try:
            row = systems.save(form.row(), request.user.get_username(), form.changed_data, version)
        except systems.Stale as error:
            mistakes = (str(error),)
        else:
            messages.success(request, f"{row.name} is saved. Test the connection.")
            return redirect("change-system", row.pk)
    context = {
        **FRAME,
        "form": form,
        "version": form.based_on or "",
        "state": "waiting",
        "headline": headline,
        "lead": "",
        "mistakes": mistakes,
        "button": "Save the change system",
        "back": back,
        "path": [*OVER, {"title": headline}],
    }
    return render(request, "changes/form.html", context, status=NOT_VALID if request.method == "POST" else 200)


@needs("estate.manage")
@require_POST
def try_it(request: HttpRequest, pk: int) -> HttpResponse:
    """Tests the connection."""
    good, sentence = systems.try_it(get_object_or_404(ChangeSystem, pk=pk), request.user.get_username(), timezone.now())
    (messages.success if good else messages.error)(request, sentence)
    return redirect("change-system", pk)


@needs("estate.manage")
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new signing key, on this one page only."""
    row = get_object_or_404(ChangeSystem, pk=pk)
    fresh = systems.rotate(row.pk, request.user.get_username(), timezone.now())
    return _page(request, pk, key=fresh.reveal())


@needs("estate.manage")
@require_POST
def drop_former(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends the former signing key."""
    row = get_object_or_404(ChangeSystem, pk=pk)
    if systems.drop_former(row.pk, request.user.get_username()):
        messages.success(request, "Only the new key counts now.")
    else:
        messages.error(request, "There is no former key.")
    return redirect("change-system", pk)


@needs("run.start")
@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """The first person says why the gate must be lifted."""
    row, who = get_object_or_404(ChangeSystem, pk=pk), request.user.get_username()
    reason = request.POST.get("reason", "")
    words = "It is asked for. A second person confirms it."
    return _lifted(request, pk, lambda: lifting.ask(row, who, reason, timezone.now()), words)


@needs("run.approve")
@require_POST
def confirm_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """A second person confirms it."""
    row, who = get_object_or_404(ChangeSystem, pk=pk), request.user.get_username()
    words = "The gate is lifted for four hours. Every page says so."
    return _lifted(request, pk, lambda: lifting.confirm(row, who, timezone.now()), words)


@needs("run.view")
@require_POST
def end_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a lift before its time, or takes back the wish for one; by whoever may ask for one or confirm one."""
    require(request, "run.approve" if may(request.user, "run.approve") else "run.start")
    row, who = get_object_or_404(ChangeSystem, pk=pk), request.user.get_username()
    return _lifted(request, pk, lambda: lifting.end(row, who, timezone.now()), "Its gate is lifted no longer.")


def _lifted(request: HttpRequest, pk: int, deed: Callable[[], object], told: str) -> HttpResponse:
    try:
        deed()
    except lifting.LiftRefused as refusal:
        return _page(request, pk, (str(refusal),), status=NOT_VALID if refusal.kind == "parameters" else CONFLICT)
    messages.success(request, told)
    return redirect("change-system", pk)
