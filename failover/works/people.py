"""Questions to people, and the rehearsal that a drill starts."""

from __future__ import annotations

from backups.models import Backup
from backups.services import prove
from failover.catalog.traits import ASKS
from failover.models import PlanVersion
from failover.plans_composed import ASK
from failover.services import prompts
from failover.services.telling import drill_of, rehearsal_key
from failover.steps import walk_through
from portal.kernel.step import WorkFailed, Working
from portal.runs.models import Run, RunStep
from portal.runs.services import Refused


def walk(working: Working) -> None:
    """Asks all questions of a drill on paper."""
    drill = drill_of(working.parameters)
    with working.writing():
        prompts.ask(drill, walk_through.NAME, walk_through.questions(working.parameters))


def ask_person(working: Working) -> None:
    """Asks the question of the manual step that is under way, in a plan that people composed."""
    drill = drill_of(working.parameters)
    assert drill.run is not None
    row = drill.run.steps.get(state=RunStep.State.RUNNING)
    version = PlanVersion.objects.get(plan__name=drill.run.plan, number=drill.run.plan_version)
    asked = [each["question"] for each in version.steps if each["step"] == ASK]
    with working.writing():
        prompts.ask(drill, row.name, [asked[int(row.name.removeprefix(ASKS)) - 1]])


def rehearse(working: Working) -> None:
    """Starts the rehearsal of the newest backup. Raises WorkFailed when there is none."""
    drill = drill_of(working.parameters)
    rows = Backup.objects.filter(policy__engine=drill.engine, status=Backup.Status.DONE, deleted_at=None)
    backup = rows.order_by("-taken").first()
    if backup is None:
        raise WorkFailed(f"The catalog of {drill.engine} holds no backup: take one first.")
    run = Run.objects.get(ref=working.parameters["run"])
    try:
        started = prove.rehearse(backup, run.requested_by, rehearsal_key(working.parameters))
    except Refused as error:
        raise WorkFailed(str(error)) from None
    working.say(f"Run {started.pk} rehearses the restore of {backup.ident}.")
