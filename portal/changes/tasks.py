"""Celery's side of changes: wake-ups only. The database says what is due."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.changes.services.asking import settle_due
from portal.changes.services.delivering import deliver_due
from portal.changes.services.looking import look_due
from portal.changes.services.pruning import prune as forget

EVERY = 5.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def look() -> None:
    """Reads back the changes that are due, and looks for those of which nobody knows whether they were made."""
    look_due(timezone.now())
    settle_due(timezone.now())


@shared_task(ignore_result=True, expires=EVERY)
def deliver() -> None:
    """Writes back what is queued."""
    deliver_due(timezone.now())


@shared_task(ignore_result=True)
def prune() -> None:
    """Forgets old callbacks and keys."""
    forget(timezone.now())
