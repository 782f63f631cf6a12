"""What every kind of store offers, and the one way in which each fails."""

from __future__ import annotations

import errno
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1024 * 1024  # bytes in memory at once
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,179}")

# bytes so far. To stop the work it raises something that is no OSError, which comes out as it is.
Progress = Callable[[int], object]


class StoreFailed(OSError):
    """A store could not do what was asked. Its text is one sentence; retry: a later try may succeed without anybody
    having done anything. An OSError, so that whoever reads from a store needs to know one kind of failure."""

    def __init__(self, sentence: str, retry: bool) -> None:
        super().__init__(errno.EIO, sentence.rstrip("."))
        self.sentence, self.retry = sentence, retry

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Held:
    """A file at the far end. size in bytes. sha256: what the far end itself worked out of the file, "" when it cannot
    say. locked_until: nobody can remove it before; None without an object lock."""

    size: int
    sha256: str = ""
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Space:
    """Bytes."""

    free: int
    total: int


class Store(Protocol):
    """A place for copies. Every failure is a StoreFailed; every name is a plain file name."""

    @property
    def name(self) -> str:
        """What it is called in sentences."""

    def put(self, local: Path, name: str, sha256: str, progress: Progress) -> Held:
        """Copies a file of this machine under that name. sha256: what local must have. It is there whole or not at
        all, never over another file; an interrupted put goes on where it stopped."""

    def held(self, name: str) -> Held | None:
        """What the far end says about a file, without reading it back; None when there is none."""

    def rehash(self, name: str, progress: Progress) -> str:
        """SHA-256 (hex) of the bytes as they are read back from the far end now."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """The file's bytes from the start."""

    def remove(self, name: str) -> None:
        """Removes a file and what interrupted puts left of it. Nothing happens when there is none."""

    def space(self) -> Space | None:
        """Room at the far end; None when it cannot say."""


@dataclass(frozen=True)
class HeldSource:
    """A copy in a store, as an archive to look at (backups.catalog.ports.Source)."""

    store: Store
    file: str

    @property
    def name(self) -> str:
        """The file's name and its place."""
        return f"{self.file} at {self.store.name}"

    def size(self) -> int | None:
        """Bytes; None when there is no such file. Raises StoreFailed."""
        held = self.store.held(self.file)
        return held.size if held else None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Its bytes from the start. Raises StoreFailed, also while reading."""
        return self.store.open(self.file)


def prove(store: Store, name: str, sha256: str, progress: Progress) -> None:
    """Reads a copy back and compares. Raises StoreFailed when its bytes are not those of that hash."""
    found = store.rehash(name, progress)
    if found != sha256:
        raise StoreFailed(
            f"{store.name} holds {name} with other bytes than were copied there: its SHA-256 is {found[:12]}..., not "
            f"{sha256[:12]}.... Do not count on this copy; find out what damaged it, remove it there and copy again.",
            retry=False,
        )


def plain(store: str, name: str) -> str:
    """The name itself. Raises StoreFailed when it could lead anywhere else than into the store's folder."""
    if not _NAME.fullmatch(name):
        raise StoreFailed(f"{store} takes no file named {name[:80]!a}: a name is letters, digits, . _ and -.", False)
    return name


def partial_of(name: str, sha256: str) -> str:
    """What an unfinished copy of that content is called at the far end; hidden, and never a backup's own name."""
    return f".{name}.{sha256[:16]}.partial"


def is_partial_of(name: str, entry: str) -> bool:
    """True when an entry of the store's folder is an unfinished copy of a file of that name."""
    return re.fullmatch(rf"\.{re.escape(name)}\.[0-9a-f]{{16}}\.partial", entry) is not None


class Outgoing:
    """The local file on its way out. Whatever is passed goes through one hash, which must come to sha256 at the end."""

    def __init__(self, local: Path, sha256: str) -> None:
        """Raises StoreFailed when the file cannot be read or is empty."""
        self._local, self._wanted = local, sha256
        try:
            self.file = local.open("rb", buffering=0)
            self.size = local.stat().st_size
        except OSError as error:
            raise self._unreadable(error) from None
        self._hashed = hashlib.sha256()
        if not self.size:
            self.file.close()
            raise StoreFailed(f"{local.name} is empty in the vault, so it is not copied.", retry=False)

    def __enter__(self) -> Outgoing:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, wanted: int) -> bytes:
        """The next bytes, hashed; b"" at the end."""
        try:
            piece = self.file.read(wanted)
        except OSError as error:
            raise self._unreadable(error) from None
        self._hashed.update(piece)
        return piece

    def rewind(self) -> None:
        """Back to the start; nothing was passed yet."""
        self.file.seek(0)
        self._hashed = hashlib.sha256()

    def pass_over(self, theirs: Iterable[bytes], progress: Progress) -> int:
        """Goes past what is at the far end already, comparing it; how many bytes. -1 when it differs."""
        done = 0
        for piece in theirs:
            if self.read_fully(len(piece)) != piece:
                return -1
            done += len(piece)
            progress(done)
        return done

    def skip(self, count: int, progress: Progress) -> None:
        """Goes past so many bytes, hashing them."""
        left = count
        while left > 0 and (piece := self.read(min(left, CHUNK))):
            left -= len(piece)
            progress(count - left)

    def read_fully(self, wanted: int) -> bytes:
        """Exactly so many bytes, fewer only at the end."""
        whole = b""
        while len(whole) < wanted and (piece := self.read(wanted - len(whole))):
            whole += piece
        return whole

    def check(self) -> None:
        """Raises StoreFailed unless all that passed is what was to be copied."""
        if self._hashed.hexdigest() != self._wanted:
            raise StoreFailed(
                f"{self._local.name} in the vault is not what was recorded: its SHA-256 is "
                f"{self._hashed.hexdigest()[:12]}..., not {self._wanted[:12]}.... It is damaged and was not copied; "
                "take a new backup.",
                retry=False,
            )

    def _unreadable(self, error: OSError) -> StoreFailed:
        return StoreFailed(
            f"{self._local.name} cannot be read in the vault ({error.strerror or error}), so it is not copied. "
            "Look at the vault's disk.",
            retry=False,
        )


class Pieces(io.RawIOBase):
    """An iterator of bytes as a file. Errors come out of read()."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._given = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        """As a file's."""
        if not self._given:
            self._given = memoryview(next(self._pieces, b""))
        room = memoryview(target).cast("B")
        count = min(len(room), len(self._given))
        room[:count] = self._given[:count]
        self._given = self._given[count:]
        return count


def hashed(pieces: Iterable[bytes], progress: Progress) -> str:
    """SHA-256 (hex) of all pieces."""
    digest, done = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        done += len(piece)
        progress(done)
    return digest.hexdigest()
