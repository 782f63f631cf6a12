"""`./holdfast test host`: every host probe against a plain OpenSSH server here, which is no multipath host."""

from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.host_look import instances
from inventory.probes import PROBES
from inventory.tuning.facts import Instance
from portal.connectors.ssh import fingerprint
from tests.fixtures_sshd import Sshd

TOP = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.wire


@pytest.fixture
def key(tmp_path, user_key):
    path = tmp_path / "id"
    path.write_text(user_key[0].reveal())
    path.chmod(0o600)
    return path


def run(server: Sshd, key: Path, *words: str) -> subprocess.CompletedProcess[str]:
    target = f"{getpass.getuser()}@{server.host}:{server.port}"
    command = [sys.executable, "-m", "deploy.host_look", "--ssh", target, "--key", str(key), *words]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=100, check=False)


def test_a_plain_machine_is_no_multipath_host_and_that_is_no_failure(sshd, key):
    said = run(sshd, key, "--host-key", sshd.lines["ssh-ed25519"])
    assert (said.returncode, said.stderr) == (0, "")
    if not any(Path(folder, "multipathd").exists() for folder in ("/sbin", "/usr/sbin", "/usr/bin")):
        assert f"{sshd.host} is not a multipath host: it has no multipathd and no multipath map." in said.stdout
        assert "lun_devices (" in said.stdout
    assert "read     host_facts" in said.stdout
    assert "ok       clock: The clock of 127.0.0.1 agrees with the portal's" in said.stdout
    assert "oracle_tuning" in said.stdout
    hosts = {name for name, probe in PROBES.items() if probe.target == "host"}
    assert all(f" {name}" in said.stdout for name in hosts)
    assert "Traceback" not in said.stdout


def test_an_unknown_key_is_shown_and_never_taken(sshd, key, tmp_path):
    mark = fingerprint(sshd.lines["ssh-ed25519"])
    said = run(sshd, key, "--known-hosts", str(tmp_path / "none"))
    assert said.returncode == 1
    assert f"is not known. It shows {mark}" in said.stderr
    assert run(sshd, key, "--fingerprint", mark).returncode == 0
    other = run(sshd, key, "--fingerprint", "SHA256:abc")
    assert (other.returncode, "shows another key" in other.stderr) == (1, True)


def test_known_hosts_pin_the_key(sshd, key, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"[{sshd.host}]:{sshd.port} {sshd.lines['ssh-ed25519']}\n")
    assert run(sshd, key, "--known-hosts", str(known), "--again", "0.1").stdout.count("host_facts") == 2


def test_a_machine_that_does_not_answer_is_told(sshd, key):
    line = sshd.lines["ssh-ed25519"]
    command = [
        sys.executable,
        "-m",
        "deploy.host_look",
        "--ssh",
        "root@127.0.0.1:1",
        "--key",
        str(key),
        "--host-key",
        line,
    ]
    said = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout) == (1, "")
    assert "127.0.0.1" in said.stderr
    bad = [*command[:4], "root@:x", *command[5:]]
    assert subprocess.run(bad, cwd=TOP, capture_output=True, timeout=60, check=False).returncode == 1


def test_sgas_are_named_with_their_size():
    assert instances(["ORCL1=150G", "+ASM=512M"]) == (Instance("ORCL1", 150 * 2**30), Instance("+ASM", 512 * 2**20))
    with pytest.raises(SystemExit, match="NAME=SIZE"):
        instances(["150G"])
