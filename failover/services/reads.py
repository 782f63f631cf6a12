"""Spans of LUNs of whose read latency something is promised, made of the roll-ups that their hosts' looks left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from failover.availability.reads import PART, Bucket, spans
from failover.availability.watched import Span, State
from failover.models import Objective, ServiceSpan
from failover.services.availability import at_moment
from inventory.models import Rollup
from inventory.services.record import BUCKET

PROBE, READS, MS = "lun_latency", "reads:", "read_ms:"  # inventory/probes/lun_latency.py, numbers
BOOT = "rollups"  # they are on no boot's clock
WHOLE = timedelta(seconds=BUCKET + 90)  # after which a bucket gets nothing more


def follow(of: Objective, now: datetime) -> int:
    """Writes what has become whole since the last call, each bucket judged by what was promised at its time; returns
    how many rows were written."""
    newest = ServiceSpan.objects.filter(objective=of).order_by("-began").first()
    since = newest.last if newest else of.since - timedelta(seconds=BUCKET)
    begun = None
    if newest is not None:
        begun = Span(PART, State(newest.state), newest.began.timestamp(), newest.last.timestamp(), newest.why)
    found = spans(buckets(of.key, since, now - WHOLE), partial(_most, of), BUCKET, begun)
    rows = [_row(of, one) for one in found if one is not begun]
    ServiceSpan.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["objective", "part", "boot", "began_mono"],
        update_fields=["why", "last_mono", "last", "questions"],
    )
    return len(rows)


def _most(of: Objective, at: float) -> float:
    """Milliseconds per read that were promised at a moment, Unix seconds."""
    return at_moment(of, datetime.fromtimestamp(at, UTC))[1].most_ms


def buckets(wwid: str, since: datetime, until: datetime) -> dict[str, list[Bucket]]:
    """Host -> buckets of a LUN that begin in a stretch of time. A bucket's sums are exact, so its mean is that of its
    reads; one without both sums is none. One query."""
    rows = Rollup.objects.filter(
        look__probe=PROBE, series__in=(f"{READS}{wwid}", f"{MS}{wwid}"), bucket__gte=since, bucket__lte=until
    )
    sums: dict[tuple[str, datetime], dict[str, float]] = {}
    for host, bucket, series, total in rows.values_list("look__host__name", "bucket", "series", "total"):
        sums.setdefault((host or "", bucket), {})[series[: -len(wwid)]] = total
    found: dict[str, list[Bucket]] = {}
    for (host, bucket), one in sums.items():
        if one.get(READS) and MS in one:
            found.setdefault(host, []).append(Bucket(bucket.timestamp(), one[MS] / one[READS]))
    return found


def _row(of: Objective, one: Span) -> ServiceSpan:
    return ServiceSpan(
        objective=of,
        part=one.part,
        state=ServiceSpan.State(one.state.value),
        why=one.why,
        boot=BOOT,
        began_mono=one.begins,
        last_mono=one.ends,
        began=datetime.fromtimestamp(one.begins, UTC),
        last=datetime.fromtimestamp(one.ends, UTC),
        questions=round((one.ends - one.begins) / BUCKET),
        widest=float(BUCKET),
    )
