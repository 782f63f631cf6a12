"""Sets of moments as intervals of Unix seconds: sorted, apart, none empty. Half open, so that two that touch share
nothing and make one."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[float, float]
Moments = tuple[Interval, ...]
NOTHING: Moments = ()


def union(*many: Iterable[Interval]) -> Moments:
    """What lies in any of them. They may be in any order, overlap, or be empty."""
    found: list[Interval] = []
    for begin, end in sorted(each for one in many for each in one if each[0] < each[1]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return tuple(found)


def intersect(one: Moments, other: Moments) -> Moments:
    """What lies in both."""
    found: list[Interval] = []
    a = b = 0
    while a < len(one) and b < len(other):
        begin, end = max(one[a][0], other[b][0]), min(one[a][1], other[b][1])
        if begin < end:
            found.append((begin, end))
        if one[a][1] < other[b][1]:
            a += 1
        else:
            b += 1
    return tuple(found)


def subtract(one: Moments, other: Moments) -> Moments:
    """What lies in the first and not in the other."""
    found: list[Interval] = []
    at = 0
    for begin, end in one:
        while at < len(other) and other[at][1] <= begin:
            at += 1
        left, cut = begin, at
        while cut < len(other) and other[cut][0] < end:
            if left < other[cut][0]:
                found.append((left, other[cut][0]))
            left = other[cut][1]
            cut += 1
        if left < end:
            found.append((left, end))
    return tuple(found)


def clip(one: Moments, begin: float, end: float) -> Moments:
    """What lies in one stretch of time."""
    return intersect(one, ((begin, end),)) if begin < end else NOTHING


def length(one: Moments) -> float:
    """Seconds of all of them, exact to the microsecond: floats of Unix seconds are not, and thousands add up."""
    return sum(round(end * 1e6) - round(begin * 1e6) for begin, end in one) / 1e6
