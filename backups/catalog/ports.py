"""What the catalog needs from outside: a place that holds the archive, and PostgreSQL's and SQLite's own readers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from backups.catalog.streams import Read
from portal.kernel.output import Output


class Source(Protocol):
    """One archive at one place. `name` stands in sentences."""

    @property
    def name(self) -> str: ...
    def size(self) -> int | None:
        """Bytes, or None when there is no such file."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Its bytes from the start. OSError when the place does not answer."""


class Dumps(Protocol):
    """Readers that judge a dump by reading all of it. They run confined and never raise for what a dump holds: exit
    code 124 is a time limit, None means that the reader could not be started or its end was not seen."""

    def of(self, part: str) -> Dumps:
        """The reader for the dump of this part."""

    def tool(self) -> Output:
        """`pg_restore --version`."""

    def custom(self, read: Read) -> tuple[Output, Output]:
        """(`pg_restore --list`, full decode of a custom-format dump), both fed from one reading of `read`."""

    def plain(self, read: Read) -> Read:
        """`read` of a plain dump, or one that passes the same bytes on while it also uses them."""

    def sqlite(self, read: Read) -> Output:
        """`pragma integrity_check` of a SQLite file: "ok", or what is wrong."""


@dataclass(frozen=True)
class FileSource:
    """An archive in a folder of this machine."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def size(self) -> int | None:
        return self.path.stat().st_size if self.path.is_file() else None

    def open(self) -> AbstractContextManager[BinaryIO]:
        return self.path.open("rb")
