"""Sections whose work has not been built: what is not known, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from inventory.views.paths import path
from portal.access.admission import needs


@dataclass(frozen=True)
class Missing:
    """A section of which nothing is known. missing: one sentence per thing that is not there yet."""

    section: str
    headline: str
    lead: str
    missing: tuple[str, ...]


TOPOLOGY = Missing(
    "topology",
    "The topology is not known",
    "Holdfast sees the paths of each LUN from the hosts; what stands between host and array is not asked yet.",
    (
        "Switches are not asked: zones, ports and receive power are not known.",
        "Arrays are not asked: controllers, mappings and replication are not known.",
        "What the hosts themselves see of their paths stands under LUNs.",
    ),
)


@needs("estate.view")
def topology(request: HttpRequest) -> HttpResponse:
    """Fabrics, switches and arrays are not asked yet."""
    return _section(request, TOPOLOGY)


def _section(request: HttpRequest, what: Missing) -> HttpResponse:
    context = {
        "section": what.section,
        "what": what,
        "headline": what.headline,
        "lead": what.lead,
        "path": path(what.section.capitalize()),
    }
    return render(request, "inventory/section.html", context)


@needs("estate.view")
def keys(request: HttpRequest) -> HttpResponse:
    """The keys of every page, and what the shapes mean."""
    return render(request, "inventory/keys.html", {"section": ""})
