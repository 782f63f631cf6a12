"""What each side says of a LUN or a VM, side by side: the differences first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from inventory.models import Lun, Vm
from inventory.services import sides
from inventory.services.tuning import told_of
from inventory.verdicts.sides import Line
from inventory.views.paths import Step, path
from inventory.views.titles import counted
from portal.access.admission import needs
from portal.kernel.outcome import Outcome, worst

ROWS = 60


@needs("estate.view")
def lun(request: HttpRequest, pk: int) -> HttpResponse:
    """One LUN: its size, its hosts, its paths and its name by everybody who knows it."""
    row = get_object_or_404(Lun, pk=pk)
    trail = [*path(("LUNs", "luns")), Step(row.name, reverse("lun", args=[pk])), Step("What each side says")]
    return _page(request, "luns", row.name, sides.lun_lines(row, timezone.now()), trail)


@needs("estate.view")
def vm(request: HttpRequest, pk: int) -> HttpResponse:
    """One VM and the hosts that may run it, by the engine, by themselves and by its guest."""
    row = get_object_or_404(Vm, pk=pk)
    trail = [*path(("Hosts", "hosts"), ("VMs", "vms")), Step(row.name, reverse("vm", args=[pk]))]
    lines = sides.vm_lines(row, told_of(row), timezone.now())
    return _page(request, "hosts", row.name, lines, [*trail, Step("What each side says")])


def _page(request: HttpRequest, section: str, name: str, lines: Iterable[Line], trail: list[Step]) -> HttpResponse:
    every = sorted(lines, key=lambda one: (one.agree is not False, one.outcome is Outcome.OK))
    bad = [one for one in every if one.agree is False and one.outcome is not Outcome.OK]
    agreed = sum(one.agree is True for one in every)
    state = worst(one.outcome for one in bad) if bad else Outcome.OK if agreed else Outcome.UNKNOWN
    context: dict[str, Any] = {
        "section": section,
        "sides": every[:ROWS],
        "sides_more": max(0, len(every) - ROWS),
        "state": state.value,
        "headline": _headline(name, len(bad), agreed),
        "lead": bad[0].sentence if bad else "",
        "path": trail,
    }
    return render(request, "inventory/sides.html", context)


def _headline(name: str, bad: int, agreed: int) -> str:
    if bad:
        return f"{name}: {counted(bad, 'fact')} differ{'s' if bad == 1 else ''}"
    return f"{name}: all sides tell the same" if agreed else f"{name}: nothing can be compared now"
