"""The recovery-day kit of the lab's estate: collected, kept, signed, and verified with nothing but the file."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import transaction

from backups.kit.readiness import lines
from backups.models import Backup, Kit
from backups.services import kit, kit_vault, prove, things
from backups.works import collecting
from inventory.models import Host
from portal.evidence import signing
from portal.evidence.models import Record
from tests.fixtures_backup_lab import backup_lab, finish, stand  # noqa: F401
from tests.fixtures_gate import wait_for, worker
from tests.fixtures_runs import states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]
VERIFY = Path(__file__).resolve().parents[2] / "deploy" / "holdfast_verify.py"


@pytest.fixture
def key(settings):
    made = Ed25519PrivateKey.generate()
    settings.HOLDFAST_EVIDENCE_KEY = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return made


@pytest.fixture
def estate(stand):  # noqa: F811
    """The stand with its hosts in the portal's tables, their keys pinned."""
    things.fresh(stand.engine)
    assert Host.objects.filter(engine=stand.engine).exclude(pinned_key="").count() == 2
    return stand


@dataclass
class Again:
    """What a worker that took the run over gives to the work."""

    parameters: dict

    def writing(self):
        return transaction.atomic()


def collect(engine):
    return finish(kit.start(engine, "anna"))


def content(engine):
    return kit.content(kit.newest(engine))


def readiness(engine):
    """Lines by key."""
    row = kit.newest(engine)
    return {line.key: line for line in lines(kit.content(row), int(row.at.timestamp()))}


def test_a_kit_is_collected_signed_and_verified_without_the_portal(estate, key, tmp_path):
    run = collect(estate.engine)
    assert (run.status, states(run)) == ("succeeded", ["done"]), run.sentence
    row = kit.newest(estate.engine)
    made = kit.content(row)
    assert [host.name for host in made.hosts] == ["kvm01", "kvm02"]
    assert all(host.he_conf and host.answers and host.source.at for host in made.hosts)
    assert (made.engine.fqdn, made.engine.version) == ("engine.bank.example", "4.5.5-1.73.el8")
    assert len(made.storage.domains) == 2
    assert [domain.name for domain in made.storage.domains if domain.engine] == ["hosted_storage"]
    file = kit_vault.folder(estate.engine) / row.bundle
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [row.bundle]
    assert verified(file, key, tmp_path) == 0
    record = Record.objects.get(kind="kit.collected")
    assert record.body["sha256"] == row.sha256
    assert record.body["not_answered"] == []


def verified(file, key, folder):
    """The auditor's program, as a process of its own, with the file and the public key alone."""
    (folder / "kit.zip").write_bytes(file.read_bytes())
    (folder / "key.pem").write_text(signing.public_pem(key))
    words = [sys.executable, "-I", str(VERIFY), "kit.zip", "key.pem"]
    return subprocess.run(words, cwd=folder, env={}, capture_output=True, timeout=30, check=False).returncode


@pytest.mark.matrix
def test_what_follows_a_backup_stands_in_the_next_kit(estate, key):
    estate.take()
    backup = estate.newest()
    assert finish(prove.rehearse(backup, "anna")).status == "succeeded"
    assert collect(estate.engine).status == "succeeded"
    made, ready = content(estate.engine), readiness(estate.engine)
    latest = made.archives.latest
    assert (latest.sha256, latest.engine_version, latest.os_version) == (backup.sha256, "4.5.5", "oracle8")
    assert latest.pg_version[:1].isdigit()
    assert [(place.sha256, place.holds) for place in latest.places] == [(backup.copies.get().sha256, True)]
    assert {ready[f"appliance:{name}"].outcome for name in ("kvm01", "kvm02")} == {"ok"}
    assert (ready["delta"].outcome, made.delta.changes) == ("ok", ())
    assert (ready["networks"].outcome, ready["storage"].outcome, ready["vms"].outcome) == ("ok", "ok", "ok")
    kept = Backup.objects.get(pk=backup.pk).things
    missing = next(thing for thing in kept["things"] if thing["kind"] == "vm")
    kept["things"].remove(missing)
    Backup.objects.filter(pk=backup.pk).update(things=kept)
    collect(estate.engine)
    (change,) = content(estate.engine).delta.changes
    assert (change.word, change.kind, change.name) == ("created", "vm", missing["name"])


def test_a_host_that_does_not_answer_is_not_known_and_keeps_its_old_values(estate, key):
    collect(estate.engine)
    before = content(estate.engine)
    estate.fault("hang-ssh", "kvm02")
    run = collect(estate.engine)
    assert run.status == "succeeded", run.sentence
    made, ready = content(estate.engine), readiness(estate.engine)
    one, two = made.hosts
    assert (one.source.missed, one.source.at >= before.hosts[0].source.at) == (None, True)
    assert (two.he_conf, two.source.at) == (before.hosts[1].he_conf, before.hosts[1].source.at)
    assert two.source.missed >= two.source.at
    assert (ready["host:kvm01"].outcome, ready["conf:kvm02"].outcome) == ("fail", "unknown")  # no BMC is declared
    assert "kvm02" in ready["conf:kvm02"].sentence
    assert Record.objects.filter(kind="kit.collected").latest("number").body["not_answered"] == ["kvm02"]


def test_a_host_that_never_answered_is_not_known_with_its_reason(estate, key):
    Host.objects.filter(name="kvm02").update(pinned_key="")
    assert collect(estate.engine).status == "succeeded"
    two, ready = content(estate.engine).hosts[1], readiness(estate.engine)
    assert (two.source.at, two.he_conf, two.address) == (None, None, "127.0.1.2")
    assert {ready[key].outcome for key in ("host:kvm02", "conf:kvm02", "appliance:kvm02")} == {"unknown"}
    assert "kvm02" in two.source.why[0]


def test_an_engine_vm_that_refuses_leaves_what_others_know_of_it(estate, key):
    other = estate.lab.estate["hosts"][0]["host_key"]
    estate.engine.vm_host_key = other
    estate.engine.save()
    assert collect(estate.engine).status == "succeeded"
    made, ready = content(estate.engine), readiness(estate.engine)
    assert made.engine.source.at is None
    assert made.engine.source.why
    assert ready["engine"].outcome == "unknown"
    # answers.conf and the engine's API
    told = (made.engine.fqdn, made.engine.address, made.engine.prefix, made.engine.bridge, made.engine.cluster)
    assert told == (
        "engine.bank.example",
        "10.20.0.10",
        24,
        "ovirtmgmt",
        "Default",
    )  # answers.conf and the engine's API


def test_an_engine_that_answers_nothing_over_its_api(estate, key):
    collect(estate.engine)
    before = content(estate.engine)
    estate.engine.url = "https://127.0.0.1:9/ovirt-engine/api"
    estate.engine.save()
    assert collect(estate.engine).status == "succeeded"
    made, ready = content(estate.engine), readiness(estate.engine)
    assert {ready[key].outcome for key in ("networks", "storage", "vms", "delta")} == {"unknown"}
    assert (made.storage.domains, made.vms.rows, made.networks.rows) == (
        before.storage.domains, before.vms.rows, before.networks.rows,
    )  # fmt: skip
    assert made.storage.source.at == before.storage.source.at
    assert ready["conf:kvm01"].outcome == "ok"


def test_one_collection_of_the_api_that_fails_leaves_the_others(estate, key):
    estate.fault("engine-html-500", "engine", collection="vms")
    assert collect(estate.engine).status == "succeeded"
    ready = readiness(estate.engine)
    assert (ready["vms"].outcome, ready["storage"].outcome, ready["networks"].outcome) == ("unknown", "unknown", "ok")


@pytest.mark.matrix
def test_a_worker_killed_in_the_middle_leaves_one_kit(estate, key):
    run = kit.start(estate.engine, "anna")
    with worker(run.pk) as one:
        wait_for(lambda: run.lines.filter(text__contains="has answered").exists(), 60)
        one.kill()
    folder = kit_vault.folder(estate.engine)
    (folder / "holdfast-kit-olvm-engine-20200101T000000Z.zip").write_bytes(b"renamed, and never committed")
    run = finish(run)
    assert (run.status, Kit.objects.count()) == ("succeeded", 1), run.sentence
    assert [path.name for path in folder.iterdir()] == [Kit.objects.get().bundle]
    assert Record.objects.filter(kind="kit.collected").count() == 1


def test_a_worker_that_comes_after_the_row_adds_nothing(estate, key):
    run = collect(estate.engine)
    row = Kit.objects.get()
    file = kit_vault.folder(estate.engine) / row.bundle
    as_it_was = (file.stat().st_mtime_ns, row.at)

    collecting.work(Again({"run": str(run.ref), "target": run.target}))
    assert (file.stat().st_mtime_ns, Kit.objects.get().at) == as_it_was
