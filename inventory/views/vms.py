"""Virtual machines: the list, and one VM."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from inventory.models import Vm
from inventory.services.pages_hosts import vm_page
from inventory.services.pages_hosts import vms as matching
from inventory.services.pages_tuning import Tuning, tuning_of
from inventory.services.tuning import told_of
from inventory.views.listing import Column, Listing
from inventory.views.paths import path
from portal.access.admission import needs
from portal.access.services import may
from portal.kernel.outcome import Outcome

COLUMNS = (
    Column("name", "VM", ("name",)),
    Column("status", "oVirt status", ("status",)),
    Column("host", "Host", ("host_name",)),
    Column("memory", "Memory", ("memory",), "number"),
    Column("vcpus", "vCPUs", ("vcpus",), "number"),
    Column("luns", "Direct LUNs", ("lun_count",), "number"),
    Column("ha", "High availability", ("high_availability",)),
    Column("cluster", "Cluster", ("cluster__name",)),
)
CSV = (
    ("vm", lambda row: row.name),
    ("status", lambda row: row.status),
    ("host", lambda row: row.host_name),
    ("memory_bytes", lambda row: row.memory),
    ("vcpus", lambda row: row.vcpus),
    ("direct_luns", lambda row: row.lun_count),
    ("high_availability", lambda row: row.high_availability),
)
STATUSES = ["up", "down", "paused", "migrating", "powering_up", "powering_down", "not_responding", "unknown"]
HOSTS = 12  # of those that may run a VM, by name
SHAPES = {"up": "ok", "down": "waiting", "paused": "fail", "not_responding": "unknown", "unknown": "unknown"}


def shape_of(status: str) -> str:
    """The shape of the engine's word for a VM; anything in between is running."""
    return SHAPES.get(status, "running" if status else "unknown")


@needs("estate.view")
def vms(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """All VMs of all engines."""
    listing: Listing[Any] = Listing(request, matching(request.GET), COLUMNS, "name")
    if listing.wants_csv:
        return listing.csv("vms", CSV)
    context = {
        "section": "hosts",
        "listing": listing,
        "rows": [(row, shape_of(row.status)) for row in listing.rows],
        "asked": {name: request.GET.get(name, "") for name in ("q", "status", "host")},
        "statuses": [(status, status) for status in STATUSES],
        "tab": "vms",
        "path": path(("Hosts", "hosts"), "VMs"),
    }
    return render(request, "inventory/vms.html", context)


def _state(row: Vm, told: Tuning | None) -> str:
    """oVirt's word for the VM; what a declared Oracle VM lacks weighs more than that it runs."""
    shape = "unknown" if row.gone_since else shape_of(row.status)
    return told.state.value if told is not None and told.oracle is not None and shape == "ok" else shape


def _lead(told: Tuning | None) -> str:
    """The sentence of what weighs most."""
    if told is None or told.oracle is None or told.state is Outcome.OK:
        return "As the engine describes it."
    if told.why:
        return told.why
    first = next((one for one in told.rows if one.outcome is told.state and one.severity != "info"), None)
    return first.sentence if first else " ".join(told.drifted[:1])


@needs("estate.view")
def vm(request: HttpRequest, pk: int) -> HttpResponse:
    """One VM as the engine describes it, and its Direct LUNs."""
    try:
        row = vm_page(pk)
    except Vm.DoesNotExist:
        raise Http404("There is no such VM.") from None
    where = f" on {row.host.name}" if row.host else ""
    now = timezone.now()
    engine = told_of(row)
    attached = list(engine.attached.get(row.pk, ()))
    told = tuning_of(row, attached, now, engine)
    hosts = engine.may_run(row)
    context = {
        "section": "hosts",
        "vm": row,
        "attached": attached,
        "tuning": told,
        "lease": engine.domains.get(row.lease_domain, ("",))[0],
        "may_run": hosts[:HOSTS],
        "may_run_more": max(0, len(hosts) - HOSTS),
        "may_approve": may(request.user, "paths.declare"),
        "may_manage": may(request.user, "estate.manage"),
        "may_look": may(request.user, "look.now"),
        "state": _state(row, told),
        "lead": _lead(told),
        "headline": f"{row.name}: {row.status or 'status not known'}{where}",
        "path": path(("Hosts", "hosts"), ("VMs", "vms"), row.name),
    }
    return render(request, "inventory/vm.html", context)
