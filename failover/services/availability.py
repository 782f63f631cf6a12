"""How available a service was. What it was when comes from the spans that the prober wrote; nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from failover.availability.corrected import Entry, Kind
from failover.availability.measured import Availability, History, Outage, measure
from failover.availability.periods import Period, period
from failover.availability.watched import Rhythm, Rule, Span, State
from failover.models import Correction, Objective, ObjectiveVersion, ServiceSpan
from failover.services.asker import hole
from failover.services.permits import permits
from inventory.services.record import BUCKET

__all__ = [
    "Availability",
    "History",
    "Outage",
    "counting",
    "histories",
    "in_force",
    "objectives",
    "over",
    "over_all",
    "present",
]

HEALTH, API, SERVICE, READS = "health", "api", "service", "reads"
PARTS = {
    Objective.Kind.ENGINE: (HEALTH, API),
    Objective.Kind.SERVICE: (SERVICE,),
    Objective.Kind.LUN: (READS,),
}
LATE = 15.0  # seconds that an answer may take from the prober to the table
TOUCHING = 1.0  # seconds: buckets touch, and one that is missing between two is missing
READS_LAG = 3.0 * BUCKET  # seconds: a bucket is whole after one, and a window of few reads closes late
APART = timedelta(hours=26)  # the calendars of two zones at most: UTC-12 and UTC+14
EDGE = timedelta(minutes=20)  # spans beside a stretch of time that are read, so that its edges are known


def objectives(*, retired: bool = False) -> QuerySet[Objective]:
    """Services with an objective, with their versions, by engine and title. retired: those that are asked no more,
    too."""
    rows = Objective.objects.select_related("engine").prefetch_related("versions").order_by("engine__name", "title")
    rows = rows.defer("engine__password", "engine__ssh_private_key", "engine__ca_pem")
    return rows if retired else rows.filter(retired_at=None)


def in_force(of: Objective, at: datetime) -> ObjectiveVersion:
    """What was promised at a moment; before the first version, that one. An objective always has one."""
    versions = sorted(of.versions.all(), key=lambda each: each.number)
    return next((each for each in reversed(versions) if each.at <= at), versions[0])


def current(of: Objective) -> ObjectiveVersion:
    """The newest version, which may count only from the next period on."""
    return max(of.versions.all(), key=lambda each: each.number)


def present(of: Objective, now: datetime) -> tuple[Period, ObjectiveVersion]:
    """The period that is under way, and what counts in it."""
    return at_moment(of, now)


def at_moment(of: Objective, at: datetime) -> tuple[Period, ObjectiveVersion]:
    """The period that holds a moment, and what counts in it: the version that was in force when it began, so that an
    objective which is lowered makes no lost period a kept one."""
    version = in_force(of, at)
    for _ in range(3):  # another version may have another calendar, and so another beginning
        found = period(version.period, version.zone, at)
        counted = in_force(of, found.begins)
        if counted.pk == version.pk:
            break
        version = counted
    return period(version.period, version.zone, at), version


def rule_of(of: Objective) -> Rule:
    """How its spans are read: each time by the rhythm that was in force then. A rhythm counts from its version on, not
    from the next period, since it says how it is asked, not what is promised."""
    if of.kind == Objective.Kind.LUN:
        return Rule((READS,), (Rhythm(0.0, TOUCHING),), READS_LAG)
    versions = sorted(of.versions.all(), key=lambda each: each.number)
    rhythms = tuple(Rhythm(each.at.timestamp(), hole(each.every)) for each in versions)
    return Rule(PARTS[Objective.Kind(of.kind)], rhythms, LATE)


def histories(rows: Sequence[Objective], begins: datetime, ends: datetime) -> dict[int, History]:
    """Objective key -> everything that is known of it in a stretch of time. Five queries, whatever their number."""
    keys = [row.pk for row in rows]
    spans: dict[int, list[Span]] = {key: [] for key in keys}
    wanted = ServiceSpan.objects.filter(objective__in=keys, began__lt=ends + EDGE, last__gt=begins - EDGE)
    for key, part, state, began, last, why in wanted.values_list("objective", "part", "state", "began", "last", "why"):
        spans[key].append(Span(part, State(state), began.timestamp(), last.timestamp(), why))
    entries = _entries(keys, begins, ends)
    agreed = permits({row.engine_id for row in rows}, begins, ends)
    return {
        row.pk: History(
            row.title,
            rule_of(row),
            tuple(spans[row.pk]),
            tuple(agreed[row.engine_id]),
            tuple(entries.get(row.pk, ())),
        )
        for row in rows
    }


def _entries(keys: Iterable[int], begins: datetime, ends: datetime) -> dict[int, list[Entry]]:
    """Corrections that count: those that make downtime less when they are confirmed, the others at once."""
    rows = Correction.objects.filter(objective__in=list(keys), begins__lt=ends, ends__gt=begins)
    found: dict[int, list[Entry]] = {}
    for row in rows.select_related("decision").order_by("pk"):
        if counts(row):
            one = Entry(Kind(row.kind), row.begins.timestamp(), row.ends.timestamp(), row.cause)
            found.setdefault(row.objective_id, []).append(one)
    return found


def counts(row: Correction) -> bool:
    """Whether a correction is laid over what was seen."""
    decision = getattr(row, "decision", None)
    if decision is not None:
        return bool(decision.word == decision.Word.CONFIRMED)
    return row.kind not in Correction.LESS


def over(service: Objective, begins: datetime, ends: datetime, now: datetime | None = None) -> Availability:
    """Availability of one service from begins to ends (aware). The objective is the one that counted at the beginning
    (see counting). What lies after now is not counted: see `until`."""
    return over_all([service], begins, ends, now)[0]


def over_all(
    services: Sequence[Objective], begins: datetime, ends: datetime, now: datetime | None = None
) -> tuple[Availability, ...]:
    """The same for several, in their order, in as many queries as for one."""
    at = now or timezone.now()
    told = histories(services, begins, ends)
    return tuple(
        measure(told[row.pk], share(counting(row, begins, ends)), begins.timestamp(), ends.timestamp(), clock(row, at))
        for row in services
    )


def counting(of: Objective, begins: datetime, ends: datetime) -> ObjectiveVersion:
    """What counted at the beginning of a stretch of time. A month of one zone begins in the month before of another:
    so it is asked of a moment that is that much later, or of the middle of what is shorter."""
    return at_moment(of, begins + min((ends - begins) / 2, APART))[1]


def clock(of: Objective, now: datetime) -> float:
    """Until when a service is judged, Unix seconds: now, or when nothing was promised of it any more."""
    return min(now, of.retired_at or now).timestamp()


def share(version: ObjectiveVersion) -> float:
    """What was promised, of 1."""
    return float(version.percent) / 100
