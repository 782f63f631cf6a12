"""The page that explains every page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.access.admission import needs


@needs("estate.view")
def keys(request: HttpRequest) -> HttpResponse:
    """The keys of every page, and what the shapes mean."""
    return render(request, "inventory/keys.html", {"section": ""})
