"""A backup and its rehearsal by a real worker and beat, with Redis killed in the middle of each."""

from __future__ import annotations

import pytest
from celery import Celery

from backups.models import Backup
from backups.services import prove, take
from portal.evidence.services import verify_chain
from portal.runs import ports, wake
from portal.runs.models import Run
from tests.fixtures_backup_lab import backup_lab, rows_of  # noqa: F401
from tests.fixtures_gate import wait_for
from tests.fixtures_stand import stand  # noqa: F401

pytestmark = [pytest.mark.wire, pytest.mark.matrix]


def ended(run: Run) -> bool:
    run.refresh_from_db()
    return run.ended is not None


def rests(run: Run) -> bool:
    """Whether no worker is at it: it has ended, or waits in the database for a message."""
    run.refresh_from_db()
    return run.ended is not None or run.status == Run.Status.WAITING


def test_redis_is_killed_under_a_backup_and_under_its_rehearsal(stand, backup_lab, monkeypatch):  # noqa: F811
    ports._shell.cache_clear()
    # the messages of this process go to the stand's Redis
    monkeypatch.setattr(wake, "current_app", Celery("stand", broker=stand.broker, set_as_current=False))
    before = len(backup_lab.http("GET", "/ledger"))
    _, policy = rows_of(backup_lab)
    backup_lab.fault("backup-slow", "engine", seconds="0.5")
    stand.beat()
    stand.worker()
    run = take.start(policy, "anna")
    wait_for(lambda: run.steps.get(name="take").phase == "acting", 60)
    stand.kill_redis()
    wait_for(lambda: run.steps.get(name="take").state == "done" or rests(run), 60)
    stand.start_redis()
    wait_for(lambda: ended(run), 90)
    backup = Backup.objects.get(run=run)
    assert (run.status, backup.status, backup.whole) == ("succeeded", "DONE", True), run.sentence
    assert backup.copies.count() == 1
    stand.kill_redis()
    rehearsal = prove.rehearse(backup, "anna")
    assert rehearsal.status == "queued"
    stand.start_redis()
    wait_for(lambda: rehearsal.steps.get().phase == "intent", 60)
    stand.kill_redis()
    wait_for(lambda: rests(rehearsal), 90)
    stand.start_redis()
    wait_for(lambda: ended(rehearsal), 90)
    backup.refresh_from_db()
    assert (rehearsal.status, backup.proof, backup.rehearsals.count()) == ("succeeded", "proven", 1)
    calls = [
        row["argv"] for row in backup_lab.http("GET", "/ledger")[before:] if row["argv"][0].endswith("engine-backup")
    ]
    assert len(calls) == 2
    assert backup_lab.http("GET", "/engine-vm")["processes"] == []
    left = [row["path"] for row in backup_lab.http("GET", "/engine-vm/files")]
    assert [path for path in left if "partial" in path or ".tmp" in path or "pgpass" in path] == []
    assert verify_chain().intact
    ports._shell.cache_clear()
