"""One SFTP login at a store: what is done with its files there."""

from __future__ import annotations

import re
import stat
import time
from contextlib import suppress

import paramiko

from portal.connectors.ssh_connection import Connection, Crowded, Lost
from portal.connectors.ssh_sftp import Shorter, WriteBehind, read_ahead, room, sync
from portal.connectors.stores.store import CHUNK, Outgoing, Progress, StoreFailed, is_partial_of
from portal.kernel import collector
from portal.kernel.command import Command

TAIL = 4 * 1024 * 1024  # bytes at the end of an unfinished copy that are read back before it is gone on with
ASKED = 20.0  # seconds that the far end may spend on a hash of its own
_SUM = re.compile(rb"([0-9a-f]{64}) [ *]")


class Refused(OSError):
    """The server refused a write. full: for want of room."""

    def __init__(self, told: str, *, full: bool) -> None:
        super().__init__(told)
        self.full = full


class Session:
    """Acts on files; raises what paramiko does, Refused, or StoreFailed."""

    def __init__(self, client: paramiko.SFTPClient, connection: Connection, until: float) -> None:
        """until: time.monotonic() at which everything must be done."""
        self.client, self._connection, self._until = client, connection, until

    def size(self, path: str) -> int | None:
        """Bytes; None when there is nothing of that name. What is no plain file is refused."""
        try:
            found = self.client.lstat(path)
        except FileNotFoundError:
            return None
        if found.st_size is None or (found.st_mode is not None and not stat.S_ISREG(found.st_mode)):
            raise Refused(f"{path} is no plain file", full=False)
        return found.st_size

    def fill(self, partial: str, folder: str, outgoing: Outgoing, progress: Progress) -> None:
        """Brings an unfinished copy to its end and onto the far disk. It stays when the link is lost or progress
        raises; it is removed when the server refuses to write or the local file is not what it should be."""
        there = self.size(partial)
        try:
            with self.client.open(partial, "wx" if there is None else "r+") as target:
                self._write(target, there or 0, folder, outgoing, progress)
            outgoing.check()
        except Refused:
            self._remove(partial)
            raise
        except StoreFailed as failed:
            if not failed.retry:
                self._remove(partial)
            raise

    def _write(
        self, target: paramiko.SFTPFile, there: int, folder: str, outgoing: Outgoing, progress: Progress
    ) -> None:
        done = self._resumed(target, there, outgoing, progress)
        free = room(self.client, folder)
        if free and free[0] < outgoing.size - done:
            raise Refused(f"{outgoing.size - done} bytes do not fit into {free[0]}", full=True)
        behind = WriteBehind(self.client, target, done)
        try:
            while piece := outgoing.read(CHUNK):
                behind.write(piece)
                done += len(piece)
                progress(done)
                self._in_time()
            behind.settle()
            sync(self.client, target)
        except StoreFailed:
            raise
        except OSError as error:
            if isinstance(error, TimeoutError) or not self._connection.alive:
                raise
            raise self._why(error, folder, outgoing.size - done) from None

    def _resumed(self, target: paramiko.SFTPFile, there: int, outgoing: Outgoing, progress: Progress) -> int:
        """How much of the unfinished copy stands. The server writes in order, so that only its end is in doubt; the
        whole is read back later anyway."""
        if there == 0:
            return 0
        passed = min(there, TAIL)
        if there <= outgoing.size:
            outgoing.skip(there - passed, progress)
            with suppress(Shorter):
                tail = read_ahead(self.client, target, there - passed, there)
                if outgoing.pass_over(tail, lambda done: progress(there - passed + done)) == passed:
                    return there
        target.truncate(0)
        outgoing.rewind()
        return 0

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise StoreFailed(
                f"The copy to {self._connection.address.name} takes longer than it may; what arrived stays there and "
                "the next try goes on with it. Check how fast the link is.",
                retry=True,
            )

    def _why(self, error: OSError, folder: str, left: int) -> OSError:
        """SFTP has one word, Failure, for most refusals; the room that is left tells one of them apart."""
        free = room(self.client, folder)
        full = free is not None and free[0] < max(left, 1024 * 1024)
        return error if isinstance(error, PermissionError) else Refused(str(error), full=full)

    def _remove(self, path: str) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self.client.remove(path)

    def rename(self, partial: str, path: str) -> None:
        """Gives the copy its name, in one step where the server knows how."""
        try:
            self.client.posix_rename(partial, path)
        except OSError as error:
            if "unsupported" not in str(error).lower():
                raise
            self.client.rename(partial, path)

    def sweep(self, folder: str, name: str) -> None:
        """Removes what interrupted puts left under this name."""
        for each in self.client.listdir(folder):
            if is_partial_of(name, each):
                self._remove(f"{folder.rstrip('/')}/{each}")

    def sum(self, path: str) -> str:
        """What sha256sum says there; "" without a shell or without an answer in time. To be asked last: a far end that
        does not answer costs the connection."""
        line = collector.single(Command(("sha256sum", "--", path), timeout=ASKED), sudo=False)
        try:
            said = self._connection.act(line, None, ASKED, ASKED + 10, 10_000)
        except (Lost, Crowded):
            return ""
        found = _SUM.match(said.stdout) if said.exit_code == 0 else None
        return found[1].decode() if found else ""
