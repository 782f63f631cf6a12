"""The content of a period report: one value, stored as JSON, from which every form is made. Only whole numbers, times
and texts: seconds, milliseconds, days, millionths. None or an empty text means that it is not known or was not
recorded, and every form says so in its place. docs/schema/period-report.json is its schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FORMAT = "holdfast-period-report-1"


@dataclass(frozen=True)
class Scope:
    """kind: estate | engine | site. engines, sites: what lay in it when the report was made."""

    kind: str
    name: str
    engines: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True)
class Period:
    """kind: daily | weekly | monthly | quarterly | yearly. begins belongs to it, ends does not."""

    kind: str
    begins: datetime
    ends: datetime
    zone: str


@dataclass(frozen=True)
class Verdict:
    """state: ok | warn | fail | unknown. words: lower case, as they follow a colon."""

    state: str
    words: str


@dataclass(frozen=True)
class Objective:
    """One success criterion of a drill. limit, measured, error: milliseconds; None: no figure. word: met | not met |
    not tested."""

    title: str
    kind: str
    limit: int | None
    measured: int | None
    error: int | None
    word: str
    sentence: str


@dataclass(frozen=True)
class Drill:
    """A drill that ended in the period. lacking: titles of the parts of its own report that are not whole. ignored:
    how many failed steps were ignored. proven: it ended as planned, with every objective met. roles: in which it was
    signed. untouched None: production was not compared."""

    ident: str
    pk: int
    title: str
    plan: str
    kind: str
    engine: str
    site: str
    hosts: tuple[str, ...]
    began: datetime | None
    ended: datetime | None
    announced: bool
    verdict: Verdict
    sentence: str
    scenario: str
    assumptions: str
    requested_by: str
    approved_by: str
    change: str
    people: tuple[str, ...]
    roles: tuple[str, ...]
    objectives: tuple[Objective, ...]
    deviations: tuple[str, ...]
    steps: int
    ignored: int
    proven: bool
    untouched: bool | None
    lacking: tuple[str, ...]


@dataclass(frozen=True)
class NotHeld:
    """A planned drill that did not happen."""

    due: datetime
    sentence: str


@dataclass(frozen=True)
class Proof:
    """What a drill is to prove again within `allowed` days, as it stood at the end of the period. last None: it never
    was; then days is None, too. late: overdue."""

    what: str
    engine: str
    last: datetime | None
    allowed: int
    days: int | None
    late: bool


@dataclass(frozen=True)
class Issue:
    """An issue as it stood when the report was made. state: open | fixed | accepted | closed. due: 2026-12-01 or "".
    late: days past it at the period's end. retest: the drill that tested it again, with its verdict; "" when none is
    linked."""

    ident: str
    pk: int
    title: str
    severity: str
    state: str
    owner: str
    due: str
    late: int
    drill: str
    raised: datetime
    closed: datetime | None
    accepted_by: str
    accepted_until: str
    accepted_why: str
    retest: str
    retest_words: str
    retest_ok: bool | None


@dataclass(frozen=True)
class Backups:
    """The backups of one engine. proven: restored in a rehearsal of the period. gap: the longest time of the period in
    seconds for which the newest proven backup was old; None: there was none. rpo: the least that a policy promises.
    restore: median and longest seconds of a rehearsal."""

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
    """Availability of one service. objective, ratio: millionths; ratio None: nothing is known. The amounts are
    milliseconds; the five of time add up to the period as far as it could be told. budget: what may be lost."""

    name: str
    engine: str
    objective: int
    ratio: int | None
    up: int
    planned: int
    unplanned: int
    unwatched: int
    unknown: int
    budget: int
    outages: tuple[Outage, ...]
    blind: tuple[Blind, ...]


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
    """A rule that people lifted. kind: broken glass | ignored step | accepted risk. confirmed_by: the second person."""

    kind: str
    what: str
    reason: str
    by: str
    confirmed_by: str
    at: datetime
    until: datetime | None


@dataclass(frozen=True)
class Figure:
    """One number of the period beside that of the period before. unit: "" | s | days | ppm. good: up | down: the
    direction that is better. None: not known; `missing` says why."""

    key: str
    title: str
    unit: str
    good: str
    now: int | None
    before: int | None
    missing: str


@dataclass(frozen=True)
class Gap:
    """Something that the report should hold and does not. section: where it stands."""

    section: str
    sentence: str


@dataclass(frozen=True)
class Clause:
    """A clause of a rule, as the map has it, and whether this report shows what it asks. missing: sentences that name
    what is not there. secondary: the law's own text was not read."""

    ident: str
    source: str
    clause: str
    asks: str
    read: str
    secondary: bool
    where: str
    fields: tuple[str, ...]
    met: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """The records of the period. first, last: their numbers; 0 for none."""

    first: int
    last: int
    records: int
    refused: int
    signatures: int


@dataclass(frozen=True)
class Report:
    """Everything but the seal. previous None: the portal did not watch then. services None: not measured."""

    ident: str
    title: str
    scope: Scope
    period: Period
    previous: Period | None
    verdict: Verdict
    lead: tuple[str, ...]
    figures: tuple[Figure, ...]
    drills: tuple[Drill, ...]
    not_held: tuple[NotHeld, ...]
    proofs: tuple[Proof, ...]
    issues: tuple[Issue, ...]
    backups: tuple[Backups, ...]
    backup_days: tuple[BackupDay, ...]
    troubles: tuple[Trouble, ...]
    luns: Course
    tuning: Course
    services: tuple[Service, ...] | None
    windows: tuple[Window, ...]
    changes: tuple[Change, ...]
    waivers: tuple[Waiver, ...]
    clauses: tuple[Clause, ...]
    gaps: tuple[Gap, ...]
    evidence: Evidence
    distribution: tuple[str, ...]


@dataclass(frozen=True)
class Seal:
    """How a report is held in the evidence: its record (number, hash, time), the key that signed it ("": none) and its
    signature over the content's hash, and the language in which dates and numbers are written."""

    version: int
    sha256: str
    number: int
    head: str
    at: datetime
    key: str
    signature: str
    language: str
