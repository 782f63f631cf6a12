"""What a drill's report is made of: the stored rows, without a database behind them. Times are aware; JSON values are
as docs/adr/0017 and 0018 have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Drill:
    """The Drill's row. engine, address, site: the engine's name, host and place."""

    pk: int
    title: str
    plan: str
    engine: str
    address: str
    site: str
    requested_by: str
    requested_at: datetime
    scenario: str = ""
    assumptions: str = ""
    announced: bool = True
    objectives: Sequence[Row] = ()
    people: Sequence[Row] = ()
    window_begins: datetime | None = None
    window_ends: datetime | None = None
    readiness: Row | None = None
    before: Row | None = None
    after: Row | None = None
    measured: Row | None = None
    verdicts: Sequence[Row] = ()
    issues: Sequence[Row] = ()
    signatures: Sequence[Row] = ()
    clock_began: datetime | None = None
    clock_ended: datetime | None = None
    clock_boot: str = ""
    kind: str = ""  # of a composed plan: the built-in one that it is like


@dataclass(frozen=True)
class Run:
    """Its Run."""

    pk: int
    ref: str
    version: int
    digest: str
    parameters: Row
    status: str
    sentence: str
    requested_by: str
    change: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Step:
    """One step. actor: who did it. acts, undos: as a person would type them. planned: seconds."""

    position: int
    name: str
    title: str
    state: str
    mutating: bool = False
    place: str = ""
    actor: str = ""
    attempt: int = 1
    began: datetime | None = None
    ended: datetime | None = None
    sentence: str = ""
    acts: tuple[str, ...] = ()
    undos: tuple[str, ...] = ()
    no_undo: str = ""
    planned: float | None = None
    ignored_by: str = ""
    ignored_at: datetime | None = None
    ignored_why: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a host's output. step: its position, 0 for none."""

    number: int
    step: int
    at: datetime
    stream: str
    text: str


@dataclass(frozen=True)
class Approval:
    """One answer of a second person."""

    by: str
    requested_by: str
    at: datetime
    hash: str
    refused: bool = False
    voided_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class Glass:
    """One break-glass. confirmed_by "": nobody confirmed it, so nothing was lifted."""

    reason: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class File:
    """A file that was attached to an answer. kind: its MIME type; size: bytes."""

    name: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Prompt:
    """One question to a person. answer: "" | done | not_done. until: when its step gives up waiting."""

    step: str
    question: str
    asked_at: datetime
    answer: str = ""
    by: str = ""
    at: datetime | None = None
    seen: str = ""
    attachment: str = ""
    until: datetime | None = None
    attempt: int = 1
    file: File | None = None


@dataclass(frozen=True)
class Span:
    """What the prober saw of one service. began, last: seconds from the injection."""

    service: str
    up: bool | None
    began: float
    last: float
    why: str = ""


@dataclass(frozen=True)
class Act:
    """One record of the evidence about the drill or its Run."""

    number: int
    at: datetime
    kind: str
    actor: str
    body: Row


@dataclass(frozen=True)
class Change:
    """What differs in production between before and after."""

    sentence: str
    expected: bool


@dataclass(frozen=True)
class Retest:
    """The drill that tests an issue again. met None: it has not ended."""

    pk: int
    title: str
    requested_at: datetime
    ended: datetime | None = None
    met: bool | None = None


@dataclass(frozen=True)
class Issue:
    """What became of an issue that a drill found. state: open | fixed | accepted | closed."""

    ident: str
    title: str
    severity: str
    state: str
    owner: str = ""
    due: str = ""
    link: str = ""
    fixed: str = ""
    accepted_by: str = ""
    accepted_until: str = ""
    accepted_why: str = ""
    closed: str = ""
    retest: Retest | None = None


@dataclass(frozen=True)
class Earlier:
    """The drill before this one, of the same plan and engine. found: what became of its issues."""

    pk: int
    title: str
    requested_at: datetime
    issues: Sequence[Row]
    found: Sequence[Issue] = ()


@dataclass(frozen=True)
class Given:
    """Everything about one ended drill. changes None: production was not compared. issues: what became of those that it
    found; where there are none, the notes of its row stand for them."""

    drill: Drill
    run: Run
    steps: Sequence[Step] = ()
    lines: Sequence[Line] = ()
    approvals: Sequence[Approval] = ()
    glasses: Sequence[Glass] = ()
    prompts: Sequence[Prompt] = ()
    spans: Sequence[Span] = ()
    acts: Sequence[Act] = ()
    changes: Sequence[Change] | None = None
    earlier: Earlier | None = None
    issues: Sequence[Issue] = ()
