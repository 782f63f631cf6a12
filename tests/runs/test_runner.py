"""The walk of a Run, against real scripts in a folder: forward, backward, and what people ask for meanwhile."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from portal.evidence.models import Record, Signature
from portal.kernel.output import LookFailed
from portal.kernel.verdict import failed, wait
from portal.runs import hostside, ports, services
from portal.runs.models import Run, RunLine
from tests.fixtures_runs import drive, mark, states, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def kinds(run):
    return list(Record.objects.filter(subject=f"run:{run.pk}").order_by("number").values_list("kind", flat=True))


def test_a_plan_runs_to_its_end(begin, host):
    run = drive(begin(mark("one"), mark("two")))
    assert run.status == "succeeded"
    assert states(run) == ["done", "done"]
    assert host.ledger() == ["one", "two"]
    assert run.ended
    assert run.started
    assert not run.lease_owner
    assert run.sentence == "All 2 steps of Trial on kvm1 are done."
    assert kinds(run) == ["run.started", *["run.step_intent", "run.step_done"] * 2, "run.ended"]
    assert Signature.objects.filter(subject=f"run:{run.pk}").exists()
    assert not (host.home / ".holdfast").exists()


def test_lines_are_numbered_without_gaps_and_tell_who_speaks(begin):
    run = drive(begin(mark("one")))
    lines = list(RunLine.objects.filter(run=run).values_list("number", "source", "stream", "text"))
    assert [line[0] for line in lines] == list(range(1, run.line_count + 1))
    assert (("host", "out", "one says hello")) in [line[1:] for line in lines]


def test_what_is_already_there_is_not_done_again(begin, host):
    (host.home / "one").touch()
    run = drive(begin(mark("one"), mark("two")))
    assert run.status == "succeeded"
    assert host.ledger() == ["two"]
    assert run.steps.get(position=1).intended_at is None


def test_a_failed_step_is_explained_and_what_went_before_is_undone_backwards(begin, host):
    run = drive(begin(mark("one"), mark("two"), mark("three", code=4), mark("four")))
    assert run.status == "rolled_back"
    assert states(run) == ["undone", "undone", "undone", "skipped"]
    assert host.ledger() == ["one", "two", "three", "undo-three", "undo-two", "undo-one"]
    assert run.sentence.startswith("Step 3 (Make three): three ended with exit code 4: no")
    assert "Undone: Make three, Make two, Make one." in run.sentence


def test_what_cannot_be_undone_is_named(begin, host):
    run = drive(begin(mark("one", undo="No undo: it only writes."), mark("two", code=1)))
    assert run.status == "failed"
    assert states(run) == ["done", "undone"]
    assert "Not undone: Make one (No undo: it only writes.)." in run.sentence


def test_a_failed_undo_needs_attention_and_can_be_retried(begin, host):
    from tests.fixtures_runs import sh

    undo = lambda parameters: (sh("echo undo-two >>ledger; [ -e key ] || exit 9; rm -f two"),)  # noqa: E731
    run = drive(begin(mark("one"), mark("two", undo=undo), mark("three", code=1)))
    assert run.status == "needs_attention"
    assert states(run) == ["done", "undo_failed", "undone"]
    assert "kvm1 is left changed" in run.sentence
    assert Run.objects.filter(target="host:1", status__in=Run.ACTIVE).count() == 0
    (host.home / "key").touch()
    services.retry(run.pk, 2, "anna")
    run = drive(run)
    assert run.status == "rolled_back"
    assert states(run) == ["undone", "undone", "undone"]
    assert host.ledger().count("undo-two") == 2
    assert host.ledger().count("undo-three") == host.ledger().count("undo-one") == 1


def test_a_failed_step_can_be_retried_where_nothing_was_undone(begin, host):
    words = "No undo: it only writes."
    steps = (
        mark("one", undo=words),
        mark("two", undo=words, ready=lambda seen, parameters: failed("The door is shut.")),
    )
    run = drive(begin(*steps, mark("three")))
    assert (run.status, states(run)) == ("failed", ["done", "failed", "skipped"])
    begin_again = mark("two", undo=words)
    from portal.runs import registry

    registry.plans()["trial"] = type(registry.plans()["trial"])(
        **{**vars(registry.plans()["trial"]), "steps": (steps[0], begin_again, registry.plans()["trial"].steps[2])}
    )
    services.retry(run.pk, 2, "anna")
    run = drive(run)
    assert (run.status, states(run)) == ("succeeded", ["done", "done", "done"])
    assert host.ledger() == ["one", "two", "three"]


def test_patience_ends_with_a_sentence(begin, host):
    never = mark("one", patience=0.3, settled=lambda seen, parameters: wait("The light is not on."))
    run = drive(begin(never))
    assert run.status == "rolled_back"
    assert "The light is not on. Patience ended after 0.3 s." in run.sentence


def test_an_exception_in_a_step_ends_in_errored_and_undoes(begin, host):
    def broken(seen, parameters):
        raise KeyError("nonsense")

    run = drive(begin(mark("one"), mark("two", settled=broken)))
    assert run.status == "errored"
    assert states(run) == ["undone", "failed"]
    assert "KeyError" in run.sentence
    assert host.ledger() == ["one", "undo-one"]


def test_a_running_command_is_stopped_before_its_undo(begin, host):
    slow = mark("one", seconds=2, patience=0.5)
    run = drive(begin(slow))
    assert run.status == "rolled_back"
    time.sleep(max(0.0, 2.5 - (timezone.now() - run.started).total_seconds()))
    assert host.ledger() == ["one", "undo-one"]
    assert not (host.home / "one").exists()


def test_a_changed_plan_is_not_run(begin, host, plans):
    run = begin(mark("one"))
    plans["trial"] = type(plans["trial"])(**{**vars(plans["trial"]), "version": 2})
    run = drive(run)
    assert run.status == "failed"
    assert "has changed since this run was started (version 1, now 2)" in run.sentence
    assert host.ledger() == []


def test_a_gate_that_shuts_stops_the_next_act(begin, host, settings):
    settings.HOLDFAST_GATES = ["tests.runs.test_runner.gate"]
    run = drive(begin(mark("one"), mark("two")))
    assert run.status == "rolled_back"
    assert "The change window is over." in run.sentence
    assert host.ledger() == ["one", "undo-one"]


def gate(run):
    return "The change window is over." if run.steps.filter(state="done").exists() else ""


def test_a_cut_line_around_the_start_is_no_second_start(begin, host):
    """The start reaches the host and its answer is lost; later looks are lost, too."""
    cuts = {"start": 1, "look": 3}

    def after(what):
        name = "start" if what == hostside.START else what
        if cuts.get(name, 0) > 0 and (name == "start" or cuts["start"] == 0):
            cuts[name] -= 1
            raise LookFailed("The connection to kvm1 was lost.")

    host.after = after
    run = drive(begin(mark("one"), mark("two")))
    assert run.status == "succeeded"
    assert host.ledger() == ["one", "two"]
    assert cuts == {"start": 0, "look": 0}


def test_a_start_that_never_arrives_is_sent_again(begin, host):
    cuts = [1]

    def before(what):
        if what == hostside.START and cuts:
            cuts.pop()
            raise LookFailed("The connection to kvm1 was lost.")

    host.before = before
    run = drive(begin(mark("one")))
    assert run.status == "succeeded"
    assert host.ledger() == ["one"]
    intents = Record.objects.filter(kind="run.step_intent", subject=f"run:{run.pk}").order_by("number")
    assert [record.body["again"] for record in intents] == [False, True]


def test_a_vanished_folder_is_not_a_licence_to_act_again(begin, host):
    import shutil

    def before(what):
        if what == "look" and host.ledger() == ["one"]:
            shutil.rmtree(host.home / ".holdfast", ignore_errors=True)

    host.before = before
    run = drive(begin(mark("one", seconds=0.3, settled=lambda seen, parameters: wait("Not yet."))))
    assert run.status == "rolled_back"
    assert "has vanished from kvm1" in run.sentence
    assert host.ledger() == ["one", "undo-one"]


def test_secrets_do_not_reach_the_lines(begin, host, settings, monkeypatch):
    from portal.kernel.secret import Secret
    from tests.fixtures_runs import sh

    monkeypatch.setattr(ports, "known_secrets", lambda: [Secret("s3cret-of-the-engine")])
    act = lambda parameters: (sh("echo it is s3cret-of-the-engine; echo password=hunter22 >&2; : >one"),)  # noqa: E731
    run = drive(begin(mark("one", act=act)))
    text = "\n".join(RunLine.objects.filter(run=run, source="host").values_list("text", flat=True))
    assert "s3cret" not in text
    assert "hunter22" not in text
    assert "it is ***" in text
    assert "password=***" in text


def test_a_long_wait_gives_the_worker_back(begin, host):
    run = begin(mark("one", every=60, seconds=1.2))
    drive(run)
    assert run.status == "waiting"
    assert run.due_at is not None
    assert not run.lease_owner
    drive(run)
    assert run.status == "waiting", "it is not due yet"
    wait_for((host.home / "one").exists)
    Run.objects.filter(pk=run.pk).update(due_at=run.created)
    assert services.sweep() == [run.pk]
    drive(run)
    assert run.status == "succeeded"
    assert host.ledger() == ["one"]
