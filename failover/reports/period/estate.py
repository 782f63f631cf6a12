"""What the content of a period report says of the estate: backups, compliance over time, availability, maintenance,
changes, waivers. Units as in content.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Backups:
    """The backups of one engine. proven: restored in a rehearsal of the period. gap: the greatest age in seconds, in
    the period, of the newest proven backup; None: at some time there was none. rpo: the least that a policy in force
    promised at the period's end; None: nothing. over: for how many seconds the newest proven backup was older than
    what was promised at that time. assumed: for how many seconds of the period what was promised is not kept, so that
    the first that is kept was taken. restore: median and longest seconds of a rehearsal."""

    engine: str
    done: int
    failed: int
    missed: int
    rehearsed: int
    proven: int
    not_proven: int
    newest_proven: datetime | None
    gap: int | None
    rpo: int | None
    over: int
    assumed: int
    restore: int | None
    restore_longest: int | None
    compared: int


@dataclass(frozen=True)
class BackupDay:
    """One part of the period: proven, done but not proven, failed or missed."""

    begins: datetime
    proven: int
    done: int
    failed: int


@dataclass(frozen=True)
class Trouble:
    """A backup that failed, was missed, or was not restorable. what: failed | missed | not restorable."""

    engine: str
    at: datetime
    what: str
    sentence: str


@dataclass(frozen=True)
class Shares:
    """Seconds in each state, from `begins` on."""

    begins: datetime
    ok: int
    warn: int
    fail: int
    unknown: int

    @property
    def whole(self) -> int:
        """All of them."""
        return self.ok + self.warn + self.fail + self.unknown


@dataclass(frozen=True)
class Subject:
    """One LUN, VM or host over the period. turns: how often its state changed; worst: the gravest sentence, and when it
    began."""

    name: str
    engine: str
    shares: Shares
    turns: int
    worst: str
    at: datetime | None


@dataclass(frozen=True)
class Course:
    """A compliance over time: per part of the period over all subjects, and per subject over the period. since: from
    when on something is known."""

    since: datetime | None
    parts: tuple[Shares, ...]
    subjects: tuple[Subject, ...]


@dataclass(frozen=True)
class Outage:
    """A time in which a service was down. planned: within what was agreed to before. cause "": not known. ends None: it
    went on when the report was made. corrected: a person has put something right about it."""

    begins: datetime
    ends: datetime | None
    planned: bool
    cause: str
    seconds: int
    corrected: bool


@dataclass(frozen=True)
class Blind:
    """A time of which nobody knows whether a service was up."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Service:
    """Availability of one service. objective, ratio: millionths; ratio None: nothing is known. begins, ends: the part
    of the period in which it was promised. The amounts are milliseconds; the five of time add up to that part as far
    as it could be told. budget: what may be lost in it. whole: how many calendar periods of the promise itself lie in
    that part; lost: how many of them were not kept; unsure: of how many that is not known."""

    name: str
    engine: str
    begins: datetime
    ends: datetime
    objective: int
    ratio: int | None
    up: int
    planned: int
    unplanned: int
    unwatched: int
    unknown: int
    budget: int
    whole: int
    lost: int
    unsure: int
    outages: tuple[Outage, ...]
    blind: tuple[Blind, ...]

    @property
    def unseen(self) -> int:
        """Milliseconds of its part of the period of which nobody knows whether it was up."""
        whole = round((self.ends - self.begins).total_seconds() * 1000)
        return max(0, whole - self.up - self.planned - self.unplanned)


@dataclass(frozen=True)
class Window:
    """A maintenance window. owner "": nobody adopted it. seconds: how long HA was away in the period."""

    what: str
    engine: str
    owner: str
    reason: str
    change: str
    entered: datetime | None
    ended: datetime | None
    deadline: datetime | None
    seconds: int
    overdue: bool
    foreign: bool


@dataclass(frozen=True)
class Change:
    """Something that was done under a change number, or without one ("")."""

    number: str
    what: str
    subject: str
    by: str
    at: datetime
    ended: datetime | None
    outcome: str


@dataclass(frozen=True)
class Waiver:
    """A rule that people lifted. kind: broken glass | ignored step | accepted risk. confirmed_by: the second person.
    day: the last one of an accepted risk, 2026-12-01 or ""."""

    kind: str
    what: str
    reason: str
    by: str
    confirmed_by: str
    at: datetime
    until: datetime | None
    day: str
