"""Celery's side of backups: wake-ups only. Every task may run twice or never; the database says what is due."""

from __future__ import annotations

from celery import shared_task

from backups.services import heartbeat
from backups.services.tick import FOLLOWING, STARTS
from backups.services.tick import tick as look_at_all

EVERY = 5.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def tick() -> None:
    """Begins the backups that are due, names what was missed, puts right what was left in the middle."""
    look_at_all(what=STARTS)


@shared_task(ignore_result=True, expires=2 * EVERY)
def follow() -> None:
    """Begins what follows a backup: proofs, copies, the kit, deletions."""
    look_at_all(what=FOLLOWING)


@shared_task(ignore_result=True, expires=EVERY)
def send_heartbeats() -> None:
    """Tells the watchers outside what happened."""
    heartbeat.send_all()
