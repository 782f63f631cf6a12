"""What the portal does itself in a Run: done again after a crash, shown in words, ended by people and by time."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from portal.kernel.step import Step, Told, Work, WorkFailed
from portal.kernel.verdict import done, failed, wait
from portal.runs import ports, runner
from portal.runs.lease import LeaseLost
from portal.runs.models import Run, RunLine
from tests.fixtures_runs import mark

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]

BOOK: dict[str, object] = {}


def telling(parameters):
    return {"kept": BOOK.get("kept"), "target": parameters["target"]}


def work(working):
    BOOK["calls"] = int(BOOK.get("calls", 0)) + 1
    BOOK["do"](working)


def keep(working):
    working.say("It is being kept.")
    with working.writing():
        BOOK["kept"] = working.parameters["target"]


def settled(seen, parameters):
    told = json.loads(seen["told"].stdout)
    return done(f"Kept for {told['kept']}.") if told["kept"] else wait("It is not kept.")


def step(**fields) -> Step:
    values = {
        "name": "keep",
        "title": "Keep it",
        "mutating": False,
        "patience": 20,
        "every": 0.05,
        "looks": lambda parameters: {"told": Told("trial")},
        "act": lambda parameters: (Work("trial"),),
        "settled": settled,
        "undo": "No undo: it changes nothing on the host.",
    }
    return Step(**(values | fields))


@pytest.fixture
def go(begin, settings):
    BOOK.clear()
    BOOK["do"] = keep
    settings.HOLDFAST_WORKS = {"trial": f"{__name__}.work"}
    settings.HOLDFAST_TELLINGS = {"trial": f"{__name__}.telling"}

    return begin


def end(run: Run) -> Run:
    for _ in range(40):
        runner.execute(run.pk)
        run.refresh_from_db()
        if run.status not in Run.ACTIVE:
            return run
        time.sleep(0.05)
    raise AssertionError(run.status)


def test_a_work_runs_in_the_portal_and_leaves_nothing_on_the_host(go, host):
    run = end(go(step()))
    assert (run.status, BOOK["calls"], BOOK["kept"]) == ("succeeded", 1, "host:1")
    assert "It is being kept." in RunLine.objects.filter(run=run).values_list("text", flat=True)
    assert run.steps.get().act_lines == ["the portal itself: trial"]
    assert not (host.home / ".holdfast").exists()


def test_a_worker_that_dies_in_a_work_leaves_it_to_the_next(go):
    class Died(BaseException):
        pass

    def die(working):
        raise Died

    BOOK["do"] = die
    run = go(step())
    with pytest.raises(Died):
        runner.execute(run.pk)
    Run.objects.filter(pk=run.pk).update(lease_expires="2020-01-01T00:00:00Z")
    BOOK["do"] = keep
    assert end(run).status == "succeeded"
    assert BOOK["calls"] == 2


def test_a_paused_worker_writes_nothing_after_another_took_over(go):
    def pause(working):
        Run.objects.filter(pk=run.pk).update(fence=99)
        with working.writing():
            BOOK["kept"] = "a paused worker"

    BOOK["do"] = pause
    run = go(step())
    runner.execute(run.pk)
    assert "kept" not in BOOK


def test_a_work_that_cannot_be_done_says_why_and_what_came_before_is_undone(go, host):
    def refuse(working):
        raise WorkFailed("The archive is no archive.")

    BOOK["do"] = refuse
    run = end(go(mark("first"), step()))
    assert run.status == "rolled_back"
    assert "The archive is no archive." in run.sentence
    assert host.ledger() == ["first", "undo-first"]


def test_a_full_disk_is_named(go):
    def full(working):
        raise OSError(28, "No space left on device")

    BOOK["do"] = full
    run = end(go(step()))
    assert (run.status, "No space left on device" in run.sentence) == ("failed", True)


@pytest.mark.parametrize(("field", "value", "status"), [("abort_by", "eve", "aborted"), ("deadline", None, "failed")])
def test_a_long_work_is_ended_by_people_and_by_time(go, field, value, status):
    def long(working):
        if field == "deadline":
            run.steps.update(deadline="2020-01-01T00:00:00Z")
        else:
            Run.objects.filter(pk=run.pk).update(abort_by=value)
        working.asked -= 10
        working.check()
        raise AssertionError("it went on")

    BOOK["do"] = long
    run = go(step())
    assert end(run).status == status


def test_a_work_is_told_when_its_lease_is_lost(go):
    def lost(working):
        working.drive.lease.lost.set()
        try:
            working.check()
        except LeaseLost:
            BOOK["lost"] = True
            raise

    BOOK["do"] = lost
    runner.execute(go(step()).pk)
    assert BOOK["lost"]


def test_a_work_reads_what_an_earlier_step_printed_on_the_host(go):
    def read(working):
        BOOK["kept"] = working.output_of("first").stdout.decode().strip()
        assert working.look({"x": mark("z").act({})[0]})["x"].exit_code == 0
        assert working.folder.name == str(run.ref)

    BOOK["do"] = read
    run = go(mark("first"), step())
    assert end(run).status == "succeeded"
    assert BOOK["kept"] == "first says hello"


def test_an_act_of_the_portal_has_no_undo_by_commands(go):
    run = end(go(step(undo=lambda parameters: ())))
    assert run.status == "errored"


def test_a_work_that_nobody_does_breaks_loudly(go, settings):
    settings.HOLDFAST_WORKS = {}
    run = end(go(step()))
    assert (run.status, "nobody" in run.sentence) == ("errored", True)
    with pytest.raises(LookupError):
        ports.telling("else")


def test_a_file_is_pulled_from_the_target(go, host):
    (host.home / "big").write_bytes(b"x" * 9)
    taken = []
    BOOK["do"] = lambda working: (working.pull("big", taken.append, 100), keep(working))
    assert end(go(step())).status == "succeeded"
    assert taken == [b"x" * 9]


def test_a_step_sees_that_its_command_is_lost(go, host):
    def judged(seen, parameters):
        return failed("It was killed.") if "lost" in seen else wait("It runs.")

    run = go(mark("first", seconds=30, settled=judged, every=0.05))
    host.after = lambda what: kill(host) if what == "look" else None
    assert "It was killed." in end(run).sentence


def kill(host):
    """The whole session: timeout(1) makes a process group of its own."""
    for path in host.home.glob(".holdfast/*/*/pid"):
        subprocess.run(["pkill", "-KILL", "-s", path.read_text().split()[0]], check=False)
