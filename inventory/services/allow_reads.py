"""A person allows, or no longer allows, that the portal reads one block of each LUN of a host (probe `lun_read`)."""

from __future__ import annotations

from django.db import transaction

from inventory.models import Host
from inventory.services import watch
from inventory.services.signal import announce
from inventory.services.wake import sweep_soon
from portal.evidence.services import append


class NotAllowed(ValueError):
    """Nothing was changed; the sentence says why."""


def allow(host: Host, by: str, *, wanted: bool, typed: str = "") -> bool:
    """Allows it, or no longer; returns whether that changed anything. typed: the host's name, needed to allow. Raises
    NotAllowed."""
    if wanted and typed.strip() != host.name:
        raise NotAllowed(f"Type {host.name} to confirm that its LUNs are read. Nothing was changed.")
    with transaction.atomic():
        held = Host.objects.select_for_update().select_related("engine").get(pk=host.pk)
        if held.may_read == wanted:
            return False
        held.may_read = wanted
        held.save(update_fields=["may_read"])
        append("reads.allowed" if wanted else "reads.stopped", by, f"host:{held.name}", {"probe": "lun_read"})
        watch.ensure(held.engine)
        announce("looks")
        sweep_soon()
    return True
