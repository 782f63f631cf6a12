"""Read latency of a LUN from the roll-ups that its hosts' looks left: samples, and the verdict on the objective."""

from __future__ import annotations

from datetime import datetime, timedelta

from inventory.models import Rollup
from inventory.services.record import BUCKET
from inventory.verdicts.latency import Objective, Sample, Slo, verdict

PROBE = "lun_latency"
WINDOWS = (3600.0, 86_400.0, 7 * 86_400.0, 30 * 86_400.0)  # seconds


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


def verdicts(
    wwid: str, now: datetime, window: float = WINDOWS[0], objective: Objective | None = None
) -> list[tuple[str, Slo]]:
    """(host, verdict) for every host that has samples in the window, by name. now is the end of the window."""
    told = samples(wwid, now - timedelta(seconds=window + BUCKET))
    end = now.timestamp() + BUCKET  # the bucket that is under way counts
    return [(host, verdict(f"LUN {wwid} on {host}", told[host], end, window, objective)) for host in sorted(told)]
