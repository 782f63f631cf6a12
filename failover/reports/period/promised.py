"""What was promised at each time of a period, and for how long it was broken: the RPO of backups, the days after which
a drill is to prove something again. A promise counts from the moment on that it was made; what was promised before the
first that is kept is not known, and the first is taken in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from failover.reports.period.content import Proof
from failover.reports.period.given import Promise, Proven, Slice
from failover.reports.period.span import Span

FAILOVER = "failover, by an unplanned loss"  # a proof that any of the plans with such a loss gives
ALLOWED = timedelta(days=95)  # for that, where no schedule says
ZERO = timedelta(0)


@dataclass(frozen=True)
class Stretch:
    """limit None: nothing is promised. assumed: what was promised then is not kept."""

    begins: datetime
    ends: datetime
    limit: timedelta | None
    assumed: bool


def stretches(promises: Iterable[Promise], span: Span, default: timedelta | None = None) -> tuple[Stretch, ...]:
    """The period by the least that was promised at each time, without a gap; default: where nothing was."""
    of: dict[str, list[Promise]] = {}
    for one in sorted(promises, key=lambda one: one.since):
        of.setdefault(one.key, []).append(one)
    moments = {one.since for rows in of.values() for one in rows if span.begins < one.since < span.ends}
    edges = [span.begins, *sorted(moments), span.ends]
    return tuple(_stretch(of.values(), begins, ends, default) for begins, ends in pairwise(edges))


def _stretch(of: Iterable[Sequence[Promise]], begins: datetime, ends: datetime, default: timedelta | None) -> Stretch:
    held, assumed = [], False
    for rows in of:
        before = [one for one in rows if one.since <= begins]
        unkept = not before and not rows[0].first
        if before or unkept:
            held.append(before[-1] if before else rows[0])
        assumed = assumed or unkept
    return Stretch(begins, ends, min((one.limit for one in held if one.enabled), default=default), assumed)


def watched(of: Iterable[Stretch], since: datetime | None) -> tuple[Stretch, ...]:
    """The part of it in which the portal watched; None: none."""
    if since is None:
        return ()
    return tuple(replace(one, begins=max(one.begins, since)) for one in of if one.ends > since)


def beyond(steps: Sequence[tuple[datetime, datetime]], of: Iterable[Stretch], base: datetime | None) -> int:
    """For how many seconds something was older than promised. steps: (known from, the moment whose age counts); base:
    the moment that counts before the first of them; None: it is too old then."""
    found = ZERO
    for one in of:
        if one.limit is None:
            continue
        edges = [one.begins, *(at for at, _ in steps if one.begins < at < one.ends), one.ends]
        for begins, ends in pairwise(edges):
            newest = max((moment for at, moment in steps if at <= begins), default=base)
            late = begins if newest is None else max(begins, newest + one.limit)
            found += max(ZERO, ends - late)
    return int(found.total_seconds())


def assumed(of: Iterable[Stretch]) -> int:
    """For how many seconds what was promised is not kept."""
    return int(sum((one.ends - one.begins for one in of if one.assumed), ZERO).total_seconds())


def began(promises: Sequence[Promise]) -> datetime | None:
    """When anything was promised first: the moment from which on the age of what was never proven counts. None: that is
    not kept, or nothing is promised."""
    first = min(promises, key=lambda one: one.since, default=None)
    return first.since if first is not None and first.first else None


def proofs(now: Slice, engines: Iterable[str], promises: Sequence[Promise], proven: Sequence[Proven]) -> list[Proof]:
    """What schedules in force count, and failover itself for each engine. What was never proven is as old as what the
    portal knows of this scope."""
    drills = [one for one in promises if one.kind == "drill"]
    base = now.since or now.span.ends  # a portal that keeps nothing yet calls nothing overdue
    found = []
    for engine in engines:
        mine = [one for one in drills if one.engine == engine]
        done = [one for one in proven if one.engine == engine]
        loss = stretches([one for one in mine if one.proves], now.span, ALLOWED)
        found.append(_proof(FAILOVER, engine, [one.ended for one in done if one.proves], loss, base, now.span))
        for plan in sorted({one.plan for one in mine if not one.proves}):
            of = stretches([one for one in mine if one.plan == plan], now.span)
            if of[-1].limit is not None:
                ended = [one.ended for one in done if one.plan == plan]
                found.append(_proof(plan, engine, ended, of, base, now.span))
    return found


def _proof(what: str, engine: str, ended: list[datetime], of: tuple[Stretch, ...], base: datetime, span: Span) -> Proof:
    last, limit = max(ended, default=None), of[-1].limit or ALLOWED
    late = span.ends - (last or base) > limit
    days = (span.ends - last).days if last else None
    steps = [(one, one) for one in ended]
    return Proof(what, engine, last, limit.days, days, late, beyond(steps, of, base), assumed(of))
