"""What the running lab has beside the world: its folders, its child processes, its open SSH links."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from lab import audit
from lab.backup.cluster import Cluster
from lab.world import ENGINE, Host, World

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PR_SET_CHILD_SUBREAPER = 36
_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes


class Link(Protocol):
    """One accepted TCP connection of a lab host."""

    def silence(self) -> None: ...
    def reset(self) -> None: ...


@dataclass
class Lab:
    """One running lab."""

    world: World
    state_dir: Path
    socket: Path
    cluster: Cluster
    links: dict[str, set[Link]] = field(default_factory=dict)
    children: set[int] = field(default_factory=set)  # processes that the event loop itself waits for
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    settled: frozenset[str] = frozenset()  # the faults of engine-backup that the VM's files agree with

    @property
    def bin(self) -> Path:
        """Where the virtual commands lie, first on every lab host's PATH."""
        return self.state_dir / "bin"

    def home(self, host: Host) -> Path:
        """The host's only real folder: cwd and HOME of its commands, root of its SFTP."""
        return self.vm_root / "root" if host.name == ENGINE else self.state_dir / "hosts" / host.name

    @property
    def vm_root(self) -> Path:
        """Where the engine VM's / lies."""
        return self.state_dir / "engine"

    @property
    def vm_tools(self) -> Path:
        """What the engine VM's processes get of the lab: virtual commands, engine-backup, the library of place.c."""
        return self.state_dir / "engine-tools"

    @property
    def oracle_bin(self) -> Path:
        """The virtual commands of Oracle VMs."""
        return self.state_dir / "oracle-bin"

    def environment(self, host: Host) -> dict[str, str]:
        """What a login shell of root, or of oracle on its VMs, would have, and how a shim finds the lab."""
        own = self._vm_environment() if host.name == ENGINE else {}
        if host.name in self.world.oracle_machines:
            own = {
                "PATH": f"{self.oracle_bin}:{SYSTEM_PATH}",
                "USER": "oracle",
                "LOGNAME": "oracle",
                "LAB_NO_PATTERNS": "1",
            }
        return {
            "PATH": f"{self.bin}:{SYSTEM_PATH}",
            "HOME": str(self.home(host)),
            "USER": "root",
            "LOGNAME": "root",
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "LAB_HOST": host.name,
            "LAB_SOCKET": str(self.socket),
            **own,
        }

    def _vm_environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.vm_tools / 'bin'}:{SYSTEM_PATH}",
            "HOME": "/root",
            "LD_PRELOAD": str(self.vm_tools / "place.so"),
            "LAB_ROOT": str(self.vm_root),
            "LAB_STATE": str(self.state_dir),
            "LAB_POSTGRES": str(self.cluster.socket),
            "LAB_PROGRAM": str(self.vm_tools / "program"),
            "LAB_ENGINE_BACKUP": str(self.vm_tools / "program" / "engine-backup"),
        }


def make(world: World, state_dir: Path, backup_mib: int = 8) -> Lab:
    """The lab's folders; one home per host. Old homes of an earlier lab are kept, as a reboot would keep them.
    backup_mib: about how large an archive of engine-backup becomes."""
    state_dir = state_dir.resolve()
    for host in (*world.hosts.values(), *world.oracle_machines.values()):
        (state_dir / "hosts" / host.name).mkdir(parents=True, exist_ok=True)
    socket = state_dir / "shim.sock"
    if len(str(socket)) > _SOCKET_PATH_LIMIT:
        socket = Path(tempfile.mkdtemp(prefix="lab")) / "shim.sock"
    children: set[int] = set()
    cluster = Cluster(world, state_dir, backup_mib, lambda code, text: _note_backup(world, code, text), children)
    cluster.load_passwords()
    return Lab(world, state_dir, socket, cluster, links={name: set() for name in world.machines}, children=children)


def _note_backup(world: World, code: int, text: str) -> None:
    """engine-backup wrote into the engine's database: the engine shows it (facts/engine-backup.md 2)."""
    audit.record(world, code, "error" if code == 9026 else "normal", text)


def claim(state_dir: Path) -> IO[bytes]:
    """Takes the state folder for this lab until the returned file is closed; RuntimeError when another has it."""
    state_dir.mkdir(parents=True, exist_ok=True)
    file = (state_dir / "lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise RuntimeError(f"another lab uses {state_dir}; end it, or choose another folder with --state-dir") from None
    return file


def adopt_orphans() -> None:
    """Detached processes of lab hosts become children of the lab, so that the lab can end them (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own: set[int], suspect: int) -> int:
    """Collects adopted processes that have ended. One that was not `suspect` at the last call may be the event loop's
    own, which collects it itself: it becomes the suspect of the next call. Returns that suspect, 0 for none."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in own or ended.si_pid != suspect:
                return ended.si_pid
            os.waitpid(ended.si_pid, os.WNOHANG)
    return 0


def processes_of(host: str | None) -> list[int]:
    """Process ids below the lab that belong to a lab host (None: to any), newest last."""
    below = _descendants(os.getpid())
    wanted = b"LAB_HOST=" if host is None else f"LAB_HOST={host}\0".encode()
    return [pid for pid in below if wanted in _environ(pid)]


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    except OSError:
        return b""


def _descendants(top: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = Path(entry.path, "stat").read_text("ascii", "replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = list(children.get(top, ()))
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, ())
    return found


def kill_processes(host: str | None) -> None:
    """Ends every process of a host (None: of all hosts), as loss of power does."""
    for pid in processes_of(host):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def bury() -> None:
    """Ends and collects every process below the lab, also those that appear meanwhile; gives up after two seconds."""
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        kill_processes(None)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not processes_of(None):
            return
        time.sleep(0.02)


def drop_socket(lab: Lab) -> None:
    """Removes the socket, and the temporary folder when it lay in one."""
    lab.socket.unlink(missing_ok=True)
    if lab.socket.parent != lab.state_dir:
        shutil.rmtree(lab.socket.parent, ignore_errors=True)
