"""Four eyes: nobody approves his own drill by any way; what is altered afterwards is refused, and named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from backups.services import obstacles
from failover.models import Approval, Blackout, Drill, Window
from failover.services import approvals, breaking, conduct, gates
from failover.services.answer import proven
from portal.evidence.models import Record
from portal.runs.models import Run, RunStep
from portal.runs.services import Refused, start
from portal.runs.services import approve as approve_run
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def engine():
    made = world.build("healthy")
    drill_world.people()
    drill_world.ready(made)
    return made


def refusal(deed, *args) -> Refused:
    with pytest.raises(Refused) as caught:
        deed(*args)
    assert Record.objects.filter(kind="run.refused").exists()
    return caught.value


def fresh(drill) -> Drill:
    return Drill.objects.select_related("run", "engine").get(pk=drill.pk)


def standing(drill):
    return approvals.standing(fresh(drill), timezone.now())


def test_a_second_person_approves_and_nothing_begins_by_it(engine):
    drill = drill_world.asked(engine)
    assert standing(drill).state == "awaiting"
    row = approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    assert standing(drill).state == "approved"
    assert fresh(drill).run.status == "awaiting_approval"
    said = Record.objects.get(kind="drill.approved")
    assert (said.actor, said.body["hash"]) == ("approver1", row.hash)


@pytest.mark.parametrize("name", ["operator1", "Operator1", "approver9", "nobody", "auditor1", ""])
def test_who_is_no_second_person_is_refused(engine, name):
    drill = drill_world.asked(engine)
    assert refusal(approvals.approve, drill.pk, name or "-", drill_world.shown_hash(drill)).kind == "four_eyes"
    assert standing(drill).state == "awaiting"


def test_an_approver_who_asked_himself_is_refused_by_every_way(engine):
    drill = drill_world.asked(engine, by="approver1")
    assert refusal(approvals.approve, drill.pk, "approver1", drill_world.shown_hash(drill)).kind == "four_eyes"
    assert refusal(approve_run, drill.run_id, "approver1").kind == "four_eyes"
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(
            drill=drill, hash="0" * 64, content={}, requested_by="approver1", by="approver1", at=timezone.now()
        )
    # the one who asked is another name on the row: the run's requester counts as well
    Drill.objects.filter(pk=drill.pk).update(requested_by="operator1")
    assert refusal(approvals.approve, drill.pk, "approver1", drill_world.shown_hash(drill)).kind == "four_eyes"
    assert gates.gate(Run.objects.get(pk=drill.run_id))


def test_an_approval_written_into_the_table_does_not_count(engine):
    drill = drill_world.asked(engine)
    content = approvals.content(fresh(drill))
    Approval.objects.create(
        drill=drill, hash=drill_world.shown_hash(drill), content=content, requested_by="operator1", by="approver1",
        at=timezone.now(),
    )  # fmt: skip
    assert standing(drill).state == "void"
    assert "no record" in gates.gate(fresh(drill).run)


ALTERED = {
    "parameter": lambda drill: Run.objects.filter(pk=drill.run_id).update(
        parameters={**drill.run.parameters, "on": drill.run.parameters["on"] + 1}
    ),
    "change": lambda drill: Run.objects.filter(pk=drill.run_id).update(change="CHG0000001"),
    "target": lambda drill: Run.objects.filter(pk=drill.run_id).update(target="she:99"),
    "plan": lambda drill: Run.objects.filter(pk=drill.run_id).update(plan="she_switchover"),
    "window": lambda drill: Drill.objects.filter(pk=drill.pk).update(window_ends=drill.window_ends + HOUR),
    "objectives": lambda drill: Drill.objects.filter(pk=drill.pk).update(objectives=[]),
}


@pytest.mark.parametrize("what", ALTERED)
def test_whatever_is_altered_after_approval_voids_it_and_is_named(engine, what):
    drill = drill_world.approved(engine)
    assert gates.gate(fresh(drill).run) == ""
    ALTERED[what](fresh(drill))
    told = gates.gate(Run.objects.get(pk=drill.run_id))
    assert "was" in told
    assert "void" in told
    assert standing(drill).state == "void"
    assert Record.objects.filter(kind="drill.approval_void").count() == 1
    # it does not come back by altering it back
    assert refusal(conduct.begin, drill.pk, "operator1").kind in ("approval", "state")


@pytest.mark.parametrize("what", ["parameter", "change", "window"])
def test_what_was_shown_must_be_what_is_approved(engine, what):
    drill = drill_world.asked(engine)
    shown, content = drill_world.shown_hash(drill), approvals.content(fresh(drill))
    ALTERED[what](fresh(drill))
    told = refusal(approvals.approve, drill.pk, "approver1", shown, content)
    assert told.kind == "changed"
    assert " was " in str(told).replace("nothing was", "")
    assert not drill.approvals.exists()
    # a content that is not what the hash is of names nothing
    bare = "What was shown is not what the drill is now, so nothing was approved. Read it again."
    assert str(refusal(approvals.approve, drill.pk, "approver1", shown, {"plan": "x"})) == bare


def test_a_window_that_is_over_expires_the_approval(engine):
    now = timezone.now()
    drill = drill_world.asked(engine, begins=now - 3 * HOUR, ends=now - HOUR)
    assert standing(drill).state == "expired"
    assert refusal(approvals.approve, drill.pk, "approver1", drill_world.shown_hash(drill)).kind == "state"
    late = drill_world.approved(engine)
    assert "ended" in gates.window(fresh(late), now + 5 * HOUR)


def test_nothing_acts_before_the_window_and_nothing_that_would_not_fit_into_it(engine):
    now = timezone.now()
    early = drill_world.approved(engine, begins=now + HOUR, ends=now + 5 * HOUR)
    assert "begins at" in gates.gate(fresh(early).run)
    assert refusal(conduct.begin, early.pk, "operator1").kind == "gate"
    assert "its own page" in str(refusal(approve_run, early.run_id, "approver1"))
    short = drill_world.approved(engine, ends=now + timedelta(seconds=90))
    assert "longer window" in gates.gate(fresh(short).run)


def test_a_blackout_forbids_to_begin_and_one_that_begins_meanwhile_too(engine):
    now = timezone.now()
    drill = drill_world.approved(engine)
    row = Blackout.objects.create(title="Month end", begins=now + timedelta(seconds=30), ends=now + HOUR)
    assert "Month end" in gates.gate(fresh(drill).run)
    row.delete()
    Blackout.objects.create(title="Other", begins=now - HOUR, ends=now - timedelta(seconds=1))
    assert gates.gate(fresh(drill).run) == ""


def test_an_open_maintenance_window_forbids_to_begin(engine):
    drill = drill_world.approved(engine)
    Window.objects.create(engine=engine, scope="global", state="active", owner="anna", asked_at=timezone.now())
    assert "anna" in gates.gate(fresh(drill).run)
    assert refusal(conduct.begin, drill.pk, "operator1").kind == "gate"


def test_readiness_that_expired_or_is_not_go_forbids_the_first_act_and_no_later_one(engine):
    drill = drill_world.approved(engine)
    drill_world.ready(engine, age=4000)
    assert "counts no more" in gates.gate(fresh(drill).run)
    first = fresh(drill).run.steps.filter(mutating=True).first()
    RunStep.objects.filter(pk=first.pk).update(intended_at=timezone.now(), state="done")
    assert gates.gate(fresh(drill).run) == ""


def test_begin_takes_an_approved_drill_and_freezes_its_readiness(engine):
    drill = drill_world.approved(engine)
    run = conduct.begin(drill.pk, "operator1")
    assert (run.status, run.approved_by) == ("queued", "approver1")
    assert len(fresh(drill).readiness["checks"]) > 10
    assert refusal(conduct.begin, drill.pk, "operator1").kind == "state"


def test_begin_refuses_what_is_not_go(engine):
    drill = drill_world.approved(engine)
    drill_world.ready(engine, word="no_go")
    told = refusal(conduct.begin, drill.pk, "operator1")
    assert told.kind == "readiness"
    assert "Put it right." in str(told)
    assert fresh(drill).run.status == "awaiting_approval"


def active(engine, target, plan="support_bundle"):
    run = Run.objects.create(
        plan=plan, plan_version=1, title="Other", digest="0" * 64, target=target, target_name=target,
        requested_by="x", status="running", queued_at=timezone.now() - HOUR,
    )  # fmt: skip
    RunStep.objects.create(run=run, position=1, name="a", title="a", mutating=True)
    return run


def test_of_two_runs_on_one_engine_the_later_gives_way(engine):
    host = engine.hosts.first()
    other = active(engine, f"engine:{engine.pk}")
    drill = drill_world.approved(engine)
    assert f"Run {other.pk}" in gates.gate(fresh(drill).run)
    assert refusal(conduct.begin, drill.pk, "operator1").kind == "active"
    assert gates.gate(other) == ""
    Run.objects.filter(pk=other.pk).update(status="succeeded")
    conduct.begin(drill.pk, "operator1")
    late = active(engine, f"host:{host.pk}")
    Run.objects.filter(pk=late.pk).update(queued_at=timezone.now() + timedelta(seconds=5))
    late.refresh_from_db()
    assert f"Run {drill.run_id}" in gates.gate(late)
    # who only reads is nobody's rival, and another engine's runs are not either
    late.steps.update(mutating=False)
    assert gates.gate(late) == ""
    assert gates.gate(fresh(drill).run) == ""


def test_a_planned_backup_waits_for_the_end_of_a_drill(engine):
    drill = drill_world.approved(engine)
    assert obstacles.busy(f"engine:{engine.pk}") is None
    conduct.begin(drill.pk, "operator1")
    assert obstacles.busy(f"engine:{engine.pk}").pk == drill.run_id
    assert obstacles.busy(f"engine:{engine.pk + 1}") is None


def test_a_refused_drill_ends_and_cannot_be_approved(engine):
    drill = drill_world.asked(engine)
    assert refusal(approvals.refuse, drill.pk, "operator1", "no").kind == "four_eyes"
    assert refusal(approvals.refuse, drill.pk, "approver1", " ").kind == "parameters"
    approvals.refuse(drill.pk, "approver1", "The DR site is not staffed.")
    assert (standing(drill).state, fresh(drill).run.status) == ("refused", "aborted")
    assert refusal(approvals.approve, drill.pk, "approver2", drill_world.shown_hash(drill)).kind == "state"


def test_breaking_the_glass_takes_two_people_and_lifts_the_calendar_only(engine):
    now = timezone.now()
    drill = drill_world.approved(engine)
    Blackout.objects.create(title="Month end", begins=now - HOUR, ends=now + HOUR)
    assert refusal(breaking.ask, drill.pk, "operator1", "short").kind == "parameters"
    breaking.ask(drill.pk, "operator1", "kvm01 loses memory modules; the proof is needed tonight.")
    assert "Month end" in gates.gate(fresh(drill).run)
    assert refusal(breaking.confirm, drill.pk, "operator1").kind == "four_eyes"
    breaking.confirm(drill.pk, "approver2")
    assert gates.gate(fresh(drill).run) == ""
    banner = proven(timezone.now()).banner
    assert banner.state == "fail"
    assert "operator1 and approver2" in banner.sentence
    assert {"drill.break_glass_asked", "drill.glass_broken"} <= set(Record.objects.values_list("kind", flat=True))
    # neither readiness nor the second pair of eyes is lifted
    drill_world.ready(engine, word="no_go")
    assert refusal(conduct.begin, drill.pk, "operator1").kind == "readiness"
    ALTERED["change"](fresh(drill))
    assert "void" in gates.gate(Run.objects.get(pk=drill.run_id))
    assert proven(timezone.now() + timedelta(hours=5)).banner is None


def test_a_drills_run_goes_only_through_the_drill(engine):
    drill = drill_world.asked(engine)
    assert "its own page" in str(refusal(approve_run, drill.run_id, "approver1"))
    approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    assert "begun on its own page" in str(refusal(approve_run, drill.run_id, "approver1"))
    assert fresh(drill).run.status == "awaiting_approval"
    conduct.begin(drill.pk, "operator1")
    assert fresh(drill).run.status == "queued"


def test_a_run_of_a_drill_plan_without_a_drill_is_a_run_as_any(engine):
    run = start("she_failover", {"hosts": drill_world.member_text(engine), "on": 1}, f"she:{engine.pk}", "operator1")
    assert run.status == "awaiting_approval"


def test_signing_takes_one_person_per_role_after_the_end(engine):
    drill = drill_world.asked(engine)
    assert refusal(conduct.sign, drill.pk, "operator1", "operator", "").kind == "state"
    done = drill_world.ended(engine)
    conduct.note_issue(done.pk, "operator1", {"title": "The console was slow.", "severity": "low", "due": "2026-12-01"})
    conduct.sign(done.pk, "operator1", "operator", "As seen.")
    assert refusal(conduct.sign, done.pk, "operator1", "reviewer", "").kind == "four_eyes"
    assert refusal(conduct.sign, done.pk, "approver1", "operator", "").kind == "state"
    conduct.sign(done.pk, "approver1", "reviewer", "")
    assert refusal(conduct.note_issue, done.pk, "operator1", {"title": "x", "severity": "low"}).kind == "state"
    assert [row["role"] for row in fresh(done).signatures] == ["operator", "reviewer"]
