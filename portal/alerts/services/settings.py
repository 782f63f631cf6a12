"""Saving receivers and routes, with their record. Secrets stand in no record."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from portal.alerts.models import Receiver, Route
from portal.alerts.rules.routing import said
from portal.alerts.services.acts import Refused
from portal.alerts.services.routes import rule_of
from portal.connectors.delivery import host_of
from portal.evidence import services as evidence


@transaction.atomic
def save_receiver(row: Receiver, by: str) -> Receiver:
    """Saves one that is new or changed."""
    new = row.pk is None
    row.save()
    evidence.append("receiver.added" if new else "receiver.changed", by, f"receiver:{row.pk}", _receiver(row))
    return row


def _receiver(row: Receiver) -> dict[str, object]:
    return {
        "name": row.name, "channel": row.channel, "role": row.role, "address": row.address, "host": shown(row),
        "transport": row.transport if row.channel == Receiver.Channel.SYSLOG else "", "enabled": row.enabled,
        "resolved": row.resolved, "keys": sum(bool(key) for key in (row.key, row.old_key)),
    }  # fmt: skip


def shown(row: Receiver) -> str:
    """Where it is, as far as that may be shown."""
    if row.channel == Receiver.Channel.MAIL:
        return f"role {row.role}" if row.role else row.address
    if row.channel == Receiver.Channel.SYSLOG:
        return f"{row.address} over {row.transport}"
    try:
        return host_of(row.url.reveal())
    except ValueError:
        return "sealed with a key that is gone"


@transaction.atomic
def remove_receiver(row: Receiver, by: str) -> None:
    """Takes one away. Raises Refused while a route escalates to it."""
    body, subject = _receiver(row), f"receiver:{row.pk}"
    try:
        row.delete()
    except ProtectedError as error:
        names = ", ".join(sorted(str(one) for one in error.protected_objects))
        raise Refused(f"The route {names} escalates to it: change that first.", state=True) from None
    evidence.append("receiver.removed", by, subject, body)


@transaction.atomic
def save_route(row: Route, receivers: list[Receiver], by: str) -> Route:
    """Saves one that is new or changed, with whom it tells."""
    new = row.pk is None
    row.save()
    row.receivers.set(receivers)
    evidence.append("route.added" if new else "route.changed", by, f"route:{row.pk}", _route(row))
    return row


def _route(row: Route) -> dict[str, object]:
    fresh = Route.objects.get(pk=row.pk)
    return {
        "name": row.name, "position": row.position, "when": said(rule_of(fresh)), "enabled": row.enabled,
        "receivers": sorted(one.name for one in fresh.receivers.all()), "digest": row.digest, "goes_on": row.goes_on,
        "escalates": f"{row.escalate_after} min to {row.escalate_to}" if row.escalate_to else "",
    }  # fmt: skip


@transaction.atomic
def remove_route(row: Route, by: str) -> None:
    """Takes one away."""
    body, subject = _route(row), f"route:{row.pk}"
    row.delete()
    evidence.append("route.removed", by, subject, body)
