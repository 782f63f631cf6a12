"""The catalog: could the engine be restored, to when, and every backup with how far it is proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from backups.models import Backup
from backups.services import pages_catalog as catalog
from backups.services import retain
from backups.services.pages_schedule import spoken, upcoming
from backups.services.pages_standing import Standing, standings
from backups.views import drawing
from inventory.services.pages_engine import backups as reported
from inventory.services.pages_engine import looks_of, seen
from inventory.views.listing import Column, Listing
from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.kernel.outcome import Outcome

COLUMNS = (
    Column("backup", "Backup", ("ident",)),
    Column("reason", "Reason", ("reason",)),
    Column("status", "Status", ("status",)),
    Column("proven", "Proven to"),
    Column("size", "Size", ("size",), "number"),
    Column("took", "Took", ("span",), "number"),
    Column("copies", "Copies"),
    Column("retention", "Retention"),
)
STATES = [
    ("proven", "proven restorable"),
    ("unproven", "not proven"),
    ("bad", "failed"),
    ("running", "running"),
    ("held", "kept"),
]
SHOWN = [("all", "all"), ("deleted", "deleted")]
ASKED = ("q", "state", "reason", "policy", "shown")
GRAVITY = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)
Told = Mapping[int, tuple[str, str]]


@needs("estate.view")
def backups(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Verdict, RPO clock, catalog, the backup at hand, trends, what comes next and what never came."""
    now = timezone.now()
    found = standings(now)
    judged = [one for one in found if one.policy.enabled] or found
    chosen = _chosen(found, request.GET.get("policy", ""))
    engine = chosen.policy.engine_id if chosen else None
    entries = catalog.entries(engine)
    told = catalog.classes(entries, found, now)
    listing: Listing[Any] = Listing(request, catalog.matching(request.GET, engine), COLUMNS, "-backup")
    places = chosen.places if chosen else ()
    if listing.wants_csv:
        return listing.csv("backups", _cells(found, told, now))
    if not listing.rows and chosen is None and not request.GET:
        return _none(request)
    rows = [_row(each, found, told, now) for each in listing.rows]
    sizes, took = catalog.trend(entries)
    policy = chosen.policy if chosen else None
    starts = upcoming(policy, now, 3) if policy and policy.enabled else ()
    proven = chosen.facts.proven if chosen else None
    context = {
        "section": "backups",
        "tab": "catalog",
        "path": path("Backups"),
        **_title(chosen),
        "listing": listing,
        "rows": rows,
        "at_hand": _at_hand(request, rows),
        "asked": {name: request.GET.get(name, "") for name in ASKED},
        "states": STATES,
        "shown": SHOWN,
        "reasons": Backup.Reason.choices,
        "policies": [(str(one.policy.pk), one.policy.name) for one in found],
        "several": judged if len(judged) > 1 else [],
        "policy": policy,
        "places": places,
        "rule": retain.rule(policy) if policy else "",
        "schedule": spoken(policy.cron) if policy else "",
        "clock": drawing.clock(proven.taken, now, starts[0] if starts else None, policy.rpo)
        if policy and proven
        else None,
        "starts": starts,
        "missed": chosen.missed if chosen else (),
        "sizes": drawing.sizes(sizes, policy.min_size if policy else 0),
        "durations": drawing.durations(took),
        "acts": acts_of(request.user),
        "now": now,
    }
    return render(request, "backups/catalog.html", context)


def _chosen(found: list[Standing], asked: str) -> Standing | None:
    """The policy that is asked for, else the one that is worst off; the earlier one of two that are equally so."""
    named = next((one for one in found if str(one.policy.pk) == asked), None)
    eager = [one for one in found if one.policy.enabled] or found
    return named or max(eager, key=lambda one: GRAVITY.index(one.verdict.outcome), default=None)


def _title(chosen: Standing | None) -> dict[str, str]:
    if chosen is None:
        lead = "These backups belong to no policy, so nothing says when the next one is due or how long they stay."
        return {"state": "unknown", "headline": "No policy backs an engine up", "lead": lead}
    told = chosen.verdict
    return {"state": told.outcome.value, "headline": told.title, "lead": told.sentence}


def _row(backup: Any, found: list[Standing], told: Told, now: Any) -> tuple[catalog.Row, list[drawing.Mark]]:
    mine = next((one.places for one in found if one.policy.pk == backup.policy_id), ())
    row = catalog.row(backup, mine, told, now)
    return row, drawing.marks(row.ladder)


def _at_hand(request: HttpRequest, rows: list[tuple[catalog.Row, list[drawing.Mark]]]) -> catalog.Row | None:
    """The row that ?backup= names, else the newest of the page."""
    asked = request.GET.get("backup", "")
    named = next((row for row, _ in rows if row.backup.ident == asked), None)
    return named or (rows[0][0] if rows else None)


def _cells(found: list[Standing], told: Told, now: Any) -> list[tuple[str, Any]]:
    def row(backup: Any) -> catalog.Row:
        return _row(backup, found, told, now)[0]

    return [
        ("backup", lambda one: one.ident),
        ("engine", lambda one: one.engine.name),
        ("policy", lambda one: one.policy.name if one.policy else ""),
        ("reason", lambda one: one.get_reason_display()),
        ("change", lambda one: one.change),
        ("status", lambda one: one.status),
        ("proven_to", lambda one: row(one).ladder.word),
        ("proof", lambda one: one.get_proof_display()),
        ("taken_utc", lambda one: one.taken.isoformat()),
        ("size_bytes", lambda one: one.size),
        ("took_seconds", lambda one: row(one).took),
        ("copies", lambda one: "; ".join(f"{chip.name} {chip.kind}" for chip in row(one).chips)),
        ("retention", lambda one: row(one).word),
        ("retention_why", lambda one: row(one).why),
        ("sha256", lambda one: one.sha256),
        ("sentence", lambda one: row(one).second),
    ]


def _none(request: HttpRequest) -> HttpResponse:
    """No policy and no backup: what that means, and what the engine itself says, which proves nothing."""
    said = []
    for one in seen(looks_of(Q(engine__watched=True)), timezone.now()):
        newest_first = sorted(reported(one), key=lambda each: each[1], reverse=True)
        said += [(f"{one.engine.name}, {scope}", at) for scope, at in newest_first]
    context = {
        "section": "backups",
        "tab": "catalog",
        "path": path("Backups"),
        "state": "unknown",
        "headline": "Whether the engine could be rebuilt is not known",
        "lead": "No policy says when an engine is backed up, and no backup has been taken by Holdfast.",
        "reported": said,
        "acts": acts_of(request.user),
    }
    return render(request, "backups/none.html", context)
