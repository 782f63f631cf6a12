"""Asks for a sweep now. Only a hint: the database says what is due, and beat wakes a worker every two seconds."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

EXPIRES = 5.0  # seconds after which nobody needs this hint any more


def sweep_soon() -> None:
    """Wakes a looks worker once the surrounding transaction has committed. Never raises."""
    transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    try:
        current_app.send_task("inventory.tasks.look", retry=False, ignore_result=True, expires=EXPIRES)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("No looks worker could be woken (%s): beat does it.", type(error).__name__)
