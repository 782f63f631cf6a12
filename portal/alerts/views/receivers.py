"""Receivers: who can be told, whether it works, and the test."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.admission import needs
from portal.alerts.forms import ReceiverForm
from portal.alerts.models import Receiver
from portal.alerts.services import acts, pages
from portal.alerts.services.settings import remove_receiver, save_receiver
from portal.alerts.views.trail import NOT_VALID, RECEIVERS, SECTION, done, trail


@needs("alert.manage")
@require_safe
def receivers(request: HttpRequest) -> HttpResponse:
    """All of them, with what became of the newest message to each."""
    rows = pages.receivers()
    lost = [one for one in rows if one.shape == "fail"]
    if not rows:
        state, headline = "unknown", "Nobody is set to be told"
        lead = "Critical alerts go to the operators and approvers by e-mail until a route says otherwise."
    else:
        words = f"{len(lost)} of {len(rows)} receivers lost the newest message"
        state, headline = ("fail", words) if lost else ("ok", f"{len(rows)} receivers")
        lead = "A test is queued like any message; what becomes of it stands here."
    context = {
        "section": SECTION, "tab": "receivers", "state": state, "headline": headline, "lead": lead, "rows": rows,
        "path": trail("Receivers"),
    }  # fmt: skip
    return render(request, "alerts/receivers.html", context)


@needs("alert.manage")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds the receiver."""
    return _form(request, Receiver(), "New receiver", "Add the receiver")


@needs("alert.manage")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST changes the receiver."""
    row = get_object_or_404(Receiver, pk=pk)
    return _form(request, row, row.name, "Save the receiver")


def _form(request: HttpRequest, row: Receiver, headline: str, button: str) -> HttpResponse:
    known = Receiver.objects.get(pk=row.pk) if row.pk else None  # the form changes the row that it is given
    form, status = ReceiverForm(request.POST or None, instance=row), 200
    if request.method == "POST":
        if form.is_valid():
            save_receiver(form.instance, request.user.get_username())
            done(request, lambda: None, f"{form.instance.name} is saved. Try it.")
            return redirect("alert-receivers")
        status = NOT_VALID
    context = {
        "section": SECTION,
        "tab": "receivers",
        "form": form,
        "state": "waiting",
        "headline": headline,
        "lead": "Which fields count depends on the channel; the others may stay empty.",
        "button": button,
        "back": reverse("alert-receivers"),
        "known": known,
        "can_manage": True,
        "path": trail(RECEIVERS, headline),
    }
    return render(request, "alerts/receiver.html", context, status=status)


@needs("alert.manage")
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends a message that says that it is a test."""
    row = get_object_or_404(Receiver, pk=pk)
    done(
        request, lambda: acts.test(row, request.user.get_username(), timezone.now()), f"A test to {row.name} is queued."
    )
    return redirect("alert-receivers")


@needs("alert.manage")
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes one away."""
    row = get_object_or_404(Receiver, pk=pk)
    done(request, lambda: remove_receiver(row, request.user.get_username()), f"{row.name} is taken away.")
    return redirect("alert-receivers")
