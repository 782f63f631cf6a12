"""A plain-format dump, read as text in one pass: does it end where pg_dump ended it, and is every COPY whole?"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from backups.catalog.streams import CHUNK, Broken, Read

START = b"-- PostgreSQL database dump"
_END = b"\n-- PostgreSQL database dump complete\n"
_COPY = re.compile(rb"(?m)^COPY ([^\n(]+?) ?(?:\(([^\n]*)\) )?FROM stdin;\n")
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')  # a name may hold commas
_CLOSE = b"\n\\.\n"
_SERVER = re.compile(rb"(?m)^-- Dumped from database version (\S+)")
_TAIL = 4096  # the end marker and what newer pg_dump writes behind it
_LINE = 1024 * 1024  # a statement's line; rows may be longer


@dataclass(frozen=True)
class SqlText:
    """What the text holds: tables with a COPY block ("public.vm_static") and their rows."""

    tables: frozenset[str]
    rows: int
    server: str


class _Scan:
    """The text outside and inside of COPY blocks, fed in pieces; keeps at most one line of a statement. What is ahead
    begins with the newline before the next line, so a row is counted by the newline before it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.tables: set[str] = set()
        self.rows = 0
        self._ahead = b"\n"
        self._columns: int | None = None  # inside a COPY block
        self._tabs = self._lines = 0

    @property
    def inside(self) -> bool:
        return self._columns is not None

    def feed(self, piece: bytes) -> None:
        self._ahead += piece
        while self._close() if self.inside else self._open():
            pass

    def _open(self) -> bool:
        """Looks for the next COPY; leaves the last, unfinished line for the next piece."""
        if found := _COPY.search(self._ahead):
            self.tables.add(found[1].decode("utf-8", "replace").replace('"', "").strip())
            self._columns = _QUOTED.sub(b"", found[2]).count(b",") + 1 if found[2] else 0
            self._ahead = b"\n" + self._ahead[found.end() :]
            self._tabs = self._lines = 0
            return True
        self._ahead = self._ahead[self._ahead.rfind(b"\n") :]
        if len(self._ahead) > _LINE:
            raise Broken(f"{self._what} holds a statement line of more than 1 MiB, which pg_dump does not write.")
        return False

    def _close(self) -> bool:
        at = self._ahead.find(_CLOSE)
        upto = at if at >= 0 else max(len(self._ahead) - len(_CLOSE), 0)
        rows, self._ahead = self._ahead[:upto], self._ahead[upto:]
        self._lines += rows.count(b"\n")
        self._tabs += rows.count(b"\t")
        if at < 0:
            return False
        self._ahead = self._ahead[len(_CLOSE) - 1 :]
        columns = self._columns or 0
        if columns and self._tabs != self._lines * (columns - 1):
            raise Broken(f"{self._what} is damaged: the rows of one table do not have its {columns} columns.")
        self.rows += self._lines
        self._columns = None
        return True


def read_sql(read: Read, what: str) -> SqlText:
    """Reads the text to its end. Raises Broken when it is cut, not UTF-8, holds NUL, or a COPY block is not whole."""
    scan, utf8, tail, head = _Scan(what), codecs.getincrementaldecoder("utf-8")(), b"", b""
    while piece := read(CHUNK):
        try:
            utf8.decode(piece)
        except UnicodeDecodeError:
            raise Broken(f"{what} is damaged: it holds bytes that are not UTF-8.") from None
        if b"\0" in piece:
            raise Broken(f"{what} is damaged: it holds NUL bytes.")
        head = head if len(head) >= _TAIL else (head + piece)[:_TAIL]
        tail = (tail + piece)[-_TAIL:]
        scan.feed(piece)
    if scan.inside:
        raise Broken(f"{what} is truncated: it ends inside the rows of a table.")
    if _END not in tail:
        raise Broken(f"{what} is truncated: pg_dump's end marker is missing.")
    server = _SERVER.search(head)
    return SqlText(frozenset(scan.tables), scan.rows, server[1].decode() if server else "")
