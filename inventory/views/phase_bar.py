"""Geometry of the phase bar: seconds in, SVG attribute values out. Pure. Widths are in per cent, since the sheet's
width is the reader's; letters are counted, so that words that would not fit stand in the list below instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inventory.verdicts.incident_phases import Phase, State
from inventory.views.drawing import percent

LEAST = 360.0  # the axis is never shorter
STEPS = (60, 120, 300, 600, 1200, 3600, 7200, 21600, 86400)
MOST_TICKS = 9
LETTER = 0.56  # per cent of a wide sheet that one letter of a label needs


@dataclass(frozen=True)
class Segment:
    """One phase. past: up to now, drawn solid; ahead: what is still expected, drawn dashed. open: no end."""

    state: str
    x: str
    past: str
    ahead_x: str
    ahead: str
    end: str
    open: bool
    least: str
    inside: str
    inside_x: str
    above: str


@dataclass(frozen=True)
class Label:
    """Words under the bar. side: the text's class; row: 0 or 1, so that no label covers another."""

    x: str
    text: str
    side: str
    row: int


@dataclass(frozen=True)
class Bar:
    """Everything that the template draws. crowded: some words have no room in the drawing."""

    segments: list[Segment]
    now: str
    now_side: str
    now_words: str
    labels: list[Label]
    ticks: list[Label]
    items: list[tuple[Phase, str]]
    crowded: bool


def bar(phases: Sequence[Phase], elapsed: float) -> Bar:
    """phases in order of time; elapsed: seconds since the incident began."""
    whole = _whole(phases, elapsed)
    segments = [_segment(phase, elapsed, whole) for phase in phases]
    share = elapsed / whole * 100
    side = "" if share < 7 else "end" if share > 93 else "middle"
    words = f"now {_span(elapsed)}"
    taken = [_extent(share, len(words), side)]
    labels: list[Label] = []
    rows: list[list[tuple[float, float]]] = [taken, []]
    for phase in phases:
        if phase.words and phase.end is not None:
            labels.append(_label(phase, whole, rows))
    crowded = any(not (each.inside or each.above) for each in segments)
    items = [(phase, _told(phase)) for phase in phases]
    return Bar(segments, percent(elapsed, whole), side, words, labels, _ticks(whole), items, crowded)


def _whole(phases: Sequence[Phase], elapsed: float) -> float:
    """Seconds of the axis: all ends that are known, a piece of what has none, and now; whole minutes."""
    ends = [phase.end if phase.end is not None else max(phase.begin * 1.4, phase.begin + 90) for phase in phases]
    return float(-(-max(LEAST, elapsed * 1.08, *ends) // 60) * 60)


def _segment(phase: Phase, elapsed: float, whole: float) -> Segment:
    end = whole if phase.end is None else phase.end
    over = min(end, elapsed) if phase.state is State.RUNNING else end
    past = max(0.0, (over if phase.state is not State.EXPECTED else phase.begin) - phase.begin)
    if phase.state is State.RUNNING and phase.end is not None and elapsed > phase.end:
        past = elapsed - phase.begin  # overdue: it still runs
    ahead_x = phase.begin + past
    ahead = max(0.0, end - ahead_x) if phase.state is not State.DONE else 0.0
    title = f"{phase.title}, {phase.words}" if phase.end is None and phase.words else phase.title
    room = (past if phase.state is State.DONE else ahead) / whole * 100
    running = phase.state is State.RUNNING
    inside = title if not running and len(title) * LETTER < room else ""
    if not inside and not running and len(phase.title) * LETTER < room:
        inside = phase.title
    least = percent(phase.least, whole) if phase.least is not None and phase.begin < phase.least < end else ""
    return Segment(
        state=str(phase.state),
        x=percent(phase.begin, whole),
        past=percent(past, whole),
        ahead_x=percent(ahead_x, whole),
        ahead=percent(ahead, whole),
        end=percent(max(end, ahead_x), whole),
        open=phase.end is None,
        least=least,
        inside=inside,
        inside_x=percent(phase.begin, whole),
        above=title if running else "",
    )


def _label(phase: Phase, whole: float, rows: list[list[tuple[float, float]]]) -> Label:
    share = (phase.end or 0.0) / whole * 100
    side = "end" if share + len(phase.words) * LETTER > 100 else ""
    extent = _extent(share, len(phase.words), side)
    row = next((at for at, taken in enumerate(rows) if all(not _meet(extent, each) for each in taken)), 1)
    rows[row].append(extent)
    return Label(percent(phase.end or 0.0, whole), phase.words, side, row)


def _extent(share: float, letters: int, side: str) -> tuple[float, float]:
    width = letters * LETTER
    left = share if side == "" else share - width if side == "end" else share - width / 2
    return (left, left + width)


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] + 1 and other[0] < one[1] + 1


def _ticks(whole: float) -> list[Label]:
    step = next((each for each in STEPS if whole / each <= MOST_TICKS), STEPS[-1])
    marks = [at for at in range(0, int(whole) + 1, step)]
    sides = ["" if at == 0 else "end" if at > whole * 0.97 else "middle" for at in marks]
    unit, name = (60, "min") if step < 7200 else (3600, "h")
    return [
        Label(percent(at, whole), f"{at // unit} {name}", f"{side}{' crowded' if number % 2 else ''}", 0)
        for number, (at, side) in enumerate(zip(marks, sides, strict=True))
    ]


def _told(phase: Phase) -> str:
    """The same phase in words, for the list."""
    began, end = _span(phase.begin), _span(phase.end or 0.0)
    if phase.state is State.DONE:
        return f"from {began} to {'' if phase.measured else 'about '}{end}"
    return f"from {began}, {phase.words or f'at most until {end}'}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
