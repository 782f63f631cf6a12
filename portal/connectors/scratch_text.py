"""A plain dump, brought into a scratch database without psql.

psql obeys words that begin with a backslash (a shell, a file, another server). Here nobody does: what stands between
the rows goes to the server as it is, rows go through COPY, and the server knows no such words. Only pg_dump's own
\\restrict and \\unrestrict lines are left out (facts/engine-backup.md 1: --small-size makes plain dumps)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

import psycopg

_COPY = re.compile(rb"(?m)^COPY [^\n]+ FROM stdin;\n")
_CLOSE = b"\n\\.\n"
_RESTRICT = re.compile(rb"(?m)^\\(?:un)?restrict [A-Za-z0-9]+\n")
_EXTENSION = re.compile(rb'(?m)^CREATE EXTENSION IF NOT EXISTS "?([\w-]{1,63})"? ')
_SERVER = re.compile(rb"(?m)^-- Dumped from database version (\d+)(\S*)")
_DUMPER = re.compile(rb"(?m)^-- Dumped by pg_dump version (\d+)")
_STATEMENTS = 16 * 1024 * 1024  # between two tables; an engine's are 3 MB in all
_LINE = 1024 * 1024


class NoDump(Exception):
    """The text is not what pg_dump writes. Says why, as the end of a sentence."""


class Head:
    """What the head of the text tells: versions (major, 0 unknown), and the extensions it asks for."""

    def __init__(self, text: bytes) -> None:
        server, dumper = _SERVER.search(text), _DUMPER.search(text)
        self.server = (server[1] + server[2]).decode() if server else ""
        self.newest = max(int(server[1]) if server else 0, int(dumper[1]) if dumper else 0)
        self.extensions = tuple(sorted({found.decode() for found in _EXTENSION.findall(text)}))


class Text:
    """One dump on its way into one session, in one transaction. begin: called with the head before anything is sent;
    it returns the session. Raises NoDump, and psycopg.Error for what the server refuses."""

    def __init__(self, begin: Callable[[Head], psycopg.Connection[tuple[Any, ...]]]) -> None:
        self._begin = begin
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None
        self._stack = contextlib.ExitStack()
        self._copy: psycopg.Copy | None = None
        self._ahead = b""
        self._seen = 0  # of what is ahead, where no COPY begins

    def feed(self, piece: bytes) -> None:
        """The next bytes of the dump."""
        self._ahead += piece
        while self._rows() if self._copy else self._statements():
            pass

    def close(self) -> None:
        """The end of the dump: what is left is sent, and all of it holds from now on."""
        if self._copy:
            raise NoDump("it ends inside the rows of a table")
        self._send(self._ahead)
        self.session.commit()

    @property
    def session(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The session, begun with what the head says."""
        if self._session is None:
            self._session = self._begin(Head(self._ahead))
        return self._session

    def end(self) -> None:
        """Ends the session, whatever came of it."""
        with contextlib.suppress(psycopg.Error):
            self._stack.__exit__(NoDump, NoDump("it was left"), None)
        if self._session:
            self._session.close()

    def _statements(self) -> bool:
        if found := _COPY.search(self._ahead, self._seen):
            self._send(self._ahead[: found.start()])
            cursor = self.session.cursor()
            self._copy = self._stack.enter_context(cursor.copy(found[0].rstrip(b";\n")))
            self._ahead, self._seen = b"\n" + self._ahead[found.end() :], 0
            return True
        self._seen = max(self._ahead.rfind(b"\n", max(len(self._ahead) - _LINE, 0)) + 1, self._seen)
        if len(self._ahead) > _STATEMENTS:
            raise NoDump("it holds more statements between two tables than any engine has")
        return False

    def _rows(self) -> bool:
        """What is ahead begins with the newline before the next row, so that an empty table ends like any other."""
        at = self._ahead.find(_CLOSE)
        upto = at if at >= 0 else max(len(self._ahead) - len(_CLOSE), 0)
        if self._copy and upto:
            self._copy.write(self._ahead[1 : upto + 1])
        self._ahead = self._ahead[upto:]
        if at < 0:
            return False
        self._stack.close()
        self._copy, self._ahead = None, self._ahead[len(_CLOSE) :]
        return True

    def _send(self, statements: bytes) -> None:
        if text := _RESTRICT.sub(b"", statements).strip():
            self.session.execute(text)
