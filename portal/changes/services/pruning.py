"""What is kept no longer: callbacks, keys, numbers that are no change. The evidence keeps what was taken and not."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.access.models import Idempotency
from portal.changes.models import Callback, Change
from portal.kernel.change import Gate

NOTHING = timedelta(days=30)  # for which a number that is no change, and that nothing belongs to, is kept
CALLBACKS = timedelta(days=90)  # far longer than a signature counts, so no replay is forgotten too early
KEYS = timedelta(days=400)


def prune(now: datetime) -> int:
    """Gives how many rows are gone."""
    calls, _ = Callback.objects.filter(at__lt=now - CALLBACKS).delete()
    odd = Change.objects.filter(gate=Gate.INVALID.value, state="", asked_at__lt=now - NOTHING, seen_at__isnull=False)
    gone, _ = odd.filter(runs=None, notes=None, wishes=None).delete()
    keys, _ = Idempotency.objects.filter(at__lt=now - KEYS).delete()
    return calls + gone + keys
