"""Celery's side of the outbox: a wake-up only."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.outbox import services

EVERY = 10.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def send() -> None:
    """Sends what is due."""
    services.send_due(timezone.now())


@shared_task(ignore_result=True, expires=EVERY)
def deliver() -> None:
    """Sends what is due over the other channels."""
    services.deliver_due(timezone.now())
