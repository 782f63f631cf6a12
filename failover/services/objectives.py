"""What is promised of services: declared, changed from the next period on, retired, never deleted. Each act is a record
in the evidence."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.utils import timezone

from failover.availability.periods import MONTHS
from failover.models import Objective, ObjectiveVersion, Service
from failover.services.asker import SLOWEST
from failover.services.availability import current
from failover.services.watching import ENGINE
from inventory.models import Engine, Lun
from portal.evidence.services import append
from portal.runs.services import Refused
from portal.runs.services.refused import recorded

DEFAULT = Decimal("99.99")
LEAST, MOST = Decimal("50"), Decimal("99.9999")
QUICKEST = 1.0  # seconds between two questions
LONGEST = 500  # characters of a reason
HOLDFAST, BY_DEFAULT = "holdfast", "What is promised where nobody has said otherwise."


@dataclass(frozen=True)
class Wish:
    """What is to be promised. percent: of the time; period: month | quarter | year; zone: whose calendar; every:
    seconds between two questions; most_ms: of a LUN."""

    percent: Decimal = DEFAULT
    period: str = "month"
    zone: str = "UTC"
    every: float = 5.0
    most_ms: float = 1.0


def wrong(wish: Wish) -> list[str]:
    """Every reason why this cannot be promised."""
    found = []
    try:
        if not LEAST <= wish.percent <= MOST or wish.percent != round(wish.percent, 4):
            found.append(f"{wish.percent} % is no objective: it is from {LEAST} to {MOST} %, with four decimals.")
    except InvalidOperation:
        found.append("The objective is no number.")
    if wish.period not in MONTHS:
        found.append(f"{wish.period!r} is no period: it is one of {', '.join(MONTHS)}.")
    if wish.zone not in zones():
        found.append(f"{wish.zone!r} is no time zone: write one such as Africa/Nairobi.")
    if not QUICKEST <= wish.every <= SLOWEST:
        found.append(f"A service is asked every {QUICKEST:g} to {SLOWEST:g} s.")
    if not 0 < wish.most_ms <= 1000:
        found.append("A read is promised to take more than 0 and at most 1000 ms.")
    return found


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Time zones that can be named; looking for them reads hundreds of files."""
    return tuple(sorted(available_timezones()))


def declare(engine: Engine, kind: str, key: str, wish: Wish, by: str, why: str = "") -> Objective:
    """A new objective; of a retired one a new version, and it is watched again. Raises Refused."""
    asked = {"engine": engine.name, "kind": kind, "key": key, "percent": str(wish.percent)}
    try:
        if mistakes := wrong(wish):
            raise Refused("parameters", *mistakes)
        title = title_of(engine, kind, key)
        with transaction.atomic():
            row = Objective.objects.select_for_update().filter(engine=engine, kind=kind, key=key).first()
            if row is not None and row.retired_at is None:
                raise Refused("state", f"{row} has an objective already: change that one.")
            if row is None:
                now = timezone.now()
                row = Objective.objects.create(engine=engine, kind=kind, key=key, title=title, since=now)
            else:
                row.retired_at, row.retired_by, row.retired_why = None, "", ""
                row.save(update_fields=["retired_at", "retired_by", "retired_why"])
            _save(row, wish, by, why, "objective.declared")
            return row
    except IntegrityError:
        taken = Refused("state", "Somebody has declared it this moment: change that one.")
        raise recorded(taken, by, f"engine:{engine.pk}", asked) from None
    except Refused as refusal:
        raise recorded(refusal, by, f"engine:{engine.pk}", asked) from None


def title_of(engine: Engine, kind: str, key: str) -> str:
    """What a service is called. Raises Refused when there is none such."""
    if kind == Objective.Kind.ENGINE and key == ENGINE:
        return f"Engine management of {engine.name}"[:160]
    if kind == Objective.Kind.SERVICE and Service.objects.filter(engine=engine, name=key).exists() and key != ENGINE:
        return key
    lun = Lun.objects.filter(engine=engine, uuid=key).first() if kind == Objective.Kind.LUN else None
    if lun is None:
        raise Refused("parameters", f"{engine.name} has no {kind} {key[:120]!r} of which anything can be promised.")
    alone = lun.name and Lun.objects.filter(engine=engine, name=lun.name).count() == 1
    return f"Read latency of {lun.name if alone else key}"[:160]


def change(row: Objective, wish: Wish, by: str, why: str, based_on: int = 0) -> ObjectiveVersion:
    """The next version, which counts from the first period that begins after now. based_on: the version that the editor
    saw, 0 for any. The same content gives the version that is there. Raises Refused."""
    why = " ".join(why.split())
    try:
        if mistakes := wrong(wish):
            raise Refused("parameters", *mistakes)
        with transaction.atomic():
            held = Objective.objects.select_for_update().get(pk=row.pk)
            last = current(held)
            if held.retired_at is not None:
                raise Refused("state", f"The objective of {held} was retired by {held.retired_by}.")
            if based_on and last.number != based_on:
                raise Refused("changed", f"{last.by} has changed it meanwhile: read version {last.number} first.")
            if wish_of(last) == wish:
                return last
            if not why:
                raise Refused("parameters", "Say why the objective is changed.")
            return _save(held, wish, by, why, "objective.changed")
    except Refused as refusal:
        raise recorded(refusal, by, subject(row), {"percent": str(wish.percent), "wish": "change"}) from None


def retire(row: Objective, by: str, why: str) -> Objective:
    """It is watched no more; what was measured stays. Raises Refused."""
    why = " ".join(why.split())[:LONGEST]
    try:
        with transaction.atomic():
            held = Objective.objects.select_for_update().get(pk=row.pk)
            if held.retired_at is not None:
                raise Refused("state", f"The objective of {held} was retired by {held.retired_by} already.")
            if not why:
                raise Refused("parameters", "Say why nothing is promised of it any more.")
            held.retired_at, held.retired_by, held.retired_why = timezone.now(), by, why
            held.save(update_fields=["retired_at", "retired_by", "retired_why"])
            append("objective.retired", by, subject(held), {"title": held.title, "why": why})
            return held
    except Refused as refusal:
        raise recorded(refusal, by, subject(row), {"wish": "retire"}) from None


def ensure(zone: str) -> int:
    """The default objective for every watched engine and declared service that never had one; returns how many were
    made. zone: whose calendar they go by."""
    made = 0
    there = set(Objective.objects.values_list("engine", "kind", "key"))
    wanted = [
        (pk, Objective.Kind.ENGINE, ENGINE) for pk in Engine.objects.filter(watched=True).values_list("pk", flat=True)
    ]
    declared = Service.objects.filter(engine__watched=True).exclude(name=ENGINE).values_list("engine", "name")
    wanted += [(pk, Objective.Kind.SERVICE, name) for pk, name in declared]
    for pk, kind, key in wanted:
        if (pk, kind.value, key) not in there:
            engine = Engine.objects.only("pk", "name").get(pk=pk)
            with suppress(Refused):  # somebody else was there first, or it is gone this moment
                declare(engine, kind.value, key, Wish(zone=zone), HOLDFAST, BY_DEFAULT)
                made += 1
    return made


def wish_of(version: ObjectiveVersion) -> Wish:
    """What a version promises."""
    return Wish(version.percent.normalize(), version.period, version.zone, version.every, version.most_ms)


def subject(row: Objective) -> str:
    """How the evidence names it."""
    return f"objective:{row.pk}"


def _save(row: Objective, wish: Wish, by: str, why: str, kind: str) -> ObjectiveVersion:
    last = row.versions.order_by("-number").first()
    version = ObjectiveVersion.objects.create(
        objective=row,
        number=last.number + 1 if last else 1,
        percent=wish.percent,
        period=wish.period,
        zone=wish.zone,
        every=wish.every,
        most_ms=wish.most_ms,
        why=" ".join(why.split())[:LONGEST],
        by=by,
        at=_now(last),
    )
    body = {"title": row.title, "version": version.number, "percent": str(wish.percent), "period": wish.period}
    append(
        kind,
        by,
        subject(row),
        {**body, "zone": wish.zone, "every": wish.every, "most_ms": wish.most_ms, "why": version.why},
    )
    return version


def _now(last: ObjectiveVersion | None) -> datetime:
    """Never before the version that it follows, wherever the clock was put."""
    now = timezone.now()
    return max(now, last.at) if last else now
