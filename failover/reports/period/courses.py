"""From changes of state to time in each state: per part of the period, and per subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from failover.reports.period.content import Course, Shares, Subject
from failover.reports.period.given import Turn
from failover.reports.period.span import Span, parts

ORDER = ("ok", "warn", "unknown", "fail")  # the worst check of a subject is its state
Key = tuple[str, str]  # engine, subject


@dataclass(frozen=True)
class Stretch:
    """A time in one state."""

    begins: datetime
    ends: datetime
    outcome: str


def course(began: Iterable[Turn], turns: Iterable[Turn], span: Span, names: Mapping[str, str]) -> Course:
    """Time before the first thing that is known of a subject does not count: it is not known that it was there. names:
    of subjects, where they have one for people."""
    of: dict[Key, list[Turn]] = {}
    for one in (*began, *turns):
        if one.at < span.ends:
            of.setdefault((one.engine, one.subject), []).append(one)
    drawn = {key: stretches(rows, span) for key, rows in of.items()}
    first = min((rows[0].begins for rows in drawn.values()), default=None)
    subjects = [_subject(key, of[key], drawn[key], span, names) for key in of]
    return Course(
        first,
        tuple(_shares(begins, ends, drawn.values()) for begins, ends in parts(span)),
        tuple(sorted(subjects, key=lambda one: (-_bad(one.shares), one.engine, one.name))),
    )


def stretches(turns: list[Turn], span: Span) -> list[Stretch]:
    """One subject's states in the period, of all its checks the worst; equal neighbours are one."""
    found: list[Stretch] = []
    standing: dict[str, str] = {}
    ordered = sorted(turns, key=lambda turn: (turn.at, turn.check))
    ends = [*(max(one.at, span.begins) for one in ordered[1:]), span.ends]
    for one, end in zip(ordered, ends, strict=True):
        standing[one.check] = one.outcome
        begin = max(one.at, span.begins)
        if begin < end:
            _add(found, Stretch(begin, end, max(standing.values(), key=ORDER.index)))
    return found


def _add(found: list[Stretch], one: Stretch) -> None:
    if found and found[-1].outcome == one.outcome:
        one = Stretch(found.pop().begins, one.ends, one.outcome)
    found.append(one)


def _shares(begins: datetime, ends: datetime, drawn: Iterable[list[Stretch]]) -> Shares:
    seconds: Counter[str] = Counter()
    for rows in drawn:
        for one in rows:
            if one.begins < ends and one.ends > begins:
                seconds[one.outcome] += _between(max(one.begins, begins), min(one.ends, ends))
    return Shares(begins, *(seconds[word] for word in ("ok", "warn", "fail", "unknown")))


def _between(begins: datetime, ends: datetime) -> int:
    """Whole seconds, so that the parts of a period add up to it."""
    return int(ends.timestamp()) - int(begins.timestamp())


def _subject(key: Key, turns: list[Turn], rows: list[Stretch], span: Span, names: Mapping[str, str]) -> Subject:
    engine, name = key
    worst = max(_worse(turns, span), key=lambda turn: (ORDER.index(turn.outcome), -turn.at.timestamp()), default=None)
    return Subject(
        names.get(name, name),
        engine,
        _shares(span.begins, span.ends, [rows]),
        len(rows) - 1,
        worst.sentence if worst else "",
        worst.at if worst else None,
    )


def _worse(turns: list[Turn], span: Span) -> Iterator[Turn]:
    """Turns to anything but ok that were in force in the period."""
    last: dict[str, Turn] = {}
    for one in sorted(turns, key=lambda turn: turn.at):
        if one.at >= span.begins:
            if one.outcome != "ok":
                yield one
        else:
            last[one.check] = one
    yield from (one for one in last.values() if one.outcome != "ok")


def _bad(shares: Shares) -> int:
    return shares.fail * 4 + shares.unknown * 2 + shares.warn


def share(course_: Course) -> int | None:
    """Millionths of the known time of all subjects that were ok; None when nothing was looked at."""
    whole = sum(one.whole for one in course_.parts)
    return sum(one.ok for one in course_.parts) * 1_000_000 // whole if whole else None
