"""What people ask for: start, approve, hold, resume, abort, retry."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from portal.evidence import services as evidence
from portal.evidence.models import Record
from portal.runs import runner, services, wake
from portal.runs.models import Run, RunStep
from portal.runs.services import Refused
from tests.fixtures_runs import drive, mark, states

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls):
    """Each in its own thread, from one starting shot."""
    gate = threading.Barrier(len(calls))

    def _call(call):
        gate.wait()
        try:
            return call()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(_call, calls))


def test_a_run_is_frozen_with_its_steps(begin):
    run = begin(mark("one"), mark("two"), parameters={"size": 3}, change="CHG0030004")
    assert (run.status, run.parameters, run.target_name) == ("queued", {"size": 3}, "kvm1")
    assert len(run.digest) == 64
    assert list(run.steps.values_list("position", "name", "state")) == [(1, "one", "waiting"), (2, "two", "waiting")]
    record = Record.objects.get(kind="run.started")
    assert (record.actor, record.subject, record.body["change"]) == ("anna", f"run:{run.pk}", "CHG0030004")


def test_one_active_run_per_target_and_the_refusal_names_it(begin):
    first = begin(mark("one"))
    with pytest.raises(Refused, match=rf"Run {first.pk} \(Trial, by anna\) is queued on kvm1") as caught:
        begin(mark("one"), by="bert")
    assert (caught.value.kind, caught.value.run) == ("active", first)
    assert Record.objects.filter(kind="run.refused", actor="bert").count() == 1
    assert begin(mark("one"), target="host:2").status == "queued"
    drive(first)
    assert begin(mark("two")).status == "queued"


def test_two_starts_on_one_target_at_once(begin, plans):
    begin(mark("one"), target="host:9")
    call = lambda by: lambda: services.start("trial", {}, "host:1", by)  # noqa: E731
    answers = at_once(*(call(f"person{n}") for n in range(4)))
    started = [answer for answer in answers if isinstance(answer, Run)]
    assert len(started) == 1
    assert {answer.kind for answer in answers if isinstance(answer, Refused)} == {"active"}


def test_a_double_click_starts_one_run(begin):
    begin(mark("one"), target="host:9")
    call = lambda: services.start("trial", {}, "host:1", "anna", idempotency_key="k1")  # noqa: E731
    answers = at_once(call, call, call, call)
    assert {answer.pk for answer in answers} == {answers[0].pk}
    assert Run.objects.filter(target="host:1").count() == 1
    assert RunStep.objects.filter(run__target="host:1").count() == 1


def test_a_key_with_other_content_is_refused(begin):
    first = begin(mark("one"), idempotency_key="k1")
    assert begin(mark("one"), idempotency_key="k1") == first
    with pytest.raises(Refused) as caught:
        begin(mark("one"), idempotency_key="k1", parameters={"size": 2})
    assert (caught.value.kind, caught.value.run) == ("idempotency", first)
    assert begin(mark("one"), idempotency_key="k1", by="bert", target="host:2") != first


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        ({"plan": "nonsense"}, "unknown_plan", "There is no plan 'nonsense'"),
        ({"parameters": {"size": "big"}}, "parameters", "Size is 'big'; it must be of type int."),
        ({"parameters": {"depth": 1}}, "parameters", "does not take a parameter 'depth'"),
        ({"target": "engine:1"}, "target", "runs on host, not on 'engine:1'"),
        ({"target": "host:01"}, "target", "runs on host, not on 'host:01'"),
        ({"target": "host:\u0661"}, "target", "runs on host"),
        ({"target": "host:404"}, "target", "There is no host with the key '404'."),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_in_words(begin, wish, kind, words):
    with pytest.raises(Refused) as caught:
        begin(mark("one"), **wish)
    assert caught.value.kind == kind
    assert words in str(caught.value)
    assert Run.objects.count() == 0


def test_a_key_that_no_column_holds_is_refused(begin):
    with pytest.raises(Refused) as caught:
        begin(mark("one"), idempotency_key="k" * 201)
    assert caught.value.kind == "key"
    assert begin(mark("one"), idempotency_key="k" * 200).idempotency_key == "k" * 200


def test_losing_redis_does_not_fail_a_start(begin, settings, monkeypatch):
    from celery import Celery

    dead = Celery("dead", broker="redis+socket:///nowhere/redis.sock", set_as_current=False)
    dead.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(wake, "current_app", dead)
    began = time.monotonic()
    run = begin(mark("one"))
    assert run.status == "queued"
    assert time.monotonic() - began < 2
    Run.objects.filter(pk=run.pk).update(queued_at=Now() - timedelta(minutes=1))
    monkeypatch.undo()
    assert services.sweep() == [run.pk]
    assert services.sweep() == [], "it was woken a moment ago"


def test_nothing_starts_and_nothing_acts_without_evidence(begin, host, monkeypatch):
    run = begin(mark("one"))

    def refuse(*words):
        raise ValueError("the chain is broken")

    with monkeypatch.context() as patch:
        patch.setattr(evidence, "append", refuse)
        with pytest.raises(Refused, match="The evidence cannot be written"):
            services.start("trial", {}, "host:2", "anna")
        assert not Run.objects.filter(target="host:2").exists()
        drive(run)
        assert run.status == "waiting"
        assert run.sentence.startswith("The evidence cannot be written (ValueError), so nothing is done")
        assert host.ledger() == []
        with pytest.raises(Refused, match="The evidence cannot be written"):
            services.hold(run.pk, "anna")
    Run.objects.filter(pk=run.pk).update(due_at=Now())
    drive(run)
    assert (run.status, host.ledger()) == ("succeeded", ["one"])


def test_four_eyes(begin, plans, host):
    begin(mark("one"), target="host:9")
    plans["trial"] = type(plans["trial"])(**{**vars(plans["trial"]), "approval": True})
    run = services.start("trial", {}, "host:1", "anna")
    assert run.status == "awaiting_approval"
    runner.execute(run.pk)
    assert host.ledger() == []
    with pytest.raises(Refused) as caught:
        services.approve(run.pk, "anna")
    assert caught.value.kind == "four_eyes"
    services.approve(run.pk, "bert")
    drive(run)
    assert (run.status, run.approved_by) == ("succeeded", "bert")
    with pytest.raises(Refused):
        services.approve(run.pk, "bert")


def test_a_held_run_begins_no_further_step(begin, host):
    run = begin(mark("one"), mark("two"))
    host.after = lambda what: services.hold(run.pk, "bert") if host.ledger() == ["one"] else None
    drive(run)
    assert (run.status, run.held_by, run.due_at) == ("waiting", "bert", None)
    assert states(run) == ["done", "waiting"]
    assert host.ledger() == ["one"]
    host.after = lambda what: None
    drive(run)
    assert run.status == "waiting"
    services.resume(run.pk, "bert")
    drive(run)
    assert (run.status, host.ledger()) == ("succeeded", ["one", "two"])


def test_a_run_that_nobody_holds_is_not_resumed(begin):
    run = begin(mark("one"))
    with pytest.raises(Refused, match="nobody holds it"):
        services.resume(run.pk, "anna")


def test_aborted_before_it_began(begin, host):
    run = begin(mark("one"))
    run = services.abort(run.pk, "bert", "wrong host")
    assert (run.status, run.sentence, states(run)) == ("aborted", "Aborted by bert: wrong host", ["skipped"])
    drive(run)
    assert host.ledger() == []
    with pytest.raises(Refused, match="there is nothing to abort"):
        services.abort(run.pk, "bert")


@pytest.mark.parametrize("done", [1, 2, 3])
def test_aborted_at_each_step(begin, host, done):
    names = ["one", "two", "three"]
    run = begin(*(mark(name, seconds=0.2) for name in names))
    host.after = lambda what: services.abort(run.pk, "bert", "enough") if host.ledger() == names[:done] else None
    drive(run)
    assert run.status == "aborted"
    assert run.sentence.startswith("Aborted by bert: enough")
    assert states(run) == ["undone"] * done + ["skipped"] * (3 - done)
    assert host.ledger() == names[:done] + [f"undo-{name}" for name in reversed(names[:done])]
    assert not any((host.home / name).exists() for name in names)


def test_an_abort_at_the_very_last_moment_is_heard(begin, host):
    from portal.runs import hostside

    run = begin(mark("one"))
    host.after = lambda what: services.abort(run.pk, "bert") if what == hostside.CLOSE else None
    host.before = lambda what: setattr(host, "after", lambda what: None) if what == hostside.SEAL else None
    drive(run)
    assert run.status == "aborted"
    assert host.ledger() == ["one", "undo-one"]


def test_a_held_run_can_be_aborted(begin, host):
    run = begin(mark("one"), mark("two"))
    host.after = lambda what: services.hold(run.pk, "bert") if host.ledger() == ["one"] else None
    drive(run)
    host.after = lambda what: None
    services.abort(run.pk, "bert")
    drive(run)
    assert (run.status, host.ledger()) == ("aborted", ["one", "undo-one"])


def test_a_run_is_executed_five_times_at_once(begin, host):
    run = begin(mark("one", seconds=0.3), mark("two"))
    at_once(*[lambda: runner.execute(run.pk)] * 5)
    drive(run)
    assert (run.status, host.ledger(), run.fence) == ("succeeded", ["one", "two"], 1)


def test_a_retry_is_refused_where_others_were_undone(begin):
    run = drive(begin(mark("one"), mark("two", code=1)))
    with pytest.raises(Refused):
        services.retry(run.pk, 2, "anna")
    with pytest.raises(Refused):
        services.retry(run.pk, 7, "anna")
