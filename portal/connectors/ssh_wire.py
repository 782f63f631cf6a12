"""paramiko's transport, tuned for a portal that keeps many connections open and must never wait for a dead one.

Everything that is private in paramiko and used here stands in this file (docs/adr/0004)."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.packet import Packetizer

# Every failure here becomes a sentence of ours; paramiko would log the same failure with a traceback at ERROR.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

IDLE_POLL = 5.0  # seconds; paramiko's own 0.1 s cost 3 % of a core at 100 idle connections (facts/platform.md 1)
UNACKED_LIMIT_MS = 15_000  # the kernel ends a connection whose data nobody acknowledges: power loss, pulled cable
SEND_BUFFER = 256 * 1024  # bytes; larger than any collector script, so that sending one never waits for a dead peer


def _known(what: str) -> tuple[str, ...]:
    """paramiko's own list, so that what it learns or drops is followed."""
    names: tuple[str, ...] = getattr(paramiko.Transport, f"_preferred_{what}")
    return names


class _Packets(Packetizer):
    """paramiko starts a timer thread per handshake; the caller's own deadline does its work."""

    def start_handshake(self, timeout: float) -> None:
        """Nothing: see the class."""


class Wire(paramiko.Transport):
    """A client transport with the cheap algorithms first and every other one kept as a fallback, no certificates, no
    compression, and an end that wakes the reading thread at once."""

    _preferred_kex = (
        "curve25519-sha256@libssh.org",
        *(name for name in _known("kex") if not name.startswith("curve25519")),
    )
    _preferred_ciphers = (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        *(name for name in _known("ciphers") if "gcm" not in name and "cbc" not in name),
    )
    _active_check_timeout = IDLE_POLL

    def __init__(self, sock: socket.socket, host_keys: tuple[str, ...]) -> None:
        super().__init__(sock, packetizer_class=_Packets)
        self._host_keys = host_keys
        self._pid = os.getpid()
        self.clear_to_send_timeout = 10.0

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Only what was pinned: a server with several keys then shows the one that we can compare."""
        return self._host_keys

    def _log(self, level: int, msg: object, *args: object) -> None:
        """Nothing: paramiko formats a dozen lines per connection before it asks whether anybody listens."""

    def cut(self) -> None:
        """End the connection now, from any thread, waiting for nothing. In a forked child only the descriptor is
        closed: shutting the socket down would end the parent's connection."""
        if self._pid == os.getpid():
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
        else:
            self.active = False
            self.sock.close()

    def stop_thread(self) -> None:
        """As paramiko, but the reading thread is woken first."""
        self.cut()
        super().stop_thread()


def dial(host: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection that notices a dead peer. Raises OSError."""
    sock = socket.create_connection((host, port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKED_LIMIT_MS)
    return sock


class Stream:
    """One direction of a channel's output, in the place of paramiko's BufferedPipe: the reading thread appends, and
    the waiting thread is woken only when there is something to decide."""

    def __init__(self, wake: Callable[[], None], limit: int, last: bytes) -> None:
        self._wake, self._limit, self._last = wake, limit, last
        self._chunks: list[bytes] = []
        self._size = 0
        self._tail = b""
        self.closed = False  # the server ended it
        self.complete = False  # `last` was seen
        self.over = False  # more than the limit came; the rest is thrown away

    def feed(self, chunk: bytes) -> None:
        """Bytes from the wire, in the transport's thread."""
        first = not self._size
        if self._size + len(chunk) > self._limit:
            chunk = chunk[: self._limit - self._size]
            self.over = True
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._last:
            self._tail = (self._tail + chunk)[-(len(self._last) + 64) :] if len(chunk) < 256 else chunk[-256:]
            self.complete = self._last in self._tail
        if first or self.over or self.complete:
            self._wake()

    def close(self) -> None:
        """The server sends no more, or the connection is gone."""
        self.closed = True
        self._wake()

    @property
    def started(self) -> bool:
        """True once a byte came."""
        return self._size > 0

    def take(self) -> bytes:
        """All that came; it is held no longer here."""
        whole = b"".join(self._chunks)
        self._chunks.clear()
        return whole

    def __len__(self) -> int:
        return self._size


def splice(channel: paramiko.Channel, out: Stream, err: Stream) -> None:
    """Puts our streams in the place of the channel's own buffers; to be done before anything is asked."""
    channel.in_buffer = out  # type: ignore[assignment]
    channel.in_stderr_buffer = err  # type: ignore[assignment]


def request_exec(wire: Wire, channel: paramiko.Channel, line: str) -> None:
    """Ask for a command without waiting for the answer: paramiko's exec_command waits without an end, and its extra
    turn costs a thread switch per command. A refusal closes the channel, which the streams see."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(line)
    channel._event_pending()  # type: ignore[attr-defined]
    wire._send_user_message(message)  # type: ignore[attr-defined]
