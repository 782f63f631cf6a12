"""What PostgreSQL's tools said about a restore, in one sentence: does it speak against the dump, or only of here?"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Said by the server or by pg_restore when it was not the dump's fault. Anything else is held against the dump.
_HERE = (
    (r"No space left on device|could not extend file", "the disk of the scratch server is full. Make room"),
    (r"is not available|could not open extension control file",
     "an extension that it needs is not on this machine. Install postgresql-contrib of the server's version"),
    (r"out of (?:shared )?memory|could not (?:fork|resize|map)",
     "the scratch server ran out of memory. Give it more"),
    (r"closed the connection unexpectedly|terminating connection|connection to server|database system is|no connection "
     r"to the server|connection is closed|the connection is lost",
     "the scratch server went away. Rehearse once more"),
    (r"unsupported version \(1\.\d\d\)|unrecognized configuration parameter",
     "it was made by a newer PostgreSQL. Install one that is as new"),
)  # fmt: skip
_VALUE = re.compile(r"(syntax for type [^:]*|out of range|encoding \"[^\"]*\"):.*")  # rows may hold secrets
_OWNER = re.compile(r"(?m)^\d+; \d+ \d+ (?!ACL|DEFAULT ACL|EXTENSION|COMMENT).* (\S+)$")
_GRANTED = re.compile(r"(?m)^\d+; \d+ \d+ (?:ACL|DEFAULT ACL) ")
_EXTENSION = re.compile(r"(?m)^\d+; \d+ \d+ EXTENSION - (\S+) *$")
_PUBLIC = re.compile(r"(?m)^\d+; \d+ \d+ SCHEMA - public .*\n?")
_SERVER = re.compile(r"(?m)^;\s+Dumped from database version: (\d+)(\S*)")
_DUMPER = re.compile(r"(?m)^;\s+Dumped by pg_dump version: (\d+)")


@dataclass(frozen=True)
class Listed:
    """What a dump's list of contents asks for. newest: the newest major version that had a hand in it, 0 unknown.
    roles: owners it names. granted: it grants rights."""

    server: str = ""
    newest: int = 0
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    granted: bool = False


def read_list(text: str) -> Listed:
    """Reads `pg_restore --list`."""
    server, dumper = _SERVER.search(text), _DUMPER.search(text)
    return Listed(
        server=server[1] + server[2] if server else "",
        newest=max(int(server[1]) if server else 0, int(dumper[1]) if dumper else 0),
        extensions=tuple(sorted(set(_EXTENSION.findall(text)))),
        roles=tuple(sorted(set(_OWNER.findall(text)))),
        granted=bool(_GRANTED.search(text)),
    )


def without_public(text: str) -> str:
    """A list of contents without the schema public, which is there in every database; "" when it does not stand in it.
    pg_dump before 11 names it, and engine-backup's restore passes over the error (facts/engine-backup.md 3)."""
    return _PUBLIC.sub("", text) if _PUBLIC.search(text) else ""


def error_of(text: str) -> str:
    """The line of an error that names it, without values out of rows; the context below it is left out."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next((line for line in lines if "ERROR: " in line), next(iter(lines), ""))
    told = told.removeprefix("pg_restore: ").removeprefix("error: ").replace("ERROR:  ", "").replace("ERROR: ", "")
    return _VALUE.sub(r"\1", told)[:200].rstrip(". ")


def doubt_of(text: str) -> str:
    """What is wrong here rather than with the dump, and what to do; "" when nothing of that kind was said."""
    return next((told for pattern, told in _HERE if re.search(pattern, text)), "")
