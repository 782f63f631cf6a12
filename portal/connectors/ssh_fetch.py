"""A file over SFTP, in constant memory, over as many connections as it takes."""

from __future__ import annotations

import hashlib
import stat
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

import paramiko

from portal.connectors.ssh_address import Unanswered
from portal.connectors.ssh_connection import Connection, Crowded, Lost
from portal.connectors.ssh_sftp import Shorter, read_ahead, sftp
from portal.kernel.output import LookFailed

FIRST_PAUSE = 0.5  # seconds before a lost connection is made anew; doubled each time nothing came over it
LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Pulled:
    """A file that came whole. size in bytes; sha256 (hex) of what came; modified in Unix seconds of the host's clock;
    links: connections that it took."""

    size: int
    sha256: str
    modified: int
    links: int


class Reading:
    """One remote file on its way. `at` is how far it came; a further connection goes on there."""

    def __init__(self, path: str, limit: int, offset: int = 0, *, steady: bool = False) -> None:
        """limit: bytes that the file may hold at most. steady: a file that changes while it is read is refused."""
        self.path, self.at, self.size, self.modified, self.links = path, offset, -1, 0, 0
        self._limit, self._steady = limit, steady

    def over(self, connection: Connection) -> Generator[bytes]:
        """Its bytes from `at` to its end over one connection. Raises LookFailed, Lost or Crowded."""
        name, start = connection.address.name, self.at
        self.links += 1
        try:
            with sftp(connection) as client, client.open(self.path, "rb") as remote:
                self._look(name, remote.stat())
                for piece in read_ahead(client, remote, self.at, self.size):
                    self.at += len(piece)
                    yield piece
                if self._steady:
                    self._look(name, remote.stat())
        except Shorter:
            raise LookFailed(f"{self.path} on {name} became shorter while it was read (at byte {self.at}).") from None
        except FileNotFoundError:
            raise LookFailed(f"{name} has no file {self.path}.") from None
        except PermissionError:
            raise LookFailed(f"{connection.address.user} may not read {self.path} on {name}.") from None
        except (TimeoutError, EOFError, paramiko.SSHException, OSError) as error:
            connection.wire.cut()
            came = self.at - start
            raise Lost(f"{came} bytes of {self.path} came ({type(error).__name__})", sent=True) from None

    def _look(self, name: str, found: paramiko.SFTPAttributes) -> None:
        if found.st_size is None or (found.st_mode is not None and not stat.S_ISREG(found.st_mode)):
            raise LookFailed(f"{self.path} on {name} is not a plain file.")
        if found.st_size > self._limit:
            raise LookFailed(f"{self.path} on {name} holds {found.st_size} bytes; at most {self._limit} are fetched.")
        modified = int(found.st_mtime or 0)
        if self.size < 0:
            self.size, self.modified = found.st_size, modified
        elif (found.st_size, modified) != (self.size, self.modified):
            raise LookFailed(self._changed(name, found.st_size))

    def _changed(self, name: str, size: int) -> str:
        how = "grew" if size > self.size else "shrank" if size < self.size else "was written anew"
        return (
            f"{self.path} on {name} {how} while it was fetched ({self.size} bytes before, {size} now), so it is not "
            "used. Somebody still writes it: wait for that to end, then fetch it again."
        )


def read_file(connection: Connection, path: str, sink: Callable[[bytes], object], limit: int, offset: int) -> int:
    """Bytes of path from offset to its end go to sink; returns how many. Raises LookFailed, Lost, or what sink does."""
    given = 0
    with closing(Reading(path, limit, offset).over(connection)) as pieces:
        for piece in pieces:
            sink(piece)
            given += len(piece)
    return given


def stream(
    reading: Reading,
    link: Callable[[], Connection],
    deadline: float,
    waiting: Callable[[], object],
    patience: float | None = None,
) -> Generator[bytes]:
    """All of a file's bytes. A lost connection is made anew by link(), and the reading goes on where it was, for up to
    deadline seconds in all and patience seconds after the last byte. waiting is called before each connection; what it
    raises comes out. Raises LookFailed."""
    until, pause = time.monotonic() + deadline, FIRST_PAUSE
    last = time.monotonic()
    while True:
        before = reading.at
        waiting()
        try:
            yield from _linked(reading, link, until)
            return
        except (Lost, Unanswered, Crowded) as error:
            lost = str(error) or "the host allows no further session"
        now = time.monotonic()
        if reading.at > before:
            last, pause = now, FIRST_PAUSE
        else:
            pause = min(LONGEST_PAUSE, pause * 2)
        if now + pause > min(until, last + (deadline if patience is None else patience)):
            raise Unanswered(
                f"{reading.path} came only to byte {reading.at} of {max(reading.size, 0)} within "
                f"{now - until + deadline:.0f} s: {lost.rstrip('.')}. Check the link to the host, then fetch it again."
            )
        threading.Event().wait(pause)


def _linked(reading: Reading, link: Callable[[], Connection], until: float) -> Generator[bytes]:
    connection = link()
    try:
        for piece in reading.over(connection):
            yield piece
            if time.monotonic() > until and reading.at < reading.size:
                raise Lost("the link is too slow", sent=True)
    finally:
        connection.wire.cut()


def pull(
    reading: Reading,
    link: Callable[[], Connection],
    sink: Callable[[bytes], object],
    deadline: float,
    waiting: Callable[[], object],
) -> Pulled:
    """Hands all of a file's bytes to sink, as `stream` brings them. What sink raises comes out as it is."""
    hashed = hashlib.sha256()
    with closing(stream(reading, link, deadline, waiting)) as pieces:
        for piece in pieces:
            sink(piece)
            hashed.update(piece)
    return Pulled(reading.size, hashed.hexdigest(), reading.modified, reading.links)
