"""Celery's side of alerting: a wake-up only."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from portal.alerts.services import prune as pruning
from portal.alerts.services.tick import tick

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def look() -> None:
    """Finds what is wrong, and hands over what people are to be told."""
    tick(timezone.now())


@shared_task(ignore_result=True, expires=600)
def prune() -> None:
    """Removes what has been over for long."""
    pruned = pruning.prune(timezone.now())
    if any(vars(pruned).values()):
        log.info("pruned: %s", pruned)
