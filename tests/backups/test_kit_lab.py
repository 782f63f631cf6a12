"""The recovery-day kit of the lab's estate: collected, kept, signed, and verified with nothing but the file."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from backups.services import kit, kit_vault, things
from inventory.models import Host
from portal.evidence import signing
from portal.evidence.models import Record
from tests.fixtures_backup_lab import backup_lab, stand  # noqa: F401
from tests.fixtures_runs import drive, states

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


def collect(engine, rounds=6):
    return drive(kit.start(engine, "anna"), rounds)


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
