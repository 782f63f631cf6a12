"""One kept connection to one host: log in, run, read, leave."""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from portal.connectors.ssh_address import Address, KeyChanged, LoginRefused, Pin, Unanswered, pin
from portal.connectors.ssh_wire import Stream, Wire, dial, request_exec, splice
from portal.kernel.secret import Secret

QUIET = 1.0  # seconds without a byte from a host at work on a script, after which its sshd is asked for a sign of life
LOGIN_SECONDS = 10.0  # key exchange and login on a loaded host, after its greeting came
CHANNELS = 10_000  # then the connection is made anew: paramiko remembers every channel number it ever used


class Lost(Exception):
    """The connection ended or is silent. sent: the command may have reached the host."""

    def __init__(self, why: str, *, sent: bool, silent: bool = False) -> None:
        super().__init__(why)
        self.sent, self.silent = sent, silent


class Crowded(Exception):
    """The connection is well and the server allows no further session on it now (MaxSessions of sshd_config)."""


@dataclass(frozen=True)
class Answer:
    """What one channel brought. exit_code None: the server never said. whole: the end was seen."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None
    whole: bool
    over: bool
    took: float
    stalled: bool = False  # a section did not end although it had to


@dataclass(frozen=True)
class Visit:
    """A script to run. mark begins the line that starts each section, last begins the line after which nothing comes;
    patience: seconds for each section; longest: seconds for all of it."""

    line: str
    mark: bytes
    last: bytes
    patience: tuple[float, ...]
    longest: float


class Connection:
    """A connection that is logged in. Several threads may use it; each gets its own channel."""

    def __init__(self, address: Address, wire: Wire) -> None:
        self.address = address
        self.wire = wire
        self.used = time.monotonic()
        self.users = 0  # callers at work on it; kept by the pool under its lock
        self._channels = 0
        self._silent = False
        self._asked = 0.0  # when the host was last asked for a sign of life, by whichever caller
        self._leaving: deque[paramiko.Channel] = deque(maxlen=4)  # they end by themselves; a forced end costs packets

    @property
    def alive(self) -> bool:
        """Usable as far as is known; a dead peer may not have been noticed yet."""
        return self.wire.is_active() and self._channels < CHANNELS

    def ask(self, visit: Visit, first_byte: float, limit: int) -> Answer:
        """Runs a script that marks its sections. first_byte in seconds, limit in bytes per stream. When a section takes
        longer than it may, the connection is cut and what came is returned, stalled. Raises Lost when nothing came, or
        when the host goes away meanwhile: a hanging command leaves its sshd answering, a lost host does not."""
        began = time.monotonic()
        talk = self._open(began + first_byte, limit, visit.last)
        talk.channel.eof_sent = True  # a script reads nothing from here, and a close says as much: one packet less
        self._request(talk, visit.line)
        whole = self._heed(talk, began + first_byte, first_byte)
        if not whole and not talk.out.started:
            raise self._fallen_silent()
        whole = whole or self._follow(talk, visit, began, first_byte)
        if self._silent:  # another caller found out, and cut the connection under this one
            raise Lost("", sent=True, silent=True)
        if not talk.out.started and not self.wire.is_active():
            raise Lost(self._reason(), sent=True)
        if not whole:
            self.wire.cut()
        elif talk.over:
            talk.channel.close()
        self._leaving.append(talk.channel)
        return talk.answer(began, whole and talk.complete, stalled=not whole)

    def _heed(self, talk: _Talk, until: float, first_byte: float) -> bool:
        """Waits until all is said; False when the time is up. A host that says nothing at all for QUIET is asked for a
        sign of life. Raises Lost when it gives none within first_byte seconds."""
        while True:
            now, heard = time.monotonic(), self.wire.heard
            if self._asked > heard and now - self._asked >= first_byte:
                raise self._fallen_silent()
            if self._asked <= heard and now - heard >= QUIET:
                self._asked = now
                self._ask_for_life()
            look_again = self._asked + first_byte if self._asked > heard else heard + QUIET
            if talk.wait(talk.all_said, min(until, look_again)):
                return True
            if time.monotonic() >= until:
                return False

    def _fallen_silent(self) -> Lost:
        self._silent = True
        self.wire.cut()
        return Lost("", sent=True, silent=True)

    def _ask_for_life(self) -> None:
        try:
            self.wire.ask_for_life()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Lost(_words(error), sent=True) from None

    def _follow(self, talk: _Talk, visit: Visit, began: float, first_byte: float) -> bool:
        """Waits section by section; False when one has not ended within its patience."""
        running = -1
        while True:
            section = talk.out.count(visit.mark) - 1
            if section == running or time.monotonic() > began + visit.longest:
                return False
            running = section
            patience = visit.patience[min(max(section, 0), len(visit.patience) - 1)]
            if self._heed(talk, min(time.monotonic() + patience, began + visit.longest), first_byte):
                return True

    def act(self, line: str, stdin: bytes | None, first_byte: float, deadline: float, limit: int) -> Answer:
        """Runs one line, feeding it stdin. The server must accept the request within first_byte seconds. Raises Lost
        when the connection ends or falls silent before the command's end is known."""
        began = time.monotonic()
        talk = self._open(began + first_byte, limit, b"")
        channel = talk.watch_status()
        self._request(talk, line)
        if not talk.wait(lambda: channel.event_ready or channel.closed, began + first_byte):
            self.wire.cut()
            raise Lost("", sent=True, silent=True)
        self._feed(talk, stdin or b"", began + deadline)
        whole = talk.wait(lambda: channel.closed or channel.exit_status >= 0 or talk.over, began + deadline)
        if whole:  # a process left in the background may hold the streams open for ever
            talk.wait(lambda: talk.ended, min(began + deadline, time.monotonic() + 1.0))
            if channel.exit_status < 0 and not talk.over and not self.wire.is_active():
                raise Lost(self._reason(), sent=True)
            channel.close()
        else:
            self.wire.cut()
        return talk.answer(began, whole)

    def channel(self, timeout: float) -> paramiko.Channel:
        """A plain channel, for SFTP. Raises Lost or Crowded."""
        self.used = time.monotonic()
        self._channels += 1
        try:
            return self.wire.open_session(timeout=max(0.1, timeout))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._not_opened(error) from None

    def _open(self, until: float, limit: int, last: bytes) -> _Talk:
        self.used = time.monotonic()
        self._channels += 1
        try:
            window = 2 * limit + 65_536
            channel = self.wire.open_session(window_size=window, timeout=max(0.1, until - self.used))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._not_opened(error) from None
        return _Talk(channel, limit, last)

    def _not_opened(self, error: Exception) -> Lost | Crowded:
        silent = "Timeout" in str(error)
        # "Unable to open": several threads may be refused at once, and paramiko keeps the server's reason for one
        if isinstance(error, paramiko.ChannelException) or ("Unable to open" in str(error) and self.wire.is_active()):
            return Crowded()
        if silent:
            self.wire.cut()
        return Lost(_words(error), sent=False, silent=silent)

    def _request(self, talk: _Talk, line: str) -> None:
        try:
            request_exec(self.wire, talk.channel, line)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Lost(_words(error), sent=True) from None

    def _feed(self, talk: _Talk, stdin: bytes, until: float) -> None:
        """Sends all of stdin, then its end. A command that does not read it ends at the deadline."""
        channel = talk.channel
        try:
            channel.settimeout(max(0.1, until - time.monotonic()))
            channel.sendall(stdin)
            channel.shutdown_write()
        except (paramiko.SSHException, OSError, EOFError):
            return  # the command ended without reading it, or the connection is gone: its exit status tells

    def _reason(self) -> str:
        return _words(self.wire.get_exception())


class _Talk:
    """One channel and its two streams, drained together by the transport's thread."""

    def __init__(self, channel: paramiko.Channel, limit: int, last: bytes) -> None:
        self.channel = channel
        self._wake = threading.Event()
        self.out = Stream(self._look, limit, last)
        self.err = Stream(self._look, limit, last)
        splice(channel, self.out, self.err)

    def watch_status(self) -> paramiko.Channel:
        """Wakes the waiting thread on the server's answer and on the exit status too."""
        self.channel.event = self._wake
        self.channel.status_event = self._wake
        return self.channel

    def _look(self) -> None:
        """Called by the streams in the transport's thread. Waking the waiting thread costs more than a packet does, so
        it is done only when that thread has something to do."""
        if self.all_said():
            self._wake.set()

    def all_said(self) -> bool:
        """The visit is over, one way or the other."""
        return self.complete or self.ended

    @property
    def complete(self) -> bool:
        """Both streams showed their last marker."""
        return self.out.complete and self.err.complete

    @property
    def ended(self) -> bool:
        """Nothing more will come, or more came than anybody may keep."""
        return (self.out.closed and self.err.closed) or self.channel.closed or self.over

    @property
    def over(self) -> bool:
        """More came than the limit of a stream."""
        return self.out.over or self.err.over

    def wait(self, done: Callable[[], bool], until: float) -> bool:
        """Waits for done(); False when the deadline passed first."""
        while not done():
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._wake.wait(left)
            self._wake.clear()
        return True

    def answer(self, began: float, whole: bool, *, stalled: bool = False) -> Answer:
        """All that came. The streams let go of this object, so that nothing waits for the garbage collector."""
        self.out.deafen()
        self.err.deafen()
        status = self.channel.exit_status
        took = time.monotonic() - began
        code = status if status >= 0 else None
        return Answer(self.out.take(), self.err.take(), code, whole and not self.over, self.over, took, stalled)


def connect(address: Address, key: paramiko.PKey | Secret, connect_timeout: float) -> Connection:
    """Connects, compares the host key with the pin, logs in with a private key or, where a device takes none, a
    password. Raises Unanswered, KeyChanged, LoginRefused, NotPinned."""
    pinned = pin(address)
    wire = greet(address, pinned.algorithms, connect_timeout)
    try:
        _exchange(address, wire, pinned)
        _log_in(address, wire, key)
    except BaseException:
        wire.cut()
        raise
    return Connection(address, wire)


def greet(address: Address, host_keys: tuple[str, ...], timeout: float) -> Wire:
    """A transport on a connection whose other end has begun to speak. Raises Unanswered."""
    try:
        sock = dial(address.host, address.port, timeout)
    except OSError as error:
        raise Unanswered(
            f"{address.name} does not answer on {_where(address)}: {_words(error)}. "
            "Check that the host is up, that sshd runs and that the firewall lets the portal in."
        ) from None
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    if not poll.poll(timeout * 1000):
        sock.close()
        raise Unanswered(
            f"{address.name} accepts connections on {_where(address)} but says nothing for {timeout:g} s. "
            "Look at the host's console: it may hang or have lost its disk."
        )
    return Wire(sock, host_keys)


def _exchange(address: Address, wire: Wire, pinned: Pin) -> None:
    """Agrees on keys and compares the host's with the pin."""
    exchange_keys(address, wire, pinned.kind)
    shown = wire.get_remote_server_key()
    if shown.asbytes() != pinned.blob:
        raise KeyChanged(
            f"{address.name} shows another host key than the pinned one ({shown.fingerprint}), so the portal does not "
            "log in. Find out whether the host was installed anew; if so, accept its new key on the host's page.",
            f"{shown.get_name()} {shown.get_base64()}",
        )


def exchange_keys(address: Address, wire: Wire, kind: str) -> None:
    """Agrees on session keys, with the host proving a key of that kind. Raises Unanswered or KeyChanged."""
    done = threading.Event()
    wire.start_client(event=done)
    in_time = done.wait(LOGIN_SECONDS)
    if in_time and wire.is_active():
        return
    error = wire.get_exception()
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer) and "host key" in str(error):
        raise KeyChanged(
            f"{address.name} offers no host key of the type {kind}. Find out whether the host was installed anew or "
            "its sshd was changed, then pin one of the keys that it has.",
            "",
        )
    why = _words(error) if in_time else f"the key exchange did not end within {LOGIN_SECONDS:g} s"
    raise Unanswered(
        f"{address.name} answers on {_where(address)} but no SSH session came about: {why}. "
        "Check that it is sshd that listens there and that its log names no refusal."
    )


def _log_in(address: Address, wire: Wire, key: paramiko.PKey | Secret) -> None:
    done = threading.Event()
    try:
        if isinstance(key, Secret):
            wire.auth_password(address.user, key.reveal(), event=done)  # with an event paramiko sends it once
        else:
            wire.auth_publickey(address.user, key, event=done)
        in_time = done.wait(LOGIN_SECONDS)
    except (paramiko.SSHException, OSError, EOFError):
        in_time = True
    if in_time and wire.is_authenticated():
        return
    if not in_time:
        raise Unanswered(
            f"{address.name} did not answer the login of {address.user} within {LOGIN_SECONDS:g} s. "
            "Check the host's load and its name service."
        )
    here, error = wire.is_active(), wire.get_exception()
    if here or isinstance(error, paramiko.AuthenticationException):
        if isinstance(key, Secret):
            raise LoginRefused(
                f"{address.name} refuses the password of {address.user}. Check the account and its lock."
            )
        raise LoginRefused(
            f"{address.name} does not take the portal's key for {address.user}. Put the estate's public key into "
            "that account's authorized_keys and see the host's sshd log."
        )
    raise Unanswered(
        f"{address.name} ended the connection during the login of {address.user}: {_words(error)}. "
        "See the host's sshd log."
    )


def _where(address: Address) -> str:
    return f"{address.host} port {address.port}"


def _words(error: BaseException | None) -> str:
    """An error as a few words of a sentence."""
    if isinstance(error, TimeoutError):
        return "the time is up"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    if error is None or isinstance(error, EOFError):
        return "the connection was closed"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return " ".join(str(error).split())[:160].rstrip(".")
