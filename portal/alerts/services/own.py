"""Alarms of the portal about its own telling: messages that did not arrive, sources that do not answer."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Max, Min

from portal.alerts.models import Asked
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.alerts.services.counting import RECENT
from portal.outbox.models import Mail

LONG = 60.0  # seconds for which a source may fail before it is news
LINK = "/drills/mail/"


def undelivered(ask: Ask) -> Iterator[Alarm]:
    """One alarm per channel: however many messages are lost, a channel that is broken is one thing."""
    lost = Mail.objects.filter(state=Mail.State.FAILED, ended_at__gte=ask.now - RECENT)
    rows = lost.order_by().values("channel").annotate(number=Count("pk"), since=Min("ended_at"), last=Max("ended_at"))
    for row in rows:
        number, channel = row["number"], row["channel"]
        what = f"{number} message{'s' if number > 1 else ''} by {channel}"
        words = f"{what} {'are' if number > 1 else 'is'} not delivered: read why, put it right, and try again."
        about = About("channel", channel)
        key = f"undelivered:{channel}"
        yield Alarm(key, Severity.WARNING, Concern.DELIVERY, about, words, row["since"], LINK, came=row["last"])


def broken(ask: Ask) -> Iterator[Alarm]:
    """Sources of alarms that break: what they would say is not known."""
    for row in Asked.objects.exclude(failed_since=None):
        assert row.failed_since is not None
        words = f"The alarms of {row.source} are not known since {row.failed_since:%d %b %H:%M %Z}. {row.sentence}"
        about = About("source", row.source)
        yield Alarm(
            f"source:{row.source}", Severity.CRITICAL, Concern.CONTROL, about, words, row.failed_since, "/alerts/",
            hold=LONG,
        )  # fmt: skip
