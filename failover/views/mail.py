"""Mail to people: whether there is a server, what was not delivered, what was sent."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.outbox import services as outbox
from portal.outbox.models import Mail

MOST = 100  # rows of each table
SHAPES = {Mail.State.QUEUED: "waiting", Mail.State.SENT: "ok", Mail.State.FAILED: "fail"}


@needs("evidence.view")
@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """The outbox."""
    server, why = outbox.server()
    lost = outbox.lost()
    waiting = Mail.objects.filter(state=Mail.State.QUEUED)
    counts = lost.count(), waiting.count()
    state, headline = _headline(why, *counts)
    context: dict[str, Any] = {
        "section": "drills",
        "tab": "mail",
        "state": state,
        "headline": headline,
        "lead": why or f"Mail goes to {server.shown if server else ''}. What it has taken counts as sent.",
        "server": server,
        "why": why,
        "lost": lost[:MOST],
        "counts": counts,
        "rows": [(SHAPES[Mail.State(row.state)], row) for row in Mail.objects.exclude(pk__in=lost.values("pk"))[:MOST]],
        "acts": acts_of(request.user),
        "path": path(("Drills", "drills"), "Mail"),
    }
    return render(request, "failover/mail.html", context)


def _headline(why: str, lost: int, waiting: int) -> tuple[str, str]:
    if why:
        return "unknown", "No mail server is set" if why == outbox.NO_SERVER else "The mail server cannot be used"
    if lost:
        return "fail", f"{lost} message{'s' if lost > 1 else ''} not delivered"
    if waiting:
        return "waiting", f"{waiting} message{'s' if waiting > 1 else ''} to be sent"
    return "ok", "All mail is delivered to the mail server"


@needs("run.start")
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Tries a message that was not delivered once more."""
    if outbox.again(pk, request.user.get_username(), timezone.now()):
        messages.success(request, "It is queued again.")
    else:
        messages.error(request, "It has no address, or is not one that was not delivered: nothing was queued.")
    return redirect("mail")
