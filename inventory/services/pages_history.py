"""History: stretches of state for the strips, transitions for the tables, numbers for the charts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from inventory.models import Lun, Rollup, Transition
from inventory.services.pages_now import Now
from portal.kernel.outcome import Outcome

DAY = timedelta(hours=24)
MOST = 1500  # transitions that a page of strips reads at most; a flapping estate is not a reason to be slow

Stretch = tuple[datetime, datetime, str, str]
Check = tuple[str, str, str, str, int | None]


@dataclass(frozen=True)
class Changed:
    """One transition, as the strips need it."""

    at: datetime
    group: Hashable
    check: Check
    before: str
    after: str


def stretches(
    now: datetime,
    standing: Iterable[tuple[Hashable, Check, Outcome]],
    changes: Sequence[Changed],
    span: timedelta = DAY,
) -> dict[Hashable, list[Stretch]]:
    """Per group, who was in which worst state from when to when. standing: the checks' outcomes of now; changes: in
    order of time, all within the span."""
    begin = now - span
    last: dict[Hashable, dict[Check, str]] = defaultdict(dict)
    for group, check, outcome in standing:
        last[group][check] = outcome.value
    moves: dict[Hashable, list[Changed]] = defaultdict(list)
    for change in changes:
        moves[change.group].append(change)
    return {group: _merge(begin, now, last[group], moves[group]) for group in {*last, *moves}}


def _merge(begin: datetime, now: datetime, standing: dict[Check, str], moves: list[Changed]) -> list[Stretch]:
    states = dict(standing)
    for move in reversed(moves):  # back to how it was when the window began
        states[move.check] = move.before
    counts = Counter(state for state in states.values() if state)
    ends = {move.check: move for move in moves}
    found: list[Stretch] = []
    since, state = begin, _worst(counts)
    for move in moves:
        counts[states.get(move.check, "")] -= 1
        gone = ends[move.check] is move and move.check not in standing
        states[move.check] = "" if gone else move.after
        counts[states[move.check]] += 1
        new = _worst(counts)
        if new != state:
            found.append((since, move.at, state, ""))
            since, state = move.at, new
    return [*found, (since, now, state, "")]


def _worst(counts: Counter[str]) -> str:
    for state in ("fail", "unknown", "warn", "ok"):
        if counts[state] > 0:
            return state
    return "blank"


def check_of(now: Now) -> Check:
    """The key under which a standing finding meets its transitions."""
    return (now.probe, now.check, now.kind, now.key, now.host_pk)


def moves(
    rows: Sequence[Any], found: Iterable[Now], group: Callable[[str, int | None], Hashable], now: datetime
) -> list[Changed]:
    """Transitions of the last day (`rows`: of COLUMNS, newest first) in order of time, and the moments at which
    standing findings grew too old to believe. group: subject kind and host in, the strip's group out."""
    told = [
        Changed(
            row.at,
            group(row.subject_kind, row.host_id),
            (row.probe, row.check_name, row.subject_kind, row.subject_key, row.host_id),
            row.from_outcome,
            row.to_outcome,
        )
        for row in reversed(rows)
        if row.at >= now - DAY
    ]
    aged = [
        Changed(one.since, group(one.kind, one.host_pk), check_of(one), one.stored, one.outcome.value)
        for one in found
        if one.stored and one.since >= now - DAY
    ]
    return sorted([*told, *aged], key=lambda move: move.at)


def known_from(found: list[Stretch], since: datetime) -> list[Stretch]:
    """The stretches with everything before a moment left blank."""
    kept = [(max(begin, since), end, state, words) for begin, end, state, words in found if end > since]
    blank = [(found[0][0], since, "blank", "")] if found and found[0][0] < since else []
    return blank + kept


# What strips and tables need of a transition; rows of these columns cost a fraction of model objects.
COLUMNS = (
    "at",
    "host_id",
    "host_name",
    "probe",
    "check_name",
    "subject_kind",
    "subject_key",
    "lun_name",
    "from_outcome",
    "to_outcome",
    "sentence",
    "capture_sha",
)


def transitions() -> QuerySet[Any]:
    """The newest first, with what a table needs; LUNs with the name that people know them by."""
    lun = Lun.objects.filter(engine=OuterRef("engine"), uuid=OuterRef("subject_key"))
    return Transition.objects.annotate(
        lun_name=Subquery(lun.values("name")[:1]), host_name=F("host__name"), capture_sha=F("capture__sha256")
    ).order_by("-at", "-pk")


def numbers(
    looks: Iterable[int], series: str, now: datetime, span: timedelta = DAY
) -> dict[tuple[int, str], list[tuple[datetime, float]]]:
    """Roll-ups of the last value per bucket: (look, series) -> points in order of time. series is a prefix."""
    found: dict[tuple[int, str], list[tuple[datetime, float]]] = defaultdict(list)
    rows = Rollup.objects.filter(look__in=list(looks), series__startswith=series, bucket__gte=now - span)
    for look, name, bucket, last in rows.order_by("bucket").values_list("look_id", "series", "bucket", "last"):
        found[look, name].append((bucket, last))
    return dict(found)
