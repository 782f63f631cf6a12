"""What goes wrong on the engine VM while it is backed up: a cause, a sentence, nothing left behind."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from backups.models import Backup
from backups.services import take
from portal.runs import runner, services
from portal.runs.models import Run
from tests.fixtures_backup_lab import backup_lab, finish, stand  # noqa: F401
from tests.fixtures_gate import wait_for, worker
from tests.fixtures_runs import drive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]

# fault, its words, the catalog's cause, what the sentence says
FAILURES = (
    ("backup-wrong-password", {}, "wrong_password", "password"),
    ("backup-tmp-full", {"when": "late"}, "tmp_full", "full"),
    ("backup-target-full", {}, "target_full", "full"),
    ("backup-kill", {}, "killed", "killed"),
    ("backup-file-changed", {}, "file_changed", "changed"),
)


LENGTHY = ("backup-tmp-full", "backup-target-full", "backup-kill", "backup-key-mismatch", "backup-dwh-truncated")


def rows(failures):
    return [pytest.param(*row, id=row[0], marks=pytest.mark.matrix if row[0] in LENGTHY else ()) for row in failures]


@pytest.mark.parametrize(("fault", "words", "cause", "said"), rows(FAILURES))
def test_a_run_that_fails_is_explained_and_leaves_nothing(stand, fault, words, cause, said):  # noqa: F811
    stand.fault(fault, **words)
    run = stand.take()
    backup = stand.newest()
    assert (run.status, backup.status, backup.cause) == ("rolled_back", "FAILED", cause), run.sentence
    assert said in backup.sentence
    assert backup.output["take"]["exit_code"] != 0
    stand.clean()
    assert [name for name in stand.files() if name.endswith(f"{backup.ident}.backup")] == []


STOPPED = (("backup-flags-lost", "setup flags are gone"), ("backup-setup-db-conf-lost", "ENGINE_DB_USER is not set"))


@pytest.mark.parametrize(("fault", "said"), STOPPED)
def test_a_backup_that_would_hold_no_database_is_not_begun(stand, fault, said):  # noqa: F811
    stand.fault(fault)
    run = stand.take()
    assert (run.status, said in run.sentence) == ("failed", True), run.sentence
    assert stand.calls() == []


ROTTEN = (("backup-corrupt-after", "dumps"), ("backup-dwh-truncated", "dumps"), ("backup-key-mismatch", "pki"))


@pytest.mark.parametrize(("fault", "rung"), rows(ROTTEN))
def test_an_archive_that_engine_backup_calls_good_is_found_out(stand, fault, rung):  # noqa: F811
    stand.fault(fault)
    run = stand.take()
    backup = stand.newest()
    assert (run.status, backup.status, backup.cause) == ("succeeded", "DONE", "ok"), run.sentence
    failed = [each["name"] for each in backup.ladder if each["outcome"] == "fail"]
    assert (backup.whole, failed) == (False, [rung]), backup.ladder


def test_flags_that_nobody_reads_are_seen_in_the_archive(stand):  # noqa: F811
    """rc 0, Done., verify Done., events completed: and no database in it (facts/engine-backup.md 9)."""
    stand.fault("backup-flags-lost", how="unread")
    run = stand.take()
    backup = stand.newest()
    assert (backup.status, backup.cause) == ("FAILED", "no_engine_database"), run.sentence
    assert run.status == "rolled_back"


@pytest.mark.matrix
def test_a_hanging_dump_is_ended_by_an_abort_without_an_orphan(stand):  # noqa: F811
    stand.fault("backup-hang")
    run = take.start(stand.policy, "anna")
    while run.steps.get(name="take").phase != "acting":
        drive(run)
    wait_for(lambda: stand.lab.http("GET", "/engine-vm")["processes"], 20)
    services.abort(run.pk, "anna", "it hangs")
    drive(run, 8)
    assert run.status == "aborted", run.sentence
    stand.clean()


@pytest.mark.matrix
def test_a_database_that_is_down_is_waited_for(stand):  # noqa: F811
    stand.fault("backup-db-down")
    run = take.start(stand.policy, "anna")
    end = time.monotonic() + 6
    while time.monotonic() < end and "database" not in run.steps.get(name="preflight").sentence:
        runner.execute(run.pk)
    assert "does not take connections" in run.steps.get(name="preflight").sentence
    stand.lab.http("DELETE", "/faults")
    run = finish(run)
    assert run.status == "succeeded", run.sentence


def test_a_worker_killed_at_every_step_takes_one_archive(stand):  # noqa: F811
    """Each worker dies once the next step has begun; another one goes on from what it finds."""
    stand.fault("backup-slow", seconds="0.5")
    run = take.start(stand.policy, "anna")
    for position in range(1, run.steps.count() + 1):
        with worker(run.pk) as one:
            wait_for(lambda position=position: run.steps.get(position=position).state != "waiting", 40)
            one.kill()
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
    run = finish(run)
    assert run.status == "succeeded", run.sentence
    backup = stand.newest()
    assert (backup.status, backup.whole) == ("DONE", True)
    modes = [word for argv in stand.calls() for word in argv if word.startswith("--mode")]
    assert sorted(modes) == ["--mode=backup", "--mode=verify"]
    assert backup.copies.count() == 1
    stand.clean()


@pytest.mark.matrix
def test_links_that_drop_all_the_time_change_nothing(stand):  # noqa: F811
    stand.fault("backup-slow", seconds="0.5")
    run = take.start(stand.policy, "anna")
    with worker(run.pk):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            run.refresh_from_db()
            if run.status not in Run.ACTIVE:
                break
            stand.fault("drop-links", stand.lab.estate["engine_vm"]["name"])
            time.sleep(1.5)
    run = finish(run)
    assert (run.status, stand.newest().status) == ("succeeded", "DONE"), run.sentence
    stand.clean()


@pytest.mark.matrix
def test_the_engine_vm_goes_down_while_it_is_backed_up(stand, monkeypatch):  # noqa: F811
    monkeypatch.setattr("portal.runs.backward.PATIENCE", 2.0)
    stand.fault("backup-hang")
    run = take.start(stand.policy, "anna")
    while run.steps.get(name="take").phase != "acting":
        drive(run)
    stand.lab.http("DELETE", "/faults")
    stand.fault("poweroff-engine-vm", "engine")
    run = finish(run, 90)
    assert Backup.objects.get(run=run).status != "DONE"
    assert run.status in ("rolled_back", "needs_attention"), run.sentence
