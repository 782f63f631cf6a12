"""What is promised, judged every few seconds and recorded as the engine's look `availability`, so that it has findings,
history, an age and a place in every list, and whoever is told of findings is told of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.utils import timezone

from failover.availability.budget import burning, findings, projected
from failover.availability.measured import Availability, measure
from failover.models import Objective, Service
from failover.services import objectives as promises
from failover.services import reads
from failover.services.availability import at_moment, histories, objectives, share
from inventory.models import Engine, Look
from inventory.services import looks
from inventory.services.proving import short
from inventory.services.record import record
from inventory.services.signal import announce
from portal.kernel.finding import Finding
from portal.kernel.outcome import GRAVE

log = logging.getLogger(__name__)


def tick() -> int:
    """Judges what is due; returns how many engines were. Harmless to repeat."""
    promises.ensure(settings.TIME_ZONE)
    _ensure_looks()
    done = 0
    for look in looks.claim(timezone.now(), [looks.AVAILABILITY]):
        try:
            done += judge(look, timezone.now())
        except Exception:
            log.exception(
                "the availability of %s could not be judged: it grows too old and becomes unknown", look.engine
            )
    return done


def _ensure_looks() -> None:
    """A look for every engine of which something is promised, and none for the others."""
    wanted = set(Objective.objects.filter(retired_at=None, engine__watched=True).values_list("engine", flat=True))
    there = Look.objects.filter(probe=looks.AVAILABILITY)
    there.exclude(engine__in=wanted).delete()
    for key in wanted - set(there.values_list("engine", flat=True)):
        engine = Engine.objects.only("pk").get(pk=key)
        Look.objects.get_or_create(engine=engine, probe=looks.AVAILABILITY, defaults={"due_at": timezone.now()})


def judge(look: Look, now: datetime) -> bool:
    """One engine's services; True when something changed."""
    began = time.monotonic()
    rows = list(objectives().filter(engine=look.engine_id))
    for row in rows:
        if row.kind == Objective.Kind.LUN:
            reads.follow(row, now)
    told = _told(rows, now)
    found = tuple({(one.check, one.subject): one for _, each, _ in told for one in each}.values())
    services = [_fact(row, available, each) for (row, available), each, _ in told]
    took = int((time.monotonic() - began) * 1000)
    body = "\n".join(f"{one.outcome.value}: {one.sentence}" for one in found)
    sections = {"availability": {"asked": ["the spans of the drill prober"], "body": body}}
    digest = sha256(body.encode()).hexdigest()
    result = looks.Result(look.pk, Look.State.READ, now, took, "", {"services": services}, found, {}, sections, digest)
    changed = bool(record([result]))
    if changed:
        announce("looks")
    return changed


Judged = tuple[tuple[Objective, Availability], list[Finding], str]


def _told(rows: list[Objective], now: datetime) -> list[Judged]:
    if not rows:
        return []
    periods = {row.pk: at_moment(row, now) for row in rows}
    begins = min(period.begins for period, _ in periods.values())
    known = histories(rows, begins, now)
    gone = _gone(rows)
    found: list[Judged] = []
    for row in rows:
        period, version = periods[row.pk]
        at, objective = now.timestamp(), share(version)
        told = measure(known[row.pk], objective, period.begins.timestamp(), period.ends.timestamp(), at)
        burns = burning(known[row.pk], objective, at)
        found.append(
            ((row, told), findings(short(row.title), told, period.name, burns, gone.get(row.pk, "")), period.name)
        )
    return found


def _gone(rows: Iterable[Objective]) -> dict[int, str]:
    """Objectives of services that are not declared any more: nobody knows what to ask."""
    kept = [row for row in rows if row.kind == Objective.Kind.SERVICE]
    names = set(Service.objects.filter(engine__in={row.engine_id for row in kept}).values_list("engine", "name"))
    words = "{} is no longer declared, so nobody asks it: retire its objective, or declare it again."
    return {row.pk: words.format(row) for row in kept if (row.engine_id, row.key) not in names}


def _fact(row: Objective, told: Availability, found: list[Finding]) -> dict[str, Any]:
    """What the overview reads of a service, without measuring it again."""
    first = min(found, key=lambda one: GRAVE.index(one.outcome))
    ahead = projected(told)
    return {
        "objective": row.pk,
        "title": row.title,
        "outcome": first.outcome.value,
        "sentence": first.sentence,
        "promised": told.objective,
        "ratio": told.ratio,
        "budget": round(told.budget_s, 1),
        "spent": round(told.spent_s, 1),
        "unseen": round(told.not_seen_s, 1),
        "projected": None if ahead is None else round(ahead, 1),
    }
