"""Read latency of a LUN from the roll-ups that its hosts' looks left: samples, and the verdict on the objective."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from inventory.models import Rollup
from inventory.services.record import BUCKET
from inventory.verdicts.latency import Objective, Sample, Slo, verdict

PROBE = "lun_latency"
HOUR, DAY = 3600.0, 86_400.0  # seconds


def samples(wwid: str, since: datetime) -> dict[str, list[Sample]]:
    """Host -> samples of a LUN, oldest first, in one query. A bucket's sums are exact, so a sample of five minutes is
    the mean over its reads."""
    series = {f"reads:{wwid}": "reads", f"read_ms:{wwid}": "ms"}
    rows = (
        Rollup.objects.filter(look__probe=PROBE, series__in=series, bucket__gte=since)
        .order_by("bucket")
        .values_list("look__host__name", "bucket", "series", "total")
    )
    sums: dict[tuple[str, datetime], dict[str, float]] = {}
    for host, bucket, name, total in rows:
        sums.setdefault((host or "", bucket), {})[series[name]] = total
    found: dict[str, list[Sample]] = {}
    for (host, bucket), one in sums.items():
        if "reads" in one and "ms" in one:
            at = bucket.timestamp() + BUCKET
            found.setdefault(host, []).append(Sample(at, int(one["reads"]), one["ms"]))
    return found


@dataclass(frozen=True)
class HostLatency:
    """A LUN's reads on one host: a verdict per window, shortest first, and the mean of every five minutes of a day."""

    host: str
    slos: tuple[Slo, ...]
    points: tuple[tuple[datetime, float], ...]


def day(wwid: str, now: datetime, objective: Objective | None = None) -> list[HostLatency]:
    """Every host that counted reads of a LUN in the last day, by name. One query: a month of all hosts would be too
    many rows for a page, so longer windows are not told here."""
    told = samples(wwid, now - timedelta(seconds=DAY + BUCKET))
    end = now.timestamp() + BUCKET  # the bucket that is under way counts
    found = []
    for host in sorted(told):
        slos = tuple(verdict(f"LUN {wwid} on {host}", told[host], end, one, objective) for one in (HOUR, DAY))
        points = tuple((datetime.fromtimestamp(one.at - BUCKET, UTC), one.mean) for one in told[host] if one.reads)
        found.append(HostLatency(host, slos, points))
    return found


def verdicts(
    wwid: str, now: datetime, window: float = HOUR, objective: Objective | None = None
) -> list[tuple[str, Slo]]:
    """(host, verdict) for every host that has samples in the window, by name. now is the end of the window."""
    told = samples(wwid, now - timedelta(seconds=window + BUCKET))
    end = now.timestamp() + BUCKET  # the bucket that is under way counts
    return [(host, verdict(f"LUN {wwid} on {host}", told[host], end, window, objective)) for host in sorted(told)]
