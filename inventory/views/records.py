"""The evidence: every act, refusal, approval and result, in its chain."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services import may
from portal.evidence.models import Record, Signature

SIZE = 50


@needs("evidence.view")
def records(request: HttpRequest) -> HttpResponse:
    """The newest first; ?before=<number> pages, kind, actor and subject filter."""
    asked = {name: request.GET.get(name, "").strip() for name in ("kind", "actor", "subject")}
    rows = Record.objects.order_by("-number").defer("body")
    if asked["kind"]:
        rows = rows.filter(kind__startswith=asked["kind"])
    for name in ("actor", "subject"):
        if asked[name]:
            rows = rows.filter(**{name: asked[name]})
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(number__lt=int(before))
    found = list(rows[: SIZE + 1])
    head = Record.objects.order_by("-number").only("number", "sha256", "at").first()
    seal = Signature.objects.order_by("-record_id").only("record_id", "at", "key_id").first()
    query = request.GET.copy()
    query["before"] = str(found[SIZE - 1].number) if len(found) > SIZE else ""
    context = {
        "section": "evidence",
        "rows": found[:SIZE],
        "older": f"?{query.urlencode()}" if len(found) > SIZE else "",
        "asked": asked,
        "head": head,
        "seal": seal,
        "path": path("Evidence"),
        "may_export": may(request.user, "evidence.export"),
    }
    return render(request, "inventory/records.html", context)


@needs("evidence.view")
def record(request: HttpRequest, number: int) -> HttpResponse:
    """One record with its body, its hash and its neighbours."""
    row = get_object_or_404(Record, number=number)
    context = {
        "section": "evidence",
        "record": row,
        "body": json.dumps(row.body, indent=2, ensure_ascii=False, sort_keys=True),
        "good": row.intact(),
        "path": path(("Evidence", "evidence"), f"Record {row.number}"),
    }
    return render(request, "inventory/record.html", context)
