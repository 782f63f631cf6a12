"""Celery's side of failover: wake-ups only. Every task may run twice or never; the database says what is due."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from failover.services import change_notes, notices, promised, promises, report_news, reporting, schedules, watchdog

EVERY = 20.0  # seconds


@shared_task(ignore_result=True, expires=EVERY)
def tick() -> None:
    """Proposes the drills that are due, and names those that did not happen. It begins none."""
    schedules.tick()


@shared_task(ignore_result=True, expires=10.0)
def notify() -> None:
    """Queues mail about what is ahead, and about alarms. Sending is the outbox's own."""
    notices.tick(timezone.now())


@shared_task(ignore_result=True, expires=EVERY)
def report() -> None:
    """Keeps what is promised, names the period reports that are due, wakes a worker to make them, queues their delivery
    and reminders."""
    now = timezone.now()
    promises.keep(now)
    reporting.tick()
    report_news.tick(now)
    if reporting.waiting(now):
        make_reports.delay()


@shared_task(ignore_result=True, expires=EVERY)
def make_reports() -> None:
    """Makes one period report that is due: a minute of a processor at most."""
    reporting.make_due(timezone.now())


@shared_task(ignore_result=True, expires=5.0)
def judge_availability() -> None:
    """Judges what is promised of services, and records it as findings."""
    promised.tick()


@shared_task(ignore_result=True, expires=5.0)
def note_changes() -> None:
    """Queues what is owed to changes. Delivering is portal.changes' own."""
    change_notes.tick(timezone.now())


@shared_task(ignore_result=True, expires=5.0)
def watch() -> None:
    """Brings maintenance windows in step, raises their alarms, finds what was left behind."""
    watchdog.tick()
