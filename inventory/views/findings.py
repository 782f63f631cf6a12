"""Findings: what every look says now, and what has changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Transition
from inventory.services.pages_findings import found, history
from inventory.services.pages_now import known_probes, one
from inventory.views.frame import frame_of
from inventory.views.listing import Column, Listing
from inventory.views.paths import path
from inventory.views.titles import headline_of, sentence
from portal.access.admission import needs

COLUMNS = (
    Column("subject", "Subject", ("subject_kind", "subject_key")),
    Column("state", "State", ("rank",)),
    Column("sentence", "Finding"),
    Column("check", "Check", ("look__probe", "check_name")),
    Column("since", "Since", ("since",)),
    Column("looked", "Looked", ("look__at",)),
)
HISTORY_COLUMNS = (
    Column("at", "Time", ("at",)),
    Column("subject", "Subject", ("subject_kind", "subject_key")),
    Column("state", "State", ("to_outcome",)),
    Column("sentence", "Sentence"),
    Column("check", "Check", ("probe", "check_name")),
    Column("evidence", "Evidence"),
)
KINDS = ["engine", "host", "vm", "lun", "estate", "service"]
CSV = (
    ("subject_kind", lambda row: row.subject_kind),
    ("subject", lambda row: row.subject_key),
    ("state", lambda row: one(row, timezone.now()).outcome.value),
    ("sentence", lambda row: one(row, timezone.now()).sentence),
    ("probe", lambda row: row.probe),
    ("check", lambda row: row.check_name),
    ("since", lambda row: row.since.isoformat()),
    ("looked", lambda row: row.at.isoformat() if row.at else ""),
)
HISTORY_CSV = (
    ("at", lambda row: row.at.isoformat()),
    ("subject_kind", lambda row: row.subject_kind),
    ("subject", lambda row: row.subject_key),
    ("from", lambda row: row.from_outcome),
    ("to", lambda row: row.to_outcome),
    ("sentence", lambda row: row.sentence),
    ("probe", lambda row: row.probe),
    ("check", lambda row: row.check_name),
    ("capture", lambda row: row.capture_sha or ""),
)


@needs("estate.view")
def findings(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """All findings of now, the worst first."""
    now = timezone.now()
    listing: Listing[Any] = Listing(request, found(request.GET, now), COLUMNS, "-state")
    if listing.wants_csv:
        return listing.csv("findings", CSV)
    rows = [one(row, now) for row in listing.rows]
    total = frame_of(request).total
    context = {
        "section": "findings",
        "listing": listing,
        "rows": rows,
        "tab": "now",
        "state": total.worst.value,
        "headline": sentence(headline_of(total)),
        "path": path("Findings"),
        **_choices(request),
    }
    return render(request, "inventory/findings.html", context)


@needs("estate.view")
def changes(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """All transitions, the newest first."""
    listing: Listing[Transition] = Listing(request, history(request.GET), HISTORY_COLUMNS, "-at")
    if listing.wants_csv:
        return listing.csv("transitions", HISTORY_CSV)
    context = {
        "section": "findings",
        "listing": listing,
        "tab": "history",
        "path": path(("Findings", "findings"), "Changes of state"),
        **_choices(request),
    }
    return render(request, "inventory/changes.html", context)


def _choices(request: HttpRequest) -> dict[str, object]:
    return {
        "asked": {name: request.GET.get(name, "") for name in ("q", "state", "kind", "key", "host", "probe", "check")},
        "kinds": [(kind, kind) for kind in KINDS],
        "probes": [(name, name) for name in known_probes()],
    }
