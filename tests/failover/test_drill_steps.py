"""The drill steps, pure: what was seen in, one sentence and the exact argv out."""

from __future__ import annotations

import json

import pytest

from failover.catalog import told
from failover.steps import (
    closing_checks,
    cut_power,
    fingerprint_after,
    fingerprint_before,
    migrate_engine,
    power_on,
    poweroff_engine_vm,
    ready_again,
    rehearse_backup,
    start_agent,
    start_clock,
    start_engine_service,
    stop_agent,
    stop_clock,
    stop_engine_service,
    wait_engine_back,
    wait_scores_back,
    walk_through,
    watch_unguarded,
)
from portal.kernel.command import Command
from portal.kernel.output import Output
from portal.kernel.step import ACT, LOST, Told, Work
from tests.failover.pair_scenes import BOOTING, DOWN, GONE, PARAMETERS, UP, scene

ENDED, LOST_ACT = Output(b"", b"", 0), Output(b"", b"", None)
SILENT = {"silent": True}
DRILL = {
    "before": True, "after": True, "changes": [], "boots": {"kvm01": "boot-1"}, "began": "12:00:00",
    "ended": "12:03:00", "prompts": [], "fenced": False, "since": {},
}  # fmt: skip


def drill(**changed):
    return {told.SECTION: Output(json.dumps({**DRILL, **changed}).encode(), b"", 0)}


def act(code, why=b""):
    return {ACT: Output(b"", why, code)}


def unit(word):
    return {"unit": Output(word, b"", 0)}


def says(step, seen, part="settled", **parameters):
    verdict = getattr(step.STEP, part)(seen, {**PARAMETERS, **parameters})
    return str(verdict.word), verdict.sentence


def check(step, seen, word, words, part="settled", **parameters):
    said = says(step, seen, part, **parameters)
    assert (said[0], words in said[1]) == (word, True), said


MOVED = scene(first={"engine": DOWN, "state": "EngineDown"}, second={"engine": UP, "state": "EngineUp"})
BOTH_ZERO = scene(first={"engine": GONE, "state": "EngineUnexpectedlyDown", "score": 0}, second={"score": 0}, page=None)


@pytest.mark.parametrize("step", [migrate_engine, poweroff_engine_vm, stop_agent, stop_engine_service, cut_power])
def test_what_breaks_something_looks_once_more(step):
    drilled = drill()
    for given, word, words in (
        (scene(), "go", "The engine runs on kvm01, another host can take over"),
        (scene(second=SILENT), "wait", "kvm02 does not answer"),
        (scene(flag=True), "failed", "Global maintenance is on, so HA would start nothing. Nothing was done."),
        (scene(second={"maintenance": True}), "failed", "kvm02 is in local maintenance."),
        (MOVED, "failed", "The engine runs on kvm02, not on kvm01 as was approved."),
        (
            scene(first={"engine": BOOTING, "state": "EngineUpBadHealth"}),
            "failed",
            "No host is known to run the engine",
        ),
        (scene(second={"score": 0}), "failed", "kvm02 has no score above 0"),
        (scene(second={"stopped": True, "live": True}), "failed", "No other host can take over."),
    ):
        check(step, {**given.seen(), **drilled, **unit(b"active\n")}, word, words, "ready")


def test_acts_are_exactly_these():
    acts = {
        poweroff_engine_vm: Command(("hosted-engine", "--vm-poweroff"), timeout=60, root=True),
        stop_agent: Command(("systemctl", "stop", "ovirt-ha-agent"), timeout=60, root=True),
        start_agent: Command(("systemctl", "start", "ovirt-ha-agent"), timeout=60, root=True),
        stop_engine_service: Command(("systemctl", "stop", "ovirt-engine"), timeout=120, root=True),
        start_engine_service: Command(("systemctl", "start", "ovirt-engine"), timeout=120, root=True),
        migrate_engine: Work("failover.migrate"),
        cut_power: Work("failover.cut_power"),
        power_on: Work("failover.power_on"),
        fingerprint_before: Work("failover.fingerprint_before"),
        fingerprint_after: Work("failover.fingerprint_after"),
        start_clock: Work("failover.start_clock"),
        stop_clock: Work("failover.stop_clock"),
        rehearse_backup: Work("failover.rehearse"),
        walk_through: Work("failover.walk_through"),
    }
    for step, one in acts.items():
        assert step.STEP.act(PARAMETERS) == (one,), step.STEP.name
    for stop, start, unit in (
        (stop_agent, start_agent, "ovirt-ha-agent"),
        (stop_engine_service, start_engine_service, "ovirt-engine"),
    ):
        *undo, asked = stop.STEP.undo(PARAMETERS)
        assert tuple(undo) == start.STEP.act(PARAMETERS)
        assert asked.argv == ("systemctl", "is-active", unit), "a start that ends with 0 and does nothing is no undo"
    assert poweroff_engine_vm.STEP.undo.startswith("No undo: HA starts the engine VM")
    assert "`hosted-engine --vm-start`" in poweroff_engine_vm.STEP.undo


def test_they_act_where_the_engine_is():
    for step in (poweroff_engine_vm, stop_agent, start_agent):
        assert step.STEP.where(PARAMETERS) == "host:7"
    for step in (stop_engine_service, start_engine_service):
        assert step.STEP.where(PARAMETERS) == "engine:5"
        assert step.STEP.looks(PARAMETERS)["unit"].argv == ("systemctl", "is-active", "ovirt-engine")
    assert migrate_engine.STEP.where(PARAMETERS) == ""
    assert migrate_engine.STEP.looks(PARAMETERS)["migration"] == Told("failover.migration")
    assert ready_again.STEP.looks(PARAMETERS) == {"checks": Told("failover.prechecks")}
    assert told.looks(PARAMETERS) == {"drill": Told("failover.drill")}
    assert rehearse_backup.STEP.looks(PARAMETERS) == {"rehearsal": Told("failover.rehearsal")}
    assert {"drill", "witness"} < set(cut_power.STEP.looks(PARAMETERS))
    assert stop_agent.STEP.looks(PARAMETERS)["unit"].argv == ("systemctl", "is-active", "ovirt-ha-agent")


def test_the_prechecks_again():
    def seen(*words):
        rows = [{"word": word, "sentence": f"S{n}.", "fix": "Do it."} for n, word in enumerate(words)]
        return {"checks": Output(json.dumps({"checks": rows}).encode(), b"", 0)}

    assert says(ready_again, seen("go", "go")) == ("done", "All 2 prechecks say go.")
    assert says(ready_again, seen("go", "no_go")) == ("failed", "Not ready: S1. Do it. Nothing was done.")
    check(ready_again, seen("no_go", "no_go", "unknown"), "failed", "And 1 more.")
    assert says(ready_again, seen("go", "unknown")) == ("wait", "Whether the drill may begin is not known: S1.")
    check(ready_again, seen(), "wait", "Nothing was looked at.")


def test_what_the_portal_writes_down():
    assert says(fingerprint_before, drill())[0] == "done"
    assert says(fingerprint_before, drill(before=False))[0] == "wait"
    check(start_clock, drill(), "done", "since 12:00:00")
    check(start_clock, drill(began=""), "wait", "does not run")
    check(stop_clock, drill(), "done", "at 12:03:00")
    check(stop_clock, drill(ended=""), "wait", "has not stopped")
    check(fingerprint_after, drill(after=False), "wait", "not written down yet")
    own = {"sentence": "The engine moved.", "expected": True}
    odd = {"sentence": "VM ora1 was up, and is down.", "expected": False}
    check(fingerprint_after, drill(changes=[own]), "done", "stands as before; 1 changes")
    check(fingerprint_after, drill(changes=[odd, own]), "done", "not expected: VM ora1 was up, and is down.")
    check(fingerprint_after, drill(changes=[odd, odd]), "done", "And 1 more.")


def test_the_engine_vm_is_powered_off_only_when_it_is_seen_gone():
    well, gone = scene().seen(), scene(first={"engine": GONE, "state": "EngineUnexpectedlyDown", "score": 0}).seen()
    check(poweroff_engine_vm, well, "wait", "The engine VM runs on kvm01.")
    check(poweroff_engine_vm, {**gone, ACT: LOST_ACT}, "wait", "runs on kvm01")
    check(poweroff_engine_vm, {**well, **act(1, b"(code=1, gone)")}, "failed", "(exit code 1): (code=1, gone)")
    check(poweroff_engine_vm, {**well, **act(0)}, "wait", "still shows the engine VM Up")
    check(poweroff_engine_vm, {**gone, **act(0)}, "done", "its agent says EngineUnexpectedlyDown.")
    check(poweroff_engine_vm, {**gone, ACT: LOST_ACT, LOST: LOST_ACT}, "done", "is off on kvm01")
    check(poweroff_engine_vm, {**scene(first=SILENT).seen(), **act(0)}, "wait", "is not seen: kvm01 does not answer.")


def test_the_engine_is_back_when_its_host_and_its_page_say_so():
    check(wait_engine_back, MOVED.seen(), "done", "The engine serves on kvm02")
    away = scene(first={"engine": GONE, "state": "EngineUnexpectedlyDown", "score": 0}, page=None)
    check(wait_engine_back, away.seen(), "wait", "No host runs the engine VM. If HA does not start it, run")
    assert "`hosted-engine --vm-start` on kvm02" in says(wait_engine_back, away.seen())[1]
    check(wait_engine_back, BOTH_ZERO.seen(), "wait", "Every host has score 0, so nobody starts the engine VM.")
    dead = scene(first=SILENT, second=SILENT, page=None)
    check(wait_engine_back, dead.seen(), "wait", "No host answers: go to a console")
    booting = scene(
        first={"engine": GONE, "score": 0}, second={"engine": BOOTING, "state": "EngineStarting"}, page=False
    )
    check(wait_engine_back, booting.seen(), "wait", "kvm02 has the engine VM, which does not serve yet.")
    check(wait_engine_back, scene(page=False).seen(), "wait", "its page is not good yet. HTTP 503")
    check(wait_engine_back, scene(page=None).seen(), "wait", "The engine cannot be reached.")
    split = scene(first={"engine": DOWN}, second={"engine": UP, "state": "EngineUp"}, sees_other={1: False})
    check(wait_engine_back, split.seen(), "wait", "the hosts do not agree yet")
    alone = scene(first=SILENT, second={"engine": UP, "state": "EngineUp"}, sees_other={2: False})
    check(wait_engine_back, alone.seen(), "done", "The engine serves on kvm02")


def asked(**said):
    """What the engine says of the migration; nothing was asked of it yet."""
    return {"migration": Output(json.dumps({"asked": False, "why": "", **said}).encode(), b"", 0)}


def test_a_migration_has_arrived_when_all_agree():
    check(migrate_engine, {**scene().seen(), **asked()}, "wait", "does not serve on kvm02 yet")
    check(migrate_engine, {**MOVED.seen(), **asked()}, "done", "The engine serves on kvm02, seen by 2 hosts")
    source = ("up", "good", "Migration Source")
    going = scene(first={"engine": DOWN, "state": "EngineDown"}, second={"engine": source, "state": "EngineUp"})
    check(migrate_engine, {**going.seen(), **asked()}, "wait", "has not arrived on kvm02")
    off = scene(first={"engine": DOWN}, second={"engine": UP, "state": "EngineUp"}, page=None)
    check(migrate_engine, {**off.seen(), **asked()}, "wait", "its page does not: The engine cannot be reached.")


STAYED = {"asked": True, "status": "up", "host": "kvm01", "job": "", "events": []}


@pytest.mark.parametrize(
    ("said", "word", "words"),
    [
        ({}, "wait", "does not serve on kvm02 yet"),
        ({"job": "started"}, "wait", "does not serve on kvm02 yet"),
        ({"job": "failed"}, "failed", "Its job is failed, without a reason. The engine VM runs on kvm01 as before."),
        ({"job": "aborted"}, "failed", "The engine has given the migration up"),
        (
            {"events": ["First.", "Migration failed (VM: HostedEngine)."]},
            "failed",
            "given the migration up: Migration f",
        ),
        ({"events": ["Migration failed."], "status": "migrating"}, "wait", "does not serve on kvm02 yet"),
        ({"job": "failed", "host": "kvm02"}, "wait", "does not serve on kvm02 yet"),
        ({"job": "failed", "why": "The engine does not answer."}, "wait", "does not serve on kvm02 yet"),
    ],
)
def test_a_migration_that_the_engine_gave_up_ends_the_step_at_once(said, word, words):
    check(migrate_engine, {**scene().seen(), **asked(**{**STAYED, **said})}, word, words)
    check(migrate_engine, {**MOVED.seen(), **asked(**{**STAYED, **said})}, "done", "The engine serves on kvm02")


def test_every_host_is_back():
    check(wait_scores_back, scene().seen(), "done", "kvm01 3400, kvm02 3400")
    for given, words in (
        (scene(second=SILENT), "kvm02 does not answer"),
        (scene(second={"live": False}), "kvm02 is not seen live by every host"),
        (scene(second={"score": 0, "state": "EngineUnexpectedlyDown"}), "score 0 in state EngineUnexpectedlyDown"),
        (scene(second={"state": "EngineStarting"}), "kvm02 is in state EngineStarting"),
        (scene(first={"engine": GONE}), "no host is known to run the engine well"),
    ):
        check(wait_scores_back, given.seen(), "wait", words)


def test_nothing_is_left_behind():
    check(closing_checks, scene().seen(), "done", "Nothing is left behind")
    for given, words in (
        (scene(flag=True), "global maintenance is on, as kvm01 reads it"),
        (scene(second={"flags": "local_maintenance=True\n"}), "kvm02 has a local maintenance flag"),
        (scene(second={"agent": "inactive"}), "ovirt-ha-agent on kvm02 is inactive"),
        (scene(second=SILENT), "ovirt-ha-agent on kvm02 is not known"),
        (scene(second={"engine": ("up", "bad", "Paused")}), "the engine VM is paused on kvm02"),
        (scene(second={"score": 0}), "kvm02 has score 0"),
    ):
        check(closing_checks, given.seen(), "wait", words)


def test_an_agent_is_stopped_watched_and_started():
    well = scene().seen()
    away = scene(
        first={"stopped": True, "live": False, "agent": "inactive", "state": "AgentStopped", "score": 0}
    ).seen()
    check(stop_agent, {**well, **unit(b"active\n")}, "wait", "The HA agent of kvm01 runs.")
    check(stop_agent, {**well, **unit(b"active\n"), **act(0)}, "wait", "is active, not stopped")
    check(stop_agent, {**well, **unit(b"\xff\n"), **act(0)}, "wait", "is not known, not stopped")
    check(stop_agent, {**well, **unit(b"active\n"), **act(1, b"no")}, "failed", "(exit code 1): no")
    check(stop_agent, {**away, **unit(b"inactive\n"), **act(0)}, "done", "is stopped")
    check(watch_unguarded, well, "wait", "still sees kvm01 live")
    check(watch_unguarded, away, "done", "this is no failover")
    check(watch_unguarded, scene(second=SILENT).seen(), "wait", "kvm02 does not say how it sees kvm01")
    for page, words in ((None, "The engine cannot be reached"), (False, "HTTP 503")):
        gone = scene(first={"live": False}, page=page)
        check(watch_unguarded, gone.seen(), "wait", words)
    check(start_agent, {**away, **unit(b"inactive\n")}, "wait", "The HA agent of kvm01 is inactive.")
    check(start_agent, {**away, **unit(b"active\n")}, "wait", "not yet live in state EngineUp")
    check(start_agent, {**away, **unit(b"inactive\n"), **act(1, b"no")}, "failed", "did not start its HA agent")
    check(start_agent, {**well, **unit(b"active\n"), **act(0)}, "done", "guards the engine again")


def test_the_engine_service_is_stopped_and_runs_again():
    well, off = scene().seen(), scene(page=False).seen()
    check(stop_engine_service, {**well, **unit(b"active\n")}, "wait", "The engine service runs.")
    check(
        stop_engine_service, {**well, **unit(b"active\n"), **act(1, b"no")}, "failed", "did not stop (exit code 1): no"
    )
    check(stop_engine_service, {**well, **unit(b"active\n"), **act(0)}, "wait", "is active, not stopped")
    check(stop_engine_service, {**well, **unit(b"inactive\n"), **act(0)}, "wait", "health page is good still")
    check(stop_engine_service, {**off, **unit(b"inactive\n"), **act(0)}, "done", "its health page is not good")
    check(start_engine_service, {**off, **unit(b"inactive\n")}, "wait", "The engine service is inactive")
    check(
        start_engine_service, {**off, **unit(b"failed\n"), **act(1, b"no")}, "failed", "did not start (exit code 1): no"
    )
    check(start_engine_service, {**well, **unit(b"active\n")}, "done", "The engine service runs")


def prompt(step, answer="", seen="Burnt."):
    return [{"step": step, "position": 1, "question": "Q?", "answer": answer, "by": "carl", "seen": seen}]


def test_the_power_is_cut_by_a_person_or_by_fencing():
    well, silent = scene().seen(), scene(first=SILENT).seen()
    asked = drill(prompts=prompt("cut_power"))
    check(cut_power, {**well, **drill()}, "wait", "kvm01 has its power.")
    check(cut_power, {**well, **asked}, "wait", "a person is asked to cut its power")
    check(cut_power, {**silent, **asked}, "wait", "the person who cut its power has not confirmed it")
    check(cut_power, {**silent, **drill(prompts=prompt("cut_power", "done"))}, "done", "kvm01 is without power")
    check(cut_power, {**well, **drill(prompts=prompt("cut_power", "done"))}, "wait", "kvm01 still answers")
    check(cut_power, {**well, **drill(prompts=prompt("cut_power", "not_done"))}, "failed", "carl says that the power")
    check(cut_power, {**well, **drill(fenced=True)}, "wait", "the engine was asked to fence it")
    check(cut_power, {**silent, **drill(fenced=True)}, "done", "kvm01 is without power: it is silent.")
    anew = {**scene(first={"boot": "boot-2\n"}).seen(), **drill(fenced=True)}
    check(cut_power, anew, "done", "it boots anew")
    check(power_on, {**silent, **drill()}, "wait", "kvm01 does not answer yet")
    check(power_on, {**well, **drill()}, "wait", "has not booted anew: was its power cut at all?")
    check(power_on, {**well, **drill(prompts=prompt("power_on", "not_done"))}, "failed", "is not switched on: Burnt.")
    check(power_on, anew, "done", "kvm01 has booted and answers.")


def test_a_rehearsal_is_waited_for():
    def seen(**words):
        row = {"run": 9, "active": False, "status": "waiting", "sentence": "", "backup": "b1", "proven": True, **words}
        return {"rehearsal": Output(json.dumps(row).encode(), b"", 0)}

    check(rehearse_backup, seen(run=0), "wait", "has not begun")
    check(rehearse_backup, seen(active=True), "wait", "Run 9 rehearses b1: waiting")
    check(rehearse_backup, seen(), "done", "b1 is restorable: run 9")
    check(rehearse_backup, seen(proven=False, sentence="No disk."), "failed", "by run 9: No disk.")


def test_a_walk_through_ends_with_its_last_answer():
    assert walk_through.questions({"questions": " Who?\n\n Where? "}) == ("Who?", "Where?")
    check(walk_through, drill(), "wait", "Nothing was asked yet.")
    check(walk_through, drill(prompts=prompt("walk_through")), "wait", "1 of 1 questions wait for an answer: Q?")
    rows = prompt("walk_through", "done") + prompt("walk_through", "not_done")
    check(walk_through, drill(prompts=rows), "done", "All 2 questions are answered; 1 with what could not be done.")
