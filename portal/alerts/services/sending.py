"""The outbox's senders for every channel but mail (settings.HOLDFAST_CHANNELS): from a kept message to a connector. The
receiver is read at this moment, so a message that is tried again goes where the receiver is by then."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from portal.alerts.models import Receiver
from portal.connectors import chat, syslog, webhook
from portal.connectors.delivery import DeliveryFailed, DeliveryRefused, Place
from portal.outbox.models import Mail


def send(row: Mail) -> None:
    """Raises DeliveryFailed; its text is one sentence without any secret."""
    receiver = _receiver(row.address)
    try:
        WAYS[receiver.channel](receiver, row)
    except ValueError as error:  # a secret that no key opens
        raise DeliveryFailed(str(error)) from None


def _receiver(address: str) -> Receiver:
    _, _, key = address.partition(":")
    found = Receiver.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    if found is None:
        raise DeliveryRefused("The receiver was taken away, so nothing is sent.")
    if not found.enabled:
        raise DeliveryRefused(f"{found.name} is switched off, so nothing is sent.")
    return found


def _place(receiver: Receiver) -> Place:
    return Place(receiver.name, receiver.url, receiver.ca_pem, receiver.pin_pem)


def _webhook(receiver: Receiver, row: Mail) -> None:
    document = {key: value for key, value in row.payload.items() if key != "receiver"}
    keys = [receiver.key, receiver.old_key]
    webhook.send(_place(receiver), keys, row.message_id.strip("<>"), document, int(time.time()))


def _chat(receiver: Receiver, row: Mail) -> None:
    alerts: list[dict[str, Any]] = row.payload.get("alerts", [])
    lines = [chat.Line(one["severity"], one["sentence"], _about(one), _link(one["url"])) for one in alerts]
    more = int(row.payload.get("count", len(alerts))) - len(alerts)
    severity = row.payload.get("severity", "info")
    chat.send(receiver.channel, _place(receiver), chat.Note(severity, row.subject, lines, more))


def _about(one: dict[str, Any]) -> str:
    where = ", ".join(part for part in (one["engine"], one["site"]) if part)
    return f"{one['concern']}; {one['subject']['kind']} {one['subject']['name']}{f' ({where})' if where else ''}"


def _link(url: str) -> str:
    return url if url.startswith("http") else ""


def _syslog(receiver: Receiver, row: Mail) -> None:
    host, port = syslog.split(receiver.address)
    to = syslog.Server(receiver.name, host, port, receiver.transport, receiver.ca_pem, receiver.pin_pem)
    syslog.send(to, line_of(receiver, row))


def line_of(receiver: Receiver, row: Mail) -> syslog.Line:
    """One line per message; its data name the first alert."""
    first: dict[str, Any] = next(iter(row.payload.get("alerts", [])), {})
    over = row.payload.get("event") == "alert.resolved"
    level = syslog.NOTICE if over else syslog.LEVELS[row.payload.get("severity", "info")]
    data = {
        "id": row.message_id.strip("<>"), "event": str(row.payload.get("event", "")), "alert": str(first.get("id", "")),
        "severity": str(row.payload.get("severity", "")), "concern": str(first.get("concern", "")),
        "subject": str(first.get("subject", {}).get("name", "")), "engine": str(first.get("engine", "")),
        "url": str(first.get("url", "")),
    }  # fmt: skip
    return syslog.Line(
        receiver.facility, level, timezone.now(), socket.gethostname(), row.kind.replace(".", "-"), row.subject, data
    )


WAYS: dict[str, Callable[[Receiver, Mail], None]] = {
    Receiver.Channel.WEBHOOK: _webhook,
    Receiver.Channel.SLACK: _chat,
    Receiver.Channel.TEAMS: _chat,
    Receiver.Channel.SYSLOG: _syslog,
}
