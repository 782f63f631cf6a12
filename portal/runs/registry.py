"""Plans by name, found by being there: every installed app's `plans.py` holds a tuple PLANS."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule

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


def plan_named(name: str) -> Plan:
    """The plan, or UnknownPlan."""
    try:
        return plans()[name]
    except KeyError:
        raise UnknownPlan(f"There is no plan {name!r}; there are: {', '.join(sorted(plans()))}.") from None
