"""Hosts and VMs for their pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, JSONObject

from inventory.models import Attachment, DeclaredPath, DeclaredPort, Host, Look, Vm
from inventory.services.looks import every
from inventory.services.pages_findings import worst_for
from inventory.services.pages_history import COLUMNS, Stretch, check_of, known_from, moves, stretches, transitions
from inventory.services.pages_now import Now, findings, read, worst_first
from portal.kernel.freshness import is_stale

LATEST = 12
MOVES = 400  # transitions read for a host's strip


def hosts(asked: Mapping[str, str], now: datetime) -> QuerySet[Any]:
    """asked: q, status (the engine's word), state (outcome, or "bad"), gone ("1" lists those too)."""
    rows = (
        Host.objects.select_related("cluster", "engine")
        .defer("nics", "hugepages", "engine__ca_pem")
        .annotate(
            **worst_for(now, look__host=OuterRef("pk")),
            vm_count=_count(Vm.objects.filter(host=OuterRef("pk"), gone_since__isnull=True), "host"),
        )
    )
    if asked.get("gone") != "1":
        rows = rows.filter(gone_since__isnull=True)
    if asked.get("q"):
        rows = rows.filter(Q(name__icontains=asked["q"]) | Q(address__icontains=asked["q"]))
    if asked.get("status"):
        rows = rows.filter(status=asked["status"])
    return by_state(rows, asked.get("state", ""))


def _count(rows: QuerySet[Any], of: str) -> Coalesce:
    """How many rows there are of each outer row. Not a join: the number of all outer rows is counted without it."""
    return Coalesce(Subquery(rows.order_by().values(of).annotate(n=Count("pk")).values("n")), 0)


def by_state(rows: QuerySet[Any], state: str) -> QuerySet[Any]:
    """Filters rows that carry `rank`; no finding at all counts as unknown."""
    ranks = {"fail": 3, "warn": 1, "ok": 0}
    if state == "bad":
        return rows.filter(Q(rank__gt=0) | Q(rank__isnull=True))
    if state == "unknown":
        return rows.filter(Q(rank=2) | Q(rank__isnull=True))
    return rows.filter(rank=ranks[state]) if state in ranks else rows


@dataclass(frozen=True)
class HostPage:
    """Everything a host's page shows. vms: name, pk, status, memory, is_engine."""

    host: Host
    vms: list[dict[str, Any]]
    looks: list[Look]
    findings: list[Now]
    changes: list[Any]
    strip: list[Stretch]
    paths_seen: int | None  # None: not known now
    paths_declared: int
    speeds: dict[str, float]  # declared: WWPN of an FC port -> Gbit/s


def host_page(pk: int, now: datetime) -> HostPage:
    """Raises Host.DoesNotExist. Four queries."""
    speeds = DeclaredPort.objects.filter(host=OuterRef("pk")).order_by("wwpn")
    running = Vm.objects.filter(host=OuterRef("pk"), gone_since__isnull=True).order_by("name")
    host = (
        Host.objects.select_related("cluster", "engine", "engine__site", "site")
        .annotate(
            running=ArraySubquery(
                running.values(
                    seen=JSONObject(pk="pk", name="name", status="status", memory="memory", is_engine="is_engine")
                )
            ),
            declared=_count(DeclaredPath.objects.filter(host=OuterRef("pk")), "host"),
            speeds=ArraySubquery(speeds.values(seen=JSONObject(wwpn="wwpn", gbit="gbit"))),
        )
        .get(pk=pk)
    )
    looks = list(Look.objects.filter(host=host).defer("sections").order_by("probe"))
    found = worst_first(read(findings().filter(look__host=host).order_by("subject_kind", "check_name"), now))
    recent = list(transitions().filter(host=host).values_list(*COLUMNS, named=True)[:MOVES])
    drawn = strip(now, found, recent)
    wanted = {one["wwpn"]: float(one["gbit"]) for one in host.speeds}
    return HostPage(
        host, host.running, looks, found, recent[:LATEST], drawn, _paths_seen(looks, now), host.declared, wanted
    )


def _paths_seen(looks: list[Look], now: datetime) -> int | None:
    """Paths in the latest multipath look, while it speaks for the present."""
    look = next((one for one in looks if one.probe == "multipath"), None)
    if look is None or look.at is None or look.state != Look.State.READ or not isinstance(look.facts, dict):
        return None
    if look.facts.get("source") != "json" or is_stale((now - look.at).total_seconds(), every(look.probe)):
        return None
    return sum(len(one["paths"]) for one in look.facts["maps"])


def strip(now: datetime, found: list[Now], recent: list[Any]) -> list[Stretch]:
    """One host's last 24 hours from its standing findings and its latest transitions, newest first."""
    standing = [(0, check_of(one), one.outcome) for one in found]
    drawn = stretches(now, standing, moves(recent, found, lambda kind, host: 0, now)).get(0, [])
    return known_from(drawn, recent[-1].at) if len(recent) == MOVES else drawn


def vms(asked: Mapping[str, str]) -> QuerySet[Any]:
    """asked: q, status, host, gone."""
    rows = Vm.objects.select_related("host", "cluster").annotate(
        lun_count=_count(Attachment.objects.filter(vm=OuterRef("pk")), "vm"), host_name=F("host__name")
    )
    if asked.get("gone") != "1":
        rows = rows.filter(gone_since__isnull=True)
    if asked.get("q"):
        rows = rows.filter(Q(name__icontains=asked["q"]) | Q(fqdn__icontains=asked["q"]))
    if asked.get("status"):
        rows = rows.filter(status=asked["status"])
    if asked.get("host"):
        rows = rows.filter(host__name=asked["host"])
    return rows


def vm_page(pk: int) -> Vm:
    """A VM with what its page shows. Raises Vm.DoesNotExist. One query."""
    return Vm.objects.select_related("host", "cluster", "engine").defer("engine__ca_pem").get(pk=pk)
