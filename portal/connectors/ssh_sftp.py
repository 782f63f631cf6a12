"""An SFTP session on a connection: reading ahead without a thread, fsync and statvfs of OpenSSH's server.

paramiko's own reading ahead starts a thread for each batch, which dies with a traceback when the link does, and takes a
short answer for the file's end. What is private in paramiko's SFTP and used here stands in this file."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
from paramiko.sftp import CMD_EXTENDED, CMD_EXTENDED_REPLY, CMD_READ, CMD_STATUS, CMD_WRITE, int64

from portal.connectors.ssh_connection import Connection, Lost
from portal.connectors.ssh_wire import request_subsystem
from portal.kernel.output import LookFailed

SILENCE = 30.0  # seconds without a byte after which the link is given up
PIECE = 32_768  # bytes per request; what every server must take
AHEAD = 64  # requests under way at once: 2 MB, the most that is held in memory


class Shorter(Exception):
    """The file ended before the byte where it should."""


@contextmanager
def sftp(connection: Connection, silence: float = SILENCE) -> Iterator[paramiko.SFTPClient]:
    """A session whose every wait is bounded. Raises LookFailed when the server offers no SFTP, Lost, Crowded."""
    channel = connection.channel(silence)
    channel.settimeout(silence)
    try:
        request_subsystem(connection.wire, channel, "sftp")
        client = paramiko.SFTPClient(channel)
    except TimeoutError:
        connection.wire.cut()
        raise Lost(f"no SFTP session came about within {silence:g} s", sent=True) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        if connection.wire.is_active():
            raise LookFailed(
                f"{connection.address.name} lets {connection.address.user} log in but offers no SFTP. Give its sshd "
                "the subsystem sftp, or that account internal-sftp."
            ) from None
        raise Lost(str(error) or type(error).__name__, sent=True) from None
    try:
        yield client
    finally:
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            client.close()


class _Requests:
    """Requests on one open file whose answers are taken later, in any order."""

    def __init__(self, client: paramiko.SFTPClient, remote: paramiko.SFTPFile) -> None:
        self._client, self._handle = client, remote.handle
        self._came: dict[int, tuple[int, paramiko.Message]] = {}

    def ask(self, kind: int, at: int, what: int | bytes) -> int:
        """Sends a request for, or with, bytes of the file at an offset; its number."""
        number: int = self._client._async_request(  # type: ignore[attr-defined]
            self, kind, self._handle, int64(at), what
        )
        return number

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        """paramiko puts an answer here."""
        self._came[number] = (kind, message)

    def take(self, number: int) -> bytes:
        """Waits for an answer: the bytes asked for, b"" for what was written. Raises EOFError at the file's end,
        OSError for a refusal, and what paramiko raises for a lost or silent link."""
        try:
            while number not in self._came:
                self._client._read_response()  # type: ignore[attr-defined]
        except TimeoutError:
            self._client.close()  # so that closing the file does not wait once more
            raise
        kind, message = self._came.pop(number)
        if kind == CMD_STATUS:
            self._client._convert_status(message)  # type: ignore[attr-defined]
            return b""
        return message.get_string()


def read_ahead(client: paramiko.SFTPClient, remote: paramiko.SFTPFile, start: int, end: int) -> Iterator[bytes]:
    """The bytes from start to end in order, AHEAD requests under way. Raises Shorter when the file ends before, and
    what paramiko raises for a lost or silent link."""
    requests = _Requests(client, remote)
    asked: deque[tuple[int, int, int]] = deque()
    coming = start
    while asked or coming < end:
        while coming < end and len(asked) < AHEAD:
            length = min(PIECE, end - coming)
            asked.append((requests.ask(CMD_READ, coming, length), coming, length))
            coming += length
        number, at, length = asked.popleft()
        try:
            piece = requests.take(number)
        except EOFError:
            raise Shorter(f"it ends at byte {at}") from None
        if not piece:
            raise paramiko.SSHException("an answer without bytes")
        yield piece
        if (left := length - len(piece)) > 0:  # a server may give less than it was asked for
            asked.appendleft((requests.ask(CMD_READ, at + len(piece), left), at + len(piece), left))


class WriteBehind:
    """Writes in order, AHEAD requests under way. Every answer is looked at: paramiko drops the refusals of the last
    hundred. What was written when the link is lost is a beginning of the file without a hole."""

    def __init__(self, client: paramiko.SFTPClient, remote: paramiko.SFTPFile, at: int) -> None:
        self._requests, self._asked, self._at = _Requests(client, remote), deque[int](), at

    def write(self, content: bytes) -> None:
        """Sends content. Raises OSError when the server refused a write, this one or one before."""
        for start in range(0, len(content), PIECE):
            if len(self._asked) >= AHEAD:
                self._requests.take(self._asked.popleft())
            piece = content[start : start + PIECE]
            self._asked.append(self._requests.ask(CMD_WRITE, self._at, piece))
            self._at += len(piece)

    def settle(self) -> None:
        """Waits until the server took everything. Raises OSError."""
        while self._asked:
            self._requests.take(self._asked.popleft())


def sync(client: paramiko.SFTPClient, remote: paramiko.SFTPFile) -> bool:
    """Has the server write a file through to its disk; False when it does not know how. Raises OSError when that
    fails, as the disk did."""
    try:
        client._request(CMD_EXTENDED, b"fsync@openssh.com", remote.handle)  # type: ignore[attr-defined]
    except OSError as error:
        if "unsupported" in str(error).lower():
            return False
        raise
    return True


def room(client: paramiko.SFTPClient, path: str) -> tuple[int, int] | None:
    """(free for this account, total) bytes of the file system that holds path; None when the server cannot say."""
    try:
        kind, told = client._request(CMD_EXTENDED, b"statvfs@openssh.com", path.encode())  # type: ignore[attr-defined]
    except OSError:
        return None
    if kind != CMD_EXTENDED_REPLY:
        return None
    _, block, blocks, _, free = (told.get_int64() for _ in range(5))
    return free * block, blocks * block
