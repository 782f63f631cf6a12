"""Celery's side of failover: wake-ups only. Every task may run twice or never; the database says what is due."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from failover.services import notices, schedules, watchdog

EVERY = 20.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def tick() -> None:
    """Proposes the drills that are due, and names those that did not happen. It begins none."""
    schedules.tick()


@shared_task(ignore_result=True, expires=10.0)
def notify() -> None:
    """Queues mail about what is ahead, and about alarms. Sending is the outbox's own."""
    notices.tick(timezone.now())


@shared_task(ignore_result=True, expires=5.0)
def watch() -> None:
    """Brings maintenance windows in step, raises their alarms, finds what was left behind."""
    watchdog.tick()
