"""Tells the live channel that something changed. PostgreSQL delivers it on commit; nothing is lost without it."""

from __future__ import annotations

from django.db import connection

CHANNEL = "holdfast"


def announce(topic: str) -> None:
    """topic: `looks` | `estate` | `run:<pk>`. Inside a transaction it goes out when that commits."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, %s)", [CHANNEL, topic])
