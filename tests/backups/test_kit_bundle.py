"""The bundle: the same bytes each time, nothing secret in it, and checkable without the portal."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backups.kit.bundle import Signer, bundle, file_name, from_json, to_json
from backups.kit.content import ConfFile
from backups.kit.page import page
from backups.services.kit_page import index_html
from portal.evidence.signing import key_id, public_pem
from tests.backups import kit_scenes as scenes

VERIFIER = Path(__file__).resolve().parents[2] / "deploy" / "holdfast_verify.py"
KEY = Ed25519PrivateKey.generate()
SIGNER = Signer(key_id(KEY), KEY.sign)


def made(kit, signer=SIGNER):
    return bundle(kit, index_html(page(kit, scenes.NOW, key=signer.key if signer else "")), signer)


def opened(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as kit:
        return {name: kit.read(name) for name in kit.namelist()}


def packed(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as kit:
        for name, content in files.items():
            kit.writestr(name, content)
    return target.getvalue()


def verified(tmp_path, raw, key=KEY):
    kit, pem = tmp_path / "kit.zip", tmp_path / "key.pem"
    kit.write_bytes(raw)
    pem.write_text(public_pem(key))
    done = subprocess.run([sys.executable, "-I", VERIFIER, kit, pem], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_kit_goes_to_json_and_back():
    for kit in (scenes.full(), scenes.empty(), scenes.drifted()):
        assert from_json(to_json(kit)) == kit


def test_another_versions_kit_is_refused():
    old = json.loads(to_json(scenes.full()))
    del old["vms"]
    with pytest.raises(KeyError):
        from_json(json.dumps(old).encode())


def test_the_same_kit_is_the_same_bytes():
    assert made(scenes.full()) == made(scenes.full())
    assert made(scenes.full()) != made(replace(scenes.full(), made=scenes.NOW + 60))


def test_it_holds_what_the_day_needs():
    files = opened(made(scenes.full()))
    assert sorted(files) == [
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "VERIFY.txt",
        "hosts/1-kvm01/answers.conf",
        "hosts/1-kvm01/answers/1-answers-20250312091544.conf",
        "hosts/1-kvm01/hosted-engine.conf",
        "hosts/2-kvm02/hosted-engine.conf",
        "index.html",
        "kit.json",
        "runbook.txt",
    ]
    assert b"OVEHOSTED_VM/vmMACAddr=str:00:16:3e:23:18:fd" in files["hosts/1-kvm01/answers.conf"]


def test_no_password_is_in_it():
    raw = made(scenes.drifted())
    for secret in (b"Tr0ub4dor", b"correct horse", b"s3cr3t"):
        assert secret not in raw
    assert raw.count(b"adminPassword=str:***") >= 2


def test_a_file_that_an_older_version_kept_unmasked_is_masked_now():
    kit = scenes.full()
    host = replace(kit.hosts[0], he_conf=ConfFile("/x/hosted-engine.conf", "password=old one\n", "0" * 64))
    assert opened(made(replace(kit, hosts=(host,))))["hosts/1-kvm01/hosted-engine.conf"] == b"password=***\n"


@pytest.mark.parametrize("secret", ["-----BEGIN OPENSSH PRIVATE KEY-----", "AGE-SECRET-KEY-1QQQQ"])
def test_a_kit_with_a_private_key_is_not_made(secret):
    kit = replace(scenes.full(), engine=replace(scenes.full().engine, root_custody=secret))
    with pytest.raises(ValueError, match="private key"):
        made(kit)


def test_an_auditor_checks_it_with_the_file_and_the_key(tmp_path):
    code, told = verified(tmp_path, made(scenes.full()))
    assert (code, told) == (0, f"8 files are intact, signed by {SIGNER.key}.\n")


def test_the_systems_own_tools_check_it_too(tmp_path):
    with zipfile.ZipFile(io.BytesIO(made(scenes.full()))) as kit:
        kit.extractall(tmp_path)
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout.count(b": OK") == 8
    if not shutil.which("openssl"):
        pytest.skip("no openssl here")
    (tmp_path / "key.pem").write_text(public_pem(KEY))
    line = "pkeyutl -verify -pubin -inkey key.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig"
    assert line.replace("key.pem", "PUBLIC_KEY.pem") in (tmp_path / "VERIFY.txt").read_text()
    done = subprocess.run(["openssl", *line.split()], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda files: files.update({"runbook.txt": b"rm -rf /\n"}), "runbook.txt has been altered."),
        (lambda files: files.update({"extra.html": b""}), "extra.html does not belong to the kit."),
        (lambda files: files.pop("kit.json"), "kit.json is missing."),
        (lambda files: files.update({"SHA256SUMS.sig": bytes(64)}), "The signature is by none of the keys"),
    ],
)
def test_a_changed_kit_is_found(tmp_path, spoil, told):
    files = opened(made(scenes.full()))
    spoil(files)
    code, said = verified(tmp_path, packed(files))
    assert code == 1
    assert told in said


def test_hashes_made_to_fit_do_not_help_the_forger(tmp_path):
    forged = opened(made(scenes.drifted(), None))
    forged["SHA256SUMS.sig"] = opened(made(scenes.full()))["SHA256SUMS.sig"]
    code, told = verified(tmp_path, packed(forged))
    assert (code, told) == (1, "The signature is by none of the keys given, or what it signs has been altered.\n")


def test_another_key_does_not_vouch(tmp_path):
    assert verified(tmp_path, made(scenes.full()), Ed25519PrivateKey.generate())[0] == 1


def test_an_unsigned_kit_proves_nothing(tmp_path):
    raw = made(scenes.full(), None)
    assert b"not signed" in opened(raw)["VERIFY.txt"]
    code, told = verified(tmp_path, raw)
    assert code == 3
    assert "proves nothing" in told


def test_what_is_no_kit_is_unreadable(tmp_path):
    files = opened(made(scenes.full()))
    bad = io.BytesIO()
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as kit:
        kit.writestr("SHA256SUMS", b"x" * 1000)
    assert verified(tmp_path, bad.getvalue())[0] == 2
    assert verified(tmp_path, packed({"SHA256SUMS": b"no list\n"}))[0] == 2
    assert verified(tmp_path, packed(files)[:-30])[0] == 2


def test_names_of_files_are_plain():
    kit = replace(scenes.full(), estate="../../Bank & Söhne", hosts=(replace(scenes.full().hosts[0], name="../x/\0y"),))
    assert file_name(kit) == "holdfast-kit-Bank-S-hne-20261122T071411Z.zip"
    assert all(".." not in name for name in opened(made(kit)))
    assert "hosts/1-x-y/answers.conf" in opened(made(kit))
    assert file_name(replace(kit, estate="..")) == "holdfast-kit-unnamed-20261122T071411Z.zip"
