"""Celery's side of looking: wake-ups only. Every task may run twice or never; the database says what is due."""

from __future__ import annotations

import logging
from functools import partial

from celery import shared_task
from django.utils import timezone

from inventory.models import Engine
from inventory.services import engine_side, proving, record, replicating, upkeep
from inventory.services.engine_threads import engines
from inventory.services.prune import prune
from inventory.services.signal import announce
from inventory.services.sweep import sweep

log = logging.getLogger(__name__)

SWEEP_EVERY = 2.0


@shared_task(ignore_result=True, expires=SWEEP_EVERY)
def look() -> None:
    """One sweep over everything that is due."""
    sweep(patience=SWEEP_EVERY - 0.1)


@shared_task(ignore_result=True, expires=10)
def prove() -> None:
    """The redundancy proof, the replication and the VMs' settings of every estate that are due."""
    proving.tick()
    replicating.tick()
    engine_side.tick()


@shared_task(ignore_result=True, expires=10)
def expire_looks() -> None:
    """Findings of looks that grew too old become unknown in the history."""
    if record.expire(timezone.now()):
        announce("looks")


@shared_task(ignore_result=True, expires=10)
def watch_engines() -> None:
    """Starts the fast loop of every watched engine, statuses and events, in a thread of that engine."""
    for pk in _watched():
        engines().start(pk, "watch", partial(upkeep.watch_once, pk))


@shared_task(ignore_result=True, expires=30)
def sync_engines(storage: bool = False) -> None:
    """Starts one sync per watched engine, in a thread of that engine."""
    for pk in _watched():
        engines().start(pk, f"sync, storage {storage}", partial(upkeep.sync_told, pk, storage=storage))


def _watched() -> list[int]:
    return list(Engine.objects.filter(watched=True).values_list("pk", flat=True))


@shared_task(ignore_result=True, expires=600)
def prune_history() -> None:
    """Removes what is too old to be read."""
    pruned = prune(timezone.now())
    if any(vars(pruned).values()):
        log.info("pruned: %s", pruned)
