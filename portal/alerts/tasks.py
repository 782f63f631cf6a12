"""Celery's side of alerting: a wake-up only."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.alerts.services.tick import tick

EVERY = 5.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def look() -> None:
    """Finds what is wrong, and hands over what people are to be told."""
    tick(timezone.now())
