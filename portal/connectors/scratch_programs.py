"""PostgreSQL's server programs on this machine: the newest that are whole."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Debian and Ubuntu; PostgreSQL's own packages for EL. What pg_config names and what is in PATH comes on top.
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
_NEEDED = ("initdb", "postgres", "pg_restore")
_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")


@dataclass(frozen=True)
class Programs:
    """A folder with initdb, postgres and pg_restore of one version. version: "15.18"."""

    folder: Path
    major: int
    version: str

    def path(self, name: str) -> str:
        """The full path of one program."""
        return str(self.folder / name)


def find(named: str = "") -> Programs | None:
    """The newest whole set of programs, or that in the folder `named` (a setting) and no other. None: there is none."""
    folders = [Path(named)] if named else list(_folders())
    found = [programs for folder in dict.fromkeys(folders) if (programs := _look(folder))]
    return max(found, key=lambda one: one.major, default=None)


def _folders() -> Iterator[Path]:
    for pattern in _PLACES:
        yield from (Path(place) for place in sorted(glob.glob(pattern)))
    if config := shutil.which("pg_config"):
        yield Path(_said([config, "--bindir"]).strip() or "/nonexistent")
    yield from (Path(place) for place in (*os.get_exec_path(), "/usr/bin"))


def _look(folder: Path) -> Programs | None:
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED):
        return None
    found = _MAJOR.search(_said([str(folder / "postgres"), "--version"]))
    return Programs(folder, int(found[1]), found[1] + found[2]) if found else None


def _said(argv: list[str]) -> str:
    """What a program prints about itself; "" when it does not."""
    try:
        return subprocess.run(argv, capture_output=True, timeout=10, check=True).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return ""
