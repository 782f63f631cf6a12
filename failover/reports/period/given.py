"""What a period report is made of: the stored rows, without a database behind them. Times are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
class Promise:
    """What was promised from a moment on, until the next of the same key. kind: rpo | drill. plan: of a drill; proves:
    it is one that proves failover. limit: how old the newest proof may be. first: nothing was promised before it; on
    the earliest of a key without it, what was promised before is not kept."""

    kind: str
    key: str
    engine: str
    since: datetime
    limit: timedelta
    enabled: bool = True
    plan: str = ""
    proves: bool = False
    first: bool = False


@dataclass(frozen=True)
class Proven:
    """A drill that met every objective, with no step ignored."""

    engine: str
    plan: str
    proves: bool
    ended: datetime


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
    """Everything about one period. before None: there is no period to compare with. names: WWID -> name of a LUN.
    unwatched: engines of the scope that are not watched any more."""

    ident: str
    title: str
    scope: content.Scope
    now: Slice
    evidence: content.Evidence
    before: Slice | None = None
    promises: tuple[Promise, ...] = ()
    proven: tuple[Proven, ...] = ()  # before the period's end
    issues: tuple[content.Issue, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    distribution: tuple[str, ...] = ()
    unwatched: tuple[str, ...] = ()
