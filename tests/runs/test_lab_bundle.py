"""The support bundle from a host of the lab, with a worker killed in the middle: the lab's ledger says once."""

from __future__ import annotations

import tarfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from inventory.models import Engine, Host, Site
from portal.kernel.secret import Secret
from portal.runs import ports, services
from portal.runs.models import Run
from tests.fixtures_gate import wait_for, worker
from tests.fixtures_lab import RunningLab, make_key
from tests.fixtures_runs import drive, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    running = RunningLab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture
def kvm01(lab, settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 2
    ports._shell.cache_clear()
    known = lab.estate["hosts"][0]
    path = make_key(lab.folder)
    engine = Engine.objects.create(
        site=Site.objects.create(name="Production"),
        name="engine",
        url="https://127.0.0.1/ovirt-engine/api",
        username="admin@internal",
        password=Secret("not-used"),
        ssh_private_key=Secret(path.read_text()),
        ssh_public_key=path.with_suffix(".pub").read_text(),
    )
    yield Host.objects.create(
        engine=engine,
        uuid="1",
        name=known["name"],
        address=known["address"],
        ssh_port=known["ssh_port"],
        pinned_key=known["host_key"],
    )
    ports._shell.cache_clear()


def test_a_bundle_of_a_lab_host_and_a_killed_worker(lab, kvm01, settings):
    rows = lab.http("GET", "/ledger")
    before = rows[-1]["n"] if rows else 0
    run = services.start("support_bundle", {"log_lines": 200}, f"host:{kvm01.pk}", "anna")
    with worker(run.pk) as first:
        wait_for(lambda: run.steps.get(position=2).phase in ("acting", "settling"), 20)
        first.kill()
    Run.objects.filter(pk=run.pk).update(lease_expires=Now() - timedelta(seconds=1))
    drive(run, 3)
    assert (run.status, states(run)) == ("succeeded", ["done"] * 4), run.sentence
    executed = Counter(tuple(row["argv"]) for row in lab.http("GET", f"/ledger?since={before}"))
    gathered = {
        argv: count for argv, count in executed.items() if argv[0] in ("hosted-engine", "multipath", "systemctl")
    }
    assert gathered
    assert set(gathered.values()) == {1}, gathered
    with tarfile.open(Path(settings.HOLDFAST_VAULT) / str(run.ref) / "bundle.tar.gz") as tar:
        status = tar.extractfile("./vm-status.txt").read().decode()
    assert "--== Host kvm01.bank.example (id: 1) status ==--" in status
