"""What must not appear in a Run's lines, of what alerting knows (settings.HOLDFAST_SECRETS)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from portal.alerts.models import Receiver
from portal.kernel.secret import Secret


def known() -> Iterator[Secret]:
    """Addresses of webhooks and keys for signatures."""
    rows: Iterable[Iterable[Any]] = Receiver.objects.values_list("url", "key", "old_key")
    for sealed in filter(None, chain.from_iterable(rows)):
        try:
            yield Secret(sealed.reveal())
        except ValueError:
            continue  # sealed with a key that is gone: nobody can have printed it through this portal
