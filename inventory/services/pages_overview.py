"""The overview's rows: what is not ok now, the last day as strips, the latest changes, what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from inventory.models import Host, Transition
from inventory.services.pages_findings import effective
from inventory.services.pages_history import DAY, MOST, Changed, Check, Stretch, stretches, transitions
from inventory.services.pages_now import Now, findings, read
from portal.kernel.outcome import Outcome
from portal.runs.models import Run

STRIPS = 8  # hosts with a strip of their own
BAD = 400  # findings that are not ok that a page reads at most, the worst first
LATEST = 6
NEEDS = 5
ENGINE, LUNS = "engine", "luns"

Group = int | str
Standing = tuple[Group, Check, Outcome]


def not_ok(now: datetime) -> list[Now]:
    """The findings that are not ok, the worst and oldest first."""
    rows = effective(findings(), now).filter(rank__gt=0).order_by("-rank", "since", "pk")
    return read(rows[:BAD], now)


def day(now: datetime) -> list[Transition]:
    """The transitions of the last day, the newest first."""
    rows = transitions().filter(at__gte=now - DAY, at__lte=now)
    return list(
        rows.defer("capture__sections", "host__nics", "host__hugepages", "engine__ca_pem", "engine__password")[:MOST]
    )


@dataclass(frozen=True)
class Strip:
    """One subject's day. url "" for a group."""

    name: str
    about: str
    host: int | None
    stretches: list[Stretch]


def group_of(kind: str, host: int | None) -> Group:
    """Which strip a finding or transition belongs to."""
    if kind == "lun":
        return LUNS
    return ENGINE if host is None else host


def strips(
    now: datetime, hosts: Sequence[tuple[Host, str]], bad: Iterable[Now], moved: Sequence[Transition]
) -> list[Strip]:
    """hosts: those with a strip, each with what stands beside its name. Every subject is taken for ok where nothing
    else was found; a subject that was never looked at has no strip."""
    chosen: dict[Group, tuple[str, str]] = {host.pk: (host.name, about) for host, about in hosts}
    chosen |= {ENGINE: ("Engine", "pages, API, certificate"), LUNS: ("LUN paths", "all hosts")}
    standing: list[Standing] = [(group, ("", "", "", "", None), Outcome.OK) for group in chosen]
    standing += [
        (group_of(one.kind, one.host_pk), (one.probe, one.check, one.kind, one.key, one.host_pk), one.outcome)
        for one in bad
        if group_of(one.kind, one.host_pk) in chosen
    ]
    moves = [
        Changed(
            one.at,
            group_of(one.subject_kind, one.host_id),
            (one.probe, one.check_name, one.subject_kind, one.subject_key, one.host_id),
            one.from_outcome,
            one.to_outcome,
        )
        for one in reversed(moved)
        if group_of(one.subject_kind, one.host_id) in chosen
    ]
    standing += _settled(moves, {check for _, check, _ in standing})
    drawn = stretches(now, standing, moves)
    return [
        Strip(name, about, group if isinstance(group, int) else None, drawn.get(group, []))
        for group, (name, about) in chosen.items()
    ]


def _settled(moves: Sequence[Changed], known: set[Check]) -> list[Standing]:
    """Checks that moved and are ok now: they are not among what is not ok."""
    last = {move.check: move for move in moves}
    return [
        (group_of(move.check[2], move.check[4]), check, Outcome.OK)
        for check, move in last.items()
        if check not in known and move.after == "ok"
    ]


@dataclass(frozen=True)
class Need:
    """Something that a person must see: the worst finding of one look, and how many more it has."""

    one: Now
    more: int


def needs(bad: Sequence[Now]) -> tuple[list[Need], int]:
    """One entry per host or engine, the worst first; and how many there are in all."""
    first: dict[tuple[str, int | None], Now] = {}
    counts: dict[tuple[str, int | None], int] = {}
    for one in bad:
        key = ("host" if one.host_pk else "engine", one.host_pk)
        first.setdefault(key, one)
        counts[key] = counts.get(key, 0) + 1
    return [Need(one, counts[key] - 1) for key, one in list(first.items())[:NEEDS]], len(first)


def waiting_runs() -> list[Run]:
    """Runs that wait for a person or are under way, the newest first."""
    wanted = Q(status__in=[Run.Status.AWAITING_APPROVAL, Run.Status.NEEDS_ATTENTION, *Run.ACTIVE])
    return list(Run.objects.filter(wanted).order_by("-pk")[:NEEDS])
