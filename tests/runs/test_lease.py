"""A worker that was paused for too long: whatever it still writes is refused, whatever it still sends is stopped."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from portal.runs import lease, record, runner, services
from portal.runs.lease import LeaseLost, claim
from portal.runs.models import Run, RunStep
from tests.fixtures_gate import wait_for, worker
from tests.fixtures_runs import drive, mark, plan, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def everything(run: Run) -> list[object]:
    run.refresh_from_db()
    return [*Run.objects.filter(pk=run.pk).values_list(), *RunStep.objects.filter(run=run).values_list()]


def silence(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_expires=Now() - timedelta(seconds=1))


@pytest.fixture
def run(kvm, plans):
    plans["trial"] = plan(mark("one", seconds=0.2), mark("two"))
    return services.start("trial", {}, f"host:{kvm.pk}", "anna")


# 1 a look, 2 the folder, 3 the start, 4 a look at what became of it
@pytest.mark.parametrize(("number", "mode"), [(1, "drop"), (2, "done"), (3, "done"), (4, "drop")])
def test_the_late_writes_of_a_paused_worker_are_refused(run, gated, number, mode):
    gated.stop_at(number, mode)
    with worker(run.pk) as paused:
        wait_for(lambda: gated.held, 20)
        paused.signal(signal.SIGSTOP)
        gated.open()
        silence(run)
        drive(run)
        assert (run.status, states(run)) == ("succeeded", ["done", "done"])
        before = everything(run)
        paused.signal(signal.SIGCONT)
        assert paused.wait() == 0
    assert everything(run) == before
    assert gated.ledger() == ["one", "two"]


def test_a_lease_runs_out_by_itself_and_the_next_worker_says_so(run, gated):
    gated.stop_at(3, "done")
    with worker(run.pk) as paused:
        wait_for(lambda: gated.held, 20)
        paused.signal(signal.SIGSTOP)
        gated.open()
        runner.execute(run.pk)
        run.refresh_from_db()
        assert run.status == "running", "the lease still holds"
        wait_for(lambda: run.pk in services.sweep(), 5)
        drive(run)
        assert run.status == "succeeded"
        assert run.lines.filter(text__startswith="Its worker fell silent").count() == 1
        paused.signal(signal.SIGCONT)
        assert paused.wait() == 0
    assert gated.ledger() == ["one", "two"]


def test_a_worker_that_is_paused_within_a_transaction_blocks_nobody(run, gated, monkeypatch):
    monkeypatch.setattr(lease, "IDLE_IN_TRANSACTION", "800ms")
    put, pausing = record.put, os.getpid()

    def pause(run, kind, actor, body=None):
        put(run, kind, actor, body)
        if kind == "run.step_intent" and os.getpid() != pausing:
            os.kill(os.getpid(), signal.SIGSTOP)

    monkeypatch.setattr(record, "put", pause)
    with worker(run.pk) as paused:
        wait_for(lambda: os.waitpid(paused.pid, os.WNOHANG | os.WUNTRACED)[0], 20)
        assert claim(run.pk) is None, "its row is locked"
        wait_for(lambda: run.pk in services.sweep(), 10)
        drive(run)
        assert run.status == "succeeded"
        paused.signal(signal.SIGCONT)
        assert paused.wait() == 0
    assert gated.ledger() == ["one", "two"]


def test_a_heartbeat_keeps_the_lease_through_a_long_request(run, gated):
    gated.stop_at(3, "done")
    with worker(run.pk):
        wait_for(lambda: gated.held, 20)
        first = Run.objects.get(pk=run.pk).lease_expires
        wait_for(lambda: Run.objects.get(pk=run.pk).lease_expires > first, 5)
        assert claim(run.pk) is None


def test_an_old_lease_writes_nothing(begin):
    run = begin(mark("one"))
    old = claim(run.pk)
    assert old is not None
    assert claim(run.pk) is None
    silence(run)
    new = claim(run.pk)
    assert new is not None
    assert (new.fence, new.recovered) == (old.fence + 1, True)
    with pytest.raises(LeaseLost), old.writing():
        RunStep.objects.filter(run=run).update(sentence="late")
    assert not RunStep.objects.filter(sentence="late").exists()
    assert old.lost.is_set()
    assert not old.renew()
    with new.writing():
        RunStep.objects.filter(run=run).update(sentence="in time")
    assert RunStep.objects.get(run=run).sentence == "in time"


def test_there_is_nothing_to_claim(begin):
    assert claim(4_000_000) is None
    run = drive(begin(mark("one")))
    assert claim(run.pk) is None
