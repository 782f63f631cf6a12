"""Finds Runs that want a worker and have none: what makes the loss of Redis, a message or a worker harmless."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from portal.runs import wake
from portal.runs.models import Run

S = Run.Status

# Seconds between two messages for one Run, so that a queue without workers does not fill up.
QUIET = 5.0
# Seconds in which the first message may find a worker before another one is sent.
PATIENT = 3.0


def sweep() -> list[int]:
    """Sends a message for every Run that is queued and was not taken, is due, or lost its worker. Gives their keys."""
    wanting = (
        Q(status=S.QUEUED, queued_at__lt=Now() - timedelta(seconds=PATIENT))
        | Q(status=S.WAITING, due_at__lte=Now())
        | Q(status=S.RUNNING, lease_expires__lt=Now())
    )
    quiet = Q(woken_at=None) | Q(woken_at__lt=Now() - timedelta(seconds=QUIET))
    with transaction.atomic():
        rows = Run.objects.select_for_update(skip_locked=True).filter(wanting & quiet).order_by("pk")
        keys = list(rows.values_list("pk", flat=True))
        Run.objects.filter(pk__in=keys).update(woken_at=Now())
        for key in keys:
            wake.on_commit(key)
    return keys
