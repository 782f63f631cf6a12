"""Writes down what a drill measured, once its Run has ended, and puts it on record. The drill prober does it: it knows
when its own last answers are written, and needs no worker."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from failover.models import Drill
from failover.services.measured import measure
from portal.evidence.services import append, seal
from portal.runs.models import Run
from portal.runs.states import ENDED

SETTLED = 6  # seconds after a Run's end in which the last answers and their writing come


def due() -> list[int]:
    """Keys of drills that ended and are not measured, or ended anew since: a Run that needs attention may go on."""
    rows = Drill.objects.filter(
        closed_at=None,
        run__status__in=ENDED,
        run__started__isnull=False,
        run__ended__lte=Now() - timedelta(seconds=SETTLED),
    ).select_related("run")
    return [row.pk for row in rows.order_by("pk") if row.run and row.measured.get("ended") != str(row.run.ended)]


def conclude(pk: int) -> bool:
    """Measures one drill, in one transaction with its record. It is closed unless its Run needs attention. False when
    somebody else does it, or it is not due any more. Raises what the evidence refuses."""
    with transaction.atomic():
        rows = Drill.objects.select_for_update(of=("self",), skip_locked=True).select_related("run")
        drill = rows.filter(pk=pk, closed_at=None, run__status__in=ENDED).first()
        if drill is None or drill.run is None:
            return False
        told = measure(drill)
        told["measured"]["ended"] = str(drill.run.ended)
        fields = told if drill.run.status == Run.Status.NEEDS_ATTENTION else {**told, "closed_at": Now()}
        Drill.objects.filter(pk=pk).update(**fields)
        append("drill.measured", "portal", f"drill:{pk}", told)
        seal(f"drill:{pk}")
    return True
