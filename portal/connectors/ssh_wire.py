"""paramiko's transport, tuned for a portal that keeps many connections open and must never wait for a dead one.

Everything that is private in paramiko and used here stands in this file and, for SFTP, in ssh_sftp (docs/adr/0004)."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import time
from collections.abc import Callable

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST
from paramiko.packet import Packetizer

# Every failure here becomes a sentence of ours; paramiko would log the same failure with a traceback at ERROR.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

IDLE_POLL = 5  # whole seconds; paramiko's own 0.1 s cost 3 % of a core at 100 idle connections (facts/platform.md 1)
UNACKED_LIMIT_MS = 15_000  # the kernel ends a connection whose data nobody acknowledges: power loss, pulled cable
READ_AHEAD = 65_536  # bytes
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

    def __init__(self, sock: socket.socket, host_keys: tuple[str, ...]) -> None:
        self._plug = Plug(sock)
        super().__init__(self._plug, packetizer_class=_Packets)  # type: ignore[arg-type]  # "or socket-like"
        self._host_keys = host_keys
        self._pid = os.getpid()
        self.clear_to_send_timeout = 10.0

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Only what was pinned: a server with several keys then shows the one that we can compare."""
        return self._host_keys

    def _log(self, level: int, msg: object, *args: object) -> None:
        """Nothing: paramiko formats a dozen lines per connection before it asks whether anybody listens."""

    @property
    def heard(self) -> float:
        """When the last byte came, on the monotonic clock."""
        return self._plug.heard

    def ask_for_life(self) -> None:
        """Asks the server for an answer that it gives in any state: a request that it does not know (RFC 4254 4).
        Raises what paramiko raises when the connection is gone."""
        message = paramiko.Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send_user_message(message)  # type: ignore[attr-defined]

    def cut(self) -> None:
        """End the connection now, from any thread, waiting for nothing. In a forked child only the descriptor is
        closed: shutting the socket down would end the parent's connection."""
        if self._pid == os.getpid():
            self._plug.shutdown()
        else:
            self.active = False
            self._plug.close()

    def stop_thread(self) -> None:
        """As paramiko, but the reading thread is woken first."""
        self.cut()
        super().stop_thread()


class Plug:
    """The socket as paramiko sees it. paramiko reads each packet in two pieces, each with a poll of its own; here one
    system call fetches what is there, and the kernel keeps the time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ready = b""
        self._at = 0
        self.heard = time.monotonic()  # when the last byte came
        sock.settimeout(None)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", IDLE_POLL, 0))

    def recv(self, size: int) -> bytes:
        """Up to size bytes; b"" at the end. Raises TimeoutError after IDLE_POLL seconds without any."""
        if self._at == len(self._ready):
            try:
                self._ready, self._at = self._sock.recv(READ_AHEAD), 0
            except BlockingIOError:
                raise TimeoutError from None
            self.heard = time.monotonic()
        piece = self._ready[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def send(self, content: bytes) -> int:
        """As a socket's. Raises TimeoutError after IDLE_POLL seconds without room."""
        try:
            return self._sock.send(content)
        except BlockingIOError:
            raise TimeoutError from None

    def settimeout(self, timeout: float | None) -> None:
        """Nothing: see __init__."""

    def getpeername(self) -> object:
        """The other end's address."""
        return self._sock.getpeername()

    def shutdown(self) -> None:
        """Ends the connection and wakes whoever reads."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the descriptor of this process."""
        self._sock.close()

    @property
    def _closed(self) -> bool:
        return self._sock.fileno() < 0


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


def _nobody() -> None:
    """Who is woken when nobody waits."""


class Stream:
    """One direction of a channel's output, in the place of paramiko's BufferedPipe: the reading thread appends, and
    `look` is called when there is something to decide."""

    def __init__(self, look: Callable[[], None], limit: int, last: bytes) -> None:
        self._look, self._limit, self._last = look, limit, last
        self._chunks: list[bytes] = []
        self._size = 0
        self._tail = b""
        self.closed = False  # the server ended it
        self.complete = False  # the line of `last` was seen
        self.over = False  # more than the limit came; the rest is thrown away

    def feed(self, chunk: bytes) -> None:
        """Bytes from the wire, in the transport's thread."""
        if self.over or not chunk:
            return
        if self._size + len(chunk) > self._limit:
            chunk = chunk[: self._limit - self._size]
            self.over = True
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._last:
            self._tail = (self._tail + chunk)[-(len(self._last) + 64) :] if len(chunk) < 256 else chunk[-256:]
            self.complete = self._last in self._tail and self._tail.endswith(b"\n")
        if self.over or self.complete:
            self._look()

    def close(self) -> None:
        """The server sends no more, or the connection is gone."""
        self.closed = True
        self._look()

    @property
    def started(self) -> bool:
        """True once a byte came."""
        return self._size > 0

    def count(self, mark: bytes) -> int:
        """How often a mark came so far."""
        return b"".join(self._chunks).count(mark)

    def deafen(self) -> None:
        """Nobody waits any more."""
        self._look = _nobody

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
    _request(wire, channel, "exec", line)


def request_subsystem(wire: Wire, channel: paramiko.Channel, name: str) -> None:
    """Ask for a subsystem, for the same reason; whoever reads its first words keeps the time."""
    _request(wire, channel, "subsystem", name)


def _request(wire: Wire, channel: paramiko.Channel, kind: str, what: str) -> None:
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string(kind)
    message.add_boolean(True)
    message.add_string(what)
    channel._event_pending()  # type: ignore[attr-defined]
    wire._send_user_message(message)  # type: ignore[attr-defined]
