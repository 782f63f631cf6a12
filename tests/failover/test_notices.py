"""Who is told what: before a drill, at its begin, and at every alarm; each once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from failover import tasks
from failover.models import BreakGlass, Drill, Missed, Schedule, Window
from failover.services import conduct, notices
from portal.outbox.models import Mail, RoleAddress
from portal.runs.models import Run
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def engine(settings):
    settings.HOLDFAST_MAIL_URL = ""
    made = world.build("healthy")
    drill_world.people()
    for name in ("operator1", "approver1", "approver2"):
        User.objects.filter(username=name).update(email=f"{name}@bank.example")
    drill_world.ready(made)
    for role in ("operator", "approver", "auditor"):
        RoleAddress.objects.create(role=role, address=f"{role}s@bank.example")
    return made


def told(now=None, *, overdue=False):
    """What is queued after one tick: kind -> addresses; a second tick adds nothing. overdue: that failover was never
    proven, too, which stands in the way otherwise."""
    notices.tick(now or timezone.now())
    found = {}
    rows = Mail.objects.order_by("pk")
    for row in rows if overdue else rows.exclude(kind="drill.overdue"):
        found.setdefault(row.kind, []).append(row.address or row.person)
    assert notices.tick(now or timezone.now()) == 0
    return found


def test_people_are_told_a_day_and_an_hour_before_a_drill(engine):
    now = timezone.now()
    people = [
        {"name": "approver2", "role": "observer", "present": None},
        {"name": "Vendor", "role": "", "present": None},
    ]
    drill = drill_world.approved(engine, begins=now + 20 * HOUR, ends=now + 24 * HOUR, people=people)
    assert told(now) == {"drill.ahead": ["approver2@bank.example", "Vendor", "operator1@bank.example",
                                         "approver1@bank.example"]}  # fmt: skip
    row = Mail.objects.get(person="approver2")
    assert f"/drills/{drill.pk}/" in row.body
    assert "approver1 approved it" in row.body
    assert "no account of the portal" in Mail.objects.get(person="Vendor").error
    assert len(told(now + 19.5 * HOUR)["drill.ahead"]) == 8, "an hour before it is told again"
    # put off: the new time is news
    Drill.objects.filter(pk=drill.pk).update(window_begins=now + 22 * HOUR)
    assert len(told(now)["drill.ahead"]) == 12


def test_a_drill_of_next_week_or_of_yesterday_is_no_news(engine):
    now = timezone.now()
    drill_world.approved(engine, begins=now + 48 * HOUR, ends=now + 50 * HOUR)
    drill_world.asked(engine, begins=now - 3 * HOUR, ends=now - HOUR)
    assert told(now) == {}


def test_a_drill_that_begins_is_told(engine):
    drill = drill_world.approved(engine)
    conduct.begin(drill.pk, "operator1")
    assert told() == {"drill.begun": ["operator1@bank.example", "approver1@bank.example"]}


def test_alarms_reach_the_roles_and_who_answers_for_it(engine, settings):
    settings.HOLDFAST_PUBLIC_URL = "https://holdfast.bank.example/"
    now = timezone.now()
    schedule = Schedule.objects.create(engine=engine, plan="she_failover", decided_to=now, notify=["approver2"])
    Missed.objects.create(schedule=schedule, due_at=now, noticed_at=now, sentence="Nobody approved it.")
    window = Window.objects.create(
        engine=engine, scope="global", state="active", owner="operator1", asked_at=now - HOUR, deadline=now,
        warned_at=now, sentence="Its deadline is near.",
    )  # fmt: skip
    drill = drill_world.ended(engine)
    Run.objects.filter(pk=drill.run_id).update(status="needs_attention", sentence="The agent does not start.")
    BreakGlass.objects.create(
        drill=drill, reason="The proof is needed tonight.", asked_by="operator1", asked_at=now,
        confirmed_by="approver2", confirmed_at=now, until=now + 4 * HOUR,
    )  # fmt: skip
    lists = ["operators@bank.example", "approvers@bank.example"]
    found = told(now)
    assert found["drill.missed"] == ["approver2@bank.example", *lists]
    assert found["window.warned"] == ["operator1@bank.example"]
    assert found["run.attention"] == ["operator1@bank.example"], "the roles are told by the routes of alerts"
    assert found["drill.glass_broken"][-1] == "auditors@bank.example"
    assert not set(lists) & set(found["drill.glass_broken"])
    row = Mail.objects.filter(kind="run.attention").first()
    assert "The agent does not start." in row.body
    assert f"https://holdfast.bank.example/runs/{drill.run_id}/" in row.body
    Window.objects.filter(pk=window.pk).update(overdue_at=now)
    assert told(now)["window.overdue"] == ["operator1@bank.example"]


def test_a_step_that_waits_for_a_decision_is_told_once_per_attempt(engine):
    drill = drill_world.running(engine)
    now = timezone.now()
    row = drill.run.steps.filter(name="wait_scores_back")
    row.update(state="held", deadline=now + timedelta(minutes=10), sentence="kvm01 has score 0.")
    lists = ["operator1@bank.example"]
    assert told(now)["run.decision"] == lists
    mail = Mail.objects.filter(kind="run.decision").first()
    assert "Decide on step 7 of Failover of the engine until" in mail.subject
    assert "kvm01 has score 0. Retry it, ignore it, or abort; after that time the undos begin." in mail.body
    row.update(attempt=2)
    assert told(now)["run.decision"] == lists * 2
    row.update(attempt=3, deadline=now - timedelta(seconds=1))
    assert told(now)["run.decision"] == lists * 2, "its time is over: nothing is left to decide"


def test_a_failover_that_is_not_proven_is_told_once_a_week(engine):
    now = timezone.now()
    lists = ["operators@bank.example", "approvers@bank.example"]
    assert told(now, overdue=True)["drill.overdue"] == lists
    assert "it never was" in Mail.objects.first().body
    assert len(told(now + timedelta(days=7), overdue=True)["drill.overdue"]) == 4
    Mail.objects.all().delete()
    drill_world.ended(engine)
    assert "drill.overdue" not in told(now, overdue=True)


def test_the_task_queues_it(engine):
    drill_world.approved(engine, begins=timezone.now() + HOUR / 2)
    tasks.notify()
    assert Mail.objects.filter(kind="drill.ahead").count() == 2
