"""The clock of a drill and its bar: phases, the median of past drills, the objective; geometry for SVG attributes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from failover.models import Drill, Span
from failover.services import clock as clocks
from failover.services.clock import ClockState, Phase
from failover.services.measured import pauses

LEAST = 120.0  # seconds of the axis
STEPS = (15, 30, 60, 120, 300, 600, 1200, 3600)
MOST_TICKS = 7


@dataclass(frozen=True)
class Piece:
    """One phase of the bar. kind: done | running | ahead."""

    kind: str
    x: str
    width: str
    title: str


@dataclass(frozen=True)
class Mark:
    """A line across the bar with words. side: class of the text."""

    x: str
    words: str
    side: str


@dataclass(frozen=True)
class Clock:
    """state: what is measured. began: from when the face counts on its own, None when it stands still. told: the
    phases in words."""

    state: ClockState
    title: str
    face: str
    method: str
    began: datetime | None
    pieces: list[Piece]
    ahead: Piece | None
    now: str
    marks: list[Mark]
    ticks: list[Mark]
    told: list[str]
    paused: str


def face(seconds: float) -> str:
    """mm:ss, hours before when there are any."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def clock(drill: Drill, now: datetime) -> Clock | None:
    """None until the injection."""
    state = clocks.state(drill, now)
    if state.since is None or state.elapsed is None:
        return None
    seconds = state.elapsed
    whole = max(LEAST, seconds * 1.15, (state.expected or 0.0) * 1.15, (state.objective or 0.0) * 1.1)
    ahead = None
    if state.running and state.expected is not None and state.expected > seconds:
        ahead = Piece("ahead", _at(seconds, whole), _at(state.expected - seconds, whole), "expected")
    return Clock(
        state=state,
        title=_title(state),
        face=face(seconds),
        method=_method(state),
        began=now - timedelta(seconds=seconds) if state.running else None,
        pieces=[_piece(phase, seconds, whole) for phase in state.phases],
        ahead=ahead,
        now=_at(seconds, whole),
        marks=_marks(state, whole),
        ticks=_ticks(whole),
        told=[_told(phase) for phase in state.phases],
        paused=_paused(drill, now),
    )


def _paused(drill: Drill, now: datetime) -> str:
    """How long people were waited for since the injection, each second once; "" when nobody was."""
    total = reached = 0.0
    for pause in sorted(pauses(drill, now), key=lambda one: one.began):
        began, ended = max(pause.began, reached), pause.ended
        if ended > began:
            total, reached = total + ended - began, ended
    return f"{face(total)} of it waited for people: shown, not charged to the recovery time." if total >= 1 else ""


def _title(state: ClockState) -> str:
    if state.running:
        return "Since the injection"
    return "From the injection to recovery" if state.error is not None else "To the end; recovery not measured"


def _method(state: ClockState) -> str:
    if state.error is not None:
        return f"by the engine's health page, ±{state.error:.1f} s"
    return "on the portal's own clock"


def _piece(phase: Phase, until: float, whole: float) -> Piece:
    end = until if phase.ended is None else min(phase.ended, until)
    kind = "running" if phase.kind == "current" else "done"
    return Piece(kind, _at(phase.began, whole), _at(max(0.0, end - phase.began), whole), phase.title)


def _told(phase: Phase) -> str:
    end = f"{face(phase.began)} to {face(phase.ended)}" if phase.ended is not None else f"since {face(phase.began)}"
    return f"{phase.title}: {end}"


def _marks(state: ClockState, whole: float) -> list[Mark]:
    found = []
    if state.expected is not None:
        found.append(_mark(state.expected, whole, f"median of past drills {face(state.expected)}"))
    if state.objective is not None:
        found.append(_mark(state.objective, whole, f"objective {face(state.objective)}"))
    return found


def _at(seconds: float, whole: float) -> str:
    return f"{max(0.0, min(seconds, whole)) / whole * 100:.2f}%"


def _mark(seconds: float, whole: float, words: str) -> Mark:
    return Mark(_at(seconds, whole), words, "end" if seconds / whole > 0.6 else "")


def _ticks(whole: float) -> list[Mark]:
    step = next((each for each in STEPS if whole / each <= MOST_TICKS), STEPS[-1])
    return [
        Mark(_at(at, whole), face(at), "" if at == 0 else "end" if at > whole * 0.97 else "middle")
        for at in range(0, int(whole) + 1, step)
    ]


@dataclass(frozen=True)
class Watched:
    """A service that the prober asks. up: as last seen; None when it was not told. longest: seconds away."""

    name: str
    state: str
    words: str


def watched(drill: Drill) -> list[Watched]:
    """Each service by its newest span, with the longest time that it was away. One query."""
    rows: dict[str, list[Span]] = {}
    for span in drill.spans.order_by("began_mono", "pk"):
        rows.setdefault(span.service, []).append(span)
    return [_watched(name, spans) for name, spans in sorted(rows.items())]


def _watched(name: str, spans: list[Span]) -> Watched:
    last = spans[-1]
    away = [span.last_mono - span.began_mono for span in spans if span.up is False]
    gap = max((span.widest for span in spans), default=0.0)
    if last.up is None:
        return Watched(name, "unknown", f"Not known: {last.why or 'its answer told nothing'}")
    if not last.up:
        return Watched(name, "fail", f"Not answering since {face(away[-1])}: {last.why}")
    if away:
        return Watched(name, "warn", f"Answers; was away {max(away):.1f} s at longest")
    return Watched(name, "ok", f"Answers, longest gap {gap:.1f} s")
