"""Drills for the pages' and the API's tests: rows as services write them, on the estate of tests.ui.world."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from failover.catalog.pair import Member, written
from failover.models import Drill, Readiness
from failover.services import approvals, readiness
from failover.verdicts import readiness as verdicts
from inventory.models import Engine, Host
from portal.access.services.people import add_person
from portal.kernel.secret import Secret
from portal.runs.models import Run
from portal.runs.services import start

OBJECTIVES = [{"key": "rto", "title": "Engine answers again", "kind": "rto", "service": "engine", "seconds": 300}]
HOUR = timedelta(hours=1)


def member_text(engine: Engine) -> str:
    rows = Host.objects.filter(engine=engine, he_host_id__isnull=False).order_by("he_host_id")
    return written(tuple(Member(row.pk, row.name, row.he_host_id) for row in rows))


def people() -> None:
    for name, role in (("operator1", "operator"), ("approver1", "approver"), ("approver2", "approver")):
        add_person(name, role, Secret("correct horse battery"), by="test", demo=True)


def asked(engine: Engine, by: str = "operator1", plan: str = "she_failover", begins=None, ends=None, **fields) -> Drill:
    """A drill that waits for approval; its window is open for four hours."""
    now = timezone.now()
    on = Host.objects.filter(engine=engine, he_host_id__isnull=False).order_by("he_host_id").first()
    run = start(
        plan, {"hosts": member_text(engine), "on": on.pk}, f"she:{engine.pk}", by, fields.pop("change", "CHG0034817")
    )
    return Drill.objects.create(
        engine=engine, run=run, plan=plan, title=f"{run.title} of {engine}", requested_by=by, requested_at=now,
        window_begins=begins or now - HOUR / 6, window_ends=ends or now + 4 * HOUR,
        objectives=fields.pop("objectives", OBJECTIVES), **fields,
    )  # fmt: skip


def ready(engine: Engine, plan: str = "she_failover", word: str = "go", age: float = 5) -> Readiness:
    """Every precheck of the plan as looked at a moment ago."""
    at = timezone.now() - timedelta(seconds=age)
    checks = [
        {
            "name": name, "title": verdicts.CHECKS[name].title, "word": word, "sentence": f"{name} was seen.",
            "fix": "" if word == "go" else "Put it right.", "evidence": ["a line"], "at": at.timestamp(),
            "max_age": verdicts.CHECKS[name].max_age,
        }
        for name in verdicts.needs(plan)
    ]  # fmt: skip
    row, _ = Readiness.objects.update_or_create(
        engine=engine, plan=plan, defaults={"at": at, "checks": checks, "depends": {}}
    )
    assert readiness.is_ready(row) is (word == "go")
    return row


def approved(engine: Engine, **fields) -> Drill:
    """One that a second person has approved."""
    drill = asked(engine, **fields)
    approvals.approve(drill.pk, "approver1", shown_hash(drill))
    return drill


def shown_hash(drill: Drill) -> str:
    from failover.catalog.binding import hash_of

    return hash_of(approvals.content(Drill.objects.select_related("run", "engine").get(pk=drill.pk)))


def running(engine: Engine) -> Drill:
    """One under way: the engine VM was powered off 107 s ago."""
    drill = approved(engine)
    now = timezone.now()
    began = now - timedelta(seconds=107)
    steps = list(drill.run.steps.order_by("position"))
    at = next(number for number, step in enumerate(steps) if step.name == "wait_engine_back")
    for number, step in enumerate(steps):
        if number < at:
            begin = began + timedelta(seconds=(number - at + 1) * 4)
            step.state, step.began, step.ended = "done", begin, begin + timedelta(seconds=3)
            step.sentence = f"{step.title} is done."
        elif number == at:
            step.state, step.began = "running", began + timedelta(seconds=4)
            step.deadline = now + timedelta(seconds=500)
        step.save()
    Run.objects.filter(pk=drill.run_id).update(
        status="running", started=began - timedelta(seconds=60), approved_by="approver1", approved_at=now
    )
    Drill.objects.filter(pk=drill.pk).update(clock_began=began)
    return Drill.objects.get(pk=drill.pk)


def ended(engine: Engine, status: str = "succeeded", word: str = "met", age: timedelta = HOUR) -> Drill:
    """One that is over."""
    drill = approved(engine)
    now = timezone.now()
    drill.run.steps.update(state="done" if status == "succeeded" else "failed", began=now - age - HOUR, ended=now - age)
    Run.objects.filter(pk=drill.run_id).update(
        status=status, started=now - age - HOUR, ended=now - age, approved_by="approver1",
        sentence="All steps are done." if status == "succeeded" else "Step 4 failed: the engine VM is still up.",
    )  # fmt: skip
    sentence = "The engine was away for 151.0 s; 300 s are allowed."
    Drill.objects.filter(pk=drill.pk).update(
        verdicts=[{"key": "rto", "word": word, "sentence": sentence}],
        clock_began=now - age - HOUR / 2,
        clock_ended=now - age - HOUR / 2 + timedelta(seconds=151),
    )
    return Drill.objects.get(pk=drill.pk)
