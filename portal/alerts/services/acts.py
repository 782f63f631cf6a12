"""What people do with alerts. Every act is on record with whoever did it; a refusal is one sentence."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.alerts.models import Alert, Notice, Receiver, Silence
from portal.alerts.rules import wording
from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.services import collect, own, routes, telling
from portal.alerts.services.record import note
from portal.evidence import services as evidence
from portal.outbox import services as outbox
from portal.outbox.services import News

LONGEST = timedelta(days=30)  # of an acknowledgement or a silence: what is forgotten must come back
# What nothing but a person can end. Everything else ends when looks find that it holds no longer.
CLOSABLE = frozenset({Concern.CONTROL.value, Concern.PROOF.value, Concern.DELIVERY.value})


class Refused(Exception):
    """The act is not done; its text is one sentence. state: because of how things stand, not of what was given."""

    def __init__(self, sentence: str, *, state: bool = False) -> None:
        super().__init__(sentence)
        self.state = state


@contextmanager
def _open(pk: int) -> Iterator[Alert]:
    """The alert, locked, while it is open. Raises Alert.DoesNotExist, Refused."""
    with transaction.atomic():
        row = Alert.objects.select_for_update().get(pk=pk)
        if row.resolved_at is not None:
            raise Refused(
                f"Alert {pk} is over since {timezone.localtime(row.resolved_at):%d %b %Y %H:%M %Z}.", state=True
            )
        yield row


def acknowledge(pk: int, by: str, words: str, until: datetime | None, now: datetime) -> Alert:
    """Somebody takes it on: nobody else is told until then, or, with until None, for as long as it is open."""
    if until is not None and not now < until <= now + LONGEST:
        raise Refused(f"The end must lie ahead, {LONGEST.days} days at most.")
    with _open(pk) as row:
        row.acknowledged_by, row.acknowledged_at, row.acknowledged_until, row.note = by, now, until, _one_line(words)
        row.save(update_fields=["acknowledged_by", "acknowledged_at", "acknowledged_until", "note"])
        Notice.objects.filter(alert=row).update(escalate_at=None)
        end = f"Until {timezone.localtime(until):%d %b %Y %H:%M %Z}." if until else "For as long as it is open."
        note(row, "acknowledged", f"{end} {row.note}".strip(), now, by)
        body = {**collect.told(row), "note": row.note, "until": until.isoformat() if until else ""}
        evidence.append("alert.acknowledged", by, f"alert:{pk}", body)
        return row


def close(pk: int, by: str, words: str, now: datetime) -> Alert:
    """A person says that nothing is left to do, of what does not end by itself."""
    if not words.strip():
        raise Refused("Say why nothing is left to do.")
    with _open(pk) as row:
        if row.concern not in CLOSABLE:
            raise Refused("It ends when looks find that it holds no longer: acknowledge or silence it.", state=True)
        row.note = _one_line(words)
        row.save(update_fields=["note"])
        if row.key == f"{own.UNDELIVERED}:{row.subject}":
            outbox.done_with(row.subject, row.again, now)
        collect.resolve(row, now, by)
        return row


def _one_line(words: str) -> str:
    return " ".join(words.split())[:500]


@transaction.atomic
def silence(row: Silence, by: str, now: datetime) -> Silence:
    """Keeps what fits it from being told, from begins to until. row: not saved yet."""
    if not row.reason.strip():
        raise Refused("A silence needs a reason.")
    if not (row.begins < row.until and now < row.until <= now + LONGEST):
        raise Refused(f"Its end must lie ahead and after its begin, {LONGEST.days} days at most.")
    row.by, row.reason = by, _one_line(row.reason)[:300]
    row.save()
    evidence.append("silence.made", by, f"silence:{row.pk}", _silenced(row))
    return row


@transaction.atomic
def end_silence(pk: int, by: str, now: datetime) -> Silence:
    """Ends it before its time. Raises Silence.DoesNotExist, Refused."""
    row = Silence.objects.select_for_update().get(pk=pk)
    if row.ended_at is not None or row.until <= now:
        raise Refused("It is over already.", state=True)
    row.ended_by, row.ended_at = by, now
    row.save(update_fields=["ended_by", "ended_at"])
    evidence.append("silence.ended", by, f"silence:{pk}", _silenced(row))
    return row


def _silenced(row: Silence) -> dict[str, object]:
    return {
        "reason": row.reason, "begins": row.begins.isoformat(), "until": row.until.isoformat(), "least": row.least,
        "concerns": row.concerns, "engines": row.engines, "sites": row.sites, "kinds": row.kinds,
        "subject": row.subject,
    }  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """What came of a test: how many messages are queued, and how many have nowhere to go."""

    queued: int


def test(receiver: Receiver, by: str, now: datetime) -> Tried:
    """Queues a message that says that it is a test; what becomes of it stands on the receivers' page. Raises Refused
    for a receiver that is switched off."""
    if not receiver.enabled:
        raise Refused(f"{receiver.name} is switched off: switch it on first.", state=True)
    about = About("receiver", receiver.name)
    words = f"{by} tries whether {receiver.name} is told. Nothing is wrong."
    one = wording.Item(
        0, "test", "test", Severity.INFO, Concern.DELIVERY.value, about, words, timezone.localtime(now),
        telling.place("alerts/receivers/"),
    )  # fmt: skip
    document = {**wording.document([one], now), "receiver": receiver.pk}
    news = News(
        f"alert-test:{receiver.pk}:{uuid.uuid4().hex}", "alert.test", f"receiver:{receiver.pk}", wording.subject([one]),
        wording.body([one], timezone.localtime(now), telling.place("alerts/")), payload=document,
    )  # fmt: skip
    with transaction.atomic():
        queued = outbox.queue(news, routes.readers(receiver, routes.who(receiver)), now)
        evidence.append("receiver.tested", by, f"receiver:{receiver.pk}", {"name": receiver.name})
    return Tried(queued)
