"""What is kept no longer: callbacks and keys. The evidence keeps what was accepted and refused."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.access.models import Idempotency
from portal.changes.models import Callback

CALLBACKS = timedelta(days=90)  # far longer than a signature counts, so no replay is forgotten too early
KEYS = timedelta(days=400)


def prune(now: datetime) -> int:
    """Gives how many rows are gone."""
    calls, _ = Callback.objects.filter(at__lt=now - CALLBACKS).delete()
    keys, _ = Idempotency.objects.filter(at__lt=now - KEYS).delete()
    return calls + keys
