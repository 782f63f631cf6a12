"""A drill is planned for the pair as it stood when it was asked for: which hosts, which of them runs the engine, which
paths lead through a fabric. When it begins, this looks whether it is still so (docs/adr/0024)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from failover.catalog.pair import Member, members, written
from failover.models import Drill
from failover.services import approvals, fabric, pairs, readiness
from failover.steps import cut_power, migrate_engine, poweroff_engine_vm, stop_agent, stop_engine_service
from portal.runs.registry import UnknownPlan, plan_named

# steps that act on the host of the engine VM and nowhere else: they refuse any other one (verdicts/injection.py)
AT_THE_ENGINE = frozenset(
    one.STEP.name for one in (cut_power, migrate_engine, poweroff_engine_vm, stop_agent, stop_engine_service)
)


def moved(drill: Drill) -> str:
    """What is not as the drill was planned, in one sentence; "" when all is. The engine's host is the one of the last
    look at the prechecks; one that was not seen is no change. Asks nobody."""
    if drill.run is None:
        return ""
    given = drill.run.parameters
    try:
        planned, now = members(given), pairs.members_of(drill.engine)
    except ValueError as error:  # NoPair is one
        return f"{error} The drill was planned for {given.get('hosts', '')}."
    if written(planned) != written(now):
        return f"The hosted-engine hosts were {_names(planned)} when the drill was planned and are {_names(now)} now."
    return _engine_moved(drill, planned)


def changed(drill: Drill) -> str:
    """As `moved`, and the paths of a fabric, which the host is asked for."""
    return moved(drill) or (_paths_changed(drill, members(drill.run.parameters)) if drill.run else "")


@transaction.atomic
def voided(drill: Drill, why: str, now: datetime) -> str:
    """Ends the approval of a drill that is not as it was planned, and says so; "" when `why` is."""
    if not why:
        return ""
    words = f"{why} Something else was approved, so the approval is void: request the drill anew."
    approvals.void(drill, words, now)
    return words


def _engine_moved(drill: Drill, planned: tuple[Member, ...]) -> str:
    on = next((one for one in planned if drill.run and one.pk == drill.run.parameters.get("on")), None)
    row = readiness.last(drill.engine, drill.plan)
    runs_on = row.depends.get("the engine's host", "") if row else ""
    if on is None or not runs_on or runs_on == on.name or not _at_the_engine(drill):
        return ""
    return f"The engine VM has moved: the drill was planned for it on {on.name}, and it runs on {runs_on}."


def _at_the_engine(drill: Drill) -> bool:
    try:
        return any(
            step.name in AT_THE_ENGINE
            for step in plan_named(drill.plan, drill.run.plan_version if drill.run else None).steps
        )
    except UnknownPlan:
        return True


def _paths_changed(drill: Drill, planned: tuple[Member, ...]) -> str:
    given = drill.run.parameters if drill.run else {}
    on = next((one for one in planned if one.pk == given.get("on")), None)
    if "paths" not in given or on is None:
        return ""
    try:
        now = set(fabric.addresses(on, str(given["fabric"])))
    except fabric.NoPaths as error:
        return f"The paths of {on.name} through {given['fabric']} cannot be named any more: {error}"
    was = set(str(given["paths"]).split(","))
    if now == was:
        return ""
    words = (
        f"{len(was)} when the drill was planned and are {len(now)} now, {len(was - now)} of the planned ones missing"
    )
    return f"The paths of {on.name} through {given['fabric']} were {words}."


def _names(found: tuple[Member, ...]) -> str:
    return " and ".join(one.name for one in found)
