"""A step that failed and waits for people: retried, ignored by a second person, aborted, or its time is over. The
worker dies in between, and nothing is done twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from portal.access.services import give_role
from portal.evidence.models import Record
from portal.kernel.command import Command
from portal.kernel.step import Step
from portal.kernel.verdict import done, failed
from portal.runs import deciding, pages, runner, services
from portal.runs.lease import LeaseLost
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.fixtures_runs import drive, mark, plan, states

pytestmark = pytest.mark.django_db(transaction=True)


def watch(name="watch", **fields) -> Step:
    """A step that changes nothing; it fails while the file `bad` is there."""
    values = {
        "name": name,
        "title": "Watch it",
        "mutating": False,
        "patience": 20,
        "every": 0.05,
        "looks": lambda parameters: {"bad": Command(("test", "-e", "bad"))},
        "settled": lambda seen, parameters: failed("It is bad.") if seen["bad"].exit_code == 0 else done("Fine."),
        "undo": "No undo: it only watches.",
    }
    return Step(**(values | fields))


@pytest.fixture
def people(db):
    for name, role in (("anna", "operator"), ("berta", "approver"), ("carl", "operator")):
        give_role(User.objects.create(username=name), role, "test")


@pytest.fixture
def begun(host, plans, people):
    """A Run whose second of three steps fails and waits for a decision."""
    (host.home / "bad").touch()
    plans["trial"] = plan(mark("one"), watch(), mark("three"), decide={"watch": 60.0})
    return drive(services.start("trial", {}, "host:1", "anna"))


def overtake(run: Run) -> None:
    """As when people's time has passed."""
    run.steps.update(deadline=Now() - timedelta(seconds=1))
    Run.objects.filter(pk=run.pk).update(due_at=Now() - timedelta(seconds=1))


def kinds(run):
    return list(Record.objects.filter(subject=f"run:{run.pk}").order_by("number").values_list("kind", flat=True))


def test_a_failure_waits_for_a_decision_and_nothing_is_undone_meanwhile(begun, host):
    row = begun.steps.get(position=2)
    assert (begun.status, states(begun)) == ("waiting", ["done", "held", "waiting"])
    assert begun.due_at == row.deadline
    assert not begun.lease_owner
    assert host.ledger() == ["one"]
    assert "run.step_held" in kinds(begun)
    assert pages.headline(begun, list(begun.steps.all())) == "Trial: step 2 of 3 waits for a decision"
    assert pages.lead(begun, list(begun.steps.all())) == "It is bad. Retry it, ignore it, or abort."
    assert drive(begun, 3).steps.get(position=2).deadline == row.deadline, "waking it does not prolong it"


def test_a_second_person_ignores_it_and_the_run_goes_on(begun, host):
    services.ignore(begun.pk, 2, "berta", "  The watcher  is broken. ")
    run = drive(begun)
    assert (run.status, states(run), host.ledger()) == ("succeeded", ["done", "ignored", "done"], ["one", "three"])
    row = run.steps.get(position=2)
    assert (row.ignored_by, row.ignored_why, row.sentence) == ("berta", "The watcher is broken.", "It is bad.")
    assert row.ignored_at
    said = "2 of 3 steps of Trial on kvm1 are done. Step 2 (Watch it) failed; ignored by berta: The watcher is broken."
    assert run.sentence == said
    record = Record.objects.get(kind="run.step_ignored")
    assert (record.actor, record.body["failed"], record.body["reason"]) == (
        "berta", "It is bad.", "The watcher is broken.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("position", "by", "reason", "kind", "words"),
    [
        (2, "anna", "why", "four_eyes", "another person decides"),
        (2, "ANNA", "why", "four_eyes", "another person decides"),
        (2, "carl", "why", "four_eyes", "no second pair of eyes"),
        (2, "nobody", "why", "four_eyes", "no second pair of eyes"),
        (2, "berta", "  ", "parameters", "Say why"),
        (1, "berta", "why", "state", "its step 1 is done"),
        (3, "berta", "why", "state", "its step 3 is waiting"),
        (9, "berta", "why", "state", "its step 9 is missing"),
    ],
)
def test_what_is_not_to_be_ignored_is_refused_in_words_and_recorded(begun, position, by, reason, kind, words):
    with pytest.raises(Refused, match=words) as caught:
        services.ignore(begun.pk, position, by, reason)
    assert caught.value.kind == kind
    assert Record.objects.get(kind="run.refused").actor == by
    assert states(begun) == ["done", "held", "waiting"]


def test_whoever_left_ignores_nothing(begun):
    User.objects.filter(username="berta").update(is_active=False)
    with pytest.raises(Refused, match="no second pair of eyes"):
        services.ignore(begun.pk, 2, "berta", "why")


def test_it_is_retried_as_often_as_people_want(begun, host):
    services.retry(begun.pk, 2, "anna")
    run = drive(begun)
    assert states(run) == ["done", "held", "waiting"]
    assert run.steps.get(position=2).attempt == 2
    (host.home / "bad").unlink()
    services.retry(run.pk, 2, "anna")
    run = drive(run)
    assert (run.status, host.ledger()) == ("succeeded", ["one", "three"])
    assert run.sentence == "All 3 steps of Trial on kvm1 are done."
    with pytest.raises(Refused, match="no retry"):
        services.retry(run.pk, 2, "anna")


def test_when_nobody_decides_in_time_the_undos_begin(begun, host):
    overtake(begun)
    with pytest.raises(Refused, match="no decision on it is waited for"):
        services.ignore(begun.pk, 2, "berta", "why")
    with pytest.raises(Refused, match="no retry"):
        services.retry(begun.pk, 2, "anna")
    run = drive(begun)
    assert (run.status, states(run)) == ("rolled_back", ["undone", "failed", "skipped"])
    assert host.ledger() == ["one", "undo-one"]
    assert "It is bad. Nobody decided in time, so the undos begin." in run.sentence


def test_a_person_aborts_instead(begun, host):
    services.abort(begun.pk, "anna", "enough")
    run = drive(begun)
    assert (run.status, states(run), host.ledger()) == (
        "aborted", ["undone", "failed", "skipped"], ["one", "undo-one"],
    )  # fmt: skip
    assert run.steps.get(position=2).sentence == "It is bad."


def test_who_holds_the_run_does_not_stop_the_clock_of_the_decision(begun):
    services.hold(begun.pk, "anna")
    run = drive(begun)
    assert (run.status, run.due_at is not None) == ("waiting", True)
    overtake(run)
    assert drive(run).status == "rolled_back"


def test_what_people_did_not_declare_is_undone_at_once(host, plans, people):
    (host.home / "bad").touch()
    plans["trial"] = plan(mark("one"), watch(), decide={})
    run = drive(services.start("trial", {}, "host:1", "anna"))
    assert (run.status, host.ledger()) == ("rolled_back", ["one", "undo-one"])


def test_a_step_whose_command_may_still_run_is_never_held(host, plans, people):
    acting = mark("two", code=3, mutating=False)
    plans["trial"] = plan(mark("one"), acting, decide={"two": 60.0})
    run = drive(services.start("trial", {}, "host:1", "anna"))
    assert run.status == "rolled_back"
    assert "run.step_held" not in kinds(run)


@pytest.mark.parametrize("decide", [{"one": 60.0}, {"watch": 0}, {"none": 60.0}])
def test_a_plan_lets_people_decide_only_on_what_changes_nothing(decide):
    with pytest.raises(ValueError, match="people decide"):
        plan(mark("one"), watch(), decide=decide)


@pytest.mark.parametrize("point", ["hold", "park"])
def test_a_worker_that_dies_around_the_decision_loses_nothing(host, plans, people, monkeypatch, point):
    (host.home / "bad").touch()
    plans["trial"] = plan(mark("one"), watch(), mark("three"), decide={"watch": 60.0})
    run = services.start("trial", {}, "host:1", "anna")
    whole = getattr(deciding, point)

    def dies(*given):
        raise LeaseLost("it was killed")

    monkeypatch.setattr(deciding, point, dies)
    drive(run)
    assert run.status == "running", "as a dead worker leaves it"
    monkeypatch.setattr(deciding, point, whole)
    Run.objects.filter(pk=run.pk).update(lease_expires=Now() - timedelta(seconds=1))
    run = drive(run)
    assert (run.status, states(run)) == ("waiting", ["done", "held", "waiting"])
    assert host.ledger() == ["one"]
    services.ignore(run.pk, 2, "berta", "why")
    assert drive(run).status == "succeeded"
    assert host.ledger() == ["one", "three"]


def test_a_decision_while_the_worker_lets_go_is_not_slept_over(host, plans, people, monkeypatch):
    (host.home / "bad").touch()
    plans["trial"] = plan(mark("one"), watch(), mark("three"), decide={"watch": 60.0})
    run = services.start("trial", {}, "host:1", "anna")
    whole = deciding.park

    def late(held):
        services.ignore(run.pk, 2, "berta", "why")
        whole(held)

    monkeypatch.setattr(deciding, "park", late)
    drive(run)
    assert Run.objects.filter(pk=run.pk, status="waiting", due_at__lte=Now()).exists()
    assert drive(run).status == "succeeded"


def test_a_decision_between_waking_and_looking_is_seen(begun, monkeypatch):
    Run.objects.filter(pk=begun.pk).update(due_at=Now())
    whole = deciding.waits

    def late(held, row):
        if row.state == "held" and not row.ignored_by:
            services.ignore(begun.pk, 2, "berta", "why")
        return whole(held, row)

    monkeypatch.setattr(deciding, "waits", late)
    runner.execute(begun.pk)
    monkeypatch.setattr(deciding, "waits", whole)
    assert drive(begun).status == "succeeded"
