"""Drills in a lab that misbehaves: what is refused, what is waited for, what is done once whoever dies."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from failover.models import Drill, Readiness
from failover.services import fabric, pairs, readiness, room, windows
from failover.verdicts.room import Moves
from portal.evidence.models import Record
from portal.runs import ports, services
from portal.runs.models import Run, RunStep
from portal.runs.services import Refused
from tests.fixtures_drill_lab import drill_lab, finish, pair, told  # noqa: F401
from tests.fixtures_gate import worker
from tests.fixtures_runs import states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def refused(pair, plan="she_failover", **given) -> str:  # noqa: F811
    """What the wish was refused with; nothing was begun."""
    with pytest.raises(Refused) as caught:
        pair.request(plan, given)
    assert Run.objects.filter(target=f"she:{pair.engine.pk}").count() == 0
    assert Record.objects.filter(kind="run.refused", subject=f"she:{pair.engine.pk}").exists()
    return str(caught.value)


def test_readiness_is_kept_and_decays(pair):  # noqa: F811
    row = readiness.look(pair.engine, "she_failover")
    assert readiness.is_ready(row), readiness.refusals(readiness.checks_of(row))
    assert readiness.expired(pair.engine, "she_failover") == ""
    Readiness.objects.update(checks=[{**check, "at": check["at"] - 61} for check in row.checks])
    assert re.search(r"was looked at 6\d s ago, 60 s are allowed", readiness.expired(pair.engine, "she_failover"))
    readiness.look(pair.engine, "she_failover")
    pair.engine.backups.update(proof="unproven")
    assert "the newest proven backup changed" in readiness.expired(pair.engine, "she_failover")


def test_a_second_drill_within_the_cool_down_is_refused(pair, settings):  # noqa: F811
    settings.HOLDFAST_COOL_DOWN = 600
    Drill.objects.create(
        engine=pair.engine,
        plan="she_failover",
        title="Failover",
        requested_by="anna",
        requested_at=timezone.now(),
        clock_began=timezone.now() - timedelta(seconds=100),
    )
    assert "A second drill now can leave both hosts with score 0" in refused(pair)
    assert pair.acts("hosted-engine", "--vm-poweroff") == 0


def test_a_host_that_does_not_answer_blocks(pair):  # noqa: F811
    pair.lab.fault("corrupt-output", pair.other.name, command="multipathd", kind="binary")
    words = refused(pair, "she_agent_stop")
    assert "The LUN paths could not be read" in words


def test_no_drill_without_its_engine_or_with_an_unknown_host(pair):  # noqa: F811
    assert "is the key of no hosted-engine host" in refused(pair, on=999_999)
    assert "There is no drill 'backup_take'" in refused(pair, "backup_take")
    assert "has no port on fabric 'Z'" in refused(pair, "fabric_path_loss", fabric="Z")
    assert "paths is filled in by the portal" in refused(pair, "fabric_path_loss", fabric="Z", paths="0:0:0:0")
    words = f"The engine runs on {pair.on.name}, not on {pair.other.name}"
    assert words in refused(pair, "she_failover", on=pair.other.pk)


def test_the_same_key_asks_for_one_drill(pair):  # noqa: F811
    first = pair.request("tabletop", {"questions": "Who?"}, key="k")
    assert pair.request("tabletop", {"questions": "Who?"}, key="k").pk == first.pk
    with pytest.raises(Refused, match="use a new key"):
        pair.request("tabletop", {"questions": "What?"}, key="k")
    with pytest.raises(Refused, match=r"Run \d+ \(Drill on paper\) is queued"):
        pair.request("tabletop", {"questions": "Who?"}, key="l")
    assert Record.objects.filter(kind="run.refused").count() == 2
    services.abort(first.run.pk, "anna")


@pytest.mark.matrix
def test_exit_0_without_effect_is_no_success(pair):  # noqa: F811
    drill = pair.begin("she_failover")
    pair.lab.fault("idle-command", pair.on.name, command="hosted-engine --vm-poweroff")
    run = finish(drill.run)
    assert run.status in ("failed", "rolled_back"), told(run)
    assert "still shows the engine VM Up" in run.sentence
    assert pair.acts("hosted-engine", "--vm-poweroff") == 1
    assert pair.truth["engine_phase"] == "up"


@pytest.mark.matrix
def test_an_agent_that_does_not_stop_is_started_again(pair):  # noqa: F811
    was = pair.on.name
    drill = pair.begin("she_agent_stop")
    pair.lab.fault("idle-command", was, command="systemctl stop")
    run = finish(drill.run)
    assert run.status == "rolled_back", told(run)
    assert (pair.acts("systemctl", "stop"), pair.acts("systemctl", "start")) == (1, 1)
    assert pair.truth["hosts"][was]["agent"] == "running"


def test_an_abort_starts_the_agent_again(pair):  # noqa: F811
    was = pair.on.name

    def stop(run):
        if run.steps.get(name="watch_unguarded").state == "running":
            services.abort(run.pk, "anna", "Enough seen")

    run = finish(pair.begin("she_agent_stop").run, meanwhile=stop)
    assert run.status == "aborted", told(run)
    assert (pair.acts("systemctl", "stop"), pair.acts("systemctl", "start")) == (1, 1)
    assert pair.truth["hosts"][was]["agent"] in ("starting", "running")


@pytest.mark.matrix
def test_an_engine_that_answers_badly_and_a_host_that_goes_silent_are_waited_for(pair):  # noqa: F811
    was, seen = pair.on.name, []

    def trouble(run):
        at = run.steps.filter(state="running").values_list("name", flat=True).first()
        if at == "wait_engine_back" and "hang" not in seen:
            pair.lab.fault("hang-ssh", was)
            pair.lab.fault("engine-html-500", "engine", collection="vms")
            seen.append("hang")
        elif "does not answer" in run.steps.get(name="wait_scores_back").sentence and "there" not in seen:
            pair.lab.http("DELETE", f"/faults?name=hang-ssh&target={was}")
            seen.append("there")
        elif "cannot be written down yet" in run.steps.get(name="fingerprint_after").sentence and seen[-1] == "there":
            pair.lab.http("DELETE", "/faults?name=engine-html-500")
            seen.append("mended")

    run = finish(pair.begin("she_failover").run, 100, meanwhile=trouble)
    assert run.status == "succeeded", told(run)
    assert seen == ["hang", "there", "mended"]
    assert pair.acts("hosted-engine", "--vm-poweroff") == 1


@pytest.mark.parametrize("plan", ["she_failover", "she_agent_stop"])
@pytest.mark.matrix
def test_the_worker_is_killed_at_every_step(pair, plan):  # noqa: F811
    run = pair.begin(plan).run
    for row in run.steps.order_by("position"):
        kill_at(run, row)
    finish(run, 90)
    assert run.status == "succeeded", told(run)
    assert set(states(run)) == {"done"}
    once = {"she_failover": [("hosted-engine", "--vm-poweroff")], "she_agent_stop": [("systemctl", "stop")]}[plan]
    assert [pair.acts(*words) for words in once] == [1]
    if plan == "she_agent_stop":
        assert pair.acts("systemctl", "start") == 1
    intents = Record.objects.filter(subject=f"run:{run.pk}", kind="run.step_intent").count()
    assert intents >= run.steps.filter(intended_at__isnull=False).count()
    for kind in ("drill.before", "drill.clock_began", "drill.clock_ended", "drill.after"):
        assert Record.objects.filter(subject=f"drill:{run.drill.pk}", kind=kind).count() == 1, kind


def kill_at(run: Run, row: RunStep, seconds: float = 60) -> None:
    """Kills the worker as soon as it is in the step, wherever in it."""
    end = time.monotonic() + seconds
    while True:
        assert time.monotonic() < end, told(run)
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        ports._shell.cache_clear()  # a connection does not survive a fork
        with worker(run.pk) as one:
            while not one.ended:
                row.refresh_from_db()
                if row.state != "waiting":
                    one.kill()
                    return
                time.sleep(0.01)


def test_an_engine_without_its_service_blocks(pair):  # noqa: F811
    pair.lab.fault("kill-engine-service", "engine")
    words = refused(pair, "she_agent_stop", on=pair.on.pk)
    assert "The engine's health page is not good: HTTP 503" in words
    assert "The engine's hosts are not known." in words
    assert pair.acts("systemctl", "stop") == 0


def test_an_abort_gives_the_paths_back(pair):  # noqa: F811
    name = sorted(set(fabric.names(pairs.members_of(pair.engine)[0]).values()))[0]

    def stop(run):
        if run.steps.get(name="watch_io").state == "running":
            services.abort(run.pk, "anna", "Enough seen")

    run = finish(pair.begin("fabric_path_loss", {"fabric": name, "watch_seconds": 600}).run, meanwhile=stop)
    assert run.status == "aborted", told(run)
    assert [one["failed_paths"] for one in pair.truth["hosts"].values()] == [0] * len(pair.truth["hosts"])


def test_a_migration_that_fails_is_told_by_the_engine_at_once(pair):  # noqa: F811
    was = pair.on.name
    drill = pair.begin("she_switchover")
    pair.lab.fault("fail-migrations", "engine")
    run = finish(drill.run)
    assert run.status in ("failed", "rolled_back"), told(run)
    assert "The engine has given the migration up: Migration failed" in run.sentence, told(run)
    assert f"The engine VM runs on {was} as before." in run.sentence
    assert pair.truth["engine_vm_host"] == was
    step = run.steps.get(name="migrate_engine")
    assert (step.ended - step.began).total_seconds() < 60, "patience is 900 s"


def test_free_memory_is_asked_of_the_engine_and_one_that_does_not_tell_blocks(pair):  # noqa: F811
    found = room.said(pair.engine)
    assert all(one.schedulable and one.pages for one in found.hosts), found.hosts
    assert [(one.host, one.memory) for one in found.vms if one.engine] == [(pair.on.name, 16 << 30)]
    assert room.refusal(pair.engine, pair.on.name, Moves.ENGINE) == ""
    pair.lab.fault("engine-html-500", "engine", collection="hosts")
    assert "is not known. " in room.refusal(pair.engine, pair.other.name, Moves.ALL)
    pair.engine.hosts.update(status="up")
    wish = windows.Wish("host", pair.other, "Firmware", timezone.now() + timedelta(hours=1))
    with pytest.raises(windows.GuardSaid) as caught:
        windows.start(pair.engine, wish, "anna")
    assert caught.value.said.rule == "room"
    assert "Whether the other host has room is not known." in refused(pair)
