"""A lab whose engine VM is backed up for real: one per module, with the portal's rows of it."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from backups.models import Backup, Policy
from backups.services import take
from inventory.models import Engine, Site
from portal.kernel.secret import Secret
from portal.runs import ports, runner
from portal.runs.models import Run
from tests.fixtures_lab import RunningLab, make_key


@dataclass
class Stand:
    """lab: the running lab. engine, policy: the portal's rows. ledger: entries of the lab's before the test."""

    lab: RunningLab
    engine: Engine
    policy: Policy
    ledger: int

    def fault(self, name: str, target: str = "", **words: str) -> None:
        """Puts a fault into the lab."""
        self.lab.fault(name, target, **words)

    def take(self, **given: object) -> Run:
        """One backup as the worker takes it."""
        return finish(take.start(self.policy, "anna", **given))

    def calls(self) -> list[list[str]]:
        """How engine-backup was called since the test began."""
        rows = self.lab.http("GET", "/ledger")[self.ledger :]
        return [row["argv"] for row in rows if row["argv"][0].endswith("engine-backup")]

    def files(self) -> list[str]:
        """The paths on the engine VM that a backup could have left."""
        return [row["path"] for row in self.lab.http("GET", "/engine-vm/files")]

    def clean(self) -> None:
        """No partial, no temporary folder with passwords, no process."""
        left = [path for path in self.files() if "partial" in path or ".tmp" in path or "pgpass" in path]
        assert left == [], left
        assert self.lab.http("GET", "/engine-vm")["processes"] == []

    def newest(self) -> Backup:
        """The last entry of the catalog."""
        return Backup.objects.order_by("-pk")[0]


def finish(run: Run, seconds: float = 90) -> Run:
    """Drives a run to its end, whoever had it before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        runner.execute(run.pk)
        run.refresh_from_db()
        if run.status not in Run.ACTIVE:
            return run
        time.sleep(0.1)
    raise AssertionError(f"{run.status}: {[(row.name, row.state, row.sentence) for row in run.steps.all()]}")


@pytest.fixture(scope="module")
def backup_lab(tmp_path_factory):
    running = RunningLab(tmp_path_factory.mktemp("lab"), 50.0, "--quick")
    yield running
    running.stop()


def rows_of(lab: RunningLab) -> tuple[Engine, Policy]:
    """What an engineer enters about the lab's engine, and a policy."""
    known, vm = lab.estate["engine"], lab.estate["engine_vm"]
    path = make_key(lab.folder)
    engine = Engine.objects.create(
        site=Site.objects.create(name="PROD"),
        name="olvm-engine",
        url=known["url"],
        username=known["username"],
        password=Secret(known["password"]),
        ca_pem=known["ca_pem"],
        ssh_private_key=Secret(path.read_text()),
        ssh_public_key=path.with_suffix(".pub").read_text(),
        vm_address=vm["address"],
        vm_port=vm["ssh_port"],
        vm_host_key=vm["host_key"],
    )
    policy = Policy.objects.create(engine=engine, name="daily", decided_to=timezone.now(), min_size=1000)
    return engine, policy


@pytest.fixture
def stand(backup_lab, settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    scratch = Path(tempfile.mkdtemp(prefix="hf-scratch-"))  # another account has to come here
    scratch.chmod(0o711)
    settings.HOLDFAST_SCRATCH = scratch
    settings.HOLDFAST_LEASE = 3
    ports._shell.cache_clear()
    engine, policy = rows_of(backup_lab)
    yield Stand(backup_lab, engine, policy, len(backup_lab.http("GET", "/ledger")))
    backup_lab.http("DELETE", "/faults")
    ports._shell.cache_clear()
    shutil.rmtree(scratch, ignore_errors=True)
