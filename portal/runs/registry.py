"""Plans by name, found by being there: every installed app's `plans.py` holds a tuple PLANS. What people have composed
comes from settings.HOLDFAST_PLANS: dotted paths of callables (name, version or None) -> a Plan, or None when it is not
theirs; they raise UnknownPlan for one that is theirs and not there."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string, module_has_submodule

from portal.kernel.plan import Plan


class UnknownPlan(LookupError):
    """There is no plan of that name. Its text is one sentence."""


@cache
def plans() -> dict[str, Plan]:
    """All plans by name. Raises ValueError when two apps give one name to two plans."""
    found: dict[str, Plan] = {}
    for app in apps.get_app_configs():
        if app.module is None or not module_has_submodule(app.module, "plans"):
            continue
        for plan in import_module(f"{app.name}.plans").PLANS:
            if plan.name in found:
                raise ValueError(f"two plans are named {plan.name}")
            found[plan.name] = plan
    return found


def plan_named(name: str, version: int | None = None) -> Plan:
    """The plan, or UnknownPlan. version: of a plan that people composed, the one that a Run was frozen with; None: the
    newest, which must be in use. A plan in code is there in one version only."""
    found = plans().get(name)
    if found is not None:
        return found
    for path in settings.HOLDFAST_PLANS:
        composed: Plan | None = import_string(path)(name, version)
        if composed is not None:
            return composed
    raise UnknownPlan(f"There is no plan {name!r}; there are: {', '.join(sorted(plans()))}.")
