"""The lab's engine VM for tests: a link to it, runs of engine-backup, and the archive in a folder of the test."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import paramiko

from tests.fixtures_lab import RunningLab, sh

BACKUPS, LOGS = "/var/lib/ovirt-engine-backup", "/var/log/ovirt-engine-backup"


def connect(lab: RunningLab, timeout: float = 5.0) -> paramiko.SSHClient:
    """Logged in as root, the host key pinned to what estate.json says."""
    known = lab.estate["engine_vm"]
    kind, blob = known["host_key"].split()
    client = paramiko.SSHClient()
    name = f"[{known['address']}]:{known['ssh_port']}"
    client.get_host_keys().add(name, kind, paramiko.Ed25519Key(data=base64.b64decode(blob)))
    client.connect(
        known["address"], known["ssh_port"], "root", pkey=lab.key, timeout=timeout, banner_timeout=timeout,
        auth_timeout=timeout, allow_agent=False, look_for_keys=False,
    )  # fmt: skip
    return client


def engine_backup(
    client: paramiko.SSHClient, name: str, mode: str = "backup", more: str = ""
) -> tuple[int, list[str], list[str], str]:
    """One run on BACKUPS/name.backup: exit code, lines of stdout and stderr, log (of this run only)."""
    log = f"{LOGS}/{name}-{mode}.log"
    words = f"--mode={mode} --file={BACKUPS}/{name}.backup --log={log} {more}"
    code, out, err = sh(client, f"rm -f {log}; engine-backup {words}", 30)
    return code, out.decode().splitlines(), err.decode().splitlines(), sh(client, f"cat {log}")[1].decode()


def fetch(client: paramiko.SSHClient, name: str, folder: Path) -> Path:
    """The archive over SFTP."""
    target = folder / f"{name}.backup"
    with client.open_sftp() as files:
        files.get(f"{BACKUPS}/{name}.backup", str(target))
    return target


def left(lab: RunningLab) -> list[str]:
    """What lies in the VM's temporary folders."""
    return [row["path"] for place in ("/tmp", "/var/tmp") for row in lab.http("GET", f"/engine-vm/files?under={place}")]


def counted(lab: RunningLab, *names: str) -> int:
    """How many of the VM's processes have these names."""
    count = lab.http("GET", "/engine-vm")["count"]
    return sum(count.get(name, 0) for name in names)


def eventually(true: Any, seconds: float = 20.0) -> None:
    """Waits for what takes a moment; fails after a while."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not become true"
        time.sleep(0.05)
