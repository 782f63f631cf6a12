"""What is kept no longer: alerts that are over, after the evidence has their history; messages that have ended; old
silences. What is open stays, however old."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from portal.alerts.models import Alert, Asked, Silence
from portal.alerts.services import collect
from portal.evidence import services as evidence
from portal.outbox import services as outbox

log = logging.getLogger(__name__)

LEAST = 60  # days: news are told once because their messages are still there (failover/services/report_news.py: 30)
BATCH, BATCHES = 50, 100  # alerts of one transaction, in which nobody else writes evidence; and such of one call
LINES = 100  # of an alert's history that its last record holds; what flaps has thousands


@dataclass(frozen=True)
class Pruned:
    """Rows that one call removed."""

    alerts: int
    messages: int
    silences: int


def prune(now: datetime) -> Pruned:
    """Removes what has been over for longer than HOLDFAST_ALERT_DAYS. Harmless to repeat, and twice at once."""
    before = now - timedelta(days=max(LEAST, settings.HOLDFAST_ALERT_DAYS))
    messages = outbox.prune(before)
    alerts = _alerts(before, now)
    silences, _ = Silence.objects.filter(until__lt=before).delete()
    Asked.objects.exclude(source__in=settings.HOLDFAST_ALARMS).delete()
    pruned = Pruned(alerts, messages, silences)
    if any(vars(pruned).values()):
        evidence.append("alerts.pruned", collect.PORTAL, "alerts", {**vars(pruned), "before": before.isoformat()})
    return pruned


def _alerts(before: datetime, now: datetime) -> int:
    old = Alert.objects.filter(_wanted_no_more(now), resolved_at__lt=before).order_by("pk")
    total = 0
    for _ in range(BATCHES):
        with transaction.atomic():
            rows = list(old.select_for_update(skip_locked=True)[:BATCH])
            for row in rows:
                evidence.append("alert.removed", collect.PORTAL, f"alert:{row.pk}", _whole(row))
            Alert.objects.filter(pk__in=[row.pk for row in rows]).delete()
        total += len(rows)
        if len(rows) < BATCH:
            break
    return total


def _wanted_no_more(now: datetime) -> Q:
    """What a person has closed is wanted for as long as its source says it: without its row it would be news again."""
    over, said = Q(closed_by=""), set[str]()
    for path in settings.HOLDFAST_ALARMS:
        row = Asked.objects.filter(source=path).first() or Asked(source=path)
        try:
            said |= {one.key[: collect.LONGEST] for one in collect.said(collect.ask(row, now), path)}
        except Exception:  # what it would say is not known; the next tick makes an alarm of it
            log.exception("The alarms of %s could not be worked out: what people have closed is kept.", path)
            return over
    return over | ~Q(key__in=said)


def _whole(row: Alert) -> dict[str, object]:
    """All that goes with the row."""
    events = list(row.events.order_by("-at", "-pk").values_list("at", "kind", "by", "sentence")[:LINES])
    notices = list(row.notices.order_by("-pk").values_list("what", "who", "route", "sent_at")[:LINES])
    return {
        **collect.told(row),
        "opened": row.opened_at.isoformat(), "ended": row.resolved_at.isoformat() if row.resolved_at else "",
        "closed_by": row.closed_by, "acknowledged_by": row.acknowledged_by, "note": row.note,
        "history": [[at.isoformat(), kind, by, sentence] for at, kind, by, sentence in reversed(events)],
        "told": [[what, who, name, at.isoformat() if at else ""] for what, who, name, at in reversed(notices)],
        "left_out": max(0, row.events.count() - LINES) + max(0, row.notices.count() - LINES),
    }  # fmt: skip
