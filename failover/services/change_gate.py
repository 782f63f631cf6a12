"""The gate of the change system over every Run (settings.HOLDFAST_GATES, HOLDFAST_LAUNCHES): read back before each step
that changes something, decided by the window's arithmetic, lifted only by two people (docs/adr/0033)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from backups.services.clock import now as database_now
from failover.models import Drill
from failover.services import breaking, items, sites
from failover.services.durations import needed
from portal.changes import services as changes
from portal.changes.asked import Asked, spelled
from portal.changes.gate import Decision, Need
from portal.changes.models import Change, ChangeSystem
from portal.changes.services.deciding import blip
from portal.changes.services.lifting import lifted
from portal.kernel.change import Gate
from portal.kernel.plan import Plan
from portal.runs.models import Run, RunStep
from portal.runs.ports import Asks, Later, kind_of
from portal.runs.registry import UnknownPlan, plan_named

# Plans that only give back what was taken: HA must come back whatever became of the change.
GIVING_BACK = frozenset({"she_maintenance_leave"})
UNATTENDED = "holdfast"  # who asks for what the portal does by itself: a backup is not lost for want of a change
ENGINES = ("engine", "host", "she")  # kinds of targets that are an engine's


def gate(run: Run) -> str:
    """ "" or why the run may not change anything now; nothing is said of a step that changes nothing. Asks the change
    system unless it answered a moment ago."""
    current = run.steps.filter(state=RunStep.State.RUNNING).first()
    if (current is not None and not current.mutating) or run.plan in GIVING_BACK:
        return ""
    if run.bound_id is None:
        sentence = required(run)
        return Asks(sentence) if sentence else ""
    now = database_now()
    drill = Drill.objects.filter(run=run).first()
    if drill is not None and breaking.lifts(drill, now):
        return ""
    decision = _decided(run, _plan(run), now)
    if decision.lets or (drill is None and _lifted(run, decision, now)):
        return ""
    if decision.unread and blip(Change.objects.get(pk=run.bound_id), now):
        return Later(decision.sentence)
    return Asks(decision.sentence)


def launch(run: Run, plan: Plan) -> str:
    """ "" or why a Run that needs no approval may not start. It keeps the change's window as it is now, where none was
    asked for, so that a move of it is noticed."""
    if plan.name in GIVING_BACK or not any(step.mutating for step in plan.steps):
        return ""
    if run.bound is None:
        return required(run)
    now = database_now()
    decision = _decided(run, plan, now)
    if not decision.lets and not _lifted(run, decision, now):
        return decision.sentence
    sys_id = Change.objects.values_list("sys_id", flat=True).get(pk=run.bound.pk)
    run.change_asked = {**with_window(run), "sys_id": run.change_asked["sys_id"] or sys_id}
    return ""


def unknown(asked: Asked, target: str, by: str) -> str:
    """ "" or why a change that is named cannot be meant: its system, asked now, does not know it, or it is over. One
    that awaits its approval, or whose system does not answer, may still come to allow what is planned ahead. Raises
    BindRefused for what was named wrongly."""
    bound = changes.bind(asked, sites.of_target(target), by, timezone.now())
    if bound is None:
        return ""
    row = changes.look(bound.pk, changes.FRESH)
    return row.sentence if row.seen_at and not row.error and row.gate == Gate.INVALID.value else ""


def begins(drill: Drill, now: datetime) -> str:
    """ "" or why the change does not let an approved drill begin. Asks the change system."""
    run = drill.run
    if run is None or breaking.lifts(drill, now):
        return ""
    if run.bound_id is None:
        return required(run)
    decision = _decided(run, _plan(run), now)
    return "" if decision.lets else decision.sentence


def keep_window(run: Run) -> None:
    """Freezes the change's window as a drill begins, where none was asked for."""
    if run.bound_id is not None and (frozen := with_window(run)) != run.change_asked:
        Run.objects.filter(pk=run.pk).update(change_asked=frozen)


def with_window(run: Run) -> dict[str, Any]:
    """What was asked for, with the change's own window where the request named none. Nothing else is filled in: what
    was approved stays as it was."""
    asked = Asked.thawed(run.change_asked)
    row = Change.objects.filter(pk=run.bound_id or 0).only("begins", "ends").first()
    if row is None or asked.begins or asked.ends:
        return dict(run.change_asked)
    return {**run.change_asked, "window": {"start": spelled(row.begins), "end": spelled(row.ends)}}


def stored(run: Run, now: datetime, drill: Drill | None = None) -> Decision | None:
    """What the change allows, as it was read back last, by the same rules as before an act; nobody is asked. None: the
    run belongs to no change."""
    if run.bound is None or (drill is not None and breaking.lifts(drill, now)):
        return None
    return _on_target(run, run.bound.ci, changes.decided(run.bound, need(run, _plan(run)), now))


def required(run: Run) -> str:
    """Why an act without a change is not taken where a change system wants one; "" elsewhere."""
    if run.requested_by == UNATTENDED or run.plan in GIVING_BACK or kind_of(run.target) not in ENGINES:
        return ""
    wants = [ChangeSystem.Required.ALL]
    if kind_of(run.target) == "she":
        wants.append(ChangeSystem.Required.HA)
    strict = [row for row in changes.in_charge(sites.of_target(run.target)) if row.required in wants]
    now = database_now()
    row = next((row for row in strict if not lifted(row.pk, now)), None)
    if row is None:
        return ""
    words = f"{row.name} requires a change for {row.get_required_display()}, and none is named"
    return f"{words}: give the number of one that is approved."


def need(run: Run, plan: Plan | None) -> Need:
    """What the run wants of its change."""
    ahead, back = needed(plan) if plan is not None else (0.0, 0.0)
    begun = run.pk is not None and run.steps.filter(mutating=True).exclude(intended_at=None).exists()
    return Need(Asked.thawed(run.change_asked), ahead, back, begun)


def _decided(run: Run, plan: Plan | None, now: datetime) -> Decision:
    """What the change allows, asked now."""
    assert run.bound_id is not None
    decision = changes.fresh(run.bound_id, need(run, plan), now)
    return _on_target(run, Change.objects.values_list("ci", flat=True).get(pk=run.bound_id), decision)


def _on_target(run: Run, ci: Sequence[str], decision: Decision) -> Decision:
    """A change whose items all belong to other engines is not the change of this target; items that no name here means
    cannot be compared."""
    if not decision.lets or items.covering(run.target, [ci])[0] is not False:
        return decision
    words = f"{run.change} covers {', '.join(ci)}, and {run.target_name} is no part of that"
    return Decision(Gate.INVALID, f"{words}: name the change of this target, or add it to the change.")


def _plan(run: Run) -> Plan | None:
    try:
        return plan_named(run.plan, run.plan_version)
    except UnknownPlan:
        return None  # the runner refuses it by itself


def _lifted(run: Run, decision: Decision, now: datetime) -> bool:
    """Whether two people let pass what the system cannot say. What it does say they do not lift."""
    return decision.unread and run.bound is not None and lifted(run.bound.system_id, now) is not None
