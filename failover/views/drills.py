"""All drills: when failover was last proven, what comes next, what has been."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from failover.services.pages_drills import listed
from failover.services.pages_plans import offered
from inventory.services.told import Told
from inventory.verdicts.answer import Word
from inventory.views.frame import frame_of
from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.kernel.words import span


@needs("estate.view")
@require_safe
def drills(request: HttpRequest) -> HttpResponse:
    """Answer first: days since the last proven failover; then what is ahead, the plans, the past."""
    now = timezone.now()
    told = frame_of(request).around.answers.get("drills")
    ahead, over = listed(now)
    context = {
        "section": "drills",
        "tab": "drills",
        "state": told.answer.outcome.value if told else "unknown",
        "headline": _headline(told),
        "lead": told.answer.sentence if told else "Holdfast drills nothing here.",
        "ahead": ahead,
        "over": over,
        "plans": offered(),
        "acts": acts_of(request.user),
        "path": path("Drills"),
    }
    return render(request, "failover/drills.html", context)


def _headline(told: Told | None) -> str:
    if told is None or told.since is None:
        return "Failover has not been proven"
    ago = span((timezone.now() - told.since).total_seconds())
    if told.answer.word is Word.NO:
        return f"The proof of failover is overdue: {ago} old"
    return f"Failover was proven {ago} ago"
