"""Alerts: the list, one with its history, and what a person says of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.alerts.forms import Answer
from portal.alerts.models import Alert
from portal.alerts.services import acts, pages
from portal.alerts.services.counting import Counts
from portal.alerts.services.counting import counts as counts_now
from portal.alerts.views.trail import SECTION, done, trail
from portal.kernel.words import span

ASKED = ("q", "state", "severity", "concern", "engine", "site", "kind", "subject")


@needs("estate.view")
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Open ones first; the filter stands in the address."""
    now = timezone.now()
    asked = {name: request.GET.get(name, "") for name in ASKED}
    rows = pages.found(asked, now)
    page = request.GET.get("page", "")
    number = int(page) if page.isdecimal() and 0 < int(page[:6]) < 10_000 else 1
    first = (number - 1) * pages.SIZE
    found = list(rows[first : first + pages.SIZE + 1])
    query = request.GET.copy()
    query.pop("page", None)
    counts, held_acts = counts_now(now), acts_of(request.user)
    state, headline, lead = _head(counts)
    context = {
        "section": SECTION,
        "tab": "alerts",
        "state": state,
        "headline": headline,
        "lead": lead,
        "rows": [pages.row_of(row, now) for row in found[: pages.SIZE]],
        "asked": asked,
        "choices": pages.choices(),
        "held": pages.held(now),
        "acts": held_acts,
        "can_manage": "alert.manage" in held_acts,
        "query": query.urlencode(),
        "newer": number - 1,
        "older": number + 1 if len(found) > pages.SIZE else 0,
        "path": [*trail()[:1], {"title": "Alerts"}],
    }
    return render(request, "alerts/alerts.html", context)


def _head(counts: Counts) -> tuple[str, str, str]:
    taken = f"{counts.taken} acknowledged" if counts.taken else ""
    lost = (
        f"{counts.lost} message{'s' if counts.lost != 1 else ''} not delivered: see Drills, Mail."
        if counts.lost
        else ""
    )
    if counts.open:
        words = f"{counts.open} alert{'s' if counts.open != 1 else ''} that nobody has acknowledged"
        return counts.worst, words, " ".join(part for part in (taken and f"{taken}.", lost) if part)
    if counts.taken:
        return "waiting", f"Every open alert is acknowledged, {counts.taken} in all", lost
    return (
        ("warn", "No alert is open", lost)
        if lost
        else ("ok", "No alert is open", "Whatever the looks find wrong stands here.")
    )


@needs("estate.view")
@require_safe
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert: how it stands, its history, who was told."""
    now = timezone.now()
    row = pages.row_of(get_object_or_404(Alert, pk=pk), now)
    held_acts = acts_of(request.user)
    context = {
        "section": SECTION,
        "row": row,
        "alert": row.alert,
        "state": row.shape,
        "headline": f"{row.word}: {row.alert.subject}",
        "lead": row.alert.sentence,
        "lasted": span(((row.alert.resolved_at or now) - row.alert.since).total_seconds()),
        "events": pages.history(row.alert),
        "told": pages.told(row.alert),
        "form": Answer(),
        "acts": held_acts,
        "can_manage": "alert.manage" in held_acts,
        "closable": row.alert.concern in acts.CLOSABLE,
        "path": trail(f"Alert {pk}"),
    }
    return render(request, "alerts/alert.html", context)


@needs("alert.answer")
@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes it on."""
    get_object_or_404(Alert, pk=pk)
    form, now, who = Answer(request.POST), timezone.now(), request.user.get_username()
    if form.is_valid():
        words, until = form.cleaned_data["words"], form.until(now)
        done(request, lambda: acts.acknowledge(pk, who, words, until, now), "It is yours; nobody else is told of it.")
    return redirect("alert", pk)


@needs("alert.answer")
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Says that nothing is left to do."""
    get_object_or_404(Alert, pk=pk)
    words, who = request.POST.get("words", ""), request.user.get_username()
    done(request, lambda: acts.close(pk, who, words, timezone.now()), "It is closed.")
    return redirect("alert", pk)
