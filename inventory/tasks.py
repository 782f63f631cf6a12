"""Celery's side of looking: wake-ups only. Every task may run twice or never; the database says what is due."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from inventory.models import Engine
from inventory.services import record, upkeep
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
def expire_looks() -> None:
    """Findings of looks that grew too old become unknown in the history."""
    if record.expire(timezone.now()):
        announce("looks")


@shared_task(ignore_result=True, expires=30)
def sync_engine(pk: int, storage: bool) -> None:
    """Brings the inventory of one engine up to date; skipped while another sync of it runs."""
    report = upkeep.sync_once(pk, storage=storage)
    if report is not None and report.failed:
        log.warning("sync of engine %s: %s", pk, "; ".join(report.failed.values()))


@shared_task(ignore_result=True, expires=10)
def watch_engine(pk: int) -> None:
    """The fast loop of one engine: statuses and events."""
    upkeep.watch_once(pk)


@shared_task(ignore_result=True, expires=10)
def watch_engines() -> None:
    """Enqueues the fast loop of every watched engine."""
    for pk in Engine.objects.filter(watched=True).values_list("pk", flat=True):
        watch_engine.delay(pk)


@shared_task(ignore_result=True, expires=30)
def sync_engines(storage: bool = False) -> None:
    """Enqueues one sync per watched engine."""
    for pk in Engine.objects.filter(watched=True).values_list("pk", flat=True):
        sync_engine.delay(pk, storage)


@shared_task(ignore_result=True, expires=600)
def prune_history() -> None:
    """Removes what is too old to be read."""
    pruned = prune(timezone.now())
    if any(vars(pruned).values()):
        log.info("pruned: %s", pruned)
