"""The way back, with everything going wrong on it; then with a worker killed at each of its requests."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from portal.kernel.output import LookFailed, Output
from portal.kernel.verdict import failed, wait
from portal.runs import backward, hostside, services
from portal.runs.models import Run, RunLine, RunStep
from tests.fixtures_gate import wait_for, worker
from tests.fixtures_runs import drive, mark, plan, sh, states

pytestmark = pytest.mark.django_db(transaction=True)

SHUT = mark("two", ready=lambda seen, parameters: failed("The door is shut."))


def cut(host, what: str, times: int = 1, after: bool = False) -> None:
    """The line is cut around a request, so many times."""
    left = [times]

    def hook(asked):
        if asked == what and left[0] > 0:
            left[0] -= 1
            raise LookFailed("The connection to kvm1 was lost.")

    setattr(host, "after" if after else "before", hook)


def undo_starts(host, after: bool = False) -> None:
    """Cuts the line around the start of an undo only."""

    def hook(asked):
        if asked == hostside.START and "one" in host.ledger() and not cuts:
            cuts.append(asked)
            raise LookFailed("The connection to kvm1 was lost.")

    cuts: list[str] = []
    setattr(host, "after" if after else "before", hook)


def test_an_act_that_never_started_is_shut_out_and_not_undone(begin, host):
    cut(host, hostside.START, 1_000)
    run = begin(mark("one"))
    host.after = lambda what: services.abort(run.pk, "bert") if what == hostside.OPEN else None
    drive(run)
    assert (run.status, states(run)) == ("aborted", ["skipped"])
    assert run.steps.get(position=1).sentence == "It never started on the target, so there is nothing to undo."
    assert host.ledger() == []


@pytest.mark.parametrize("after", [True, False])
def test_a_cut_line_around_the_start_of_an_undo(begin, host, after):
    run = begin(mark("one", every=0.4), SHUT)
    undo_starts(host, after)
    drive(run)
    assert (run.status, states(run)) == ("rolled_back", ["undone", "failed"])
    assert host.ledger() == ["one", "undo-one"]


@pytest.mark.parametrize("script", [hostside.SEAL, hostside.TAIL, hostside.CLOSE])
def test_a_cut_line_anywhere_on_the_way_back(begin, host, script):
    cut(host, script, after=True)
    run = drive(begin(mark("one"), SHUT))
    assert (run.status, host.ledger()) == ("rolled_back", ["one", "undo-one"])
    left = RunLine.objects.filter(run=run, text__startswith="The folder .holdfast/").count()
    assert left == (1 if script == hostside.CLOSE else 0)


def test_a_folder_that_vanishes_during_an_undo_needs_attention(begin, host):
    def before(what):
        if what == hostside.TAIL and host.ledger() == ["one", "undo-one"]:
            shutil.rmtree(host.home / ".holdfast", ignore_errors=True)

    host.before = before
    undo = lambda parameters: (sh("echo undo-one >>ledger; sleep 3"),)  # noqa: E731
    run = drive(begin(mark("one", undo=undo), SHUT))
    assert (run.status, states(run)) == ("needs_attention", ["undo_failed", "failed"])
    assert "has vanished from the target, so the undo's result is not known" in run.sentence


def test_an_undo_that_is_killed_needs_attention(begin, host):
    undo = lambda parameters: (sh("echo undo-one >>ledger; kill -9 $(cut -d' ' -f1 .holdfast/*/1-1-undo-1/pid)"),)  # noqa: E731
    run = drive(begin(mark("one", undo=undo), SHUT))
    assert run.status == "needs_attention"
    assert "The undo ended without a result" in run.sentence


def test_a_host_that_is_gone_for_good_needs_attention(begin, host, monkeypatch):
    monkeypatch.setattr(backward, "PATIENCE", -19)
    cut(host, hostside.SEAL, 1_000)
    run = drive(begin(mark("one"), SHUT))
    assert (run.status, states(run)) == ("needs_attention", ["undo_failed", "failed"])
    assert "The connection to kvm1 was lost. Patience ended." in run.sentence


def test_an_undo_that_cannot_start_needs_attention(begin, host):
    def after(what):
        if host.ledger() == ["one"] and what == hostside.SEAL:
            folder = next((host.home / ".holdfast").glob("*/1-1"))
            (folder.parent / "1-1-undo-1").write_text("in the way")

    host.after = after
    run = drive(begin(mark("one"), SHUT))
    assert run.status == "needs_attention"
    assert "The undo could not be started" in run.sentence


def test_a_seal_that_fails_is_tried_until_patience_ends(begin, host, monkeypatch):
    monkeypatch.setattr(backward, "PATIENCE", -18)
    real = host.run
    sealed = lambda target, command: Output(b"", b"disk full", 77)  # noqa: E731
    host.run = lambda target, command: (sealed if command.argv[2] == hostside.SEAL else real)(target, command)
    run = drive(begin(mark("one"), SHUT))
    assert run.status == "needs_attention"
    assert "The command of this step cannot be shut out: disk full" in run.sentence


def test_undos_that_make_no_sense_are_told_to_a_person(begin, host):
    run = begin(mark("one"), SHUT)

    def before(what):
        if host.ledger() == ["one"]:
            RunStep.objects.filter(run=run, position=1).update(undo=[{"nonsense": 1}])

    host.before = before
    drive(run)
    assert run.status == "needs_attention"
    assert "The undos broke: Holdfast itself broke (KeyError" in run.sentence


def test_a_long_undo_gives_the_worker_back(begin, host, monkeypatch):
    from portal.runs import drive as driving

    undo = lambda parameters: (sh("sleep 1.5; echo undo-one >>ledger"),)  # noqa: E731
    run = begin(mark("one", undo=undo), SHUT)
    drive_slice = driving.SLICE
    host.before = lambda what: monkeypatch.setattr(driving, "SLICE", 0.0) if what == hostside.SEAL else None
    drive(run)
    assert (run.status, run.ending) == ("waiting", "failed")
    with pytest.raises(services.Refused):
        services.hold(run.pk, "anna")
    host.before = lambda what: None
    monkeypatch.setattr(driving, "SLICE", drive_slice)
    Run.objects.filter(pk=run.pk).update(due_at=Now())
    drive(run)
    assert (run.status, host.ledger()) == ("rolled_back", ["one", "undo-one"])


def test_a_step_without_an_undo_is_stopped_all_the_same(begin, host):
    slow = mark("one", seconds=3, patience=0.4, undo="No undo: it only writes.")
    run = drive(begin(slow))
    assert run.status == "failed"
    assert "Not undone: Make one (No undo: it only writes.)." in run.sentence
    assert not list(host.home.glob("one"))
    assert RunLine.objects.filter(run=run).exists()


def test_the_database_goes_away_from_a_run(begin, host):
    """This process's own connection is cut in the middle; nothing is raised, and the next worker goes on."""
    run = begin(mark("one"), mark("two"))
    cuts: list[str] = []

    def before(what):
        if host.ledger() == ["one"] and not cuts:
            cuts.append(what)
            with connection.copy().cursor() as cursor:
                pid = connection.connection.info.backend_pid
                cursor.execute("select pg_terminate_backend(%s)", [pid])

    host.before = before
    drive(run)
    assert run.status == "running"
    Run.objects.filter(pk=run.pk).update(lease_expires=Now() - timedelta(seconds=1))
    drive(run)
    assert (run.status, host.ledger()) == ("succeeded", ["one", "two"])


def test_a_lost_command_is_said_while_its_effect_is_awaited(begin, host):
    act = lambda parameters: (sh("echo one >>ledger; kill -9 $(cut -d' ' -f1 .holdfast/*/1-1/pid)"),)  # noqa: E731
    run = drive(begin(mark("one", act=act, patience=1, settled=lambda seen, parameters: wait("Not yet."))))
    assert run.status == "rolled_back"
    assert "Not yet. Its command ended without a result: the host restarted or it was killed." in run.sentence


# 1 to 4 make the file, 5 finds the door shut; 6 seal, 7 look, 8 start of the undo, 9 look, 10 the folder is removed
@pytest.mark.wire
@pytest.mark.parametrize(
    ("number", "mode"),
    [
        *((number, "late") for number in range(6, 11)),
        *(pytest.param(number, "done", marks=pytest.mark.matrix) for number in range(6, 11)),
        *((6, "drop"), (8, "drop"), (10, "drop")),
    ],
)
def test_killed_at_a_request_on_the_way_back(kvm, plans, gated, number, mode):
    plans["trial"] = plan(mark("one", every=0.5), SHUT)
    run = services.start("trial", {}, f"host:{kvm.pk}", "anna")
    gated.stop_at(number, mode)
    with worker(run.pk) as first:
        wait_for(lambda: gated.held or first.ended, 20)
        if gated.held:
            first.kill()
    if mode != "late":
        gated.open()
    Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
    drive(run)
    gated.open()
    assert (run.status, states(run)) == ("rolled_back", ["undone", "failed"])
    assert gated.ledger() == ["one", "undo-one"]
    assert list(gated.folder.glob(".holdfast/*/*")) in ([], list(gated.folder.glob(".holdfast/*/1-1")))
