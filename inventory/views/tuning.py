"""The tuning of Oracle VMs: all that are declared, and the settings that a person approves."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from inventory.models import OracleVm
from inventory.services import oracle_vms
from inventory.services.pages_tuning import Line, lines
from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services import may
from portal.kernel.outcome import Outcome


@needs("estate.view")
def tuning(request: HttpRequest) -> HttpResponse:
    """All declared VMs, the worst row of each."""
    rows = lines(timezone.now())
    context = {
        "section": "hosts",
        "tab": "tuning",
        "rows": rows,
        "state": rows[0].outcome.value if rows else Outcome.UNKNOWN.value,
        "headline": _headline(rows),
        "may_manage": may(request.user, "estate.manage"),
        "path": path(("Hosts", "hosts"), "Oracle tuning"),
    }
    return render(request, "inventory/tuning.html", context)


def _headline(rows: list[Line]) -> str:
    if not rows:
        return "No Oracle VM is declared"
    good = sum(one.outcome is Outcome.OK for one in rows)
    if good == len(rows):
        return "Every Oracle VM runs as declared"
    return f"{good} of {len(rows)} Oracle VMs run as declared"


@needs("paths.declare")
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the settings that were shown as the approved ones."""
    oracle = get_object_or_404(OracleVm, vm=pk)
    try:
        count = oracle_vms.approve(oracle, request.user.get_username(), request.POST.get("shown", ""))
    except oracle_vms.CannotApprove as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{count} settings are approved. From now on another value is a warning.")
    return redirect("vm", pk)
