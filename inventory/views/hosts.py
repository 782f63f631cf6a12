"""Hosts: the list, and one host."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Host
from inventory.services import pages_ports
from inventory.services.host_keys import key_state
from inventory.services.pages_findings import worst_of
from inventory.services.pages_history import DAY
from inventory.services.pages_hosts import HostPage, host_page
from inventory.services.pages_hosts import hosts as matching
from inventory.services.pages_now import Tally, split
from inventory.views.counted_chart import counted_chart
from inventory.views.drawing import blocks, hours
from inventory.views.estate_acts import possible
from inventory.views.frame import frame_of
from inventory.views.listing import Column, Listing
from inventory.views.looks import title
from inventory.views.paths import path
from inventory.views.titles import counted, headline_of, sentence
from portal.access.admission import needs
from portal.access.services import may
from portal.kernel.outcome import Outcome, worst

COLUMNS = (
    Column("name", "Host", ("name",)),
    Column("state", "State", ("rank",)),
    Column("sentence", "What a person must see first"),
    Column("status", "oVirt status", ("status",)),
    Column("score", "HE score", ("he_score",), "number"),
    Column("vms", "VMs", ("vm_count",), "number"),
    Column("cluster", "Cluster", ("cluster__name",)),
    Column("address", "Address", ("address",)),
    Column("looked", "Looked"),
)
CSV = (
    ("host", lambda row: row.name),
    ("state", lambda row: worst_of(row.worst).state),
    ("sentence", lambda row: worst_of(row.worst).sentence),
    ("ovirt_status", lambda row: row.status),
    ("he_score", lambda row: row.he_score),
    ("vms", lambda row: row.vm_count),
    ("cluster", lambda row: row.cluster.name if row.cluster else ""),
    ("address", lambda row: row.address),
)
STATUSES = ["up", "maintenance", "preparing_for_maintenance", "non_operational", "non_responsive", "down", "reboot"]


@needs("estate.view")
def hosts(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """All hosts of all engines."""
    listing: Listing[Any] = Listing(request, matching(request.GET, timezone.now()), COLUMNS, "name")
    if listing.wants_csv:
        return listing.csv("hosts", CSV)
    for row in listing.rows:
        row.seen = worst_of(row.worst)
    total = frame_of(request).tally("host")
    context = {
        "section": "hosts",
        "listing": listing,
        "asked": {name: request.GET.get(name, "") for name in ("q", "state", "status")},
        "state": total.worst.value,
        "headline": sentence(f"hosts: {headline_of(total)}"),
        "statuses": [(status, status) for status in STATUSES],
        "tab": "hosts",
        "path": path("Hosts"),
    }
    return render(request, "inventory/hosts.html", context)


@needs("estate.view")
def host(request: HttpRequest, pk: int) -> HttpResponse:
    """One host: what it says, what runs on it, what was found."""
    now = timezone.now()
    try:
        page = host_page(pk, now)
    except Host.DoesNotExist:
        raise Http404("There is no such host.") from None
    outcome = worst(one.outcome for one in page.findings)
    context = {
        "section": "hosts",
        "page": page,
        "findings": split(page.findings),
        "host": page.host,
        "state": outcome.value,
        "headline": f"{page.host.name}: {headline_of(tally(page))}",
        "lead": _lead(page, outcome),
        "looks": [(look, title(look.probe)) for look in page.looks],
        "records": _records(page),
        "ports": pages_ports.ports(page.host, page.looks, page.speeds, now),
        "failing": pages_ports.failing(page.host, page.looks, now),
        "counted": counted_chart(pages_ports.curves(page.looks, now), (now - DAY, now)),
        "blocks": blocks(page.strip, now - DAY, now),
        "ticks": hours(now - DAY, now),
        "may_start": may(request.user, "run.start"),
        "keys": key_state(page.host),
        **possible(request),
        "path": path(("Hosts", "hosts"), page.host.name),
    }
    return render(request, "inventory/host.html", context)


def tally(page: HostPage) -> Tally:
    """How many of the host's findings have which outcome."""
    counts: dict[Outcome, int] = {}
    for one in page.findings:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return Tally(counts)


def _lead(page: HostPage, outcome: Outcome) -> str:
    if page.host.gone_since:
        return "The engine no longer lists this host. What is shown is its history."
    if not page.findings:
        return f"{page.host.name} was not looked at yet." + ("" if page.host.watched else " It is not watched.")
    first = next(one for one in page.findings if one.outcome is outcome)
    return first.sentence if outcome is not Outcome.OK else f"{counted(len(page.findings), 'check')} hold."


def _records(page: HostPage) -> list[dict[str, object]]:
    """What the hosted-engine agents publish, as this host sees it."""
    facts = next((look.facts for look in page.looks if look.probe == "she_status" and look.facts), None)
    return list(facts.get("hosts", [])) if isinstance(facts, dict) else []
