"""What a verdict is made of. Times are aware; durations in seconds; sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Brief:
    """One backup. status: STARTED | DONE | FAILED. whole: its ladder held; None: not climbed. proof: none | proven |
    failed | unknown."""

    ident: str
    taken: datetime
    status: str = "DONE"
    size: int | None = None
    whole: bool | None = None
    proof: str = "none"
    sentence: str = ""
    what_to_do: str = ""


@dataclass(frozen=True)
class Place:
    """One destination. newest: of when its newest held copy is. trouble: why the last attempt since then failed."""

    name: str
    late_after: float
    newest: datetime | None
    trouble: str = ""


@dataclass(frozen=True)
class Aims:
    """What people have decided. rehearse_every 0: every backup."""

    rpo: float
    max_age: float
    min_size: int
    minimum: int
    rehearse_every: float


@dataclass(frozen=True)
class Facts:
    """One policy. now: in the reader's zone. newest: of any status; done: the newest DONE; proven: the newest that is
    proven restorable and held somewhere. failed: failures since `done`. missed: the newest sentences of starts that
    were missed since `done`, and how many there are. looked_at: when anybody last looked at the schedule.
    obstacles: what stands in the way of something that is due. unheard: the oldest word that the watcher outside has
    not taken, and heartbeat: why; None and "" when all is told or nobody is to be told."""

    name: str
    now: datetime
    enabled: bool
    aims: Aims
    newest: Brief | None
    done: Brief | None
    proven: Brief | None
    proven_count: int
    total: int
    failed: int
    missed_count: int
    missed: tuple[str, ...]
    places: tuple[Place, ...]
    rehearsed_at: datetime | None
    next_due: datetime | None
    looked_at: datetime
    schedule_problem: str = ""
    obstacles: tuple[str, ...] = ()
    unheard: datetime | None = None
    heartbeat: str = ""
