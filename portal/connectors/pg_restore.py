"""pg_restore and SQLite's checker as confined children: they read dumps that nobody vouches for.

A child gets one pipe and one word of output: no database, no network address, no environment, no rights of the portal's
user when that is root, no core file, no file larger than its list of contents, and limits of memory, CPU and time.
facts/engine-backup.md 5 (V3): `-f /dev/null` decodes everything, `--list` alone passes over a truncated dump."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TypedDict, cast

from portal.kernel.output import TIMED_OUT, Output

CHUNK = 256 * 1024
_MIB = 1024 * 1024
_PIPE = 1024 * 1024  # so that who reads the archive and who restores it seldom wait for each other
_STDERR = 64 * 1024
NOBODY = 65534
# The file is small (dashboards), so it is checked in the child's own, limited memory and never lies on a disk. What
# SQLite says against it is an answer, not a failure of the checker, so it goes to stdout with exit code 0. Bytes 18 and
# 19 ask for a write-ahead log, which a copy does not have. Python may lie where only root can read, so this child gives
# up root by itself, before it reads anything.
_SQLITE = f"""import json, os, sqlite3, sys
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
held = bytearray(sys.stdin.buffer.read())
held[18:20] = b'\\1\\1'
try:
    db = sqlite3.connect(':memory:')
    db.deserialize(held)
    print(*(row[0] for row in db.execute('pragma integrity_check(5)')), sep='\\n')
except sqlite3.DatabaseError as error:
    print(error)
"""
# Rows of every table, as JSON on the last line, behind the words above.
_COUNTED = (
    _SQLITE
    + """
rows = {}
try:
    for (name,) in list(db.execute("select name from sqlite_master where type = 'table'")):
        quoted = name.replace('"', '""')
        rows[name] = db.execute(f'select count(*) from "{quoted}"').fetchone()[0]
except sqlite3.DatabaseError:
    rows = None
print(json.dumps(rows))
"""
)


@dataclass(frozen=True)
class Confined:
    """How far a child may go: memory and list in bytes, seconds of wall clock for one dump."""

    memory: int = 1024 * _MIB
    listing: int = 32 * _MIB
    seconds: float = 4 * 3600.0

    def prefix(self) -> list[str]:
        """util-linux prlimit, which sets limits and then becomes the program. No core: it would hold secrets."""
        limits = {
            "as": self.memory,
            "cpu": int(self.seconds) + 1,
            "fsize": self.listing,
            "core": 0,
            "nofile": 64,
        }
        return ["prlimit", *(f"--{name}={value}" for name, value in limits.items()), "--"]


class Rights(TypedDict, total=False):
    """The account of a child; empty: the portal's own."""

    user: int
    group: int
    extra_groups: list[int]


def rights() -> Rights:
    """A portal that runs as root gives its children nobody's rights; any other has none to give up."""
    return Rights(user=NOBODY, group=NOBODY, extra_groups=[]) if os.geteuid() == 0 else Rights()


class Child:
    """One confined child. Its output goes to unnamed files, so that it never waits for us while we wait for it."""

    def __init__(self, argv: Sequence[str], confined: Confined, stack: contextlib.ExitStack, rights: Rights) -> None:
        self._stdout = stack.enter_context(tempfile.TemporaryFile())
        self._stderr = stack.enter_context(tempfile.TemporaryFile())
        self._began = time.monotonic()
        self.late = False
        self._process = subprocess.Popen(
            [*confined.prefix(), *argv],
            stdin=subprocess.PIPE,
            stdout=self._stdout,
            stderr=self._stderr,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            **rights,
        )
        self._pipe = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(OSError):  # the account's share of pipe memory may be used up
            fcntl.fcntl(self._pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        stack.callback(self.end)

    def give(self, piece: bytes) -> bool:
        """Writes to the child; False when it reads no more."""
        if self._pipe.closed:
            return False
        try:
            self._pipe.write(piece)
        except BrokenPipeError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """The end of its input."""
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()

    def expire(self) -> None:
        """Its time is over. Called from the timer's thread, so it only kills: a pipe that is being written to stays
        with the thread that writes."""
        self.late = self._process.returncode is None
        self._kill()

    def end(self) -> None:
        """Ends what still runs of the child."""
        self._kill()
        self.close()
        self._process.wait()

    def _kill(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its own session: nothing else can be hit

    def output_after_close(self) -> Output:
        """The end of its input, then `output`."""
        self.close()
        return self.output()

    def output(self) -> Output:
        """Waits for the end. A child that was ended by its time limit has exit code 124."""
        code = self._process.wait()
        for stream in (self._stdout, self._stderr):
            stream.seek(0)
        text, errors = self._stdout.read(), self._stderr.read(_STDERR)  # no longer than the child's file limit
        return Output(text, errors, TIMED_OUT if self.late else code, time.monotonic() - self._began)


class PgRestore:
    """Dumps of backups.catalog.ports. One object may serve many threads."""

    def __init__(self, program: str = "pg_restore", confined: Confined | None = None) -> None:
        self._program = shutil.which(program) or program
        self._confined = confined or Confined()

    def tool(self) -> Output:
        """`pg_restore --version`."""
        (output,) = self._run([[self._program, "--version"]], lambda _: b"", rights())
        return output

    def custom(self, read: Callable[[int], bytes]) -> tuple[Output, Output]:
        """(`pg_restore --list`, `pg_restore -f /dev/null`) over one reading of a custom-format dump. What is left in
        `read` when both have ended is not read. Exit code None: pg_restore could not be started."""
        listing, whole = self._run([[self._program, "--list"], [self._program, "-f", "/dev/null"]], read, rights())
        return listing, whole

    def sqlite(self, read: Callable[[int], bytes]) -> Output:
        """The words of SQLite's integrity check: "ok", or what is wrong."""
        (output,) = self._run([[sys.executable, "-I", "-S", "-c", _SQLITE]], read, Rights())
        return output

    def of(self, part: str) -> PgRestore:
        """The reader of one part's dump: this one reads them all alike."""
        return self

    def plain(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """A plain dump is read by the catalog alone."""
        return read

    def counted(self, read: Callable[[int], bytes]) -> Output:
        """`sqlite`, with the rows of every table as JSON in a last line (null: they cannot be counted)."""
        (output,) = self._run([[sys.executable, "-I", "-S", "-c", _COUNTED]], read, Rights())
        return output

    def _run(self, commands: Sequence[Sequence[str]], read: Callable[[int], bytes], rights: Rights) -> list[Output]:
        with contextlib.ExitStack() as stack:
            try:
                children = [Child(command, self._confined, stack, rights) for command in commands]
            except OSError as error:
                return [Output(b"", str(error).encode(), None) for _ in commands]
            timer = threading.Timer(self._confined.seconds, _expire, [children])
            timer.daemon = True
            stack.callback(timer.cancel)
            timer.start()
            while (piece := read(CHUNK)) and any([child.give(piece) for child in children]):
                pass
            for child in children:
                child.close()
            return [child.output() for child in children]


def _expire(children: Sequence[Child]) -> None:
    for child in children:
        child.expire()
