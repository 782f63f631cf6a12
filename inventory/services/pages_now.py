"""What holds now: stored findings read with their age. One rule for every page: a look that is older than its
schedule allows gives unknown (portal.kernel.freshness)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject

from inventory.models import Finding, Look, Lun
from inventory.probes import PROBES
from inventory.services.looks import BESIDES, every, stale_words
from portal.alerts.services.counting import Counts, beside, counts_of
from portal.alerts.services.counting import counts as count_alerts
from portal.kernel.freshness import allowed_age, is_stale
from portal.kernel.outcome import GRAVE, Outcome, worst


@dataclass(frozen=True)
class Now:
    """One finding as of now. at: when its look ended."""

    outcome: Outcome
    sentence: str
    since: datetime
    at: datetime | None
    kind: str
    key: str
    check: str
    probe: str
    look: int
    host: str  # "" for a look at an engine
    host_pk: int | None
    name: str = ""  # a LUN's name, "" for other subjects
    stored: str = ""  # the outcome that its look gave, when that is too old to believe

    @property
    def subject(self) -> str:
        """For a person: the check's subject in words."""
        name = self.name or self.key
        return name if self.kind != "lun" or not self.host else f"{name} on {self.host}"


def stale(now: datetime) -> Q:
    """Findings whose look no longer speaks for the present."""
    old = Q(look__at__isnull=True)
    for period, probes in _by_period().items():
        old |= Q(look__probe__in=probes, look__at__lt=now - timedelta(seconds=allowed_age(period)))
    return old


def _by_period() -> dict[float, list[str]]:
    """Probes with one schedule share one condition: the query is made anew for every page."""
    found: dict[float, list[str]] = {}
    for probe in known_probes():
        found.setdefault(every(probe), []).append(probe)
    return found


def known_probes() -> list[str]:
    """The names of all probes, the visit itself included."""
    return [*BESIDES, *PROBES]


OWN = ("look_id", "check_name", "subject_kind", "subject_key", "outcome", "sentence", "since")
BESIDE = ("probe", "at", "host_pk", "host_name", "engine_name", "lun_name")


def findings() -> QuerySet[Any]:
    """Findings with what `one` needs beside them, without the looks' raw evidence."""
    lun = Lun.objects.filter(engine=OuterRef("look__engine"), uuid=OuterRef("subject_key"))
    return (
        Finding.objects.filter(look__probe__in=known_probes())
        .annotate(
            probe=F("look__probe"),
            at=F("look__at"),
            host_pk=F("look__host"),
            host_name=F("look__host__name"),
            engine_name=Coalesce("look__device__name", "look__vm__name", "look__engine__name"),
            lun_name=Subquery(lun.values("name")[:1]),
        )
        .only(*OWN)
    )


def read(rows: QuerySet[Any], now: datetime) -> list[Now]:
    """Stored findings as of now: rows of `findings`. Named tuples cost a fraction of model objects."""
    return [one(row, now) for row in rows.values_list(*OWN, *BESIDE, named=True)]


def one(row: Any, now: datetime) -> Now:
    """One row of `findings` as of now. Once its look is too old to believe, it is unknown since that moment."""
    period = every(row.probe)
    old = row.at is None or is_stale((now - row.at).total_seconds(), period)
    aged = old and row.at is not None and row.outcome != Outcome.UNKNOWN.value
    return Now(
        Outcome.UNKNOWN if old else Outcome(row.outcome),
        stale_words(row.host_name or row.engine_name, row.probe, row.at) if old else row.sentence,
        row.at + timedelta(seconds=allowed_age(period)) if aged else row.since,
        row.at,
        row.subject_kind,
        row.subject_key,
        row.check_name,
        row.probe,
        row.look_id,
        row.host_name or "",
        row.host_pk,
        row.lun_name or "",
        row.outcome if aged else "",
    )


@dataclass(frozen=True)
class Split:
    """Findings apart: what needs to be read, and what holds."""

    bad: list[Now]
    good: list[Now]


def split(rows: Iterable[Now]) -> Split:
    """The worst first in `bad`."""
    ordered = worst_first(rows)
    return Split(
        [one for one in ordered if one.outcome is not Outcome.OK], [one for one in ordered if one.outcome is Outcome.OK]
    )


def worst_first(rows: Iterable[Now]) -> list[Now]:
    """The worst first; what is equally grave stays in its order."""
    return sorted(rows, key=lambda one: GRAVE.index(one.outcome))


@dataclass(frozen=True)
class Tally:
    """How many findings of one kind of subject have which outcome now."""

    counts: dict[Outcome, int]

    @property
    def worst(self) -> Outcome:
        """Unknown when nothing was looked at."""
        return worst(outcome for outcome, number in self.counts.items() if number)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def __getitem__(self, outcome: Outcome) -> int:
        return self.counts.get(outcome, 0)


@dataclass(frozen=True)
class Looking:
    """newest: when any look last ended; recent: looks that ended in the last minute; due: when the next is due;
    maintenance: looks at hosts of which the engine says global maintenance."""

    newest: datetime | None = None
    recent: int = 0
    due: datetime | None = None
    maintenance: int = 0


def tallies(now: datetime) -> tuple[dict[str, Tally], Looking, Counts]:
    """Per kind of subject, how the looking itself goes, and what stands open; in one query whatever the size of the
    estate, in two more while there is no finding at all."""
    old = stale(now)
    rows = list(
        Finding.objects.filter(look__probe__in=known_probes())
        .values("subject_kind", "outcome")
        .annotate(
            fresh=Count("pk", filter=~old),
            old=Count("pk", filter=old),
            looking=Subquery(_looking(now)),
            **beside(now),
        )
        .order_by()
    )
    found: dict[str, Tally] = {}
    for row in rows:
        counts = dict(found.get(row["subject_kind"], Tally({})).counts)
        outcome = Outcome(row["outcome"])
        counts[outcome] = counts.get(outcome, 0) + row["fresh"]
        counts[Outcome.UNKNOWN] = counts.get(Outcome.UNKNOWN, 0) + row["old"]
        found[row["subject_kind"]] = Tally(counts)
    seen = rows[0]["looking"] if rows else next(iter(_looking(now)), None)
    return found, _read_looking(seen), counts_of(rows[0]) if rows else count_alerts(now)


def _looking(now: datetime) -> QuerySet[Any]:
    """One JSON value over all looks."""
    return (
        Look.objects.filter(engine__watched=True)
        .order_by()
        .annotate(all=Value(1))
        .values("all")
        .annotate(
            seen=JSONObject(
                newest=Max("at"),
                recent=Count("pk", filter=Q(at__gte=now - timedelta(seconds=60))),
                due=Min("due_at"),
                maintenance=Count("pk", filter=Q(host__he_global_maintenance=True, host__gone_since__isnull=True)),
            )
        )
        .values_list("seen", flat=True)
    )


def _read_looking(seen: dict[str, Any] | None) -> Looking:
    if seen is None:
        return Looking()
    times = {name: datetime.fromisoformat(seen[name]) if seen[name] else None for name in ("newest", "due")}
    return Looking(times["newest"], seen["recent"], times["due"], seen["maintenance"])
