"""What goes on while the engine is failing over, down or seen twice, or while a hosted-engine host is lost: which
course of facts/hosted-engine.md 6 it is, and since when. Pure; every moment is of the portal's own clock, in Unix
seconds, since hosts' clocks cannot be compared (7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from inventory.probes.she_status import STOPPING_STATES
from inventory.verdicts import she_table
from inventory.verdicts.she import STARTING_STATES, Kind, SheVerdict
from inventory.verdicts.she_rows import HostRow
from portal.kernel.outcome import Outcome

DECLARED = (50.0, 95.0)  # an agent calls a host dead when its record did not change for 60 s, 6 (d)
UNEXPECTED = "EngineUnexpectedlyDown"
BAD_HEALTH = 300.0  # seconds that EngineUpBadHealth waits, 3.3


class Course(StrEnum):
    """Which story it is."""

    HOST_LOST = "host_lost"  # the host that ran the engine VM is silent, 6 (d)
    STANDBY_LOST = "standby_lost"  # another hosted-engine host is silent
    OUT_OF_REACH = "out_of_reach"  # the portal reaches neither host nor engine, HA still sees the host alive
    VM_ENDED = "vm_ended"  # 6 (b)
    BAD_HEALTH = "bad_health"  # 6 (e)
    NO_SCORE = "no_score"  # 6 (b), the measured disaster
    UNSEEN = "unseen"  # the engine's page is gone, HA has not seen it yet
    STOPPING = "stopping"  # HA stops an engine VM that still answers, 3.1 and 6 (f)
    AGENT_STOPPED = "agent_stopped"  # 6 (c): not a failover
    SPLIT = "split"
    HELD = "held"  # the engine is down and global maintenance keeps HA from acting, 4


@dataclass(frozen=True)
class Silence:
    """A host that does not answer the portal. answered: when it last did; missed: when it first did not; unseen: when
    another host first called its record not live, None while none does; vms: what the engine last saw run there."""

    host: str
    answered: float
    missed: float
    unseen: float | None = None
    why: str = ""
    vms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moments:
    """When what was seen. page: whether the engine's own page is good, None: not known; lost and back: when it last
    ceased to be good, and became so again. bad_since: host -> when it first said that the engine VM does not serve;
    tried: host -> when its agent said that it starts the engine VM; stopped: when an agent was first seen stopped."""

    silences: tuple[Silence, ...] = ()
    page: bool | None = None
    lost: float | None = None
    back: float | None = None
    bad_since: Mapping[str, float] = field(default_factory=dict)
    tried: Mapping[str, float] = field(default_factory=dict)
    stopped: float | None = None


@dataclass(frozen=True)
class Scene:
    """One incident: its course, the host that it is about, who runs or starts the engine VM, and since when. rows:
    every host, the subject first."""

    course: Course
    verdict: SheVerdict
    moments: Moments
    subject: HostRow
    silence: Silence | None
    since: float | None

    @property
    def elapsed(self) -> float:
        """Seconds since it began; 0 when that is not known."""
        return max(0.0, self.verdict.at - self.since) if self.since is not None else 0.0

    @property
    def gap(self) -> float:
        """Seconds between the last answer and the first that was missed: the loss lies between them."""
        return max(0.0, self.silence.missed - self.silence.answered) if self.silence else 0.0

    @property
    def rows(self) -> tuple[HostRow, ...]:
        """The subject first, then who answers, then the rest."""
        return tuple(sorted(self.verdict.hosts, key=lambda row: (row is not self.subject, not row.asked)))

    @property
    def serving(self) -> HostRow | None:
        """The host that the engine answers on; its page must not say otherwise."""
        found = next((row for row in self.verdict.hosts if row.serves and row is not self.lost), None)
        return found if self.moments.page is not False else None

    @property
    def lost(self) -> HostRow | None:
        """The subject when it is silent."""
        return self.subject if self.silence else None

    @property
    def starter(self) -> HostRow | None:
        """The host whose agent is starting the engine VM, or has it there and not good."""
        others = [row for row in self.verdict.hosts if row is not self.lost]
        starting = [row for row in others if row.state in STARTING_STATES]
        return next(iter([*starting, *(row for row in others if row.claims and not row.serves)]), None)

    @property
    def best(self) -> HostRow | None:
        """Where a person would start the engine VM: who starts it already, else the best score that answers."""
        able = [row for row in self.verdict.hosts if row.asked and not row.maintenance and row is not self.lost]
        return self.starter or max(able, key=lambda row: row.score or 0, default=None)


def scene_of(verdict: SheVerdict, moments: Moments) -> Scene | None:
    """Verdict and moments in; None when nothing happens that a person must watch. What is merely not known, a lowered
    score or a maintenance is no incident: the calm overview says it."""
    rows = {row.host: row for row in verdict.hosts}
    lost = [one for one in moments.silences if one.host in rows and _gone(rows[one.host], moments)]
    if lost:
        return _lost(verdict, moments, rows, lost)
    for course, subject, since in _courses(verdict, moments):
        if subject is not None:
            return Scene(course, verdict, moments, subject, None, since)
    return None


def _gone(row: HostRow, moments: Moments) -> bool:
    """Silent, and not only to the portal: HA calls it dead, or the engine does not answer either."""
    return not row.asked and (row.live is False or moments.page is False)


def _lost(verdict: SheVerdict, moments: Moments, rows: Mapping[str, HostRow], lost: Sequence[Silence]) -> Scene:
    """Among several, the host whose last record has the engine VM; its record is stale, and used for nothing else."""
    had = [one for one in lost if (record := rows[one.host].record) is not None and record.vm == "up"]
    first = min(had or lost, key=lambda one: one.answered)
    row = rows[first.host]
    overdue = verdict.at - first.missed > DECLARED[1]
    if row.live is not False and row.live_by and overdue:
        course = Course.OUT_OF_REACH
    else:
        course = Course.HOST_LOST if had else Course.STANDBY_LOST
    return Scene(course, verdict, moments, row, first, first.answered)


Found = tuple[Course, HostRow | None, float | None]


def _courses(verdict: SheVerdict, moments: Moments) -> list[Found]:
    """Every course that could be, the first that has a subject is it."""
    rows = verdict.hosts
    serving = [row for row in rows if row.serves]
    bad = moments.bad_since
    two = serving[0] if len(serving) > 1 else None
    stopping = _first(rows, lambda row: row.state in STOPPING_STATES and row.claims)
    unguarded = _first(rows, lambda row: row.record is not None and row.record.stopped and row.record.vm == "up")
    found: list[Found] = [
        (Course.SPLIT, two, min((bad[row.host] for row in serving if row.host in bad), default=None)),
        (Course.AGENT_STOPPED, unguarded if moments.page else None, moments.stopped),
    ]
    if serving and moments.page is not False:
        since = bad.get(stopping.host) if stopping else None
        return [*found, (Course.STOPPING, stopping if stopping in serving else None, since)]
    if verdict.outcome is not Outcome.FAIL and not (verdict.kind is Kind.SPLIT_VIEW and serving):
        return found
    if moments.page:
        return found
    return [*found, *_down(verdict, moments, serving)]


def _down(verdict: SheVerdict, moments: Moments, serving: Sequence[HostRow]) -> list[Found]:
    """Nobody is silent, and the engine does not answer."""
    rows, since = verdict.hosts, moments.lost
    waiting = verdict.at - since if since is not None else 0.0
    held = rows[0] if held_by_maintenance(verdict) else None
    sick = _first(rows, lambda row: row.state == "EngineUpBadHealth" or row.state in STOPPING_STATES)
    fallen = _first(rows, lambda row: row.state == UNEXPECTED)
    score = any(row.score and not row.maintenance for row in rows)
    claims = _first(rows, lambda row: row.claims) or rows[0]
    late = claims if waiting > BAD_HEALTH and not fallen else None  # only EngineStop comes this late, 6 (e)
    return [
        (Course.HELD, held, since),
        (Course.UNSEEN, serving[0] if serving else None, since),
        (Course.BAD_HEALTH, sick, since),
        (Course.NO_SCORE, None if score else fallen or rows[0], since),
        (Course.BAD_HEALTH, late, since),
        (Course.VM_ENDED, fallen or claims, since),
    ]


def held_by_maintenance(verdict: SheVerdict) -> bool:
    """Some observer reads the global flag as set."""
    rows = [row for row in verdict.observers if row.fact == she_table.GLOBAL]
    return any(told.answer == "on" for row in rows for told in row.answers)


def _first(rows: Sequence[HostRow], wanted: Callable[[HostRow], bool]) -> HostRow | None:
    return next((row for row in rows if wanted(row)), None)
