"""A folder on another machine, reached over SFTP alone: a chrooted internal-sftp without a shell is enough.

Host keys are pinned and every wait is bounded, as for every connection of the portal (docs/adr/0004)."""

from __future__ import annotations

import io
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import paramiko

from portal.connectors.ssh_address import Address, KeyChanged, LoginRefused, NotPinned, Unanswered
from portal.connectors.ssh_connection import Connection, Crowded, Lost, connect
from portal.connectors.ssh_fetch import Reading, stream
from portal.connectors.ssh_keys import read_private
from portal.connectors.ssh_sftp import room, sftp
from portal.connectors.stores.sftp_session import Refused, Session
from portal.connectors.stores.store import (
    CHUNK,
    Held,
    Outgoing,
    Pieces,
    Progress,
    Space,
    StoreFailed,
    hashed,
    partial_of,
    plain,
)
from portal.kernel.output import LookFailed
from portal.kernel.secret import Secret

LARGEST = 1 << 50  # bytes
RECONNECT = 120.0  # seconds after the last byte for which a reading tries to go on over a new link


class SftpStore:
    """Copies in one flat folder of an account on another machine."""

    def __init__(
        self,
        name: str,
        address: Address,
        private_key: Secret,
        folder: str,
        *,
        deadline: float = 6 * 3600.0,
        silence: float = 30.0,
    ) -> None:
        """folder: as the account sees it. deadline: seconds for one whole put or reading. silence: seconds without a
        byte after which the far end is given up."""
        self._name, self._address, self._key, self._folder = name, address, private_key, folder.rstrip("/") or "/"
        self._deadline, self._silence = deadline, silence

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return self._name

    def put(self, local: Path, name: str, sha256: str, progress: Progress) -> Held:
        """See Store. Of an unfinished copy the last few MiB are compared: the server writes in order. When the link is
        lost, what arrived stays and the next put goes on there."""
        path, partial = self._path(name), self._path(name, partial_of(name, sha256))
        with Outgoing(local, sha256) as outgoing:
            with self._session() as far:
                there = far.size(path)
                if there is None:
                    far.fill(partial, self._folder, outgoing, progress)
                    far.rename(partial, path)
                    far.sweep(self._folder, name)
            if there is not None:
                return self._same(name, there, sha256, progress)
            return Held(outgoing.size)

    def held(self, name: str) -> Held | None:
        """See Store. An account with a shell is asked for a hash, if that does not take it long."""
        path = self._path(name)
        with self._session() as far:
            size = far.size(path)
            return None if size is None else Held(size, far.sum(path))

    def rehash(self, name: str, progress: Progress) -> str:
        """See Store."""
        with closing(self._pieces(name)) as pieces:
            return hashed(pieces, progress)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See Store. A link that is lost while reading is made anew."""
        with closing(self._pieces(name)) as pieces:
            yield io.BufferedReader(Pieces(pieces), CHUNK)

    def remove(self, name: str) -> None:
        """See Store."""
        path = self._path(name)
        with self._session() as far:
            with suppress(FileNotFoundError):
                far.client.remove(path)
            far.sweep(self._folder, name)

    def space(self) -> Space | None:
        """Room for the account, whatever its quota; None when the server cannot say."""
        with self._session() as far:
            told = room(far.client, self._folder)
        return Space(*told) if told else None

    def _path(self, name: str, entry: str = "") -> str:
        return f"{self._folder.rstrip('/')}/{entry or plain(self._name, name)}"

    def _same(self, name: str, size: int, sha256: str, progress: Progress) -> Held:
        """A file of that name is there already: it must be the same one."""
        if self.rehash(name, progress) != sha256:
            raise StoreFailed(
                f"{self._name} holds another file named {name} already ({size} bytes), which is not overwritten. "
                "Find out what it is and move it away.",
                retry=False,
            )
        return Held(size)

    def _pieces(self, name: str) -> Generator[bytes]:
        reading = Reading(self._path(name), LARGEST, steady=True)
        try:
            yield from stream(reading, self._connect, self._deadline, lambda: None, RECONNECT)
        except LookFailed as error:
            raise self._sentence(error) from None

    def _connect(self) -> Connection:
        try:
            key = read_private(self._key)
        except ValueError as error:
            raise StoreFailed(f"{self._name} cannot be used: {error}", retry=False) from None
        return connect(self._address, key, 5.0)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """One login. Turns whatever goes wrong into a sentence."""
        connection: Connection | None = None
        try:
            connection = self._connect()
            with sftp(connection, self._silence) as client:
                yield Session(client, connection, time.monotonic() + self._deadline)
        except StoreFailed:
            raise
        except (Refused, LookFailed, Lost, Crowded, paramiko.SSHException, EOFError, OSError) as error:
            raise self._sentence(error, connection) from None
        finally:
            if connection is not None:
                connection.wire.cut()

    def _sentence(self, error: Exception, connection: Connection | None = None) -> StoreFailed:
        if isinstance(error, LookFailed):
            return self._not_reached(error)
        if isinstance(error, Crowded):
            return StoreFailed(
                f"{self._name} lets {self._address.user} log in but opens no session now. Allow that account more.",
                True,
            )
        lost = isinstance(error, (Lost, EOFError, TimeoutError, paramiko.SSHException))
        if lost or connection is None or not connection.alive:
            told = str(error) or type(error).__name__
            return StoreFailed(
                f"The SFTP connection to {self._name} was lost or fell silent ({told}). "
                "What arrived stays there; the next try goes on with it. Check that the server and its network are up.",
                retry=True,
            )
        return self._refused(error)

    def _not_reached(self, error: LookFailed) -> StoreFailed:
        name, user = self._name, self._address.user
        if isinstance(error, NotPinned):
            return StoreFailed(
                f"{name} has no usable pinned host key, so the portal does not connect to it. "
                "Compare the key that the server shows and pin it.",
                retry=False,
            )
        if isinstance(error, KeyChanged):
            return StoreFailed(
                f"{name} shows another host key than the pinned one, so the portal does not log in. "
                "Find out whether the server was installed anew; if so, pin its new key.",
                retry=False,
            )
        if isinstance(error, LoginRefused):
            return StoreFailed(
                f"{name} does not take the portal's key for {user}. "
                "Put the destination's public key into that account's authorized_keys and see the server's sshd log.",
                retry=False,
            )
        return StoreFailed(f"{name} cannot be used: {error}", retry=isinstance(error, Unanswered))

    def _refused(self, error: Exception) -> StoreFailed:
        told = " ".join(str(error).split())[:120]
        if isinstance(error, FileNotFoundError):
            return StoreFailed(f"{self._name} has no folder {self._folder}. Create it or correct its path.", False)
        if isinstance(error, PermissionError):
            return StoreFailed(
                f"{self._address.user} may not write to or read from {self._folder} at {self._name}. "
                "Give that account the rights there.",
                retry=False,
            )
        if isinstance(error, Refused) and error.full:
            return StoreFailed(f"{self._name} is full ({told}). Make room there or let fewer copies be kept.", False)
        return StoreFailed(
            f"{self._name} refuses what SFTP asked of it ({told}). See whether its disk is full, over its quota or "
            "read-only.",
            retry=False,
        )
