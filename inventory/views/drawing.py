"""Geometry of the drawings: numbers in, SVG attribute values out. Pure; colour is the templates' and the CSS's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils import timezone

NARROW = 1.3  # per cent of a strip under which a block is drawn 9 px wide
FULL = 3400  # the best score of an HA agent
WIDTH, HEIGHT = 1000, 100  # the inner coordinates of a line chart


def percent(part: float, whole: float) -> str:
    """An SVG length in per cent, clipped to 0 to 100."""
    return f"{min(100.0, max(0.0, part / whole * 100)):.2f}%"


@dataclass(frozen=True)
class Block:
    """A stretch of a strip. narrow: draw it 9 px wide around its middle instead."""

    state: str
    x: str
    width: str
    middle: str
    narrow: bool
    words: str


def blocks(spans: Iterable[tuple[datetime, datetime, str, str]], begin: datetime, end: datetime) -> list[Block]:
    """Stretches (from, to, state, words) of one subject within a window, in order of time."""
    whole = (end - begin).total_seconds()
    found = []
    for first, last, state, words in spans:
        left = max(0.0, (first - begin).total_seconds())
        right = min(whole, (last - begin).total_seconds())
        if right <= left:
            continue
        share = (right - left) / whole * 100
        found.append(
            Block(
                state,
                percent(left, whole),
                percent(right - left, whole),
                percent((left + right) / 2, whole),
                share < NARROW and state != "ok",
                words,
            )
        )
    return found


@dataclass(frozen=True)
class Tick:
    """A mark on a time axis. side: the text's classes; crowded: no room for it on a phone."""

    x: str
    text: str
    side: str


def hours(begin: datetime, end: datetime, step: int = 6) -> list[Tick]:
    """Ticks of a window of about a day: its start, every `step` hours of the reader's clock, and now."""
    whole = (end - begin).total_seconds()
    there = timezone.localtime(begin)
    ticks = [Tick("0%", f"{there:%H:%M %a}", "")]
    at = there.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while at < end:
        share = (at - begin).total_seconds() / whole
        if at.hour % step == 0 and 0.14 < share < 0.9:
            words = f"{at:%H:%M %a}" if at.hour == 0 else f"{at:%H:%M}"
            crowded = " crowded" if share < 0.3 or share > 0.86 else ""
            ticks.append(Tick(f"{share * 100:.2f}%", words, f"middle{crowded}"))
        at += timedelta(hours=1)
    return [*ticks, Tick("100%", "now", "end")]


def days_of(begin: datetime, end: datetime, step: int = 7) -> list[Tick]:
    """Ticks of a window of about a month: its start, every `step` days before its end, and now."""
    whole = (end - begin).total_seconds()
    ticks = [Tick("0%", f"{timezone.localtime(begin):%d %b}", "")]
    at = end - timedelta(days=step * (int(whole / 86_400) // step))
    while at < end:
        share = (at - begin).total_seconds() / whole
        if 0.14 < share < 0.9:
            ticks.append(Tick(f"{share * 100:.2f}%", f"{timezone.localtime(at):%d %b}", "middle"))
        at += timedelta(days=step)
    return [*ticks, Tick("100%", "now", "end")]


@dataclass(frozen=True)
class Bar:
    """A score bar from 0 to 3400: solid score, hatched penalty, the mark where HA acts."""

    solid: str
    lost_x: str
    lost_width: str
    limit_x: str
    limit: int
    limit_left: bool  # the words stand left of the mark


def score_bar(score: int, best: int) -> Bar:
    """best: the best score of any live host; HA acts at 800 below it (facts/hosted-engine.md 3.1)."""
    limit = max(0, best - 800)
    return Bar(
        percent(score, FULL),
        percent(score, FULL),
        percent(FULL - score, FULL),
        percent(limit, FULL),
        limit,
        limit > 1400,
    )


@dataclass(frozen=True)
class Line:
    """One series of a chart: its path, and its label at the line's end."""

    number: int
    path: str
    label: str
    label_y: str


@dataclass(frozen=True)
class Gap:
    """A stretch without data. wide: there is room for its words."""

    x: str
    width: str
    wide: bool


@dataclass(frozen=True)
class Band:
    """A stretch in which a series stood at zero."""

    x: str
    width: str
    end: str
    words: str


Point = tuple[datetime, float]


def zeros(name: str, points: Sequence[Point], window: tuple[datetime, datetime]) -> list[Band]:
    """Where a series is 0, from its first zero to the next value."""
    begin, end = window
    whole = (end - begin).total_seconds()
    found: list[Band] = []
    since: datetime | None = None
    for at, value in [*points, (end, 1.0)]:
        if value == 0 and since is None:
            since = at
        elif value != 0 and since is not None:
            left, right = (since - begin).total_seconds(), (at - begin).total_seconds()
            found.append(
                Band(percent(left, whole), percent(right - left, whole), percent(right, whole), f"{name} score 0")
            )
            since = None
    return found


def line(number: int, name: str, points: Sequence[Point], window: tuple[datetime, datetime], top: float) -> Line:
    """A stepped line; a pause of more than two buckets breaks it."""
    begin, end = window
    whole = (end - begin).total_seconds()
    words, last, height = [], None, 0.0
    for at, value in points:
        x = (at - begin).total_seconds() / whole * WIDTH
        height = HEIGHT - value / top * HEIGHT
        broken = last is None or at - last > timedelta(minutes=11)
        words.append(f"M{x:.1f} {height:.2f}" if broken else f"H{x:.1f}V{height:.2f}")
        last = at
    if last is not None and end - last < timedelta(minutes=11):
        words.append(f"H{WIDTH}")
    value = points[-1][1] if points else 0.0
    return Line(number, "".join(words), f"{name} {value:.0f}", f"{height:.2f}%")


def apart(lines: Sequence[Line], least: float = 8.0) -> list[Line]:
    """The lines with their labels moved so that none covers another; least in per cent of the height."""
    placed: list[Line] = []
    floor = -least
    for one in sorted(lines, key=lambda each: float(each.label_y.rstrip("%"))):
        at = max(float(one.label_y.rstrip("%")), floor + least)
        floor = at
        placed.append(Line(one.number, one.path, one.label, f"{at:.2f}%"))
    return placed


def gaps(points: Sequence[Point], window: tuple[datetime, datetime]) -> list[Gap]:
    """Where a series has nothing for more than two buckets."""
    begin, end = window
    whole = (end - begin).total_seconds()
    edges = [begin, *(at for at, _ in points), end]
    return [
        Gap(
            percent((a - begin).total_seconds(), whole),
            percent((b - a).total_seconds(), whole),
            (b - a).total_seconds() > whole / 12,
        )
        for a, b in pairwise(edges)
        if b - a > timedelta(minutes=11)
    ]
