"""Silences: what is not told for a while."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.alerts.forms import SilenceForm
from portal.alerts.models import Alert, Silence
from portal.alerts.services import acts
from portal.alerts.views.trail import NOT_VALID, SECTION, done, trail


@needs("alert.answer")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form, filled from ?alert=; POST makes the silence."""
    form, status = SilenceForm(request.POST or None, initial=_initial(request)), 200
    if request.method == "POST":
        if form.is_valid():
            who = request.user.get_username()
            if done(request, lambda: acts.silence(form.wanted(), who, timezone.now()), "It is silenced."):
                return redirect("alerts")
        status = NOT_VALID
    context = {
        "section": SECTION,
        "tab": "alerts",
        "form": form,
        "state": "waiting",
        "headline": "Silence alerts",
        "lead": "They stay open and on the page; nobody is told of them until the end, and of what then still holds.",
        "button": "Silence them",
        "back": reverse("alerts"),
        "can_manage": "alert.manage" in acts_of(request.user),
        "path": trail("Silence"),
    }
    return render(request, "alerts/form_page.html", context, status=status)


def _initial(request: HttpRequest) -> dict[str, object]:
    key = request.GET.get("alert", "")
    row = Alert.objects.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    if row is None:
        return {}
    return {
        "least": "info", "concerns": [row.concern], "engines": [row.engine] if row.engine else [],
        "kinds": [row.subject_kind], "subject": row.subject,
    }  # fmt: skip


@needs("alert.answer")
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends one before its time."""
    get_object_or_404(Silence, pk=pk)
    who = request.user.get_username()
    done(request, lambda: acts.end_silence(pk, who, timezone.now()), "It is over: what still holds is told.")
    return redirect("alerts")
