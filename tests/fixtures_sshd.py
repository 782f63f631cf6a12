"""A real sshd on loopback, as the current user, with keys and configuration of its own; ended by its pid."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portal.connectors.ssh import Address, Pool, new_key
from portal.kernel.secret import Secret

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
SFTP = next((p for p in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server") if Path(p).exists()), "")


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _sshd_children(pid: int) -> list[int]:
    """The children of a process that are sshd's themselves, not the commands that a session runs."""
    found = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().startswith("sshd"):
                found.append(int(child))
    return found


@dataclass
class Sshd:
    """One server. `lines` are public key lines by type."""

    folder: Path
    host: str
    port: int
    lines: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", str(self.folder / "config"), "-E", str(self.folder / "log")],
            stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"sshd did not start: {self.log()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def sessions(self) -> list[int]:
        """pids of the per-connection processes."""
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def cut_sessions(self) -> None:
        """Kills every open connection on the server's side; the listener stays. Of an ordinary account's session two
        processes hold the connection, of root's one."""
        pids = self.sessions()
        for pid in [*pids, *(child for one in pids for child in _sshd_children(one))]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def address(self, kind: str = "ssh-ed25519", **changes: object) -> Address:
        values = {
            "name": "kvm01",
            "host": self.host,
            "port": self.port,
            "user": getpass.getuser(),
            "host_key": self.lines[kind],
        }
        return Address(**(values | changes))  # type: ignore[arg-type]


def make_sshd(
    folder: Path, authorized: str, kinds: tuple[str, ...] = ("ed25519",), host: str = "127.0.0.1", extra: str = ""
) -> Sshd:
    """Writes keys and configuration and starts the server."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {}
    for kind in kinds:
        path = folder / f"host_{kind}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)], check=True)
        line = path.with_suffix(".pub").read_text().strip()
        lines[line.split()[0]] = line
    (folder / "authorized").write_text(authorized + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port(host)
    (folder / "config").write_text(
        "\n".join(
            [
                f"ListenAddress {host}:{port}",
                *(f"HostKey {folder}/host_{kind}" for kind in kinds),
                f"AuthorizedKeysFile {folder}/authorized",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
                "MaxStartups 500",
                f"SetEnv HOME={folder}",  # no dotfiles of whoever runs the tests
                *([f"Subsystem sftp {SFTP}"] if SFTP else []),
                extra,
                "",
            ]
        )
    )
    server = Sshd(folder, host, port, lines)
    server.start()
    return server


@pytest.fixture(scope="session")
def user_key() -> tuple[Secret, str]:
    return new_key()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory, user_key):
    """One server with a key of every type, shared by a module."""
    server = make_sshd(tmp_path_factory.mktemp("sshd"), user_key[1], ("ed25519", "ecdsa", "rsa"))
    yield server
    server.stop()


@pytest.fixture
def pool(user_key):
    made = Pool(user_key[0])
    yield made
    made.close()
