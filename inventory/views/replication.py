"""Replication: what would be lost, pair by pair, and the map of copies that a person approves."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from inventory.models import Engine
from inventory.services import pages_replication, replicating
from inventory.verdicts.replication_answer import answer
from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services import may
from portal.kernel.outcome import Outcome, worst

TAB = "replication"


@needs("estate.view")
def replication(request: HttpRequest) -> HttpResponse:
    """All estates that have an array."""
    now = timezone.now()
    pages = [pages_replication.page(engine, now) for engine in replicating.estates()]
    said = [answer(one.judged.pairs, one.judged.silent) for one in pages]
    context: dict[str, Any] = {
        "section": "luns",
        "tab": TAB,
        "pages": list(zip(pages, said, strict=True)),
        "days": pages_replication.DAYS,
        "state": worst(one[1] for one in said).value if said else Outcome.UNKNOWN.value,
        "headline": _headline(said),
        "lead": said[0][2] if len(said) == 1 else "",
        "may_approve": may(request.user, "paths.declare"),
        "path": path(("LUNs", "luns"), "Replication"),
    }
    return render(request, "inventory/replication.html", context)


def _headline(said: list[tuple[str, Outcome, str]]) -> str:
    if not said:
        return "No array is declared"
    if len(said) > 1:
        return "Replication"
    word = said[0][0]
    return "What would be lost is not known" if word == "Not known" else f"{word} would be lost with production now"


@needs("paths.declare")
@require_POST
def approve(request: HttpRequest, engine: int) -> HttpResponse:
    """Takes the map that was shown as the approved one."""
    row = get_object_or_404(Engine, pk=engine)
    try:
        count = replicating.approve(row, request.user.get_username(), request.POST.get("shown", ""))
    except replicating.CannotApprove as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{count} copies are approved. From now on a drift of this map is a failure.")
    return redirect("replication")
