"""Alarms of the portal about its own telling: messages that did not arrive, sources that do not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min

from portal.alerts.models import Asked
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.outbox import services as outbox

UNDELIVERED = "undelivered"
LONG = 60.0  # seconds for which a source may fail before it is news
LINK = "/drills/mail/"


def undelivered(ask: Ask) -> Iterator[Alarm]:
    """One alarm per channel: however many messages are lost, a channel that is broken is one thing. It holds until a
    later message arrives where one was lost, or until a person closes its alert, whatever its age."""
    rows = outbox.lost().order_by().values("channel").annotate(
        number=Count("pk"), since=Min("ended_at"), last=Max("ended_at"))  # fmt: skip
    for row in rows:
        words = f"{_counted(row)} not delivered: read why, put it right, and try again."
        yield _alarm(UNDELIVERED, row["channel"], words, row["since"], row["last"])
    yield from _late(ask)


def _late(ask: Ask) -> Iterator[Alarm]:
    """What is still tried: a channel that is down is known long before its first message is lost."""
    rows = outbox.late(ask.now).order_by().values("channel").annotate(
        number=Count("pk"), since=Min("queued_at"), why=Max("error"))  # fmt: skip
    for row in rows:
        why = row["why"] or "Nothing has tried to send: look at the workers and the mail server's setting."
        words = f"{_counted(row)} waiting since {row['since']:%d %b %H:%M %Z}. {why}"
        yield _alarm("late", row["channel"], words, row["since"])


def _counted(row: Mapping[str, Any]) -> str:
    number = row["number"]
    return f"{number} message{'s' if number > 1 else ''} by {row['channel']} {'are' if number > 1 else 'is'}"


def _alarm(what: str, channel: str, words: str, since: datetime, came: datetime | None = None) -> Alarm:
    about = About("channel", channel)
    return Alarm(f"{what}:{channel}", Severity.WARNING, Concern.DELIVERY, about, words, since, LINK, came=came)


def broken(ask: Ask) -> Iterator[Alarm]:
    """Sources of alarms that break: what they would say is not known. One that this release does not have is none."""
    for row in Asked.objects.filter(source__in=settings.HOLDFAST_ALARMS).exclude(failed_since=None):
        assert row.failed_since is not None
        words = f"The alarms of {row.source} are not known since {row.failed_since:%d %b %H:%M %Z}. {row.sentence}"
        about = About("source", row.source)
        yield Alarm(
            f"source:{row.source}", Severity.CRITICAL, Concern.CONTROL, about, words, row.failed_since, "/alerts/",
            hold=LONG,
        )  # fmt: skip
