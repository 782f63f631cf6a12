"""A service's answers drawn together into unbroken times. Pure: the moments come from outside.

Questions overlap, since one that hangs must not keep the next from being asked: their answers come in any order, and
are taken in the order of their moments. The moment of an answer that serves is when it came whole, for then the service
was up. The moment of any other is when the question was sent: from then on nobody served it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import inf

LONGEST = 200  # characters of Span.why
MOST = 5000  # stretches that wait to be taken; of more the oldest go, and read as "nobody asked"


@dataclass(frozen=True)
class Tick:
    """One moment on both clocks. mono: seconds."""

    mono: float
    at: datetime


@dataclass
class Stretch:
    """A time of equal answers; up None: they told nothing. widest: seconds, the longest time between two of them."""

    up: bool | None
    why: str
    began: Tick
    last: Tick
    questions: int = 1
    widest: float = 0.0

    def goes_on(self, tick: Tick, why: str) -> None:
        """One more answer of the same kind. A new reason is put behind the ones before."""
        self.widest = max(self.widest, tick.mono - self.last.mono)
        self.questions += 1
        self.last = tick
        if why and why not in self.why.split("; then "):
            self.why = f"{self.why}; then {why}"[:LONGEST]


@dataclass(frozen=True)
class _Answer:
    tick: Tick
    up: bool | None
    why: str


@dataclass
class Line:
    """One service's stretches. hole: seconds without an answer from which on a stretch does not go on. step: seconds by
    which the wall clock moves against the other one since a stretch began, from which on it does not go on either."""

    hole: float
    step: float = inf
    _open: dict[int, Tick] = field(default_factory=dict)  # questions without an answer: when they were sent
    _early: list[_Answer] = field(default_factory=list)  # answers that wait for an older question's
    _asked: int = 0
    _now: Stretch | None = None
    _changed: list[Stretch] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """Questions without an answer."""
        return len(self._open)

    def asked(self, sent: Tick) -> int:
        """A question was sent. Returns its number, to be given back with the answer."""
        self._asked += 1
        self._open[self._asked] = sent
        return self._asked

    def answered(self, number: int, came: Tick, up: bool | None, why: str) -> None:
        """Its answer came, or its time was up."""
        sent = self._open.pop(number)
        self._early.append(_Answer(came if up else sent, up, why[:LONGEST]))
        self._early.sort(key=lambda one: one.tick.mono)
        oldest = min((tick.mono for tick in self._open.values()), default=float("inf"))
        while self._early and self._early[0].tick.mono <= oldest:
            self._take(self._early.pop(0))

    def _take(self, one: _Answer) -> None:
        now = self._now
        if now is None or now.up != one.up or one.tick.mono - now.last.mono > self.hole or self._put(now, one.tick):
            now = self._now = Stretch(one.up, one.why, one.tick, one.tick)
        else:
            now.goes_on(one.tick, one.why)
        if not self._changed or self._changed[-1] is not now:
            self._changed.append(now)
            del self._changed[:-MOST]

    def _put(self, now: Stretch, tick: Tick) -> bool:
        """Whether the wall clock was put forward or back meanwhile."""
        return abs((tick.at - now.began.at).total_seconds() - (tick.mono - now.began.mono)) > self.step

    def taken(self) -> list[Stretch]:
        """The stretches that are new or went on since the last call, oldest first."""
        found, self._changed = self._changed, []
        return found
