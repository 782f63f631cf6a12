"""Spans of LUNs of whose read latency something is promised, made of the roll-ups that their hosts' looks left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failover.availability.reads import PART, Bucket, spans
from failover.availability.watched import Span, State
from failover.models import Objective, ServiceSpan
from failover.services.availability import at_moment
from inventory.services.latency import samples
from inventory.services.record import BUCKET

BOOT = "rollups"  # they are on no boot's clock
WHOLE = timedelta(seconds=BUCKET + 90)  # after which a bucket gets nothing more


def follow(of: Objective, now: datetime) -> int:
    """Writes what has become whole since the last call; returns how many rows were written."""
    newest = ServiceSpan.objects.filter(objective=of).order_by("-began").first()
    since = newest.last if newest else of.since
    told = samples(of.key, since - timedelta(seconds=BUCKET))
    until = (now - WHOLE).timestamp()
    hosts = {
        host: [Bucket(one.at - BUCKET, one.mean) for one in rows if one.reads and one.at - BUCKET <= until]
        for host, rows in told.items()
    }
    hosts = {host: [one for one in rows if one.begins >= of.since.timestamp() - BUCKET] for host, rows in hosts.items()}
    begun = Span(PART, State(newest.state), _epoch(newest.began), _epoch(newest.last), newest.why) if newest else None
    found = spans(hosts, at_moment(of, now)[1].most_ms, BUCKET, begun)
    changed = [one for one in found if one is not begun]
    rows = [_row(of, one) for one in changed]
    ServiceSpan.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["objective", "part", "boot", "began_mono"],
        update_fields=["why", "last_mono", "last", "questions"],
    )
    return len(rows)


def _epoch(at: datetime) -> float:
    return at.timestamp()


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
