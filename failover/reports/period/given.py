"""What a period report is made of: the stored rows, without a database behind them. Times are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from failover.reports.period import content
from failover.reports.period.span import Span


@dataclass(frozen=True)
class Backup:
    """One backup. status: DONE | FAILED (Barman's words)."""

    engine: str
    ident: str
    taken: datetime
    status: str
    sentence: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """One restore into scratch. outcome: proven | failed | unknown. compared: row counts were held against the live
    estate. taken: the moment whose state the backup holds."""

    engine: str
    ident: str
    taken: datetime
    at: datetime
    seconds: int
    outcome: str
    sentence: str = ""
    compared: bool = False


@dataclass(frozen=True)
class MissedBackup:
    """A planned start for which no backup came."""

    engine: str
    due: datetime
    sentence: str


@dataclass(frozen=True)
class Turn:
    """The state of one check about a subject changed. check: names it among the checks of this subject."""

    subject: str
    engine: str
    check: str
    at: datetime
    outcome: str
    sentence: str


@dataclass(frozen=True)
class Slice:
    """What happened in one period. *_began: the last turn of each check before it, in any order. since: since when the
    portal has kept anything; None: it keeps nothing yet. services None: availability is not measured."""

    span: Span
    since: datetime | None = None
    drills: tuple[content.Drill, ...] = ()
    not_held: tuple[content.NotHeld, ...] = ()
    backups: tuple[Backup, ...] = ()
    rehearsals: tuple[Rehearsal, ...] = ()  # from before the period on, so that ages can be told
    missed: tuple[MissedBackup, ...] = ()
    luns_began: tuple[Turn, ...] = ()
    luns: tuple[Turn, ...] = ()
    tuning_began: tuple[Turn, ...] = ()
    tuning: tuple[Turn, ...] = ()
    services: tuple[content.Service, ...] | None = None
    windows: tuple[content.Window, ...] = ()
    changes: tuple[content.Change, ...] = ()
    waivers: tuple[content.Waiver, ...] = ()


@dataclass(frozen=True)
class Given:
    """Everything about one period. before None: there is no period to compare with. rpo: engine -> least seconds that a
    backup policy promises. names: WWID -> name of a LUN."""

    ident: str
    title: str
    scope: content.Scope
    now: Slice
    evidence: content.Evidence
    before: Slice | None = None
    proofs: tuple[content.Proof, ...] = ()
    issues: tuple[content.Issue, ...] = ()
    rpo: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    distribution: tuple[str, ...] = ()
