"""How long a plan takes and its way back would take, from what past runs of it took."""

from __future__ import annotations

from failover.catalog.duration import expected, rollback
from portal.kernel.plan import Plan
from portal.runs.models import Run

PAST = 20  # runs of a plan whose times are looked at


def needed(plan: Plan) -> tuple[float, float]:
    """Seconds that a run of this plan takes, from what past ones took, and those of its way back."""
    ended = Run.objects.filter(plan=plan.name, status=Run.Status.SUCCEEDED, started__isnull=False, ended__isnull=False)
    took = [
        (end - begin).total_seconds() for begin, end in ended.values_list("started", "ended")[:PAST] if begin and end
    ]
    return expected(plan, took), rollback(plan)
