"""The engine VM's PostgreSQL: a real, private cluster on a Unix socket, made and started when it is first asked for.

It runs as an account of its own when the lab is root's (PostgreSQL refuses root). facts/engine-backup.md 9."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from lab.backup import filling
from lab.world import World

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
OWNERS = {"ENGINE": "engine", "DWH": "ovirt_engine_history", "KEYCLOAK": "ovirt_engine_keycloak"}  # also the databases
SOCKET = ".s.PGSQL.5432"
_PATH_LIMIT = 80  # of the socket's folder; sun_path holds 108 bytes
_PR_SET_PDEATHSIG = 1
_HBA = "local all postgres trust\nlocal all all scram-sha-256\n"
_LIBC = ctypes.CDLL(None, use_errno=True)


def programs() -> Path | None:
    """The folder of the newest PostgreSQL whose server is on this machine."""
    found = [path for place in PLACES for path in Path("/").glob(place[1:]) if (path / "initdb").exists()]
    on_path = shutil.which("initdb")
    found += [Path(on_path).resolve().parent] if on_path else []
    return max(found, key=_number, default=None)


def _number(folder: Path) -> int:
    digits = "".join(letter for letter in folder.parent.name if letter.isdigit())
    return int(digits or 0)


@dataclass
class Cluster:
    """One lab's PostgreSQL. passwords: kind -> password of the database's owner. told: gets (event code, message) of
    every engine-backup event that the database records. children: processes that nobody else may collect."""

    world: World
    state_dir: Path
    mib: int
    told: Callable[[int, str], None]
    children: set[int]
    passwords: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    _server: asyncio.subprocess.Process | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _listener: asyncio.Task[None] | None = None
    _locker: psycopg.Connection[Any] | None = None

    def load_passwords(self) -> None:
        """The owners' passwords, kept in the state folder: the VM's configuration has them too."""
        path = self.state_dir / "postgres.json"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(json.dumps({kind: secrets.token_urlsafe(15) for kind in OWNERS}), "utf-8")
        self.passwords = json.loads(path.read_text("utf-8"))

    @property
    def socket(self) -> Path:
        """Where it listens. It may not do so yet."""
        if self.folder is None:
            self.folder = self._choose()
        return self.folder / SOCKET

    def url(self, base: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """A connection string for psycopg."""
        secret = f" password={password}" if password else ""
        return f"host={self.socket.parent} port=5432 dbname={base} user={user}{secret}"

    async def ready(self) -> None:
        """Returns when it answers. Raises RuntimeError when it cannot be made or started."""
        async with self._lock:
            if self._server is not None and self._server.returncode is None:
                return
            await self._start()

    async def _start(self) -> None:
        place = programs()
        if place is None:
            raise RuntimeError("The lab's engine VM needs PostgreSQL's server programs and finds none. Install them.")
        data = self.socket.parent / "data"
        stamp = self._stamp()
        kept = data.parent / "stamp"
        fresh = not kept.exists() or kept.read_text("utf-8") != stamp
        if fresh:
            await asyncio.to_thread(shutil.rmtree, data, True)
            await self._make(place, data)
        self._server = await self._run(
            [str(place / "postgres"), "-D", str(data), "-k", str(data.parent), "-p", "5432", *_SETTINGS], tied=True
        )
        await asyncio.to_thread(self._wait)
        if fresh:
            await asyncio.to_thread(self._fill)
            kept.write_text(stamp, "utf-8")
        self._listener = asyncio.create_task(self._listen())

    async def _make(self, place: Path, data: Path) -> None:
        words = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        made = await self._run([str(place / "initdb"), *words])
        if await made.wait() != 0:
            raise RuntimeError(f"initdb of the lab's engine VM failed; its words are in {data.parent / 'server.log'}.")
        (data / "pg_hba.conf").write_text(_HBA, "utf-8")

    async def _run(self, argv: Sequence[str], tied: bool = False) -> asyncio.subprocess.Process:
        """A program of PostgreSQL as the cluster's account. tied: it ends with the lab, whatever ends the lab."""
        owner = _account()
        rights: dict[str, Any] = {} if owner is None else {"user": owner[0], "group": owner[1], "extra_groups": []}
        with (self.socket.parent / "server.log").open("ab") as log:
            made = await asyncio.create_subprocess_exec(
                *argv,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_the_lab if tied else None,
                **rights,
            )
        self.children.add(made.pid)
        return made

    def _wait(self) -> None:
        last = ""
        for _ in range(200):
            if self._server is None or self._server.returncode is not None:
                break
            try:
                psycopg.connect(self.url()).close()
                return
            except psycopg.OperationalError as error:
                last = str(error)
                time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL of the lab's engine VM does not start: {last.strip()}")

    def _fill(self) -> None:
        with psycopg.connect(self.url(), autocommit=True) as admin:
            for kind, name in OWNERS.items():
                admin.execute(f"create role {name} login password '{self.passwords[kind]}'")
                admin.execute(f"create database {name} owner {name} template template0")
        fills = {
            "ENGINE": lambda link: filling.fill_engine(link, self.world),
            "DWH": lambda link: filling.fill_dwh(link, self.world, self.mib),
            "KEYCLOAK": filling.fill_keycloak,
        }
        for kind, fill in fills.items():
            with self.connect(kind) as link:
                fill(link)

    def connect(self, kind: str) -> psycopg.Connection[Any]:
        """A connection to one of the databases as its owner, each statement a transaction."""
        name = OWNERS[kind]
        return psycopg.connect(self.url(name, name, self.passwords[kind]), autocommit=True)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.url("engine"), autocommit=True) as link:
            await link.execute("listen engine_backup")
            async for word in link.notifies():
                code, message = json.loads(word.payload)
                self.told(code, message)

    def hold_lock(self, held: bool) -> None:
        """Takes the table vds_static for itself, or lets it go: a dump of the engine waits meanwhile."""
        if held and self._locker is None:
            self._locker = psycopg.connect(self.url("engine"))
            self._locker.execute("lock table vds_static in access exclusive mode")
        elif not held and self._locker is not None:
            self._locker.close()
            self._locker = None

    @property
    def running(self) -> bool:
        """True once it was started."""
        return self._server is not None and self._server.returncode is None

    async def stop(self) -> None:
        """Ends it; a folder outside of the lab's own is removed."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        if self._server is not None and self._server.returncode is None:
            self._server.send_signal(signal.SIGINT)  # fast shutdown
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait(), 10)
        if self.folder is not None and self.folder.parent != self.state_dir:
            await asyncio.to_thread(shutil.rmtree, self.folder, True)

    def _stamp(self) -> str:
        """What the databases are made of: another estate, size or schema needs new ones."""
        parts = [str(len(self.world.hosts)), str(len(self.world.vms)), str(len(self.world.luns)), str(self.mib)]
        parts += [filling.SCHEMA.read_text("utf-8"), json.dumps(self.passwords)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _choose(self) -> Path:
        """The state folder, unless the cluster's account cannot get there or the path is too long for a socket."""
        folder = self.state_dir / "postgres"
        owner = _account()
        if len(str(folder)) > _PATH_LIMIT or (owner is not None and not _reachable(self.state_dir)):
            folder = Path(tempfile.mkdtemp(prefix="labpg"))
        folder.mkdir(mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(folder, *owner)
        return folder


_SETTINGS = [
    part
    for setting in (
        "listen_addresses=", "unix_socket_permissions=0777", "fsync=off", "full_page_writes=off", "max_connections=40",
        "shared_buffers=32MB", "autovacuum=off", "log_min_messages=warning",
    )
    for part in ("-c", setting)
]  # fmt: skip


def _account() -> tuple[int, int] | None:
    """Whose the cluster is: None for the lab's own account, which is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return found.pw_uid, found.pw_gid
    return None


def _reachable(folder: Path) -> bool:
    """True when everybody may pass through all folders down to this one."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _die_with_the_lab() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
