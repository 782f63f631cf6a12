"""What Runs do as root on targets, found by being there: every installed app's `rights.py` has a function `cases`.

A case is one way in which a plan is run on this installation; its commands come from the plan's own steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from portal.kernel.command import Command
from portal.kernel.step import On, Step
from portal.kernel.sudoers import Varies, uuid
from portal.runs.registry import plan_named

RUN = "5e9713e1-5e97-4e13-8e97-5e9713e15e97"  # stands for a Run's id
RUNS_ID = Varies(RUN, uuid(), "the id of the Run, new each time")
# portal.runs.hostside.STOP, when an abort or the end of patience must end what runs as root
STOPS = ("TERM", "KILL")


@dataclass(frozen=True)
class Case:
    """plan: its name. parameters: as a Run freezes them, samples where they vary. besides: what the plan's works ask as
    root, beside its steps. where: what the lines are for, as a heading."""

    plan: str
    where: str
    parameters: Mapping[str, Any]
    varies: tuple[Varies, ...] = ()
    besides: tuple[Command, ...] = ()


def cases() -> Iterator[Case]:
    """Of all apps, in their order."""
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "rights"):
            yield from import_module(f"{app.name}.rights").cases()


def commands(case: Case) -> list[Command]:
    """Every command that the case runs as root: looks, acts and undos of all steps, then what works ask."""
    plan = plan_named(case.plan)
    own = {parameter.name for parameter in plan.parameters}
    given = {name: value for name, value in case.parameters.items() if name in own}
    found = [one for step in plan.steps for one in of_step(step, {**given, "target": "she:1", "run": RUN})]
    return [one for one in [*found, *case.besides] if one.root]


def of_step(step: Step, given: Mapping[str, Any]) -> list[Command]:
    """All commands of a step, whoever runs them."""
    looks = [one.command if isinstance(one, On) else one for one in step.looks(given).values()]
    undo = () if isinstance(step.undo, str) else step.undo(given)
    return [one for one in [*looks, *step.act(given), *undo] if isinstance(one, Command)]
