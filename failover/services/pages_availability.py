"""What the pages of availability show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from failover.availability.budget import Verdict, burning, percent, projected, promise, verdict
from failover.availability.drawn import Bar, Day, Stretch, bar, calendar, stretches
from failover.availability.measured import Availability, History, Outage, measure, state_sets
from failover.availability.periods import Period, after, before, days, period
from failover.models import Correction, Objective, ObjectiveVersion
from failover.services.availability import at_moment, clock, counts, histories, share
from failover.services.corrections import waits
from portal.kernel.outcome import GRAVE

FIRST, LAST = 2000, 2200  # years that can be asked for
MOST = 200  # outages that a page lists; the exports have all


@dataclass(frozen=True)
class Row:
    """One service in one of its periods. ahead: seconds that will be lost when it goes on so; None: not known. waiting:
    corrections that wait for a second person."""

    objective: Objective
    version: ObjectiveVersion
    period: Period
    told: Availability
    verdict: Verdict
    ahead: float | None
    bar: Bar
    waiting: int

    @property
    def last(self) -> Outage | None:
        """The newest outage of the period, unplanned before planned."""
        found = [one for one in self.told.outages if not one.planned] or list(self.told.outages)
        return found[-1] if found else None

    @property
    def promise(self) -> str:
        """The objective."""
        return promise(self.told.objective)

    @property
    def over_s(self) -> float:
        """Seconds by which more was spent than there was; below 0 while something is left."""
        return -self.told.left_s

    @property
    def percent(self) -> str:
        """Availability of the time that was watched."""
        return percent(self.told.ratio)

    @property
    def unseen(self) -> str:
        """How much of the time nobody saw."""
        return percent(self.told.not_seen_s / self.told.elapsed_s if self.told.elapsed_s else None)


def listed(rows: Sequence[Objective], now: datetime, at: datetime | None = None) -> list[Row]:
    """Services in their periods that hold a moment (now when left out), the worst first."""
    found = [one for one, _ in _rows(rows, now, at or now)]
    return sorted(found, key=lambda one: (GRAVE.index(one.verdict.outcome), one.objective.title))


def _rows(rows: Sequence[Objective], now: datetime, at: datetime) -> list[tuple[Row, History]]:
    if not rows:
        return []
    periods = {row.pk: at_moment(row, at) for row in rows}
    begins = min(one.begins for one, _ in periods.values())
    known = histories(rows, begins, max(one.ends for one, _ in periods.values()))
    waiting = waiting_of(rows)
    return [(row_of(row, *periods[row.pk], known[row.pk], now, waiting.get(row.pk, 0)), known[row.pk]) for row in rows]


def row_of(row: Objective, during: Period, version: ObjectiveVersion, of: History, now: datetime, waiting: int) -> Row:
    """A service in one period. of: what is known of it then."""
    told = measure(of, share(version), during.begins.timestamp(), during.ends.timestamp(), clock(row, now))
    ahead = projected(told) if told.until < told.ends else None
    drawn = bar(told.budget_s, told.spent_s, ahead)
    return Row(row, version, during, told, verdict(told, during.name), ahead, drawn, waiting)


def waiting_of(rows: Sequence[Objective]) -> dict[int, int]:
    """Objective key -> corrections that wait for a second person."""
    found: dict[int, int] = {}
    entries = Correction.objects.filter(objective__in=[row.pk for row in rows], kind__in=Correction.LESS, decision=None)
    for key in entries.values_list("objective", flat=True):
        found[key] = found.get(key, 0) + 1
    return found


def moment(text: str, now: datetime, zone: str) -> datetime:
    """The middle of the day that a query names (2026-11-26), or now. Raises ValueError for what is no day, or one that
    the calendar of a year cannot hold."""
    if not text:
        return now
    day = date.fromisoformat(text)
    if not FIRST <= day.year <= LAST:
        raise ValueError(text)
    return datetime.combine(day, time(12), tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True)
class Entry:
    """A correction as the ledger shows it. counts: it is laid over what was seen; waits: for a second person."""

    row: Correction
    counts: bool
    waits: bool
    word: str


@dataclass(frozen=True)
class Month:
    """One month of the calendar strip."""

    name: str
    days: tuple[Day, ...]
    lost: float
    unseen: float


@dataclass(frozen=True)
class Page:
    """One service. seen: the same period without any correction; burns: how fast the budget burns now, None in a past
    period."""

    row: Row
    seen: Availability
    burns: Verdict | None
    stretches: list[Stretch]
    months: tuple[Month, ...]
    entries: tuple[Entry, ...]
    versions: tuple[ObjectiveVersion, ...]
    year: str
    previous: date
    following: date | None

    @property
    def corrected(self) -> bool:
        """Whether what counts differs from what was seen."""
        return self.seen.outages != self.row.told.outages


def shown(of: Objective, now: datetime, at: datetime) -> Page:
    """One service in its period that holds a moment, with the days of that year."""
    ((row, known),) = _rows([of], now, at)
    during, told = row.period, row.told
    bare = replace(known, entries=())
    seen = measure(bare, told.objective, during.begins.timestamp(), during.ends.timestamp(), clock(of, now))
    current = during.begins <= now < during.ends
    sets = state_sets(known, during.begins.timestamp(), told.until.timestamp())
    following = after(during)
    return Page(
        row=row,
        seen=seen,
        burns=burning(known, told.objective, now.timestamp()) if current and of.retired_at is None else None,
        stretches=stretches(*sets, during.begins, told.until),
        months=_months(of, row.version, now, at),
        entries=entries(of, during.begins, during.ends),
        versions=tuple(sorted(of.versions.all(), key=lambda one: -one.number)),
        year=period("year", row.version.zone, at).name,
        previous=before(during).first,
        following=following.first if following.begins <= now else None,
    )


def _months(of: Objective, version: ObjectiveVersion, now: datetime, at: datetime) -> tuple[Month, ...]:
    year = period("year", version.zone, at)
    known = histories([of], year.begins, year.ends)[of.pk]
    whole = measure(known, share(version), year.begins.timestamp(), year.ends.timestamp(), clock(of, now))
    sets = state_sets(known, year.begins.timestamp(), whole.until.timestamp())
    marks = calendar(*sets, days(year.begins, year.ends, version.zone), of.since, whole.until)
    found: dict[int, list[Day]] = {}
    for one in marks:
        found.setdefault(one.day.month, []).append(one)
    return tuple(
        Month(
            f"{rows[0].day:%b}",
            tuple(rows),
            sum(one.unplanned for one in rows),
            sum(one.unknown + one.unwatched for one in rows),
        )
        for rows in found.values()
    )


def entries(of: Objective, begins: datetime, ends: datetime) -> tuple[Entry, ...]:
    """The corrections that touch a stretch of time, the newest first."""
    rows = Correction.objects.filter(objective=of, begins__lt=ends, ends__gt=begins).select_related("decision")
    return tuple(Entry(row, counts(row), waits(row), _word(row)) for row in rows.order_by("-pk"))


def _word(row: Correction) -> str:
    if waits(row):
        return "waits for a second person"
    decision = getattr(row, "decision", None)
    return f"{decision.word} by {decision.by}" if decision else "counts"


def entry_of(row: Correction) -> Entry:
    """One correction."""
    return Entry(row, counts(row), waits(row), _word(row))
