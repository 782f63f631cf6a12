"""The folder of one scratch server: made for its account alone, locked while anybody lives in it, removed after."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "rehearsal-"
_MARKER = ".holdfast-scratch"
_SOCKET = 107 - len("/.s.PGSQL.5432.lock")  # bytes of a socket's path


class ScratchFailed(Exception):
    """There is no scratch server. Its text is one sentence with what to do; it says nothing about any dump."""


class Folder:
    """One private folder below `base`. The lock is on its marker and lives as long as any process that has it open: the
    portal, and the keeper it starts."""

    def __init__(self, base: Path, account: int | None) -> None:
        _fits(base, account)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        self.log = self.path / "log"
        self.lock = os.open(self.path / _MARKER, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.log.touch(0o600)
        if account is not None:
            for path in (self.path, self.log):
                os.chown(path, account, account)

    def last_words(self) -> str:
        """The last line that the server's log holds, for a sentence; "" when there is none."""
        with suppress(OSError):
            descriptor = os.open(self.log, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as log:
                log.seek(max(os.fstat(descriptor).st_size - 4096, 0))
                lines = log.read(4096).decode("utf-8", "replace").split("\n")
            return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
        return ""

    def remove(self) -> None:
        """The folder and all in it, and the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def sweep(base: Path) -> list[str]:
    """Removes what killed rehearsals left in `base`: folders with the prefix and the marker that nobody has locked.
    Nothing else is touched, and no link is followed. Returns the names of the folders that are gone."""
    gone = []
    for path in sorted(base.glob(f"{PREFIX}*")):
        if (lock := _abandoned(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
            if not path.exists():
                gone.append(path.name)
    return gone


def _abandoned(path: Path) -> int | None:
    """The marker's lock, when this is a scratch folder that nobody lives in."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        return None
    try:
        marker = os.open(path / _MARKER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(marker)
        return None
    return marker


def _fits(base: Path, account: int | None) -> None:
    """Raises ScratchFailed when a server could not live in `base`."""
    if not base.is_dir():
        raise ScratchFailed(f"The folder for scratch servers, {base}, does not exist. Make it.")
    if len(os.fsencode(base)) + len(PREFIX) + 9 > _SOCKET:
        raise ScratchFailed(f"The path {base} is too long for a socket. Choose a folder with a shorter path.")
    shut = [place for place in (base, *base.resolve().parents) if not place.stat().st_mode & stat.S_IXOTH]
    if account is not None and shut:
        raise ScratchFailed(
            f"The account of the scratch server cannot enter {shut[0]}. Choose one that all may pass through."
        )
