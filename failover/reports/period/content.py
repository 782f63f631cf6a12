"""The content of a period report: one value, stored as JSON, from which every form is made. Only whole numbers, times
and texts: seconds, milliseconds, days, millionths. None or an empty text means that it is not known or was not
recorded, and every form says so in its place. docs/schema/period-report.json is its schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from failover.reports.period.estate import (
    BackupDay,
    Backups,
    Blind,
    Change,
    Course,
    Outage,
    Service,
    Shares,
    Subject,
    Trouble,
    Waiver,
    Window,
)

__all__ = [
    "FORMAT",
    "BackupDay",
    "Backups",
    "Blind",
    "Change",
    "Clause",
    "Course",
    "Drill",
    "Evidence",
    "Figure",
    "Gap",
    "Issue",
    "Judged",
    "NotHeld",
    "Objective",
    "Outage",
    "Period",
    "Proof",
    "Report",
    "Scope",
    "Seal",
    "Service",
    "Shares",
    "Subject",
    "Trouble",
    "Verdict",
    "Waiver",
    "Window",
]

FORMAT = "holdfast-period-report-2"


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
    was; then days is None, too. late: overdue then. overdue: for how many seconds of the period it was, by what was
    allowed at each time. assumed: for how many seconds of the period what was allowed is not kept, so that the first
    that is kept was taken."""

    what: str
    engine: str
    last: datetime | None
    allowed: int
    days: int | None
    late: bool
    overdue: int
    assumed: int


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
class Judged:
    """What a section comes to. section: its title. state: ok | warn | fail | unknown; words: lower case, as they
    follow a colon. unseen: seconds of which nobody knows, of the subject of which the most is unseen. todo: what is to
    be done, in sentences."""

    section: str
    state: str
    words: str
    unseen: int
    todo: tuple[str, ...]


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
    """Everything but the seal. sections: what each of those comes to that can be judged; the verdict is the gravest of
    them. previous None: the portal did not watch then. services None: not measured."""

    ident: str
    title: str
    scope: Scope
    period: Period
    previous: Period | None
    verdict: Verdict
    lead: tuple[str, ...]
    sections: tuple[Judged, ...]
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
