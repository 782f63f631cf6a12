"""What the portal does itself, killed in the middle: receiving, climbing, rehearsing, copying. The next worker ends it,
once, and nothing stays of the first."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.functions import Now

from backups.models import Copy, Destination
from backups.services import copies, prove, take
from portal.connectors.stores.directory import mark
from portal.evidence.services.verify import verify_chain
from portal.runs import services
from portal.runs.models import Run
from tests.fixtures_backup_lab import backup_lab, finish, stand  # noqa: F401
from tests.fixtures_gate import wait_for, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def begun(run: Run, step: str) -> None:
    wait_for(lambda: run.steps.get(name=step).phase in ("intent", "settling"), 60)


def orphans(folder: Path) -> list[str]:
    """Processes that name the scratch folder."""
    listed = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False).stdout
    return [pid for pid in listed.split() if int(pid) != os.getpid()]


def test_a_worker_killed_while_it_receives_leaves_one_copy(stand, settings):  # noqa: F811
    run = take.start(stand.policy, "anna")
    with worker(run.pk) as one:
        begun(run, "receive")
        one.kill()
    run = finish(run)
    assert run.status == "succeeded", run.sentence
    assert [path.name for path in (Path(settings.HOLDFAST_VAULT) / "backups").iterdir()] == [
        stand.newest().copies.get().name
    ]
    assert len(stand.calls()) == 2
    stand.clean()


@pytest.mark.matrix
def test_an_unfinished_file_of_a_run_that_has_ended_is_swept(stand, settings):  # noqa: F811
    run = take.start(stand.policy, "anna")
    with worker(run.pk) as one:
        begun(run, "receive")
        one.kill()
    folder = Path(settings.HOLDFAST_VAULT) / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    left, foreign = folder / f".olvm-engine-x.backup.age.{run.ref}.part", folder / "notes.part"
    left.write_bytes(b"half")
    foreign.write_bytes(b"not ours")
    services.abort(run.pk, "anna", "enough")
    assert finish(run).status == "aborted"
    stand.take()
    assert (left.exists(), foreign.exists()) == (False, True)


@pytest.mark.matrix
def test_connections_to_the_database_cut_all_along(stand):  # noqa: F811
    """As PostgreSQL's restart does it, at every step."""
    run = take.start(stand.policy, "anna")
    for position in range(1, run.steps.count() + 1):
        with worker(run.pk):
            wait_for(lambda position=position: run.steps.get(position=position).state != "waiting", 60)
            with connection.cursor() as cursor:
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
    run = finish(run)
    assert (run.status, stand.newest().status) == ("succeeded", "DONE"), run.sentence
    assert len(stand.calls()) == 2
    assert verify_chain().intact
    stand.clean()


def test_a_worker_killed_while_it_rehearses_leaves_no_server(stand, settings):  # noqa: F811
    stand.take()
    backup = stand.newest()
    run = prove.rehearse(backup, "anna")
    scratch = Path(settings.HOLDFAST_SCRATCH)
    with worker(run.pk) as one:
        wait_for(lambda: list(scratch.glob("rehearsal-*/data/postmaster.pid")), 60)
        one.kill()
    wait_for(lambda: not orphans(scratch), 20)
    run = finish(run)
    backup.refresh_from_db()
    assert (run.status, backup.proof) == ("succeeded", "proven"), run.sentence
    assert backup.rehearsals.count() == 1
    assert list(scratch.iterdir()) == []


@pytest.mark.matrix
def test_a_worker_killed_while_it_copies_goes_on_with_what_is_there(stand, tmp_path):  # noqa: F811
    stand.take()
    folder = tmp_path / "dr"
    folder.mkdir()
    mark(folder)
    place = Destination.objects.create(
        name="DR", site=stand.engine.site, kind=Destination.Kind.DIRECTORY, path=str(folder)
    )
    run = copies.push(stand.newest(), place, "anna")
    with worker(run.pk) as one:
        wait_for(
            lambda: any(path.stat().st_size for path in folder.glob(".*.partial")) or any(folder.glob("*.age")), 60
        )
        one.kill()
    run = finish(run)
    copy = Copy.objects.get(destination=place)
    assert (run.status, copy.state) == ("succeeded", "held"), run.sentence
    assert sorted(path.name for path in folder.iterdir()) == [".holdfast-store", copy.name]


@pytest.mark.matrix
def test_a_place_that_is_not_mounted_says_so(stand, tmp_path):  # noqa: F811
    stand.take()
    place = Destination.objects.create(
        name="DR", site=stand.engine.site, kind=Destination.Kind.DIRECTORY, path=str(tmp_path / "unmounted")
    )
    run = finish(copies.push(stand.newest(), place, "anna"))
    copy = Copy.objects.get(destination=place)
    assert (run.status, copy.state, copy.failures) == ("failed", "failed", 1)
    assert copy.sentence in run.sentence
