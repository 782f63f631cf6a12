"""Wakes a worker up. Only a hint: a message that is lost, late or doubled changes nothing (docs/adr/0006-runs.md)."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def on_commit(run_pk: int) -> None:
    """Sends the Run's key once the surrounding transaction has committed."""
    transaction.on_commit(partial(wake, run_pk), robust=True)


def wake(run_pk: int) -> bool:
    """Sends the Run's key to the queue `runs`; False when Redis is away, and the sweeper will find the Run."""
    try:
        current_app.send_task("portal.runs.tasks.execute", args=[run_pk], retry=False, ignore_result=True)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("No worker could be woken for run %s (%s): the sweeper does it.", run_pk, type(error).__name__)
        return False
    return True
