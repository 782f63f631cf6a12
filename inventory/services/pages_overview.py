"""The overview's rows: what is not ok now, the last day as strips, the latest changes, what needs a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Q, Value, When

from inventory.models import Host, Transition
from inventory.services.pages_findings import effective
from inventory.services.pages_history import (
    COLUMNS,
    DAY,
    MOST,
    Changed,
    Check,
    Stretch,
    check_of,
    known_from,
    moves,
    stretches,
    transitions,
)
from inventory.services.pages_now import Now, Tally, findings, read, stale
from portal.kernel.outcome import GRAVE, Outcome
from portal.runs.models import Run

STRIPS = 8  # hosts with a strip of their own
BAD = 350  # findings that are not ok that a page reads at most, the worst first
LATEST = 6
READ = 120  # transitions of all hosts that are read for them: those of one cause become one line
NEEDS = 5
ENGINE, LUNS, VMS, SERVICES = "engine", "luns", "vms", "services"
OF_LUNS = ("lun", "san", "switch", "array", "estate")  # kinds that speak of LUNs and what carries them

Group = int | str
Standing = tuple[Group, Check, Outcome]


def not_ok(now: datetime, hosts: Sequence[int]) -> list[Now]:
    """The findings that are not ok, the worst and oldest first. Those of the engine and of `hosts` themselves are all
    there, however many others there are."""
    engines = Q(look__host__isnull=True, look__device__isnull=True, look__vm__isnull=True)
    mine = Case(When(Q(look__host__in=hosts) | engines, then=Value(0)), default=Value(1))
    first = Case(When(subject_kind="lun", then=Value(1)), default=mine)
    rows = effective(findings().filter(stale(now) | ~Q(outcome="ok")), now).annotate(first=first)
    found = read(rows.order_by("first", "-rank", "since", "pk")[:BAD], now)
    return sorted(found, key=lambda one: (GRAVE.index(one.outcome), one.since))


def day(now: datetime, hosts: Sequence[int]) -> list[Any]:
    """The transitions of the last day that the strips of `hosts`, the engine and the LUNs are drawn from, and the
    latest of all; the newest first, rows of COLUMNS."""
    seen_ok = Q(from_outcome="", to_outcome="ok")  # a check that was first seen has not changed
    latest = Transition.objects.exclude(seen_ok).filter(at__lte=now).order_by("-at", "-pk").values("pk")[:READ]
    today = Transition.objects.filter(at__gte=now - DAY, at__lte=now)
    mine = today.filter(Q(host__in=hosts) | Q(host__isnull=True)).exclude(subject_kind__in=(*OF_LUNS, "vm", "service"))
    luns = today.filter(subject_kind__in=OF_LUNS)
    # LUNs that were first seen and are ok say only since when there are any: the first of them does
    moved, first = luns.exclude(seen_ok), luns.order_by("at", "pk").values("pk")[:1]
    wanted = latest.union(mine.values("pk"), moved.values("pk"), first, all=True)
    # where there are too many, the oldest of the LUNs are left out: those of all hosts meet in one strip
    last = Case(When(subject_kind__in=OF_LUNS, then=Value(1)), default=Value(0))
    rows = transitions().filter(pk__in=wanted).order_by(last, "-at", "-pk")
    found = list(rows.values_list(*COLUMNS, named=True)[:MOST])
    return sorted(found, key=lambda row: row.at, reverse=True)


@dataclass(frozen=True)
class Strip:
    """One subject's day. url "" for a group."""

    name: str
    about: str
    host: int | None
    stretches: list[Stretch]


def group_of(kind: str, host: int | None) -> Group:
    """Which strip a finding or transition belongs to; VMs and services have none."""
    if kind in OF_LUNS:
        return LUNS
    if kind == "vm":
        return VMS
    if kind == "service":
        return SERVICES
    return ENGINE if host is None else host


def strips(
    now: datetime,
    hosts: Sequence[tuple[Host, str]],
    bad: Sequence[Now],
    moved: Sequence[Any],
    kinds: Mapping[str, Tally],
) -> list[Strip]:
    """hosts: those with a strip, each with what stands beside its name. kinds: the outcomes of now per kind of
    subject. What was never looked at has no strip."""
    chosen: dict[Group, tuple[str, str]] = {host.pk: (host.name, about) for host, about in hosts}
    chosen |= {ENGINE: ("Engine", "pages, API, certificate")} if "engine" in kinds else {}
    chosen |= {LUNS: ("LUN paths", "all hosts")} if "lun" in kinds else {}
    steps = [move for move in moves(moved, bad, group_of, now) if move.group in chosen]
    standing: list[Standing] = [(group_of(one.kind, one.host_pk), check_of(one), one.outcome) for one in bad]
    standing = [each for each in standing if each[0] in chosen]
    standing += _settled(steps, {check for _, check, _ in standing})
    base = {group: _base(group, steps, now) for group in chosen}
    standing += [(group, move.check, Outcome.OK) for group, move in base.items()]
    drawn = stretches(now, standing, sorted([*base.values(), *steps], key=lambda move: move.at))
    found = []
    for group, (name, about) in chosen.items():
        rows = drawn.get(group, [])
        if group == LUNS:
            since = max(base[LUNS].at, _read_from(moved, now))
            rows = known_from(_at_least(rows, now, kinds["lun"].worst), since)
        elif len(moved) == MOST and moved[-1].subject_kind not in OF_LUNS:
            rows = known_from(rows, moved[-1].at)
        found.append(Strip(name, about, group if isinstance(group, int) else None, rows))
    return found


def _read_from(moved: Sequence[Any], now: datetime) -> datetime:
    """From when on the transitions of LUNs were all read."""
    if len(moved) < MOST:
        return now - DAY
    return min((row.at for row in moved if row.subject_kind in OF_LUNS), default=now)


def _base(group: Group, steps: Sequence[Changed], now: datetime) -> Changed:
    """The checks that are ok and never moved, as one: they stand since the day began, or since the group's first
    finding when that lies within it."""
    first = next((move for move in steps if move.group == group), None)
    begins = first.at if first is not None and first.before == "" else now - DAY
    return Changed(begins, group, ("", "", "", str(group), None), "", "ok")


def _at_least(rows: list[Stretch], now: datetime, outcome: Outcome) -> list[Stretch]:
    """Not calmer at its end than what is known of now, even when not every finding was read."""
    shown = rows[-1][2] if rows else "blank"
    if not rows or (shown != "blank" and GRAVE.index(Outcome(shown)) <= GRAVE.index(outcome)):
        return rows
    begin, _, state, words = rows[-1]
    edge = max(begin, now - timedelta(minutes=5))
    return [*rows[:-1], (begin, edge, state, words), (edge, now, outcome.value, words)]


def _settled(steps: Sequence[Changed], known: set[Check]) -> list[Standing]:
    """Checks that moved and are ok now: they are not among what is not ok."""
    last = {move.check: move for move in steps}
    return [
        (group_of(check[2], check[4]), check, Outcome.OK)
        for check, move in last.items()
        if check not in known and move.after == "ok"
    ]


@dataclass(frozen=True)
class Need:
    """Something that a person must see: the worst finding of a host or of a group, and how many more it has."""

    one: Now
    more: int
    group: Group


def needs(bad: Sequence[Now]) -> tuple[list[Need], int]:
    """One entry per host and for what no host says of engine, LUNs or VMs, the worst first; and how many in all."""
    first: dict[Group, Now] = {}
    counts: dict[Group, int] = {}
    for one in bad:
        key = one.host_pk or group_of(one.kind, None)
        first.setdefault(key, one)
        counts[key] = counts.get(key, 0) + 1
    return [Need(one, counts[key] - 1, key) for key, one in list(first.items())[:NEEDS]], len(first)


def waiting_runs() -> list[Run]:
    """Runs that wait for a person or are under way, the newest first."""
    wanted = Q(status__in=[Run.Status.AWAITING_APPROVAL, Run.Status.NEEDS_ATTENTION, *Run.ACTIVE])
    return list(Run.objects.filter(wanted).order_by("-pk")[:NEEDS])
