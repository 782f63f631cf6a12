"""Which archives may go: a report in Barman's words that deletes nothing (facts/engine-backup.md 6).

Only DONE counts, and among those only what is proven restorable: a rule that counts files deletes good ones while
failed runs pile up. Whatever the policy says, the newest proven archives stay, up to the minimum redundancy, and at
least one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Word(StrEnum):
    """Barman's classes. NONE: no backup at all (failed, running, empty); retention does not speak about it."""

    VALID = "VALID"
    OBSOLETE = "OBSOLETE"
    KEEP = "KEEP"
    NONE = "NONE"


@dataclass(frozen=True)
class Entry:
    """One catalog entry. taken: aware. done: the run ended as DONE. proven: its ladder and rehearsal held. keep: the
    reason of a hold ("audit 2026"), "" for none."""

    key: str
    taken: datetime
    done: bool = True
    proven: bool = True
    keep: str = ""


@dataclass(frozen=True)
class Redundancy:
    """REDUNDANCY n: the n newest proven archives."""

    count: int

    def __str__(self) -> str:
        return f"REDUNDANCY {self.count}"


@dataclass(frozen=True)
class RecoveryWindow:
    """RECOVERY WINDOW OF n DAYS: all of the last n days, and the one that the window's first day would need."""

    days: int

    def __str__(self) -> str:
        return f"RECOVERY WINDOW OF {self.days} DAYS"


@dataclass(frozen=True)
class Generations:
    """Grandfather, father, son: the newest of each of the last n days, weeks, months and years that have one. Periods
    without a backup do not count, so a schedule that stopped never empties the store. zone: IANA name."""

    days: int = 7
    weeks: int = 4
    months: int = 12
    years: int = 0
    zone: str = "UTC"

    def __str__(self) -> str:
        return f"GENERATIONS {self.days} days, {self.weeks} weeks, {self.months} months, {self.years} years"


Policy = Redundancy | RecoveryWindow | Generations


@dataclass(frozen=True)
class Line:
    """One entry's class and why."""

    key: str
    word: Word
    why: str


def report(entries: Iterable[Entry], policy: Policy, now: datetime, minimum: int = 3) -> tuple[Line, ...]:
    """Every entry with its class, newest first. `minimum` is Barman's minimum_redundancy over proven archives; below 1
    it counts as 1. Raises ValueError for a policy that keeps nothing."""
    ordered = sorted(entries, key=lambda entry: (entry.taken.astimezone(UTC), entry.key), reverse=True)
    proven = [entry for entry in ordered if entry.done and entry.proven]
    reasons = _wanted(proven, policy, now)
    for place, entry in enumerate(proven[: max(minimum, 1)]):
        least = "it is the newest proven archive" if place == 0 else f"minimum redundancy is {minimum}"
        reasons.setdefault(entry.key, least)
    oldest = min((entry.taken.astimezone(UTC) for entry in proven if entry.key in reasons), default=None)
    return tuple(_line(entry, reasons, oldest, policy) for entry in ordered)


def obsolete(lines: Iterable[Line]) -> tuple[str, ...]:
    """The keys that a deletion may take, oldest last."""
    return tuple(line.key for line in lines if line.word is Word.OBSOLETE)


def _line(entry: Entry, reasons: dict[str, str], oldest: datetime | None, policy: Policy) -> Line:
    if not entry.done:
        return Line(entry.key, Word.NONE, "It did not end as DONE, so it is no backup.")
    if entry.keep:
        return Line(entry.key, Word.KEEP, f"It is held: {entry.keep}.")
    if why := reasons.get(entry.key):
        return Line(entry.key, Word.VALID, f"{policy}: {why}.")
    if entry.proven:
        return Line(entry.key, Word.OBSOLETE, f"{policy} does not need it.")
    if oldest is None:
        return Line(entry.key, Word.VALID, "Nothing is proven restorable yet, so nothing goes.")
    if entry.taken >= oldest:
        return Line(entry.key, Word.VALID, "It is not proven yet, and newer than the oldest archive that is kept.")
    return Line(entry.key, Word.OBSOLETE, "It was never proven, and older proven archives are not needed either.")


def _wanted(proven: Sequence[Entry], policy: Policy, now: datetime) -> dict[str, str]:
    """Key -> why, of the proven entries that the policy keeps."""
    if isinstance(policy, Redundancy):
        _at_least_one(policy.count)
        return {entry.key: f"number {place} of {policy.count}" for place, entry in enumerate(proven[: policy.count], 1)}
    if isinstance(policy, RecoveryWindow):
        _at_least_one(policy.days)
        return _window(proven, _back(now, policy.days))
    _at_least_one(policy.days + policy.weeks + policy.months + policy.years)
    return _generations(proven, policy)


def _at_least_one(count: int) -> None:
    if count < 1:
        raise ValueError("a retention policy must keep at least one archive")


def _back(now: datetime, days: int) -> datetime:
    """So many days before now; a window that reaches further back than the calendar begins with the calendar."""
    try:
        return now.astimezone(UTC) - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _window(proven: Sequence[Entry], begins: datetime) -> dict[str, str]:
    inside = {entry.key: "inside of the window" for entry in proven if entry.taken >= begins}
    before = next((entry for entry in proven if entry.taken < begins), None)
    return inside | ({before.key: "the window begins with it"} if before else {})


def _generations(proven: Sequence[Entry], policy: Generations) -> dict[str, str]:
    zone = ZoneInfo(policy.zone)
    periods: tuple[tuple[str, int, Callable[[datetime], object]], ...] = (
        ("day", policy.days, lambda at: at.date()),
        ("week", policy.weeks, lambda at: at.isocalendar()[:2]),
        ("month", policy.months, lambda at: (at.year, at.month)),
        ("year", policy.years, lambda at: at.year),
    )
    reasons: dict[str, str] = {}
    for name, count, period in periods:
        newest: dict[object, Entry] = {}
        for entry in proven:
            newest.setdefault(period(entry.taken.astimezone(zone)), entry)
        for entry in list(newest.values())[:count]:
            reasons.setdefault(entry.key, f"the newest of its {name}")
    return reasons
