"""From what the prober saw of one service to its outages and the time until it was back.

Times are seconds of the prober's clock, 0 being the injection. Every figure is an interval between two things that were
seen: an outage lasts longer than from its first to its last question without service, and shorter than from the last
answer before to the first answer after. What nobody asked is a hole, and is counted as neither (facts/hosted-engine.md
7, no. 12 and 13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

NOT_ASKED = "nobody asked"


@dataclass(frozen=True)
class Span:
    """A time of equal answers. up None: they told nothing, `why` says the reason. exact: placed by the clock that the
    injection was stamped with; else by the wall clock."""

    up: bool | None
    began: float
    last: float
    widest: float = 0.0
    why: str = ""
    exact: bool = True


@dataclass(frozen=True)
class Bounds:
    """What lies between two figures. seconds: their middle, error: half of what is between them."""

    low: float
    high: float

    @property
    def seconds(self) -> float:
        return (self.low + self.high) / 2

    @property
    def error(self) -> float:
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Hole:
    """A time of which nothing is known, and why."""

    began: float
    ended: float
    why: str


@dataclass(frozen=True)
class Outage:
    """after: the last answer before it, None when there was none. first, last: the questions that got no service.
    back: the first answer after it, None when there was none. why: what the questions met, in order."""

    after: float | None
    first: float
    last: float
    back: float | None
    why: str

    @property
    def length(self) -> Bounds | None:
        """Seconds; None when an end of it was not seen."""
        if self.after is None or self.back is None:
            return None
        return Bounds(self.last - self.first, self.back - self.after)


@dataclass(frozen=True)
class Pause:
    """A time in which the drill waited for a person."""

    began: float
    ended: float
    why: str


@dataclass(frozen=True)
class Measured:
    """state: recovered | steady (it never stopped answering) | not back | down before | not measured, and then why.
    outages: those after the injection. detection: injection to the first question without service. recovery: injection
    to the first answer after which it kept answering. charged: recovery without what was paused. longest: the longest
    time between two answers while it was up. exact: False when a span was placed by the wall clock."""

    state: str
    why: str = ""
    outages: tuple[Outage, ...] = ()
    detection: Bounds | None = None
    recovery: Bounds | None = None
    charged: Bounds | None = None
    paused: float = 0.0
    longest: float = 0.0
    holes: tuple[Hole, ...] = ()
    watched: tuple[float, float] | None = None
    exact: bool = True


def measure(spans: Sequence[Span], hole: float, pauses: Sequence[Pause] = (), end: float | None = None) -> Measured:
    """hole: seconds between two answers from which on nobody asked. end: when the drill ended, None while it runs."""
    known = sorted((span for span in spans if span.up is not None), key=lambda span: (span.began, span.last))
    if not known:
        return Measured("not measured", _blind(spans) or f"{NOT_ASKED}.".capitalize())
    reach = max(span.last for span in known)
    holes = _holes(known, spans, hole, end)
    watched = (known[0].began, reach)
    exact = all(span.exact for span in known)
    if watched[0] > 0 or reach <= 0:
        when = "before" if watched[0] > 0 else "after"
        return Measured(
            "not measured", f"Nobody asked {when} the injection.", holes=holes, watched=watched, exact=exact
        )
    every = outages(known)
    after = tuple(outage for outage in every if outage.back is None or outage.back > 0)
    state, why = _state(after)
    whole = state in ("recovered", "not back")
    recovery = _recovery(after[-1]) if state == "recovered" else None
    return Measured(
        state,
        why,
        outages=after,
        detection=Bounds(max(0.0, after[0].after or 0.0), after[0].first) if whole else None,
        recovery=recovery,
        charged=_charged(recovery, pauses) if recovery else None,
        paused=_overlap(pauses, recovery.high if recovery else reach),
        longest=_longest(known, holes),
        holes=holes,
        watched=watched,
        exact=exact,
    )


def outages(known: Sequence[Span]) -> list[Outage]:
    """Of spans in order, none of which is unknown. Two that overlap, as two probers write them, count as one after the
    other."""
    found: list[Outage] = []
    up_until: float | None = None
    down: Outage | None = None
    for span in known:
        if span.up:
            if down is not None:
                found.append(Outage(down.after, down.first, down.last, max(span.began, down.last), down.why))
                down = None
            up_until = max(span.last, up_until or span.last)
        elif down is None:
            after = None if up_until is None else min(up_until, span.began)
            down = Outage(after, span.began, span.last, None, span.why)
        else:
            why = down.why if span.why in down.why else f"{down.why}; then {span.why}"
            down = Outage(down.after, down.first, max(down.last, span.last), None, why)
    return [*found, down] if down is not None else found


def _state(after: Sequence[Outage]) -> tuple[str, str]:
    if not after:
        return "steady", ""
    if after[0].first <= 0:
        return "down before", f"It did not answer before the injection already: {after[0].why}."
    if after[-1].back is None:
        return "not back", f"It was not back when it was asked last: {after[-1].why}."
    return "recovered", ""


def _recovery(last: Outage) -> Bounds | None:
    return None if last.back is None else Bounds(last.last, last.back)


def _holes(known: Sequence[Span], spans: Sequence[Span], hole: float, end: float | None) -> tuple[Hole, ...]:
    edges = [(before.last, after.began) for before, after in pairwise(known)]
    if end is not None:
        edges.append((max(span.last for span in known), end))
    return tuple(Hole(began, ended, _reason(spans, began, ended)) for began, ended in edges if ended - began > hole)


def _reason(spans: Sequence[Span], began: float, ended: float) -> str:
    inside = [span.why for span in spans if span.up is None and span.last >= began and span.began <= ended]
    return inside[0] if inside else NOT_ASKED


def _blind(spans: Sequence[Span]) -> str:
    return next((f"Its answers told nothing: {span.why}." for span in spans), "")


def _longest(known: Sequence[Span], holes: Sequence[Hole]) -> float:
    between = [
        after.began - before.last for before, after in pairwise(known) if before.up and after.up and after.began > 0
    ]
    inside = [span.widest for span in known if span.up and span.last > 0]
    late = [hole.ended - hole.began for hole in holes if hole.ended > 0]
    return max(inside + between + late, default=0.0)


def _charged(recovery: Bounds, pauses: Sequence[Pause]) -> Bounds:
    return Bounds(recovery.low - _overlap(pauses, recovery.low), recovery.high - _overlap(pauses, recovery.high))


def _overlap(pauses: Sequence[Pause], until: float) -> float:
    """Seconds of pauses between the injection and `until`, each second once."""
    total, reached = 0.0, 0.0
    for pause in sorted(pauses, key=lambda one: one.began):
        began, ended = max(pause.began, reached), min(pause.ended, until)
        if ended > began:
            total += ended - began
            reached = ended
    return total
