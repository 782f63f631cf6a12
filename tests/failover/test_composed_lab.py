"""A composed drill on the lab's pair: people are asked before and in the middle of it, a step of theirs that failed is
ignored by a second person or by nobody, and nothing is done twice or left behind."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from failover import plans_composed
from failover.models import Prompt
from failover.services import composed, conduct, report
from failover.services.concluding import conclude
from portal.access.services import give_role
from portal.runs import services
from tests.failover.test_composed_plans import PAPER
from tests.fixtures_drill_lab import drill_lab, finish, pair, quickened, told  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]
STEPS = [
    {"step": "ask_person", "question": "Is the duty officer there?", "minutes": 30},
    *({"step": name} for name in ("ready_again", "fingerprint_before", "start_clock", "stop_agent")),
    {"step": "ask_person", "question": "Does the branch notice anything?", "minutes": 30},
    *({"step": name} for name in (
        "watch_unguarded", "start_agent", "stop_clock", "wait_scores_back", "fingerprint_after", "closing_checks",
    )),
]  # fmt: skip


@pytest.fixture
def quick(monkeypatch):
    """Composed plans as the lab's clock has them, too; but people get their time."""
    whole = plans_composed.composed

    def made(*given):
        plan = whole(*given)
        swift = quickened(plan)
        object.__setattr__(swift, "decide", plan.decide)
        return swift

    monkeypatch.setattr(composed, "composed", made)


def people() -> None:
    for name, role in (("anna", "operator"), ("bert", "approver")):
        give_role(User.objects.create(username=name), role, "test")


def test_people_are_asked_and_one_of_them_ignores_a_step(pair, quick):  # noqa: F811
    people()
    composed.create("agent", "Agent stop with the branch", STEPS, "anna")
    drill = pair.begin("custom-agent")
    seen: list[str] = []

    def meanwhile(run):
        waiting = Prompt.objects.filter(drill=drill, answer="").first()
        if waiting is not None and run.steps.filter(name=waiting.step, state="running").exists():
            seen.append(waiting.question)
            notices = waiting.step == "ask_person_2"
            conduct.answer(
                waiting.pk, "anna", "not_done" if notices else "done", "The till is slow." if notices else "He is."
            )
        held = run.steps.filter(state="held").first()
        if held is not None:
            assert pair.acts("systemctl", "start", "ovirt-ha-agent") == 0, "nothing is undone while people decide"
            services.ignore(run.pk, held.position, "bert", "The till is always slow.")

    run = finish(drill.run, 110, meanwhile)
    assert run.status == "succeeded", told(run)
    assert seen == ["Is the duty officer there?", "Does the branch notice anything?"]
    assert run.steps.get(name="ask_person_2").state == "ignored"
    assert (pair.acts("systemctl", "stop", "ovirt-ha-agent"), pair.acts("systemctl", "start", "ovirt-ha-agent")) == (
        1,
        1,
    )
    assert pair.truth["hosts"][pair.on.name]["score"] > 0
    conclude(drill.pk)
    made = report.make(drill.pk, "anna").report
    assert "1 failed step ignored" in made.verdict.words
    assert any(one.who == "bert" and "The till is always slow." in one.what for one in made.deviations)


def test_when_nobody_decides_the_agent_is_started_again(pair, quick):  # noqa: F811
    people()
    composed.create("agent", "Agent stop with the branch", STEPS, "anna")
    drill = pair.begin("custom-agent")

    def meanwhile(run):
        for waiting in Prompt.objects.filter(drill=drill, answer="", step="ask_person_1"):
            conduct.answer(waiting.pk, "anna", "done", "He is.")
        for waiting in Prompt.objects.filter(drill=drill, answer="", step="ask_person_2"):
            conduct.answer(waiting.pk, "anna", "not_done", "Nobody was reached.")
        from django.db.models.functions import Now

        run.steps.filter(state="held").update(deadline=Now())

    run = finish(drill.run, 110, meanwhile)
    assert run.status == "rolled_back", told(run)
    assert "Nobody decided in time" in run.sentence
    assert run.steps.get(name="stop_agent").state == "undone"
    assert pair.acts("systemctl", "start", "ovirt-ha-agent") == 1


def test_a_plan_on_paper_needs_no_lab_but_a_second_person(pair, quick):  # noqa: F811
    composed.create("paper", "On paper", PAPER, "anna")
    assert pair.request("custom-paper").run.status == "awaiting_approval"
