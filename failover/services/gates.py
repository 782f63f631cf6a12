"""What must hold before every act of a Run (settings.HOLDFAST_GATES): agreed to, in its window, alone on its engine.

A gate looks and says one sentence; the only thing that it writes is that an approval is void."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from backups.services.clock import now as database_now
from failover.models import Blackout, Drill, Window
from failover.services import approvals, breaking, change_gate, readiness, roles, sites
from failover.services.durations import needed
from failover.services.items import engine_of
from inventory.models import Host
from inventory.templatetags.holdfast import full
from portal.kernel.words import span
from portal.runs.models import Run, RunStep
from portal.runs.ports import Asks
from portal.runs.registry import UnknownPlan, plan_named


def gate(run: Run) -> str:
    """ "" or one sentence why the run may not act now. Runs of other plans are only kept from a drill's engine."""
    drill = Drill.objects.select_related("engine", "run").filter(run=run).first()
    if drill is None:
        return beside(run)
    now = database_now()
    if wrong := _elsewhere(drill):
        return wrong
    return agreed(drill, now) or _calendar(drill, run, now) or beside(run) or _begins(drill, run)


def _elsewhere(drill: Drill) -> str:
    try:
        return sites.elsewhere(plan_named(drill.plan), drill.engine)
    except UnknownPlan:
        return ""  # the approval says so


def agreed(drill: Drill, now: datetime) -> str:
    """Whether what was approved is what would be done; an approval that does not fit is void from then on."""
    held = approvals.standing(drill, now)
    if held.state in (approvals.APPROVED, approvals.NOT_NEEDED):
        return ""
    if held.state in (approvals.VOID, approvals.EXPIRED):
        approvals.void(drill, held.sentence, now)
    return held.sentence


def _calendar(drill: Drill, run: Run, now: datetime) -> str:
    """Window and blackouts; a broken glass lifts them. A step that changes nothing is let through: what was begun is
    measured and closed to its end."""
    current = run.steps.filter(state=RunStep.State.RUNNING).first()
    if current is not None and not current.mutating:
        return ""
    begun = run.steps.filter(mutating=True).exclude(intended_at=None).exists()
    sentence = calendar(drill, now, begun=begun)
    # at the window's end people are asked: what was begun is not thrown back without a word
    return Asks(sentence) if sentence and begun else sentence


def shown(drill: Drill, now: datetime, *, begun: bool = False) -> str:
    """As `calendar`, with maintenance and with what the change allows as it was read back last. For pages."""
    said = calendar(drill, now, begun=begun) or maintained(drill.engine_id)
    if said or drill.run is None:
        return said
    decision = change_gate.stored(drill.run, now, drill)
    if decision is not None:
        return "" if decision.lets else decision.sentence
    return "" if breaking.lifts(drill, now) else change_gate.required(drill.run)


def calendar(drill: Drill, now: datetime, *, begun: bool = False) -> str:
    """Why the calendar forbids to begin, or, once begun, to go on now; "" when it does not."""
    if breaking.lifts(drill, now):
        return ""
    return window(drill, now) or (blackout(drill.engine_id, now, now) if begun else room(drill, now))


def window(drill: Drill, now: datetime) -> str:
    """Whether now lies in the drill's window."""
    if drill.window_begins is not None and now < drill.window_begins:
        return f"The window begins at {full(drill.window_begins)}: nothing acts before."
    if drill.window_ends is not None and now >= drill.window_ends:
        return f"The window ended at {full(drill.window_ends)}: no further step begins."
    return ""


def room(drill: Drill, now: datetime) -> str:
    """Whether the drill and its way back fit between now and the window's end, and no blackout begins meanwhile."""
    try:
        plan = plan_named(drill.plan, drill.run.plan_version if drill.run else None)
    except UnknownPlan as error:
        return str(error)
    ahead, back = needed(plan)
    done = now + timedelta(seconds=ahead + back)
    if drill.window_ends is not None and done > drill.window_ends:
        words = f"The drill takes about {span(ahead)} and its way back {span(back)}"
        return f"{words}, which ends after the window at {full(drill.window_ends)}: request a longer window."
    return blackout(drill.engine_id, now, done)


def blackout(engine_pk: int, begins: datetime, ends: datetime) -> str:
    """The first blackout of the engine, or of all engines, that touches the time; "" when none does."""
    concerned = Blackout.objects.filter(Q(engine=None) | Q(engine=engine_pk))
    found = concerned.filter(begins__lte=ends, ends__gt=begins).first()
    if found is None:
        return ""
    return f"{found.title} is a blackout from {full(found.begins)} to {full(found.ends)}: no drill acts in it."


def beside(run: Run) -> str:
    """Another active Run on the same engine or its hosts; of two, the one that was asked for later gives way."""
    for other in rivals(run):
        if (other.queued_at or other.created, other.pk) < (run.queued_at or run.created, run.pk):
            words = f"Run {other.pk} ({other.title}, by {other.requested_by}) is {other.status} on {other.target_name}"
            return f"{words}: drills and maintenance share an engine with nothing else. Wait for its end."
    return ""


def rivals(run: Run) -> Sequence[Run]:
    """Active Runs that a drill or maintenance excludes, and those that exclude this one. Runs that only read are
    nobody's rivals."""
    engine = engine_of(run.target)
    if engine is None or not run.steps.filter(mutating=True).exists():
        return []
    hosts = [f"host:{pk}" for pk in Host.objects.filter(engine=engine).values_list("pk", flat=True)]
    pair = f"she:{engine}"
    targets = [pair, f"engine:{engine}", *hosts] if run.target == pair else [pair]
    active = Run.objects.filter(status__in=Run.ACTIVE, target__in=targets).exclude(pk=run.pk)
    acting = RunStep.objects.filter(mutating=True).values("run")
    return list(active.filter(pk__in=acting).order_by("queued_at", "pk"))


def _begins(drill: Drill, run: Run) -> str:
    """What counts only until the first act: afterwards the drill itself changes it."""
    if run.steps.filter(mutating=True).exclude(intended_at=None).exists():
        return ""
    return (
        maintained(drill.engine_id)
        or ("" if _only_looks(run) else readiness.expired(drill.engine, drill.plan))
        or roles.voided(drill, roles.moved(drill), database_now())
    )


def _only_looks(run: Run) -> bool:
    """Whether the current step changes nothing: people may be asked before the prechecks are looked at again."""
    current = run.steps.filter(state=RunStep.State.RUNNING).first()
    return current is not None and not current.mutating


def maintained(engine_pk: int) -> str:
    """The maintenance window that is open on the engine; "" when none is."""
    held = Window.objects.filter(engine=engine_pk, state__in=Window.OPEN).select_related("host", "engine").first()
    if held is None:
        return ""
    owner = held.owner or "nobody known"
    return f"{held} is {held.state} (owner {owner}): a drill proves nothing while HA is held. End it first."
