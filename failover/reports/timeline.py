"""The plot of a drill: when each service was away, which steps ran meanwhile, injection and objective. Geometry for SVG
attributes, in units of which the plot is WIDTH wide."""

from __future__ import annotations

from dataclasses import dataclass, replace

from failover.reports.content import Report, Service, StepTold
from failover.reports.given import Span
from failover.reports.words import face

WIDTH = 642.0
LEFT, RIGHT = 96.0, 10.0  # for the names; for the last words
ROW, BAR, TOP = 34.0, 13.0, 14.0  # height of a row, of its bar; room for the words over the first bar
LINE = 11.0  # height of a line of words
STEP_ROW, AXIS = 16.0, 22.0
LEAST = 30.0  # seconds of the axis
GAPS = (5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600, 7200, 21600, 86400)
MOST_TICKS = 7
NARROW = 1.5  # the least width of a bar that can be seen
LETTER = 5.0  # width of a letter of the small words, on average


@dataclass(frozen=True)
class Bar:
    """kind: up | down | unknown; of steps, act and done by turns, so that each is seen."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class Words:
    """anchor: start | middle | end."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    strong: bool = False


@dataclass(frozen=True)
class Rule:
    """A line from top to bottom. dashed: the objective."""

    x: float
    top: float
    bottom: float
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """bottom: where the axis lies."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    bars: tuple[Bar, ...]
    words: tuple[Words, ...]
    rules: tuple[Rule, ...]
    ticks: tuple[Words, ...]

    @property
    def foot(self) -> float:
        """Where a tick ends."""
        return self.bottom + 3


def plot(report: Report) -> Plot | None:
    """None where there is nothing to plot: the clock was not started, or nobody asked."""
    services = report.measured.services
    if report.frame.injected is None or not services:
        return None
    scale = _Scale(_whole(report))
    bars: list[Bar] = []
    words: list[Words] = []
    rules: list[Rule] = []
    y = TOP
    for one in services:
        words.append(Words(0, y + BAR - 3, _cut(one.title, 18)))
        bars += _spans(report, one, y, scale)
        more, rule = _labels(one, y, scale)
        words += more
        rules += rule
        y = max([y + ROW, *(each.y + ROW - BAR - 10 for each in more)])
    words.append(Words(0, y + 9, "Steps"))
    bars += _steps(report, y, scale)
    bottom = y + STEP_ROW
    rules.append(Rule(LEFT, TOP - 6, bottom))
    words.append(Words(LEFT + 3, TOP - 4, "injection"))
    ticks = tuple(Words(scale.x(at), bottom + 14, face(at), "middle") for at in _ticks(scale.whole))
    edge = WIDTH - RIGHT
    return Plot(WIDTH, bottom + AXIS, LEFT, edge, bottom, tuple(bars), tuple(words), tuple(rules), ticks)


@dataclass(frozen=True)
class _Scale:
    whole: float

    def x(self, seconds: float) -> float:
        inside = max(0.0, min(seconds, self.whole))
        return round(LEFT + inside / self.whole * (WIDTH - LEFT - RIGHT), 2)


def _whole(report: Report) -> float:
    """The seconds that are shown: all outages and objectives, and a tenth more."""
    ends = [one.back or 0.0 for one in report.measured.services]
    ends += [one.objective or 0.0 for one in report.measured.services]
    ends += [outage.back or outage.began for one in report.measured.services for outage in one.outages]
    if any(one.state == "not back" for one in report.measured.services):
        ends += [span.last for span in report.measured.spans]
    return max(LEAST, max(ends) * 1.1)


def _spans(report: Report, one: Service, y: float, scale: _Scale) -> list[Bar]:
    """What was seen from the injection on; all of it unknown where nothing was."""
    found = [_span(span, y, scale) for span in report.measured.spans if span.service == one.key and span.last >= 0]
    return found or [Bar(LEFT, y, WIDTH - LEFT - RIGHT, BAR, "unknown", f"not known. {one.why}".strip())]


def _span(span: Span, y: float, scale: _Scale) -> Bar:
    kind = {True: "up", False: "down", None: "unknown"}[span.up]
    x, end = scale.x(span.began), scale.x(span.last)
    said = {"up": "answers", "down": "away", "unknown": "not known"}[kind]
    title = f"{face(span.began)} to {face(span.last)}: {said}{f', {span.why}' if span.why else ''}"
    return Bar(x, y, round(max(end - x, NARROW), 2), BAR, kind, title)


def _labels(one: Service, y: float, scale: _Scale) -> tuple[list[Words], list[Rule]]:
    """What became of it and the objective, under the bar; on a line of its own where they would overlap."""
    words, rules, under = [], [], y + BAR + 10
    if one.back is not None:
        words.append(_beside(scale.x(one.back), under, f"back after {one.recovery}"))
        rules.append(Rule(scale.x(one.back), y - 2, under + 1))
    elif one.state != "steady":
        words.append(Words(LEFT + 4, under, one.state, strong=True))
    if one.objective is not None:
        x, text = scale.x(one.objective), f"objective {face(one.objective)}"
        spot = _beside(x, under, text)
        crowded = any(_overlap(spot, other) for other in words)
        spot = replace(spot, y=under + LINE) if crowded else spot
        words.append(spot)
        rules.append(Rule(x, y - 2, spot.y + 1, dashed=True))
    return words, rules


def _beside(x: float, y: float, text: str) -> Words:
    """To the right of x where there is room, else to its left."""
    if x + 4 + len(text) * LETTER <= WIDTH:
        return Words(x + 4, y, text, strong=True)
    return Words(x - 4, y, text, "end", strong=True)


def _overlap(one: Words, other: Words) -> bool:
    (left, right), (begin, end) = _reach(one), _reach(other)
    return left < end and begin < right


def _reach(words: Words) -> tuple[float, float]:
    wide = len(words.text) * LETTER + 4
    return (words.x - wide, words.x) if words.anchor == "end" else (words.x, words.x + wide)


def _steps(report: Report, y: float, scale: _Scale) -> list[Bar]:
    injected = report.frame.injected
    assert injected is not None
    found: list[Bar] = []
    for step in report.steps:
        if step.began is None:
            continue
        began = (step.began - injected).total_seconds()
        ended = began + (step.took or 0.0)
        if ended < 0 or began > scale.whole:
            continue
        x, end = scale.x(began), scale.x(ended)
        kind = "act" if len(found) % 2 else "done"
        found.append(Bar(x, y + 1, round(max(end - x - 1, NARROW), 2), 9, kind, _title(step)))
    return found


def _title(step: StepTold) -> str:
    return f"{step.position}. {step.title}"


def _ticks(whole: float) -> list[int]:
    gap = next((one for one in GAPS if whole / one <= MOST_TICKS), GAPS[-1])
    return list(range(0, int(whole) + 1, gap))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
