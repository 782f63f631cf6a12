"""A folder of this machine or an NFS mount. No put lands on a bare mount point: the folder must hold a marker."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from portal.connectors.stores.store import (
    CHUNK,
    Held,
    Outgoing,
    Pieces,
    Progress,
    Space,
    StoreFailed,
    hashed,
    is_partial_of,
    partial_of,
    plain,
)

MARKER = ".holdfast-store"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


def mark(folder: Path) -> None:
    """Writes the marker into a folder that is to hold copies; done once, by a person, while the mount is there.
    Raises OSError."""
    (folder / MARKER).touch(mode=0o600)


class DirectoryStore:
    """Copies in one flat folder, reached through its descriptor: what is unmounted meanwhile gets nothing beside it."""

    def __init__(self, name: str, folder: Path, *, marked: bool = True) -> None:
        """marked: the folder must hold MARKER. Only for a folder that can be no mount point is it set to False."""
        self._name, self._path, self._marked = name, folder, marked

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return self._name

    def put(self, local: Path, name: str, sha256: str, progress: Progress) -> Held:
        """See Store. On a full disk the unfinished copy is removed, so that it does not keep the disk full."""
        plain(self._name, name)
        with self._folder() as at, Outgoing(local, sha256) as outgoing:
            with self._speaking():
                size = _size(at, name)
            if size is not None:
                return self._same(at, name, size, sha256, progress)
            self._fill(at, partial_of(name, sha256), outgoing, progress)
            with self._speaking():
                os.rename(partial_of(name, sha256), name, src_dir_fd=at, dst_dir_fd=at)
                os.fsync(at)
                self._sweep(at, name)
            return Held(outgoing.size)

    def held(self, name: str) -> Held | None:
        """See Store; a folder knows no hash."""
        plain(self._name, name)
        with self._folder() as at, self._speaking():
            size = _size(at, name)
        return None if size is None else Held(size)

    def rehash(self, name: str, progress: Progress) -> str:
        """See Store. This machine's own cache of the file is dropped first, so that the bytes come from the disk or
        from the NFS server."""
        plain(self._name, name)
        with self._folder() as at, self._reading(at, name) as file:
            return hashed(self._pieces(file), progress)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See Store."""
        plain(self._name, name)
        with self._folder() as at, self._reading(at, name) as file:
            yield io.BufferedReader(Pieces(self._pieces(file)), CHUNK)

    def remove(self, name: str) -> None:
        """See Store."""
        plain(self._name, name)
        with self._folder() as at, self._speaking():
            _unlink(at, name)
            self._sweep(at, name)
            os.fsync(at)

    def space(self) -> Space | None:
        """Room for an ordinary user of the file system."""
        with self._folder() as at, self._speaking():
            told = os.fstatvfs(at)
        return Space(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize)

    @contextmanager
    def _folder(self) -> Iterator[int]:
        """The folder's descriptor, with the marker seen through it."""
        with self._speaking():
            at = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with self._speaking():
                there = not self._marked or _size(at, MARKER) is not None
            if not there:
                raise StoreFailed(
                    f"{self._name} is not mounted, or nobody has set it up: its folder {self._path} holds no {MARKER}. "
                    "Mount it; if it is mounted and new, create that file in it.",
                    retry=True,
                )
            yield at
        finally:
            os.close(at)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turns what the file system answers into a sentence."""
        try:
            yield
        except StoreFailed:
            raise
        except OSError as error:
            raise self._sentence(error) from None

    def _sentence(self, error: OSError) -> StoreFailed:
        told = (error.strerror or type(error).__name__).lower()
        if error.errno in _FULL:
            return StoreFailed(f"{self._name} is full ({told}). Make room there or let fewer copies be kept.", False)
        if error.errno in _REFUSED:
            return StoreFailed(
                f"The portal may not write to or read from {self._name} ({told}). "
                f"Give its account the rights on {self._path}.",
                retry=False,
            )
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return StoreFailed(f"{self._name} has no folder {self._path} ({told}). Mount it or correct its path.", True)
        return StoreFailed(f"{self._name} does not answer as a disk does ({told}). Look at the mount.", retry=True)

    def _same(self, at: int, name: str, size: int, sha256: str, progress: Progress) -> Held:
        """A file of that name is there already: it must be the same one."""
        with self._reading(at, name) as file:
            found = hashed(self._pieces(file), progress)
        if found != sha256:
            raise StoreFailed(
                f"{self._name} holds another file named {name} already ({size} bytes), which is not overwritten. "
                "Find out what it is and move it away.",
                retry=False,
            )
        return Held(size)

    @contextmanager
    def _unfinished(self, at: int, partial: str) -> Iterator[io.FileIO]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(partial, flags, 0o600, dir_fd=at), "r+b", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreFailed(f"Another process copies the same file to {self._name} now.", retry=True) from None
            except OSError:
                pass  # a mount without locks: one Run per destination guards it
            assert isinstance(file, io.FileIO)
            yield file

    def _resumed(self, target: io.FileIO, outgoing: Outgoing, progress: Progress) -> int:
        """Compares what an interrupted put left, byte for byte; returns how much of it stands."""
        there = os.fstat(target.fileno()).st_size
        done = -1 if there > outgoing.size else outgoing.pass_over(_chunks(target), progress)
        if done < 0:
            target.truncate(0)
            target.seek(0)
            outgoing.rewind()
            return 0
        return done

    def _fill(self, at: int, partial: str, outgoing: Outgoing, progress: Progress) -> None:
        """Brings the unfinished copy to its end and onto the disk; removed when the disk is full or the file is not
        what it should be."""
        try:
            with self._speaking(), self._unfinished(at, partial) as target:
                done = self._resumed(target, outgoing, progress)
                told = os.fstatvfs(at)
                if told.f_blocks and told.f_bavail * told.f_frsize < outgoing.size - done:
                    raise OSError(errno.ENOSPC, f"{outgoing.size - done} bytes do not fit")
                while piece := outgoing.read(CHUNK):
                    _write(target, piece)
                    done += len(piece)
                    progress(done)
                os.fsync(target.fileno())
            outgoing.check()
        except StoreFailed as failed:
            if not failed.retry:
                _unlink(at, partial)
            raise

    @contextmanager
    def _reading(self, at: int, name: str) -> Iterator[io.FileIO]:
        with self._speaking():
            try:
                number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            except FileNotFoundError:
                raise StoreFailed(f"{self._name} holds no {name}. Copy it there again.", retry=False) from None
        with os.fdopen(number, "rb", buffering=0) as file:
            with suppress(OSError):
                os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
            assert isinstance(file, io.FileIO)
            yield file

    def _pieces(self, file: io.FileIO) -> Iterator[bytes]:
        with self._speaking():
            yield from _chunks(file)

    def _sweep(self, at: int, name: str) -> None:
        """Removes what interrupted puts of other content left under this name."""
        for each in os.listdir(at):
            if is_partial_of(name, each):
                _unlink(at, each)


def _chunks(file: io.FileIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK):
        yield piece


def _write(file: io.FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _size(at: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=at, follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def _unlink(at: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=at)
