"""What must not appear in a Run's lines, of what backups know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backups.models import Destination, Policy, Recipient
from portal.kernel.secret import Secret


def known() -> Iterator[Secret]:
    """Keys of destinations, addresses of heartbeats, the portal's own identity."""
    found: list[Any] = [
        *Destination.objects.values_list("secret", flat=True),
        *Policy.objects.values_list("heartbeat_url", flat=True),
        *Recipient.objects.values_list("private_key", flat=True),
    ]
    for sealed in filter(None, found):
        try:
            yield Secret(sealed.reveal())
        except ValueError:
            continue  # sealed with a key that is gone: nobody can have printed it through this portal
