"""What a host counts of its FC ports and paths, for its page and the API: speeds, errors of the last hour, paths that
fail, and how both moved over a day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Q

from inventory.models import Host, Look, Rollup
from inventory.probes.fc_ports import FcFacts
from inventory.probes.lun_devices import Failed, Flap, times
from inventory.services.looks import every
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

PORTS, DEVICES = "fc_ports", "lun_devices"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLOTTED = {  # a series of the chart -> the roll-ups that it adds up, and the one that says that somebody looked
    "CRC errors": ("invalid_crc_count:", "fc_counted"),
    "link failures": ("link_failure_count:", "fc_counted"),
    "sync losses": ("loss_of_sync_count:", "fc_counted"),
    "path failures": ("path_failures", "path_failures"),
}
MOST = 200  # rows of failing paths that a page shows

Points = list[tuple[datetime, float]]


@dataclass(frozen=True)
class PortRow:
    """One FC port. Speeds in Gbit/s, None where there is none. errors: counter -> growth in the last hour, None where
    the driver does not count."""

    wwpn: str
    host: str
    card: str
    state: str
    gbit: float | None
    declared: float | None
    best: float | None
    errors: Mapping[str, int | None]

    @property
    def slow(self) -> bool:
        """It runs below what is declared, else below the best that was seen."""
        wanted = self.declared if self.declared is not None else self.best
        return self.gbit is not None and wanted is not None and self.gbit < wanted

    @property
    def total(self) -> int | None:
        """All errors of the last hour; None where nothing is counted."""
        counted = [one for one in self.errors.values() if one is not None]
        return sum(counted) if counted else None


@dataclass(frozen=True)
class FailingPath:
    """A path that failed in the last hour, as the kernel counts. since: it flaps since then; None: it does not."""

    host: str
    host_pk: int
    wwid: str
    dev: str
    count: int
    last: datetime
    since: datetime | None


@dataclass(frozen=True)
class Ports:
    """A host's FC ports; why: what keeps them from being known now, "" when they are."""

    rows: tuple[PortRow, ...]
    why: str


def ports(host: Host, looks: Iterable[Look], declared: Mapping[str, float], now: datetime) -> Ports:
    """looks: the host's, with facts. declared: WWPN -> Gbit/s."""
    look = next((one for one in looks if one.probe == PORTS), None)
    facts, why = _facts(look, now)
    if facts is None:
        return Ports((), why)
    best = {one.wwpn: one.gbit for one in facts.best}
    grown: dict[tuple[str, str], int] = {}
    for one in facts.growths:
        grown[one.wwpn, one.counter] = grown.get((one.wwpn, one.counter), 0) + one.by
    rows = tuple(
        PortRow(
            port.wwpn,
            port.host,
            port.card,
            port.state,
            port.gbit,
            declared.get(port.wwpn),
            best.get(port.wwpn),
            {one.name: None if one.value is None else grown.get((port.wwpn, one.name), 0) for one in port.counters},
        )
        for port in facts.ports
    )
    return Ports(rows, "" if rows else f"{host.name} shows no FC port.")


def _facts(look: Look | None, now: datetime) -> tuple[FcFacts | None, str]:
    if look is None or look.at is None:
        return None, "The FC ports were not looked at yet."
    if is_stale((now - look.at).total_seconds(), every(PORTS)):
        return None, "The last look at the FC ports is too old."
    if look.state != Look.State.READ:
        return None, look.sentence
    try:
        found: FcFacts = facts_json.load(FcFacts, look.facts)
    except (KeyError, TypeError):
        return None, "The FC ports were read by another release of Holdfast: the next look mends that."
    return found, ""


def failing(host: Host, looks: Iterable[Look], now: datetime) -> list[FailingPath]:
    """Paths of a host that failed in the last hour, those that flap first. looks: the host's, with facts."""
    facts = next((one.facts for one in looks if one.probe == DEVICES), None)
    return ranked(failed_of(host.name, host.pk, facts, now)) if isinstance(facts, dict) else []


def failing_lun(wwid: str, now: datetime) -> list[FailingPath]:
    """Paths of a LUN, on every host, that failed in the last hour, those that flap first. One query."""
    rows = Look.objects.filter(probe=DEVICES, host__gone_since__isnull=True, facts__failed__contains=[{"wwid": wwid}])
    told = rows.annotate(failed=F("facts__failed"), flaps=F("facts__flaps"))
    found: list[FailingPath] = []
    for name, pk, failed, flaps in told.values_list("host__name", "host_id", "failed", "flaps"):
        found += failed_of(name or "", pk or 0, {"failed": failed, "flaps": flaps or []}, now)
    return ranked(one for one in found if one.wwid == wwid)


def ranked(paths: Iterable[FailingPath]) -> list[FailingPath]:
    """Those that flap first, then most failures."""
    return sorted(paths, key=lambda one: (one.since is None, -one.count, one.host, one.dev))[:MOST]


def failed_of(name: str, pk: int, facts: Mapping[str, Any], now: datetime) -> list[FailingPath]:
    """name and pk: the host's. facts: of its look at the devices, or what is needed of them: failed and flaps."""
    try:
        told = facts_json.load(tuple[Failed, ...], facts["failed"])
        since = {(one.wwid, one.dev): one.since for one in facts_json.load(tuple[Flap, ...], facts["flaps"])}
    except (KeyError, TypeError):
        return []
    recent = [one for one in told if now.timestamp() - one.at <= HOUR.total_seconds()]
    last = {(one.wwid, one.dev): one.at for one in recent}
    return [
        FailingPath(name, pk, wwid, dev, count, _at(last[wwid, dev]), _at(since[wwid, dev]) if path in since else None)
        for path, count in times(recent).items()
        for wwid, dev in (path,)
    ]


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def curves(looks: Iterable[Look], now: datetime) -> dict[str, Points]:
    """What was counted within the hour before, every five minutes of the last day, by the names of PLOTTED. A time at
    which nobody counted has no point. One query."""
    keys = [one.pk for one in looks if one.probe in (PORTS, DEVICES)]
    wanted = Q(series__in={known for _, known in PLOTTED.values()})
    for prefix, _ in PLOTTED.values():
        wanted |= Q(series__startswith=prefix)
    rows = Rollup.objects.filter(wanted, look__in=keys, bucket__gte=now - DAY - HOUR)
    counted = list(rows.order_by("bucket").values_list("series", "bucket", "total"))
    found = {}
    for name, (prefix, known) in PLOTTED.items():
        grown: dict[datetime, float] = {}
        for series, bucket, total in counted:
            if series.startswith(prefix):
                grown[bucket] = grown.get(bucket, 0.0) + total
        found[name] = hourly(sorted({bucket for series, bucket, _ in counted if series == known}), grown, now - DAY)
    return found


def hourly(known: Sequence[datetime], grown: Mapping[datetime, float], since: datetime) -> Points:
    """The sum of the hour that ends with each bucket, for the buckets that are known, from `since` on."""
    at = sorted(grown)
    sums = [0.0]
    for bucket in at:
        sums.append(sums[-1] + grown[bucket])
    return [
        (bucket, sums[bisect_right(at, bucket)] - sums[bisect_right(at, bucket - HOUR)])
        for bucket in known
        if bucket >= since
    ]
