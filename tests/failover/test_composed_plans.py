"""Composed plans as rows: versions that never change, found by the Runs that were frozen with them, bound by approvals,
asked for and scheduled like the built-in ones, retired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from failover.models import ComposedPlan, Drill, Missed, PlanVersion, Readiness, Schedule
from failover.plans_composed import composed as plan_of_content
from failover.plans_composed import fingerprint, problems, tidied
from failover.services import approvals, composed, drills, pages_composed, planning, readiness_looks, schedules
from failover.services.frame import standings
from failover.services.pages_plans import drill_plan, drill_plans
from portal.evidence.models import Record
from portal.kernel.plan import digest
from portal.runs.registry import UnknownPlan, plan_named
from portal.runs.services import Refused
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
PAPER = [{"step": "ready_again"}, {"step": "ask_person", "question": "Who calls the bank?", "minutes": 10}]
MORE = [*PAPER, {"step": "ask_person", "question": "Who calls the regulator?", "minutes": 20}]
BREAKING = [
    {"step": "ask_person", "question": "Is the branch informed?", "minutes": 15},
    *({"step": name} for name in (
        "ready_again", "fingerprint_before", "start_clock", "poweroff_engine_vm", "wait_engine_back", "stop_clock",
        "wait_scores_back", "fingerprint_after", "closing_checks",
    )),
]  # fmt: skip


@pytest.fixture
def engine():
    made = world.build("healthy")
    drill_world.people()
    return made


def create(slug="branch", entries=PAPER, by="operator1", title="Branch drill"):
    return composed.create(slug, title, entries, by)


def refusal(call, *given) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*given)
    return caught.value


def test_a_plan_is_saved_with_its_hash_and_on_record():
    row = create()
    assert (row.plan.name, row.number, row.by, row.steps) == ("custom-branch", 1, "operator1", PAPER)
    assert row.sha256 == fingerprint("Branch drill", PAPER)
    record = Record.objects.get(kind="drill_plan.saved")
    assert (record.actor, record.subject, record.body["sha256"]) == (
        "operator1",
        "drill-plan:custom-branch",
        row.sha256,
    )
    assert record.body["like"] == "tabletop"
    plan = plan_named("custom-branch")
    assert [step.name for step in plan.steps] == ["ready_again", "ask_person_1"]
    assert (plan.approval, plan.steps[1].patience, plan.steps[1].title) == (True, 600.0, "Who calls the bank?")
    assert [parameter.name for parameter in plan.parameters] == ["hosts"]


def test_what_breaks_takes_the_parameters_that_its_steps_need():
    create(entries=BREAKING)
    plan = plan_named("custom-branch")
    assert [parameter.name for parameter in plan.parameters] == ["hosts", "on"]
    assert composed.kind_of("custom-branch") == "she_failover"
    assert composed.kind_of("she_failover") == "she_failover"
    assert dict(plan.decide) == {"ask_person_1": 900.0, "wait_scores_back": 900.0, "fingerprint_after": 900.0}


@pytest.mark.parametrize(
    ("slug", "title", "entries", "words"),
    [
        ("x", "T", PAPER, "no name for a plan"),
        ("-bad-", "T", PAPER, "no name for a plan"),
        ("a" * 60, "T", PAPER, "no name for a plan"),
        ("fine", " ", PAPER, "no title"),
        ("fine", "T" * 90, PAPER, "90 characters"),
        ("fine", "T", [{"step": "axe"}], "no drill knows"),
        ("fine", "T", ["ready_again", 7], "no drill knows"),
        ("fine", "T", [{"step": "ready_again"}, {"step": "ask_person", "question": " ", "minutes": 5}], "no question"),
        ("fine", "T", [{"step": "ready_again"}, {"step": "ask_person", "question": "Q", "minutes": 0}], "waits 0 min"),
        (
            "fine",
            "T",
            [{"step": "ready_again"}, {"step": "ask_person", "question": "Q", "minutes": "x"}],
            "waits 0 min",
        ),
        ("fine", "T", [{"step": "ready_again"}, {"step": "ask_person", "question": "Q" * 2001}], "longer than 2000"),
        ("fine", "T", BREAKING[:-1], "lacks the closing checks"),
    ],
)
def test_what_is_no_plan_is_refused_with_every_reason_and_recorded(slug, title, entries, words):
    told = refusal(composed.create, slug, title, entries, "operator1")
    assert words in str(told)
    assert Record.objects.filter(kind="run.refused", actor="operator1").count() == 1
    assert not ComposedPlan.objects.exists()


def test_a_name_is_given_once():
    create()
    told = refusal(create)
    assert (told.kind, PlanVersion.objects.count()) == ("state", 1)
    assert "already" in str(told)


def test_an_edit_makes_a_new_version_and_leaves_the_old_one():
    first = create()
    second = composed.edit("custom-branch", 1, "Branch drill", MORE, "operator1", "The regulator was missing.")
    assert (second.number, second.why) == (2, "The regulator was missing.")
    first.refresh_from_db()
    assert first.steps == PAPER
    assert len(plan_named("custom-branch").steps) == 3
    assert len(plan_named("custom-branch", 1).steps) == 2
    with pytest.raises(UnknownPlan, match="of version 3"):
        plan_named("custom-branch", 3)
    same = composed.edit("custom-branch", 2, "Branch drill", MORE, "operator1", "")
    assert same.pk == second.pk, "the same content is no new version"


@pytest.mark.parametrize(
    ("based_on", "entries", "why", "kind", "words"),
    [
        (7, MORE, "why", "changed", "has saved version 1 meanwhile"),
        (1, MORE, " ", "parameters", "Say why"),
        (1, MORE[1:], "why", "parameters", "prechecks"),
    ],
)
def test_an_edit_that_is_not_taken_says_why(based_on, entries, why, kind, words):
    create()
    told = refusal(composed.edit, "custom-branch", based_on, "Branch drill", entries, "operator1", why)
    assert told.kind == kind
    assert words in str(told)
    assert PlanVersion.objects.count() == 1


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_itself_keeps_a_version_as_it_is(change):
    row = create()
    rows = PlanVersion.objects.filter(pk=row.pk)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        rows.update(steps=MORE) if change == "update" else rows.delete()
    row.refresh_from_db()
    assert row.steps == PAPER


def test_a_drill_keeps_its_version_and_a_new_one_takes_the_newest(engine):
    create()
    drill = drills.request(engine, "custom-branch", {}, by="operator1", window=_ahead())
    composed.edit("custom-branch", 1, "Branch drill", MORE, "operator1", "More.")
    approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    held = approvals.standing(_fresh(drill), timezone.now())
    assert held.state == "approved", "an edit does not void what was approved on the version before"
    assert (drill.run.plan_version, drill.run.steps.count(), drill.kind) == (1, 2, "tabletop")
    later = drills.request(engine, "custom-branch", {}, by="operator1", window=_ahead())
    assert (later.run.plan_version, later.run.steps.count()) == (2, 3)
    plan = plan_named("custom-branch", 1)
    assert digest(plan, drill.run.parameters, drill.run.target) == drill.run.digest


def test_the_digest_is_of_the_whole_question_not_only_of_its_title():
    long = "Q" * 300
    other = [PAPER[0], {**PAPER[1], "question": long + "?"}]
    whole = [PAPER[0], {**PAPER[1], "question": long}]
    one, two = (plan_of_content("custom-x", 1, "T", entries) for entries in (whole, other))
    assert one.steps[1].title == two.steps[1].title
    assert digest(one, {}, "she:1") != digest(two, {}, "she:1")


def _ahead():
    now = timezone.now()
    return now + timedelta(hours=1), now + timedelta(hours=6)


def _fresh(drill):
    return Drill.objects.select_related("run", "engine").get(pk=drill.pk)


def test_a_composed_failover_goes_by_the_rules_of_the_built_in_one(engine):
    create(entries=BREAKING)
    on = engine.hosts.order_by("he_host_id").first().pk  # nobody is asked where the engine runs
    drill = drills.request(engine, "custom-branch", {"on": on}, by="operator1", window=_ahead())
    assert (drill.kind, drill.like, "on" in drill.run.parameters) == ("she_failover", "she_failover", True)
    began = timezone.now() - timedelta(minutes=2)
    Drill.objects.filter(pk=drill.pk).update(clock_began=began)
    cooling, after = readiness_looks._cooling(engine, timezone.now(), "")
    assert cooling > 400
    assert after.startswith(drill.title)
    ended = timezone.now()
    drill.run.steps.update(state="done")
    type(drill.run).objects.filter(pk=drill.run_id).update(status="succeeded", started=began, ended=ended)
    Drill.objects.filter(pk=drill.pk).update(verdicts=[{"key": "rto", "word": "met", "sentence": "In time."}])
    assert standings(ended)[0].title == drill.title, "it proves failover"
    drill.run.steps.filter(name="ask_person_1").update(state="ignored")
    assert standings(ended)[0].title == "", "a drill with an ignored step does not"


def test_a_retired_plan_is_used_no_more_and_stays_readable(engine):
    create()
    drill = drills.request(engine, "custom-branch", {}, by="operator1", window=_ahead())
    schedule = Schedule.objects.create(engine=engine, plan="custom-branch", decided_to=timezone.now())
    assert "still proposes drills" in str(refusal(composed.retire, "custom-branch", "operator1", "old"))
    Schedule.objects.filter(pk=schedule.pk).update(enabled=False)
    assert "Say why" in str(refusal(composed.retire, "custom-branch", "operator1", " "))
    composed.retire("custom-branch", "operator1", "The branch was closed.")
    assert Record.objects.get(kind="drill_plan.retired").body == {"why": "The branch was closed."}
    assert "retired" in str(refusal(composed.retire, "custom-branch", "operator1", "again"))
    assert "retired" in str(refusal(composed.edit, "custom-branch", 1, "Branch drill", MORE, "operator1", "w"))
    with pytest.raises(Refused, match="no new drill uses it"):
        drills.request(engine, "custom-branch", {}, by="operator1", window=_ahead())
    assert drill_plan("custom-branch") is None
    approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    assert approvals.standing(_fresh(drill), timezone.now()).state == "approved"
    assert len(plan_named("custom-branch", 1).steps) == 2


def test_a_schedule_proposes_composed_drills_and_names_what_it_could_not(engine):
    create()
    row = Schedule(engine=engine, plan="custom-branch", cron="0 3 * * *", zone="UTC")
    planning.save_schedule(row, {"people": "", "rto": 300, "parameters": {}}, "operator1")
    assert row.kind == "tabletop"
    schedules.tick()
    drill = Drill.objects.filter(schedule=row).first()
    assert (drill.plan, drill.run.requested_by) == ("custom-branch", "operator1")
    composed.edit("custom-branch", 1, "Branch drill", BREAKING, "operator1", "In earnest now.")
    row.refresh_from_db()
    assert row.kind == "she_failover"
    ComposedPlan.objects.update(retired_at=timezone.now(), retired_by="x")
    Schedule.objects.filter(pk=row.pk).update(decided_to=timezone.now())
    Drill.objects.filter(schedule=row).update(schedule=None)
    type(drill.run).objects.update(idempotency_key="")
    schedules.tick()
    assert "was retired" in Missed.objects.filter(schedule=row).first().sentence


def test_a_new_version_makes_nobody_ready_by_the_rules_of_the_old_one(engine):
    create()
    Readiness.objects.create(engine=engine, plan="custom-branch", at=timezone.now(), checks=[{"any": "thing"}])
    composed.edit("custom-branch", 1, "Branch drill", BREAKING, "operator1", "It breaks now.")
    assert not Readiness.objects.filter(plan="custom-branch").exists()


def test_a_version_of_steps_that_are_gone_says_so(engine):
    row = create()
    PlanVersion.objects.create(
        plan=row.plan, number=2, title="Old", steps=[{"step": "gone"}], sha256="0" * 64, by="x", at=timezone.now()
    )
    with pytest.raises(UnknownPlan, match="does not have"):
        plan_named("custom-branch")
    assert "custom-branch" not in {plan.name for plan in drill_plans()}
    shown = pages_composed.listed()[0]
    assert (shown.state, shown.word) == ("fail", "Not usable")
    assert pages_composed.lines([{"step": "gone"}])[0].odd


def test_a_built_in_name_is_never_asked_of_the_composed_ones(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert plan_named("she_failover").name == "she_failover"
        with pytest.raises(UnknownPlan):
            plan_named("nobody")


def test_entries_are_kept_as_little_as_they_are():
    assert tidied({"step": "ready_again", "question": "x", "more": 1}) == {"step": "ready_again"}
    assert tidied({"step": "ask_person", "question": " a \n b ", "minutes": "5"}) == {
        "step": "ask_person", "question": "a b", "minutes": 5,
    }  # fmt: skip
    assert tidied(None) == {"step": "None"}
    assert problems("T", [tidied({"step": "ask_person", "question": "q", "minutes": True})])
