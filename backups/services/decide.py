"""What people decide about backups, saved: every change goes on record by the names of what changed, never with values,
since some of them are secrets."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from backups.models import Copy, Destination, Policy, Recipient
from inventory.services.signal import announce
from portal.evidence import services as evidence
from portal.runs.services.refused import Refused, recorded

TOPIC = "backups"
WHERE = frozenset({"path", "host", "port", "bucket"})  # columns that say where a place is


@transaction.atomic
def save_policy(policy: Policy, places: Iterable[Destination], by: str, changed: Iterable[str]) -> Policy:
    """A new policy begins now: starts before it are not missed. places: beside the vault."""
    kind = "policy.changed" if policy.pk else "policy.added"
    if not policy.pk:
        policy.created_by, policy.decided_to = by, timezone.now()
    policy.save()
    policy.destinations.set(places)
    _told(kind, by, f"policy:{policy.pk}", policy.name, changed)
    return policy


@transaction.atomic
def switch_policy(policy: Policy, on: bool, by: str) -> None:
    """Switched on, it begins now: what was not taken while it was off is not missed."""
    fields = {"enabled": on} | ({"decided_to": timezone.now()} if on else {})
    Policy.objects.filter(pk=policy.pk).exclude(enabled=on).update(**fields)
    _told("policy.switched_on" if on else "policy.switched_off", by, f"policy:{policy.pk}", policy.name, ["enabled"])


@transaction.atomic
def save_destination(place: Destination, by: str, changed: Iterable[str]) -> Destination:
    """Saves a place. When it is somewhere else now, nobody knows whether its copies are there: they are read back
    before all others."""
    kind = "destination.changed" if place.pk else "destination.added"
    changed = set(changed)
    place.save()
    if changed & WHERE:
        place.copies.filter(state=Copy.State.HELD).update(checked_at=None)
    _told(kind, by, f"destination:{place.pk}", place.name, changed)
    return place


@transaction.atomic
def switch_destination(place: Destination, on: bool, by: str) -> None:
    """Off: nothing is sent there and nothing is removed there."""
    Destination.objects.filter(pk=place.pk).update(enabled=on)
    kind = "destination.switched_on" if on else "destination.switched_off"
    _told(kind, by, f"destination:{place.pk}", place.name, ["enabled"])


@transaction.atomic
def save_recipient(person: Recipient, by: str) -> Recipient:
    """Copies that are made from now on can be opened by it, too."""
    person.save()
    body = {"public_key": person.public_key, "custody": person.custody}
    evidence.append("recipient.added", by, f"recipient:{person.name}", body)
    announce(TOPIC)
    return person


def retire_recipient(person: Recipient, by: str) -> None:
    """Copies made from now on are not for it; those that exist stay as they are. Raises Refused for the last one."""
    with transaction.atomic():
        rows = list(Recipient.objects.select_for_update().filter(retired_at=None))
        last = [row.pk for row in rows] == [person.pk]
        if not last:
            Recipient.objects.filter(pk=person.pk, retired_at=None).update(retired_at=timezone.now())
            evidence.append("recipient.retired", by, f"recipient:{person.name}", {"public_key": person.public_key})
            announce(TOPIC)
    if last:
        words = f"{person.name} is the last recipient: without one, nothing can be encrypted. Add another one first."
        raise recorded(Refused("state", words), by, f"recipient:{person.name}", {"wish": "retire"})


@transaction.atomic
def use_recipient(person: Recipient, by: str) -> None:
    """Takes a retired one into use again."""
    Recipient.objects.filter(pk=person.pk).update(retired_at=None)
    evidence.append("recipient.used_again", by, f"recipient:{person.name}", {"public_key": person.public_key})
    announce(TOPIC)


def _told(kind: str, by: str, subject: str, name: str, changed: Iterable[str]) -> None:
    evidence.append(kind, by, subject, {"name": name, "changed": sorted(changed)})
    announce(TOPIC)
