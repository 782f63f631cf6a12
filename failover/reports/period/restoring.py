"""What became of the backups of a period: counted per engine and per part, and how old the newest proven one was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median_low

from failover.reports.period.content import BackupDay, Backups, Trouble
from failover.reports.period.given import Promise, Rehearsal, Slice
from failover.reports.period.promised import assumed, began, beyond, stretches, watched
from failover.reports.period.span import Span, parts

PROVEN = "proven"


def engines(slice_: Slice, names: tuple[str, ...], promises: Sequence[Promise]) -> tuple[Backups, ...]:
    """One row per engine of the scope, also where there was no backup."""
    return tuple(
        _of(slice_, name, [one for one in promises if one.engine == name and one.kind == "rpo"]) for name in names
    )


def _of(slice_: Slice, engine: str, promises: list[Promise]) -> Backups:
    mine = [one for one in slice_.backups if one.engine == engine]
    every = [one for one in slice_.rehearsals if one.engine == engine]
    held = [one for one in every if slice_.span.begins <= one.at < slice_.span.ends]
    proven = [one for one in held if one.outcome == PROVEN]
    seconds = sorted(one.seconds for one in proven)
    promised = stretches(promises, slice_.span)
    seen = watched(promised, slice_.since)
    steps = [(one.at, one.taken) for one in every if one.outcome == PROVEN]
    limit = promised[-1].limit
    return Backups(
        engine=engine,
        done=sum(one.status == "DONE" for one in mine),
        failed=sum(one.status == "FAILED" for one in mine),
        missed=sum(one.engine == engine for one in slice_.missed),
        rehearsed=len(held),
        proven=len(proven),
        not_proven=len(held) - len(proven),
        newest_proven=max((one.taken for one in every if one.outcome == PROVEN), default=None),
        gap=gap(every, slice_.span),
        rpo=int(limit.total_seconds()) if limit is not None else None,
        over=beyond(steps, seen, began(promises)),
        assumed=assumed(seen),
        restore=median_low(seconds) if seconds else None,
        restore_longest=seconds[-1] if seconds else None,
        compared=sum(one.compared for one in proven),
    )


def gap(every: list[Rehearsal], span: Span) -> int | None:
    """The greatest age, in the period, of the newest backup that was proven by then; None: at some time none was."""
    steps = sorted((one.at, one.taken) for one in every if one.outcome == PROVEN and one.at < span.ends)
    if not steps or steps[0][0] > span.begins:
        return None
    newest, worst, at = steps[0][1], 0.0, span.begins
    for proven_at, taken in steps:
        at = max(proven_at, span.begins)
        worst = max(worst, (at - newest).total_seconds()) if at > span.begins else worst
        newest = max(newest, taken)
    return int(max(worst, (span.ends - newest).total_seconds()))


def days(slice_: Slice) -> tuple[BackupDay, ...]:
    """Per part of the period: backups taken in it by what is known of them, and what failed or never came."""
    proven = {(one.engine, one.ident) for one in slice_.rehearsals if one.outcome == PROVEN}
    found = []
    for begins, ends in parts(slice_.span):
        mine = [one for one in slice_.backups if begins <= one.taken < ends]
        done = [one for one in mine if one.status == "DONE"]
        good = sum((one.engine, one.ident) in proven for one in done)
        missed = sum(begins <= one.due < ends for one in slice_.missed)
        found.append(BackupDay(begins, good, len(done) - good, len(mine) - len(done) + missed))
    return tuple(found)


def troubles(slice_: Slice) -> tuple[Trouble, ...]:
    """What went wrong with backups, in the order of time."""
    found = [Trouble(one.engine, one.taken, "failed", one.sentence) for one in slice_.backups if one.status != "DONE"]
    found += [Trouble(one.engine, one.due, "missed", one.sentence) for one in slice_.missed]
    found += [
        Trouble(one.engine, one.at, "not restorable", one.sentence)
        for one in slice_.rehearsals
        if one.outcome != PROVEN and _within(one.at, slice_.span)
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.engine, one.what)))


def _within(at: datetime, span: Span) -> bool:
    return span.begins <= at < span.ends
