"""The plans that can be drilled, each with what it takes and when it was last exercised, per engine."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max

from failover.catalog.duration import expected, rollback
from failover.models import Drill
from failover.services import composed, drills
from inventory.models import Engine
from portal.kernel.plan import Parameter, Plan
from portal.runs.models import Run
from portal.runs.registry import plans

FILLED = frozenset({"hosts", "paths"})  # parameters that the portal fills in, never a person


@dataclass(frozen=True)
class Offer:
    """One plan for one engine. last: when it last ran to its end."""

    engine: Engine
    plan: Plan
    seconds: float
    back: float
    last: Drill | None


def drill_plans() -> list[Plan]:
    """All that can be asked for: the built-in ones in their own order, then those that people composed."""
    found = plans()
    return [*(found[name] for name in drills.PLANS if name in found), *composed.in_use()]


def drill_plan(name: str) -> Plan | None:
    """A drill's plan by name."""
    return next((plan for plan in drill_plans() if plan.name == name), None)


def asked(plan: Plan) -> list[Parameter]:
    """The parameters that a person gives."""
    return [each for each in plan.parameters if each.name not in FILLED]


def offered() -> list[Offer]:
    """Every plan for every watched engine. Four queries."""
    plans_ = drill_plans()
    engines = list(Engine.objects.filter(watched=True).order_by("name"))
    done = Drill.objects.filter(run__status=Run.Status.SUCCEEDED)
    newest = done.values("engine", "plan").annotate(newest=Max("pk")).values("newest")
    last = {(row.engine_id, row.plan): row for row in Drill.objects.filter(pk__in=newest).select_related("run")}
    return [
        Offer(engine, plan, expected(plan), rollback(plan), last.get((engine.pk, plan.name)))
        for engine in engines
        for plan in plans_
    ]
