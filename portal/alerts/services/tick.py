"""One round of alerting: ask, decide, hand over. Harmless to repeat; one worker at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

from portal.alerts.services import collect, routes, telling

LOCK = 0x686F6C64616C7274  # of the database session that looks


def tick(now: datetime) -> list[str]:
    """Gives the sources that did not answer."""
    with _alone() as mine:
        if not mine:
            return []
        broken = collect.collect(now)
        given = routes.rules_of(now)
        telling.lapse(now)
        telling.route(now, given)
        telling.escalate(now, given)
        telling.flush(now)
        return broken


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s)", [LOCK])
