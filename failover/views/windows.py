"""The maintenance page of an engine: what is set now, by whom and until when; what may be entered; what was left."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from failover.models import Window
from failover.services.pages_windows import Page, page
from inventory.models import Engine
from inventory.templatetags.holdfast import full
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services import may


@needs("estate.view")
@require_safe
def windows(request: HttpRequest) -> HttpResponse:
    """?engine=<pk> chooses one; otherwise the first by name."""
    engines = list(Engine.objects.defer("password", "ssh_private_key", "ca_pem").order_by("name"))
    engine = chosen(request.GET.get("engine", ""), engines)
    if engine is None:
        return render(request, "inventory/engine_none.html", {"section": "engine", "path": path("Engine")})
    now = timezone.now()
    shown = page(engine, now)
    state, headline, lead = told(shown)
    context = {
        "section": "engine",
        "engine": engine,
        "engines": engines,
        "page": shown,
        "state": state,
        "headline": headline,
        "lead": lead,
        "may_act": may(request.user, "run.start"),
        "overdue": shown.window is not None and shown.window.deadline is not None and now >= shown.window.deadline,
        "path": trail("Maintenance"),
    }
    return render(request, "failover/windows.html", context)


def chosen(asked: str, engines: list[Engine]) -> Engine | None:
    """The engine of a query; None when there is none at all. Raises Http404."""
    if not asked:
        return next((one for one in engines if one.watched), engines[0] if engines else None)
    found = next((one for one in engines if str(one.pk) == asked), None)
    if found is None:
        raise Http404("There is no such engine.")
    return found


def trail(*steps: str) -> list[Step]:
    """The path above the headline."""
    if len(steps) == 1:
        return path(("Engine", "engine"), steps[0])
    return path(("Engine", "engine"), ("Maintenance", "maintenance"), steps[-1])


def told(shown: Page) -> tuple[str, str, str]:
    """State, headline of at most twelve words, and the sentence under it."""
    row = shown.window
    if row is not None:
        return _open(row)
    worst = next((one.item for one in shown.found), None)
    if worst is not None:
        count = len(shown.found)
        unsure = worst.state == "unknown"  # the gravest comes first, so nothing else was found
        headline = "What is left behind is not known" if unsure else f"No window is open, {count} left behind"
        return worst.state, headline, f"{worst.sentence} What {'tells' if unsure else 'ends'} it: {worst.command}"
    if shown.seen is None:
        return (
            "unknown",
            "Maintenance is not known",
            "The engine was not looked at yet: start the looks worker and beat.",
        )
    return "ok", "No maintenance", "No flag is set, no agent is stopped, and no host is held by the engine."


def _open(row: Window) -> tuple[str, str, str]:
    if not row.owner:
        return "maintenance", f"{row}: nobody owns it", f"{row.sentence} It was found at {full(row.asked_at)}."
    until = f" Until {full(row.deadline)}." if row.deadline else ""
    words = f"{row.reason or 'No reason was given'}: {row.owner}.{until} {row.sentence}"
    if row.state == Window.State.ACTIVE:
        late = row.deadline is not None and timezone.now() >= row.deadline
        return ("fail", f"{row} is overdue", words) if late else ("maintenance", f"{row} is active", words)
    return "running", f"{row} is {row.state}", words
