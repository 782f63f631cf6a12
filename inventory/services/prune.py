"""What grows by time alone and nobody reads any more goes: roll-ups, engine events, raw answers that no transition
points to, ended sessions. Transitions and evidence stay: they are the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Exists, Model, OuterRef, QuerySet

from inventory.models import Capture, Engine, EngineEvent, Rollup, Transition

KEPT = timedelta(days=400)  # a year, and a month to look back at it
BATCH = 5_000  # rows per statement, so that no lock and no transaction lasts
BATCHES = 40  # of one kind at most per call: the rest waits for the next one, and looks do not wait for it


@dataclass(frozen=True)
class Pruned:
    """Rows that one call removed."""

    rollups: int
    events: int
    captures: int
    sessions: int


def prune(now: datetime) -> Pruned:
    """Removes what is older than KEPT, in batches that commit one by one. Harmless at any time and twice at once."""
    before = now - KEPT
    return Pruned(
        rollups=_repeated(lambda: _rollups(before)),
        events=sum(_repeated(lambda engine=engine: _events(engine, before)) for engine in Engine.objects.all()),  # type: ignore[misc]
        captures=_repeated(lambda: _captures(before)),
        sessions=_repeated(lambda: _sessions(now)),
    )


def _repeated(batch: Callable[[], int]) -> int:
    """Runs a batch until it finds nothing."""
    total = 0
    for _ in range(BATCHES):
        removed = batch()
        total += removed
        if removed == 0:
            break
    return total


def _rollups(before: datetime) -> int:
    """Buckets are inserted in the order of time, so the oldest have the lowest keys: a table of a hundred million rows
    is not searched for them."""
    lowest = list(Rollup.objects.order_by("pk").values_list("pk", "bucket")[:BATCH])
    return Rollup.objects.filter(pk__in=[pk for pk, bucket in lowest if bucket < before]).delete()[0]


def _events(engine: Engine, before: datetime) -> int:
    """The newest known event stays: the next sync goes on from it."""
    old = EngineEvent.objects.filter(engine=engine, at__lt=before).exclude(number=engine.last_event_id)
    return _gone(EngineEvent, old.order_by("-at"))


def _captures(before: datetime) -> int:
    """An old answer that no transition points to: its engine was removed from the portal."""
    pointing = Transition.objects.filter(capture=OuterRef("pk"))
    return _gone(Capture, Capture.objects.filter(~Exists(pointing), taken_at__lt=before))


def _sessions(now: datetime) -> int:
    return _gone(Session, Session.objects.filter(expire_date__lt=now))


def _gone(model: type[Model], rows: QuerySet[Any]) -> int:
    """Deletes the first BATCH of these rows."""
    return model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)[:BATCH])).delete()[0]
