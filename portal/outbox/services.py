"""Queueing messages, sending what is due, and trying a dead letter again. At least once: what was sent and not noted is
sent again, with the same Message-ID."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.module_loading import import_string

from portal.access.roles import ROLES
from portal.connectors.delivery import DeliveryFailed, DeliveryRefused
from portal.connectors.mail import File, MailRefused, MailServer, Message, send, server_of
from portal.evidence import services as evidence
from portal.outbox.models import Mail, RoleAddress

log = logging.getLogger(__name__)

Sender = Callable[[Mail], None]  # raises DeliveryFailed

FIRST_PAUSE = timedelta(seconds=30)  # doubled with each try
DOUBLED = 10  # times at most; the longest pause is reached before
LONGEST_PAUSE = timedelta(minutes=15)  # what waited for a server that was away goes soon after it is back
LONGEST_ASKED = timedelta(hours=1)  # for which the other side may ask to be left alone
WORTH = timedelta(hours=24)  # for which it is tried; after that a message is worth nothing
TAKEN = timedelta(seconds=180)  # that a worker may have one; longer than a server may be silent
LATE = timedelta(minutes=10)  # from which on a message that waits is news
BATCH, BATCHES = 2_000, 50  # rows that one statement, and statements that one call removes
AT_ONCE = 20  # messages of one tick
LONGEST_TICK = 30.0  # seconds after which no further one is begun
LOCK = 0x686F6C646D61696C  # of the database session that sends
MAIL = "mail"
NO_SERVER = "No mail server is set: set HOLDFAST_MAIL_URL_FILE."


@dataclass(frozen=True)
class Attached:
    """A file in the vault. kind: its MIME type; place: its path below the vault."""

    name: str
    kind: str
    sha256: str
    place: str


@dataclass(frozen=True)
class News:
    """What people are told. key: names it among all news, so that it is told once. about: as the evidence names it.
    files: what is attached. payload: what channels other than mail make their own of."""

    key: str
    kind: str
    about: str
    subject: str
    body: str
    files: tuple[Attached, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Whom it is for. address: "" when none is known; then `why` says so. channel: mail, or one of
    settings.HOLDFAST_CHANNELS, for whose sender the address names the receiver."""

    name: str
    address: str
    why: str = ""
    channel: str = MAIL


def server() -> tuple[MailServer | None, str]:
    """The mail server, or None and why in one sentence."""
    if not settings.HOLDFAST_MAIL_URL:
        return None, NO_SERVER
    try:
        return server_of(settings.HOLDFAST_MAIL_URL), ""
    except ValueError as error:
        return None, str(error)


def people(names: Iterable[str]) -> list[Reader]:
    """Accounts by their names, whatever their case."""
    found = []
    for name in dict.fromkeys(one.strip() for one in names if one.strip()):
        row = User.objects.filter(username__iexact=name).first()
        if row is None:
            found.append(Reader(name, "", f"{name} is no account of the portal, so no address is known."))
        elif not row.is_active:
            found.append(Reader(row.username, "", f"The account {row.username} is switched off."))
        else:
            why = "" if row.email else f"The account {row.username} has no address: an administrator sets it."
            found.append(Reader(row.username, row.email, why))
    return found


def role(name: str) -> list[Reader]:
    """Everybody in a role: its own address, or else each active account that has one."""
    row = RoleAddress.objects.filter(role=name).first()
    if row is not None:
        return [Reader(f"role {name}", row.address)]
    held = User.objects.filter(groups__name=name, is_active=True).exclude(email="").order_by("username")
    found = [Reader(person.username, person.email) for person in held]
    title = ROLES[name].title
    return found or [Reader(f"role {name}", "", f"Neither the role {title} nor anybody in it has an address.")]


@transaction.atomic
def queue(news: News, readers: Iterable[Reader], now: datetime) -> int:
    """Keeps one message per reader and address, once; gives how many are new. A reader without an address is a message
    that is not delivered, so that it is seen."""
    new, seen = 0, set()
    for reader in readers:
        if (reader.channel, reader.address or reader.name) in seen:
            continue
        seen.add((reader.channel, reader.address or reader.name))
        new += _kept(news, reader, now)
    return new


def _kept(news: News, reader: Reader, now: datetime) -> bool:
    lost = not reader.address
    row, new = Mail.objects.get_or_create(
        key=f"{news.key}>{reader.address or reader.name}"[:200],
        defaults={
            "message_id": f"<{uuid.uuid4()}@holdfast>", "kind": news.kind, "about": news.about, "person": reader.name,
            "address": reader.address, "subject": news.subject[:200], "body": news.body, "queued_at": now,
            "files": [asdict(one) for one in news.files], "channel": reader.channel, "payload": dict(news.payload),
            "next_at": now, "expires_at": now + WORTH, "error": reader.why,
            "state": Mail.State.FAILED if lost else Mail.State.QUEUED, "ended_at": now if lost else None,
        },
    )  # fmt: skip
    if new:
        _told("mail.failed" if lost else "mail.queued", "portal", row)
    return new


def _told(kind: str, by: str, row: Mail) -> None:
    body: dict[str, object] = {
        "about": row.about, "kind": row.kind, "to": row.person, "address": row.address, "subject": row.subject,
        "message_id": row.message_id, "attempts": row.attempts, "error": row.error,
    }  # fmt: skip
    if row.channel != MAIL:
        body["channel"] = row.channel
    if row.files:
        body["files"] = [{"name": one["name"], "sha256": one["sha256"]} for one in row.files]
    evidence.append(kind, by, f"mail:{row.pk}", body)


def send_due(now: datetime) -> int:
    """Sends what is due; gives how many were sent. Without a server nothing is tried, and what has expired ends."""
    _expire(now)
    found, _ = server()
    if found is None:
        return 0
    with _alone(LOCK) as mine:
        return _send_all(Q(channel=MAIL), partial(_mail, found), now) if mine else 0


def deliver_due(now: datetime) -> int:
    """Sends what is due over every channel but mail; gives how many were sent. A receiver that fails is left alone
    until the next time, so that one which hangs holds up the others no longer than it must."""
    with _alone(LOCK + 1) as mine:
        return _send_all(~Q(channel=MAIL), _over, now) if mine else 0


def _mail(to: MailServer, row: Mail) -> None:
    send(to, Message(row.message_id, row.address, row.subject, row.body, tuple(map(_read, row.files))))


def _over(row: Mail) -> None:
    path = settings.HOLDFAST_CHANNELS.get(row.channel)
    if path is None:
        raise DeliveryRefused(f"The portal has no channel {row.channel!r} any more.")
    import_string(path)(row)


def _send_all(which: Q, by: Sender, now: datetime) -> int:
    # no pause is longer than LONGEST_ASKED: what is to wait longer was put off by a clock that was ahead
    ripe = Q(next_at__lte=now) | Q(next_at__gt=now + LONGEST_ASKED)
    rows = Mail.objects.filter(which, _free(now), ripe, state=Mail.State.QUEUED)
    due = rows.order_by("next_at", "pk").values_list("pk", "channel", "address")
    sent, tried, until, silent = 0, 0, time.monotonic() + LONGEST_TICK, set[str]()
    for pk, channel, address in list(due):
        if address in silent:
            continue  # and not counted: what waits for one that is silent must not take the turns of the others
        tried += 1
        if _send(by, pk, now):
            sent += 1
        elif channel != MAIL:
            silent.add(address)
        if tried >= AT_ONCE or time.monotonic() > until:
            break
    return sent


@contextmanager
def _alone(lock: int) -> Iterator[bool]:
    """Whether this worker is the one that sends: a server that hangs must hold no more than one thread."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [lock])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s)", [lock])


def _free(now: datetime) -> Q:
    """Nobody has it; also what was taken by a clock that was ahead, whose worker may be gone."""
    return Q(taken_until=None) | Q(taken_until__lt=now) | Q(taken_until__gt=now + TAKEN)


def _send(by: Sender, pk: int, now: datetime) -> bool:
    taken = Mail.objects.filter(_free(now), pk=pk, state=Mail.State.QUEUED)
    if not taken.update(taken_until=now + TAKEN, attempts=F("attempts") + 1):
        return False  # another worker has it
    row = Mail.objects.get(pk=pk)
    try:
        by(row)
    except DeliveryFailed as error:
        _not_sent(row, error, now)
        return False
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # a message that breaks its sender must not keep the others waiting
        log.exception("Message %s to %s broke its sender.", pk, row.person)
        words = f"The portal broke on it ({type(error).__name__}). An administrator reads its log."
        _not_sent(row, DeliveryFailed(words), now)
        return False
    _end(row, Mail.State.SENT, "", now)
    return True


def _read(one: dict[str, str]) -> File:
    """What is attached, as it was kept. Raises MailRefused: trying again does not bring it back."""
    try:
        raw = (Path(settings.HOLDFAST_VAULT) / one["place"]).read_bytes()
    except OSError as error:
        raise MailRefused(f"The vault does not give {one['name']} out: {error.strerror or error}.") from None
    if hashlib.sha256(raw).hexdigest() != one["sha256"]:
        raise MailRefused(f"{one['name']} in the vault is not what was to be sent: its SHA-256 differs.")
    return File(one["name"], one["kind"], raw)


def _not_sent(row: Mail, error: DeliveryFailed, now: datetime) -> None:
    if isinstance(error, DeliveryRefused):
        _end(row, Mail.State.FAILED, str(error), now)
        return
    asked = min(LONGEST_ASKED, timedelta(seconds=error.wait))  # by the other side
    pause = max(asked, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row.attempts - 1, DOUBLED)))
    Mail.objects.filter(pk=row.pk, state=Mail.State.QUEUED).update(
        error=str(error), next_at=now + pause, taken_until=None
    )


@transaction.atomic
def _end(row: Mail, state: str, error: str, now: datetime) -> None:
    fields = {"state": state, "error": error, "ended_at": now, "taken_until": None}
    if not Mail.objects.filter(pk=row.pk, state=Mail.State.QUEUED).update(**fields):
        return
    row.error = error
    if state == Mail.State.SENT:
        _works_again(row, now)
    _told("mail.sent" if state == Mail.State.SENT else "mail.failed", "portal", row)
    if state == Mail.State.FAILED:
        log.error("Mail %s to %s is not delivered: %s", row.pk, row.person, error)


def _works_again(row: Mail, now: datetime) -> None:
    """What was lost on the way to the same place before is no news any more."""
    same = Q(person=row.person) | Q(address=row.address)
    lost().filter(same, channel=row.channel).update(settled_at=now)


def lost() -> QuerySet[Mail]:
    """Messages that were not delivered, after which none was to the same place, and of which nobody has said that it is
    done with."""
    return Mail.objects.filter(state=Mail.State.FAILED, settled_at=None)


def late(now: datetime) -> QuerySet[Mail]:
    """Messages that should be there and still wait."""
    return Mail.objects.filter(state=Mail.State.QUEUED, queued_at__lte=now - LATE)


def done_with(channel: str, until: datetime, now: datetime) -> int:
    """A person says so of what was lost over a channel up to a moment; gives how many those are."""
    return lost().filter(channel=channel, ended_at__lte=until).update(settled_at=now)


def prune(before: datetime) -> int:
    """Removes what ended before, in batches; what was lost and is not done with stays. The evidence has told the end of
    each. Gives how many are gone."""
    total = 0
    for _ in range(BATCHES):
        old = Mail.objects.filter(ended_at__lt=before).exclude(state=Mail.State.FAILED, settled_at=None)
        gone = Mail.objects.filter(pk__in=list(old.order_by("ended_at").values_list("pk", flat=True)[:BATCH])).delete()
        total += gone[0]
        if gone[0] < BATCH:
            break
    return total


def _expire(now: datetime) -> None:
    for row in Mail.objects.filter(state=Mail.State.QUEUED, expires_at__lte=now).filter(_free(now)):
        last = row.error or (server()[1] if row.channel == MAIL else "")
        _end(row, Mail.State.FAILED, f"It was not delivered within 24 h and is worth nothing now. {last}".strip(), now)


@transaction.atomic
def again(pk: int, by: str, now: datetime) -> bool:
    """A person lets a message that was not delivered be tried once more; False when there is nothing to try."""
    rows = Mail.objects.filter(pk=pk, state=Mail.State.FAILED).exclude(address="")
    fields = {"state": Mail.State.QUEUED, "next_at": now, "expires_at": now + WORTH, "attempts": 0, "ended_at": None,
              "settled_at": None}  # fmt: skip
    if not rows.update(**fields):
        return False
    _told("mail.again", by, Mail.objects.get(pk=pk))
    return True
