"""Every drill plan in the lab, to its verdict."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from django.utils import timezone

from backups.models import Backup, Policy
from backups.services import take
from failover.models import Prompt
from failover.services import fabric, pairs
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.fixtures_drill_lab import drill_lab, finish, pair, told  # noqa: F401
from tests.fixtures_runs import states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def test_a_failover_is_drilled(pair):  # noqa: F811
    was = pair.on.name
    drill = pair.begin("she_failover")
    run = finish(drill.run)
    assert run.status == "succeeded", told(run)
    assert states(run) == ["done"] * 9
    assert pair.acts("hosted-engine", "--vm-poweroff") == 1
    assert pair.truth["engine_vm_host"] != was
    drill.refresh_from_db()
    assert drill.clock_began < drill.clock_ended
    assert drill.before["engine_on"] == was
    assert drill.after["engine_on"] == pair.on.name
    kinds = set(Record.objects.filter(subject=f"drill:{drill.pk}").values_list("kind", flat=True))
    assert kinds >= {"drill.requested", "drill.before", "drill.clock_began", "drill.clock_ended", "drill.after"}


@pytest.mark.matrix
def test_an_agent_is_stopped_and_started(pair):  # noqa: F811
    was = pair.on.name
    run = finish(pair.begin("she_agent_stop").run)
    assert run.status == "succeeded", told(run)
    assert (pair.acts("systemctl", "stop"), pair.acts("systemctl", "start")) == (1, 1)
    assert pair.truth["engine_vm_host"] == was
    assert pair.truth["hosts"][was]["agent"] == "running"


def test_a_switchover_is_drilled(pair):  # noqa: F811
    was, generation = pair.on.name, pair.truth["engine_generation"]
    drill = pair.begin("she_switchover")
    run = finish(drill.run)
    assert run.status == "succeeded", told(run)
    assert pair.truth["engine_vm_host"] != was
    assert pair.truth["engine_generation"] == generation, "the engine never stopped"


@pytest.mark.matrix
def test_the_engine_service_fails_and_ha_restarts_its_vm(pair):  # noqa: F811
    generation = pair.truth["engine_generation"]
    drill = pair.begin("engine_service_failure")
    run = finish(drill.run, 90)
    assert run.status == "succeeded", told(run)
    assert pair.acts("systemctl", "stop", "ovirt-engine") == 1
    assert pair.acts("systemctl", "start", "ovirt-engine") == 0, "HA has brought it back"
    assert pair.truth["engine_generation"] == generation + 1


def test_a_fabric_is_taken_from_a_host_and_given_back(pair):  # noqa: F811
    fabric_name = sorted(set(fabric.names(pairs.members_of(pair.engine)[0]).values()))[0]
    seen = []

    def watch(run):
        seen.append(max(one["failed_paths"] for one in pair.truth["hosts"].values()))

    drill = pair.begin("fabric_path_loss", {"fabric": fabric_name, "watch_seconds": 1})
    run = finish(drill.run, meanwhile=watch)
    assert run.status == "succeeded", told(run)
    gone = len(drill.run.parameters["paths"].split(","))
    declared = pair.on.declared_paths.count()
    assert 0 < gone < declared
    assert pair.truth["hosts"][pair.on.name]["failed_paths"] == 0
    assert pair.acts("tee") == 2 * gone


@pytest.mark.matrix
def test_a_host_loses_its_power_and_gets_it_back(pair):  # noqa: F811
    lost = pair.on

    def person(run):
        for row in Prompt.objects.filter(drill__run=run, answer=""):
            pair.lab.fault("power-off" if row.step == "cut_power" else "power-on", lost.name)
            Prompt.objects.filter(pk=row.pk).update(answer="done", by="carl", at=timezone.now(), seen="Lamp is off.")

    drill = pair.begin("host_power_loss")
    run = finish(drill.run, 90, meanwhile=person)
    assert run.status == "succeeded", told(run)
    assert [row.step for row in drill.prompts.all()] == ["cut_power", "power_on"]
    assert [one["host"] for one in pair.truth["power"][-2:]] == [lost.name] * 2
    drill.refresh_from_db()
    assert drill.before["hosts"][lost.name]["boot"] != drill.after["hosts"][lost.name]["boot"]


def test_a_drill_on_paper_asks_people(pair):  # noqa: F811
    def person(run):
        Prompt.objects.filter(drill__run=run, answer="").update(answer="done", by="carl", at=timezone.now(), seen="Ok")

    drill = pair.begin("tabletop", {"questions": "Who decides?\n\nWhere is the kit?"})
    run = finish(drill.run, meanwhile=person)
    assert run.status == "succeeded", told(run)
    assert [row.question for row in drill.prompts.all()] == ["Who decides?", "Where is the kit?"]


def test_the_newest_backup_is_rehearsed(pair, settings):  # noqa: F811
    scratch = Path(tempfile.mkdtemp(prefix="hf-scratch-"))  # another account has to come here
    scratch.chmod(0o711)
    settings.HOLDFAST_SCRATCH = scratch
    taken = finish(take.start(Policy.objects.get(), "anna"), 90)
    assert taken.status == "succeeded", told(taken)

    def worker(run):
        for row in Run.objects.filter(plan="backup_rehearse", status__in=Run.ACTIVE):
            finish(row, 60)

    run = finish(pair.begin("backup_rehearsal").run, 90, meanwhile=worker)
    shutil.rmtree(scratch, ignore_errors=True)
    assert run.status == "succeeded", told(run)
    assert Run.objects.filter(plan="backup_rehearse").count() == 1
    assert Backup.objects.latest("taken").proof == "proven"


@pytest.mark.matrix
def test_a_host_is_fenced_by_its_own_engine(pair):  # noqa: F811
    lost = pair.on

    def person(run):
        for row in Prompt.objects.filter(drill__run=run, answer=""):
            pair.lab.fault("power-on", lost.name)
            Prompt.objects.filter(pk=row.pk).update(answer="done", by="carl", at=timezone.now(), seen="Lamp is on.")

    run = finish(pair.begin("host_power_loss", {"how": "fence"}).run, 90, meanwhile=person)
    assert run.status == "succeeded", told(run)
    cut = [one for one in pair.truth["power"] if one["host"] == lost.name]
    assert len(cut) == 2, "off once, on once"
