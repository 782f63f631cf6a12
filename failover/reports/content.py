"""The content of a drill report: one value, from which page, PDF and JSON are made. An empty text or None means that
nothing was recorded; the page says so in words, and `parts` lists it (facts/drills-and-evidence.md 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from failover.reports.given import Approval, Glass, Prompt, Span

FORMAT = "holdfast-drill-report-2"
MET, NOT_MET, NOT_TESTED = "met", "not met", "not tested"


@dataclass(frozen=True)
class Verdict:
    """state: ok | warn | fail | unknown. words: lower case, as they follow a colon."""

    state: str
    words: str


@dataclass(frozen=True)
class Frame:
    """What, where, when, by which plan. kind: in words, by what the plan does. clock "": it was not started. act:
    seconds from the clock's start until the injection's command was sent."""

    plan: str
    version: int
    digest: str
    kind: str
    announced: bool
    site: str
    engine: str
    address: str
    hosts: tuple[str, ...]
    services: tuple[str, ...]
    began: datetime | None
    ended: datetime | None
    injected: datetime | None
    clock: str
    boot: str
    act: float | None
    act_title: str
    scenario: str
    assumptions: str


@dataclass(frozen=True)
class Objective:
    """One success criterion and what became of it. target, seconds: as fixed; measured "": no figure. by: how."""

    key: str
    title: str
    kind: str
    service: str
    seconds: float | None
    measured: str
    error: str
    by: str
    word: str
    sentence: str


@dataclass(frozen=True)
class Person:
    """present None: not recorded. planned False: acted without standing in the plan. at: of the first act."""

    name: str
    role: str
    planned: bool
    present: bool | None
    acts: tuple[str, ...]
    at: datetime | None


@dataclass(frozen=True)
class Authority:
    """By what right it was done."""

    change: str
    begins: datetime | None
    ends: datetime | None
    requested_by: str
    requested_at: datetime
    approved_by: str
    approved_at: datetime | None
    approvals: tuple[Approval, ...]
    glasses: tuple[Glass, ...]


@dataclass(frozen=True)
class Precheck:
    """age: seconds between the look and the start; None when either is not known."""

    title: str
    word: str
    sentence: str
    evidence: tuple[str, ...]
    age: float | None


@dataclass(frozen=True)
class StepTold:
    """output: SHA-256 over the host's lines of the step, "" when there are none."""

    position: int
    title: str
    place: str
    actor: str
    planned: float | None
    began: datetime | None
    took: float | None
    attempt: int
    acts: tuple[str, ...]
    undos: tuple[str, ...]
    output: str
    lines: tuple[str, ...]
    state: str
    sentence: str


@dataclass(frozen=True)
class Deviation:
    """What went another way than planned. who "": nobody in person."""

    at: datetime | None
    what: str
    who: str


@dataclass(frozen=True)
class Outage:
    """Seconds from the injection. began: the first question without service; back None: not seen. length "": its ends
    were not both seen."""

    began: float
    back: float | None
    length: str
    why: str


@dataclass(frozen=True)
class Service:
    """What the prober measured of one service; recovery and charged in words with their error."""

    key: str
    title: str
    how: str
    state: str
    why: str
    objective: float | None
    detection: str
    recovery: str
    charged: str
    back: float | None
    paused: float
    longest: float
    exact: bool
    outages: tuple[Outage, ...]
    holes: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether it was measured at all."""
        return self.state in ("recovered", "steady", "not back")


@dataclass(frozen=True)
class Own:
    """One thing that the engine or a host said of itself."""

    at: datetime | None
    who: str
    what: str


@dataclass(frozen=True)
class Measured:
    """backup: the last proven one before the injection. waited: seconds that were spent on people's answers."""

    services: tuple[Service, ...]
    waited: float
    backup: str
    backup_age: float | None
    own: tuple[Own, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Proof:
    """One thing that was, or was not, shown. state: ok | fail | unknown; unknown is "not tested"."""

    what: str
    state: str
    sentence: str


@dataclass(frozen=True)
class Untouched:
    """facts: how many were compared; None: production was not compared."""

    facts: int | None
    expected: tuple[str, ...]
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Retest:
    """The drill that tests an issue again. here: it is this one. word: objectives met | not met in whole | not
    ended."""

    ident: str
    title: str
    ended: datetime | None
    word: str
    here: bool


@dataclass(frozen=True)
class Issue:
    """ident "": noted before issues were followed. state: open | fixed | accepted | closed, or "" for such a one. due:
    as written by people. fixed, closed: what was said then. accepted_until "": no day was named. retest None: no drill
    is linked."""

    ident: str
    title: str
    severity: str
    owner: str
    due: str
    link: str
    state: str
    fixed: str
    accepted_by: str
    accepted_until: str
    accepted_why: str
    closed: str
    retest: Retest | None


@dataclass(frozen=True)
class Former:
    """The drill before and its issues, with what became of them."""

    ident: str
    title: str
    at: datetime
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class Signature:
    """name "": nobody has signed in this role."""

    role: str
    name: str
    at: datetime | None
    words: str


@dataclass(frozen=True)
class Report:
    """Everything but the seal."""

    ident: str
    title: str
    run: int
    verdict: Verdict
    sentence: str
    frame: Frame
    objectives: tuple[Objective, ...]
    people: tuple[Person, ...]
    authority: Authority
    prechecks: tuple[Precheck, ...]
    steps: tuple[StepTold, ...]
    prompts: tuple[Prompt, ...]
    deviations: tuple[Deviation, ...]
    measured: Measured
    proofs: tuple[Proof, ...]
    untouched: Untouched
    normal: tuple[Proof, ...]
    issues: tuple[Issue, ...]
    former: Former | None
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Seal:
    """How a version of a report is held in the evidence: its record (number, hash, time), the key that signed it ("":
    none), how many records tell of the drill and its Run, and the zone that times are written in."""

    version: int
    sha256: str
    number: int
    head: str
    at: datetime
    key: str
    records: int
    zone: str
