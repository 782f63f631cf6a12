"""A private PostgreSQL server for one rehearsal: no address, no rights, bounded, gone afterwards.

It runs as nobody when the portal is root, listens on one socket in a folder of 0700, lives in name spaces of its own
where the kernel allows that, and is watched by scratch_keeper.py, which ends it when the portal dies, at its deadline
and at its bounds of disk. facts/engine-backup.md 0.9: never on an engine machine, never with engine-backup itself."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import psycopg
from psycopg import sql

from portal.connectors import scratch_keeper
from portal.connectors.pg_restore import NOBODY
from portal.connectors.scratch_folder import Folder, ScratchFailed
from portal.connectors.scratch_programs import Programs, find

SUPERUSER = "holdfast_scratch"
ENGINE = Path("/etc/ovirt-engine/engine.conf.d")  # only an engine has it
_MIB = 1024 * 1024
_GIB = 1024 * _MIB
# What may be lost at any time need not be written twice, and nothing may grow with the dump but the tables.
_OPTIONS = {
    "listen_addresses": "", "unix_socket_permissions": "0700", "fsync": "off", "synchronous_commit": "off",
    "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "512MB",
    "checkpoint_timeout": "1h", "autovacuum": "off", "shared_buffers": "16MB", "maintenance_work_mem": "16MB",
    "max_connections": "20", "max_locks_per_transaction": "2048", "max_worker_processes": "0",
    "max_parallel_workers": "0", "max_prepared_transactions": "0", "dynamic_shared_memory_type": "mmap",
    "log_min_error_statement": "panic", "log_error_verbosity": "terse", "jit": "off", "track_activities": "off",
    "track_counts": "off", "archive_mode": "off", "password_encryption": "scram-sha-256",
}  # fmt: skip
_WHY = {
    "deadline": "The scratch server reached its time limit. Raise the limit, or look for what hangs in the dump.",
    "disk": "The scratch server reached its limit of disk space. Raise the limit.",
    "spare": "The disk of the scratch server has less free space than must remain. Make room.",
}


@dataclass(frozen=True)
class Bounds:
    """How far one rehearsal may go: seconds in all; bytes on disk; bytes that must stay free on that disk; bytes of
    address space for each process of the server."""

    seconds: float = 4 * 3600.0
    disk: int = 256 * _GIB
    spare: int = 2 * _GIB
    memory: int = 4 * _GIB


class Scratch:
    """One server, from `with` to its end. `base` is a folder that only scratch servers use. share: no name spaces, as
    on a kernel that refuses them."""

    def __init__(self, base: Path, bounds: Bounds | None = None, programs: Programs | None = None, *,
                 share: bool = False) -> None:  # fmt: skip
        self._base, self.bounds, self._share = base, bounds or Bounds(), share
        self._found = programs
        self._password = secrets.token_hex(32)
        self._account = NOBODY if os.geteuid() == 0 else None
        self._folder: Folder | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._said = threading.Condition()
        self._ready = False
        self._ended = ""
        self.isolated = False

    @property
    def programs(self) -> Programs:
        """The programs that serve. Raises ScratchFailed when there are none."""
        self._found = self._found or find()
        if self._found is None:
            raise ScratchFailed("No PostgreSQL server programs are on this machine. Install postgresql-server.")
        return self._found

    @property
    def folder(self) -> Path:
        """The socket's folder; only while it runs."""
        if self._folder is None:
            raise ScratchFailed("The scratch server does not run.")
        return self._folder.path

    def __enter__(self) -> Scratch:
        """Begins to start; `wait` says when it serves. Raises ScratchFailed."""
        if ENGINE.exists():
            raise ScratchFailed(
                "This machine is an engine; no backup is rehearsed on one. Rehearse on the portal's own."
            )
        programs = self.programs
        self._folder = Folder(self._base, self._account)
        try:
            self._start(programs, self._folder)
        except OSError as error:
            self.close()
            raise ScratchFailed(f"The scratch server does not start: {error.strerror}.") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _start(self, programs: Programs, folder: Folder) -> None:
        rules = folder.path / "hba"
        rules.write_text(f"local all {SUPERUSER} scram-sha-256\nlocal all all trust\n")
        rules.chmod(0o644)
        order = {
            "bin": str(programs.folder), "folder": str(folder.path), "log": str(folder.log), "uid": self._account,
            "superuser": SUPERUSER, "password": self._password, "share": self._share, "seconds": self.bounds.seconds,
            "disk": self.bounds.disk, "spare": self.bounds.spare, "memory": self.bounds.memory,
            "options": _OPTIONS | {"unix_socket_directories": str(folder.path), "hba_file": str(rules)},
        }  # fmt: skip
        with folder.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", scratch_keeper.__file__],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"}, pass_fds=(folder.lock,), start_new_session=True,
            )  # fmt: skip
        lifeline = cast(IO[bytes], self._keeper.stdin)
        lifeline.write(json.dumps(order).encode() + b"\n")
        lifeline.flush()
        threading.Thread(target=self._listen, args=(self._keeper.stdout,), daemon=True).start()

    def _listen(self, lines: IO[bytes]) -> None:
        """Hears the keeper until its end."""
        for line in lines:
            self._hear(json.loads(line))
        self._hear({"ended": self._ended or "the keeper ended"})

    def _hear(self, words: dict[str, Any]) -> None:
        with self._said:
            self.isolated = words.get("isolated", self.isolated)
            self._ready = self._ready or "ready" in words
            self._ended = words.get("ended", self._ended)
            self._said.notify_all()

    def described(self) -> str:
        """How it ran, as the end of a sentence."""
        account = "nobody" if self._account else "the portal's own account"
        space = "in name spaces of its own" if self.isolated else "in the machine's name spaces, since it has no others"
        return f"as {account}, {space}, without a network address"

    def wait(self) -> None:
        """Returns when the server serves. Raises ScratchFailed when it will not."""
        with self._said:
            self._said.wait_for(lambda: self._ready or self._ended)
        if why := self.ended():
            raise ScratchFailed(why)

    def ended(self) -> str:
        """Why the server runs no more, in a sentence with what to do; "" while it does."""
        if not self._ended:
            return ""
        if self._ended in _WHY:
            return _WHY[self._ended]
        words = self._folder.last_words() if self._folder else ""
        return f"The scratch server ended by itself ({words or self._ended}). Rehearse once more; look at its limits."

    def settled(self, seconds: float) -> str:
        """`ended`, after a moment in which the keeper may notice that it has."""
        with self._said:
            self._said.wait_for(lambda: bool(self._ended), seconds)
        return self.ended()

    def make(self, database: str) -> None:
        """A database with an owner of the same name, who is no superuser and may enter no other database."""
        name = sql.Identifier(database)
        with self._superuser("postgres") as session:
            for statement in (
                "create role {} login nosuperuser nocreatedb nocreaterole noreplication",
                "alter role {} set client_min_messages = warning",
                "create database {} owner {} template template0 encoding 'UTF8'",
                "revoke all on database {} from public",
            ):
                session.execute(sql.SQL(statement).format(*[name] * statement.count("{}")))

    def extend(self, database: str, extensions: Iterable[str]) -> None:
        """Extensions, made by the superuser and given to the owner together with the schema public, so that the dump's
        own words about them hold. Raises psycopg.Error when one is not there."""
        with self._superuser(database) as session:
            for extension in extensions:
                word = sql.Identifier(extension)
                session.execute(sql.SQL("create extension if not exists {} schema public").format(word))
            session.execute(sql.SQL("alter schema public owner to {}").format(sql.Identifier(database)))
            given = "update pg_catalog.pg_extension set extowner = {}::regrole"
            session.execute(sql.SQL(given).format(sql.Literal(f'"{database}"')))

    def _superuser(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=str(self.folder), user=SUPERUSER, password=self._password, dbname=database, autocommit=True
        )

    def connect(self, database: str, *, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
        """A session of the database's owner, whose names are PostgreSQL's own whatever the dump has set."""
        return psycopg.connect(
            host=str(self.folder), user=database, dbname=database, autocommit=autocommit, prepare_threshold=None,
            options="-c search_path=pg_catalog -c timezone=UTC",
        )  # fmt: skip

    def close(self) -> None:
        """Ends the server and removes its folder."""
        keeper, self._keeper = self._keeper, None
        if keeper:
            _let_go(keeper)
        folder, self._folder = self._folder, None
        if folder:
            folder.remove()


def _let_go(keeper: subprocess.Popen[bytes]) -> None:
    """The lifeline's end. A keeper that does not end is ended, and the kernel ends the rest."""
    with suppress(OSError):
        cast(IO[bytes], keeper.stdin).close()
    try:
        keeper.wait(15)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
