"""Read latency of a LUN from the roll-ups that its hosts' looks left: the objective over windows, its history, the
means of a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from inventory.services.record import BUCKET
from inventory.verdicts.latency import Counted, Objective, Slo, conclude

HOUR, DAY, WEEK, MONTH = 3600.0, 86_400.0, 7 * 86_400.0, 30 * 86_400.0  # seconds
WINDOWS = (HOUR, DAY, WEEK, MONTH)
NOTHING = Counted(0, 0, 0, ())


@dataclass(frozen=True)
class Day:
    """One day of the history. state: of the objective then; reads: what was counted; words: the same in one line."""

    begin: datetime
    end: datetime
    state: str
    reads: int
    words: str


@dataclass(frozen=True)
class HostLatency:
    """A LUN's reads on one host: a verdict per window, shortest first; the mean of every five minutes of a day; how the
    objective was kept on each of the last thirty days that has reads, oldest first."""

    host: str
    slos: tuple[Slo, ...]
    points: tuple[tuple[datetime, float], ...]
    days: tuple[Day, ...]


# Percentiles of a month are worked out where its rows are: 8640 buckets for each host that sees the LUN. A bucket's
# sums are exact, so its mean is that of its reads; one without both sums is no sample. The one under way counts.
_ALL = """with sample as (
    select h.name host, r.bucket, sum(r.total) filter (where r.series = %(reads)s) reads,
           sum(r.total) filter (where r.series = %(ms)s) ms
    from inventory_rollup r join inventory_look l on l.id = r.look_id join inventory_host h on h.id = l.host_id
    where l.probe = 'lun_latency' and r.series in (%(reads)s, %(ms)s)
      and r.bucket > %(now)s - make_interval(secs => %(longest)s) and r.bucket <= %(now)s
    group by h.name, r.bucket
    having count(distinct r.series) = 2 and sum(r.total) filter (where r.series = %(reads)s) > 0
), ranked as (
    select host, w.seconds, reads, ms / reads mean,
           sum(reads) over (partition by host, w.seconds order by ms / reads) passed,
           sum(reads) over (partition by host, w.seconds) whole
    from sample join unnest(%(windows)s::float8[]) w(seconds) on bucket > %(now)s - make_interval(secs => w.seconds)
)
select 'window' kind, host, seconds, null::timestamptz as begun, sum(reads), count(*),
       coalesce(sum(reads) filter (where mean <= %(most)s), 0), min(mean) filter (where passed >= 0.50 * whole),
       min(mean) filter (where passed >= 0.95 * whole), min(mean) filter (where passed >= 0.99 * whole)
from ranked group by host, seconds
union all
select 'day', host, 0, date_trunc('day', bucket, %(zone)s) as begun, sum(reads), count(*),
       coalesce(sum(reads) filter (where ms / reads <= %(most)s), 0), 0, 0, 0
from sample group by host, begun
union all
select 'point', host, 0, bucket, reads, 1, 0, ms / reads, 0, 0
from sample where bucket > %(now)s - make_interval(secs => %(day)s)
order by host, begun"""


@dataclass
class _Told:
    """What the rows say of one host."""

    windows: dict[float, Counted] = field(default_factory=dict)
    points: list[tuple[datetime, float]] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)


def month(wwid: str, now: datetime, objective: Objective | None = None) -> list[HostLatency]:
    """Every host that counted reads of a LUN in the last thirty days, by name. now is the end of all windows. One
    query, whatever the number of hosts."""
    goal = objective or Objective()
    asked: dict[str, Any] = {
        "reads": f"reads:{wwid}",
        "ms": f"read_ms:{wwid}",
        "now": now,
        "windows": list(WINDOWS),
        "longest": MONTH,
        "day": DAY + BUCKET,
        "most": goal.most,
        "zone": timezone.get_current_timezone_name(),
    }
    told: dict[str, _Told] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ALL, asked)
        for kind, host, window, begun, reads, samples, kept, *means in cursor.fetchall():
            one = told.setdefault(host, _Told())
            if kind == "window":
                one.windows[window] = Counted(int(reads), samples, int(kept), tuple(means))
            elif kind == "day":
                one.days.append(_day(begun, int(reads), int(kept), goal))
            else:
                one.points.append((begun, means[0]))
    return [
        HostLatency(host, tuple(_slos(f"LUN {wwid} on {host}", one, goal)), tuple(one.points), tuple(one.days))
        for host, one in sorted(told.items())
    ]


def _slos(name: str, told: _Told, goal: Objective) -> Iterable[Slo]:
    return (conclude(name, told.windows.get(one, NOTHING), one, goal) for one in WINDOWS)


def _day(begin: datetime, reads: int, kept: int, goal: Objective) -> Day:
    shown = f"{timezone.localtime(begin):%d %b}"
    if reads < goal.least:
        state, words = "unknown", f"{shown}: no data, {reads} reads"
    else:
        state = "ok" if kept / reads >= goal.share else "warn"
        words = f"{shown}: {100 * kept / reads:.4g} % of {reads} reads within {goal.most:g} ms"
    return Day(begin, begin + timedelta(days=1), state, reads, words)
