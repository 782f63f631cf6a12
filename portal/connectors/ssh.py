"""SSH to many hosts over connections that are kept open; a dead or hung host costs only its own caller.

Private key in, outputs out. Host keys are pinned: an unknown or changed key is refused (docs/adr/0004)."""

from __future__ import annotations

import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TypeVar

import paramiko

from portal.connectors.ssh_address import Address, KeyChanged, LoginRefused, NotPinned, Unanswered
from portal.connectors.ssh_connection import Answer, Connection, Crowded, Lost, Visit, connect
from portal.connectors.ssh_fetch import Pulled, Reading, pull, read_file
from portal.connectors.ssh_keys import fingerprint, new_key, public_key, read_private, shown_key
from portal.connectors.ssh_stalls import Stalls
from portal.kernel import collector
from portal.kernel.command import Command
from portal.kernel.output import Output
from portal.kernel.secret import Secret

__all__ = [
    "Address",
    "KeyChanged",
    "LoginRefused",
    "NotPinned",
    "Pool",
    "Pulled",
    "Unanswered",
    "fingerprint",
    "new_key",
    "public_key",
    "shown_key",
]

MARGIN = 5.0  # seconds beyond the commands' own deadlines
LONGEST_VISIT = 120.0  # seconds for one visit, whatever its commands may take
VISIT_LIMIT = 32_000_000  # bytes per stream of one visit
IDLE = 600.0  # seconds after which an unused connection is closed

_T = TypeVar("_T")
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """The connections of one process under one private key. Safe for threads; a forked child starts empty."""

    def __init__(self, private_key: Secret, *, connect_timeout: float = 3.0, first_byte: float = 2.0) -> None:
        """private_key: OpenSSH PEM. connect_timeout: seconds for the TCP connection, and again for the first word.
        first_byte: seconds within which a host must begin to answer a command."""
        self._private_key = private_key
        self._key: paramiko.PKey | None = None
        self._connect_timeout, self._first_byte = connect_timeout, first_byte
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.Lock()  # only ever held for dictionary work
        self._stalls = Stalls(time.monotonic)
        self._doors: dict[Address, threading.Lock] = {}
        self._open: dict[Address, Connection] = {}

    def _after_fork(self) -> None:
        """In a forked child: the parent's connections are closed here without a word to their hosts."""
        for connection in self._open.values():
            connection.wire.cut()
        self._reset()

    def collect(self, address: Address, commands: Mapping[str, Command]) -> dict[str, Output]:
        """All commands in one script over one channel; one Output per command. Raises LookFailed when the host was
        not reached or did not begin to answer. A visit that is cut gives what came; the rest has exit_code None. A
        command that did not even end when killed is left out for a while: exit_code None and a sentence on stderr."""
        wanted, outputs = self._stalls.plan(address, commands)
        if wanted:
            outputs |= self._visit(address, wanted)
        return {name: outputs[name] for name in commands}

    def _visit(self, address: Address, commands: Mapping[str, Command]) -> dict[str, Output]:
        nonce = secrets.token_hex(16)
        visit = Visit(
            line=collector.script(commands, nonce, sudo=address.user != "root"),
            mark=collector.mark(nonce),
            last=collector.end_mark(nonce),
            patience=tuple(each.timeout + collector.KILL_AFTER + MARGIN for each in commands.values()),
            longest=LONGEST_VISIT,
        )
        answer = self._with(address, lambda it: it.ask(visit, self._first_byte, VISIT_LIMIT), again_when_sent=True)
        if not answer.whole and visit.mark not in answer.stdout:
            said = Output(b"", answer.stderr or answer.stdout, None).error_line()
            raise LoginRefused(
                f"{address.name} lets {address.user} log in but runs no script for that account"
                f"{f' ({said})' if said else ''}. Give the account a POSIX shell and no forced command."
            )
        outputs = collector.read(answer.stdout, answer.stderr, nonce, commands)
        self._stalls.learn(address, commands, outputs, answer.stalled)
        return outputs

    def run(self, address: Address, command: Command, stdin: bytes | None = None) -> Output:
        """One command, with its stdin. It is sent at most once: when the connection is lost after that, LookFailed is
        raised and nobody knows whether it ran. exit_code None: it did not end in time or its output was cut."""
        line = collector.single(command, sudo=address.user != "root")
        deadline = command.timeout + collector.KILL_AFTER + MARGIN

        def visit(connection: Connection) -> Answer:
            return connection.act(line, stdin, self._first_byte, deadline, command.cap)

        answer = self._with(address, visit, again_when_sent=False)
        code = answer.exit_code if answer.whole else None
        return Output(answer.stdout, answer.stderr, code, round(answer.took, 3), answer.over)

    def fetch(
        self, address: Address, remote_path: str, sink: Callable[[bytes], object], limit: int, offset: int = 0
    ) -> int:
        """Reads a file over SFTP from `offset` in constant memory, giving each piece to sink; returns the bytes given.
        Raises LookFailed when there is no such file, when it holds more than limit bytes, or when the link is cut."""
        return self._with(
            address,
            lambda connection: read_file(connection, remote_path, sink, limit, offset),
            again_when_sent=False,
        )

    def pull(
        self,
        address: Address,
        remote_path: str,
        sink: Callable[[bytes], object],
        limit: int,
        deadline: float,
        waiting: Callable[[], object] = lambda: None,
    ) -> Pulled:
        """Reads a big file over connections of its own, in constant memory: a lost one is made anew and the reading
        goes on where it was, for deadline seconds in all. waiting is called before each; what it or sink raises comes
        out. Raises LookFailed when the time is up, or when the file changed meanwhile."""

        def link() -> Connection:
            return connect(address, self._private(address), self._connect_timeout)

        return pull(Reading(remote_path, limit, steady=True), link, sink, deadline, waiting)

    def close(self) -> None:
        """Ends every connection, waiting for nothing."""
        with self._guard:
            connections = list(self._open.values())
            self._open.clear()
        for connection in connections:
            connection.wire.cut()

    def __repr__(self) -> str:
        return f"<Pool of {len(self._open)} connections>"

    def _with(self, address: Address, visit: Callable[[Connection], _T], *, again_when_sent: bool) -> _T:
        """Visits over the kept connection or a new one. A kept connection that turns out to be dead is replaced once,
        unless the request may have reached the host and must not be repeated, or the host is silent."""
        connection, fresh = self._connection(address)
        try:
            return visit(connection)
        except Crowded:
            return self._apart(address, visit)
        except Lost as lost:
            self._drop(connection)
            if fresh or lost.silent or (lost.sent and not again_when_sent):
                raise self._unanswered(address, lost) from None
        finally:
            self._leave(connection)
        connection, _ = self._connection(address)
        try:
            return visit(connection)
        except Crowded:
            return self._apart(address, visit)
        except Lost as lost:
            self._drop(connection)
            raise self._unanswered(address, lost) from None
        finally:
            self._leave(connection)

    def _apart(self, address: Address, visit: Callable[[Connection], _T]) -> _T:
        """Visits over a connection of its own, which ends with the visit: a hardened sshd allows few sessions on one,
        and those that are open belong to others."""
        connection = connect(address, self._private(address), self._connect_timeout)
        try:
            return visit(connection)
        except Crowded:
            raise LoginRefused(
                f"{address.name} lets {address.user} log in but opens no session. Allow sessions in sshd_config "
                "(MaxSessions) and for that account."
            ) from None
        except Lost as lost:
            raise self._unanswered(address, lost) from None
        finally:
            connection.wire.cut()

    def _unanswered(self, address: Address, lost: Lost) -> Unanswered:
        if lost.silent:
            return Unanswered(
                f"{address.name} keeps its SSH connection open but answers nothing for {self._first_byte:g} s. "
                "Look at the host's console: it may hang, have lost power or its network."
            )
        sent = " after the command was sent, so nobody knows whether it ran" if lost.sent else ""
        return Unanswered(
            f"The SSH connection to {address.name} was lost{sent}: {lost}. Check that the host and its network are up."
        )

    def _connection(self, address: Address) -> tuple[Connection, bool]:
        """The kept connection, or a new one (True), counted as in use. Only callers of one address wait for another."""
        kept = self._kept(address)
        if kept is not None:
            return kept, False
        with self._guard:
            door = self._doors.setdefault(address, threading.Lock())
        with door:
            kept = self._kept(address)
            if kept is not None:
                return kept, False
            made = connect(address, self._private(address), self._connect_timeout)
            made.users = 1
            with self._guard:
                old = self._open.get(address)
                self._open[address] = made
                unused = self._take_idle() + ([old] if old is not None and not old.users else [])
        for connection in unused:
            connection.wire.cut()
        return made, True

    def _kept(self, address: Address) -> Connection | None:
        with self._guard:
            kept = self._open.get(address)
            if kept is None or not kept.alive:
                return None
            kept.users += 1
            return kept

    def _leave(self, connection: Connection) -> None:
        """The caller is done; a connection that was replaced meanwhile ends with its last user."""
        with self._guard:
            connection.users -= 1
            over = not connection.users and self._open.get(connection.address) is not connection
        if over:
            connection.wire.cut()

    def _take_idle(self) -> list[Connection]:
        """Removes and returns what was not used for long: hosts that left the estate, pins that were replaced."""
        before = time.monotonic() - IDLE
        idle = [each for each in self._open.values() if not each.users and each.used < before]
        for connection in idle:
            del self._open[connection.address]
        return idle

    def _drop(self, connection: Connection) -> None:
        connection.wire.cut()
        with self._guard:
            if self._open.get(connection.address) is connection:
                del self._open[connection.address]

    def _private(self, address: Address) -> paramiko.PKey:
        if self._key is None:
            try:
                self._key = read_private(self._private_key)
            except ValueError as error:
                raise LoginRefused(f"The portal has no key for {address.name}. {error} Make a new one.") from None
        return self._key


def _forked() -> None:
    for pool in list(_pools):
        pool._after_fork()


os.register_at_fork(after_in_child=_forked)
