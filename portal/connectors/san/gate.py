"""What keeps the portal from locking an account or using up a device's sessions: a refused password stands until it is
entered anew, and a session that may have been left open is waited for (facts/san.md 0.2, 0.4)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from portal.connectors.san.errors import Busy, Refused
from portal.connectors.san.https import Account
from portal.kernel.secret import Secret
from portal.kernel.words import span

# A session that could not be ended takes one of three places until the device ends it; how long that is, is not known.
HOLD_SECONDS, LONGEST_HOLD = 900.0, 14_400.0

Turn = Callable[[str], AbstractContextManager[bool]]  # by the device's address; False: somebody else's turn


class Gate:
    """Memory of one process, by address and account. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: dict[tuple[str, str], tuple[Secret, str]] = {}
        self._left: dict[str, tuple[int, float]] = {}
        self.renew_lock()

    def renew_lock(self) -> None:
        """After a fork the parent's lock may be held by nobody who lives."""
        self._lock = threading.Lock()

    def admit(self, name: str, where: str, account: Account) -> None:
        """Passes when a login may be sent. Raises Refused while this very password stands refused, Busy while a session
        may still be open."""
        with self._lock:
            password, sentence = self._refused.get((where, account.user), (Secret(""), ""))
            times, since = self._left.get(where, (0, 0.0))
        if sentence and password == account.password:
            raise Refused(sentence)
        left = min(LONGEST_HOLD, HOLD_SECONDS * 2 ** (times - 1)) - (self._clock() - since) if times else 0.0
        if left > 0:
            raise Busy(
                f"{name} may still hold a session of the portal that could not be ended, so the portal does not log in "
                f"for another {span(left)}. End the session of {account.user} there if it is needed sooner."
            )

    def refuse(self, where: str, account: Account, sentence: str) -> None:
        """This password is not sent there again."""
        with self._lock:
            self._refused[where, account.user] = (account.password, sentence)

    def forget(self, where: str, user: str) -> None:
        """A person says that the account is in order again: the same password may be tried once more."""
        with self._lock:
            self._refused.pop((where, user), None)

    def left_open(self, where: str) -> None:
        """A session may have been opened, or not been ended."""
        with self._lock:
            self._left[where] = (self._left.get(where, (0, 0.0))[0] + 1, self._clock())

    def ended(self, where: str) -> None:
        """A session began and ended as it should."""
        with self._lock:
            self._left.pop(where, None)


shared = Gate()
os.register_at_fork(after_in_child=shared.renew_lock)


class _Turns:
    """This process's turns, one per device."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forgets all: a forked child holds none of its parent's turns."""
        self.guard = threading.Lock()
        self.locks: dict[str, threading.Lock] = {}


_turns = _Turns()
os.register_at_fork(after_in_child=_turns.renew)


@contextmanager
def process_turn(where: str) -> Iterator[bool]:
    """A turn among the threads of this process; does not wait."""
    with _turns.guard:
        lock = _turns.locks.setdefault(where, threading.Lock())
    mine = lock.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            lock.release()


class Cursor(Protocol):
    """What of a database cursor is used."""

    def execute(self, sql: str, params: object) -> object: ...

    def fetchone(self) -> tuple[object, ...] | None: ...


TURN_LOCK = 0x53414E31  # first key of the advisory lock; the second is made of the device's address


def database_turn(cursor: Callable[[], AbstractContextManager[Cursor]]) -> Turn:
    """A turn among all processes: an advisory lock of PostgreSQL, which goes with the database session, so a dead
    process holds none. cursor: a Django connection's. Does not wait. The caller must not be inside a transaction."""

    @contextmanager
    def turn(where: str) -> Iterator[bool]:
        with process_turn(where) as first, cursor() as sql:
            if not first:
                yield False
                return
            sql.execute("select pg_try_advisory_lock(%s, hashtext(%s))", [TURN_LOCK, where])
            row = sql.fetchone()
            mine = bool(row and row[0])
            try:
                yield mine
            finally:
                if mine:
                    sql.execute("select pg_advisory_unlock(%s, hashtext(%s))", [TURN_LOCK, where])

    return turn


def taken(name: str) -> Busy:
    """Somebody else looks at the device now, as an exception (not raised)."""
    return Busy(
        f"Another look at {name} is under way, and only one at a time is made. Its result comes with that look."
    )
