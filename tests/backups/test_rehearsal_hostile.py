"""Dumps that want to run something while they are restored. What ran would leave a file in a place open to all."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from backups.catalog.dumps import read_dump
from backups.catalog.streams import Limits
from portal.connectors.scratch import Scratch
from portal.connectors.scratch_restore import Restoring
from tests.backups.make_archive import Databases

EVIL = {
    "a program for COPY TO": "COPY (SELECT 1) TO PROGRAM 'touch {mark}';",
    "a program for COPY FROM": "COPY public.samples FROM PROGRAM 'touch {mark}';",
    "a program before rows": "COPY public.samples FROM PROGRAM 'touch {mark}'; COPY public.samples FROM stdin;\n\\.\n",
    "a file": "COPY (SELECT 1) TO '{mark}';",
    "an untrusted language": "CREATE LANGUAGE plperlu;",
    "a C function": "CREATE FUNCTION public.f() RETURNS int LANGUAGE c AS 'libc.so.6', 'system';",
    "psql's shell": "\\! touch {mark}",
    "psql's shell behind a statement": "SELECT 1; \\! touch {mark}\n",
    "psql's shell between words": "SELECT\n\\! touch {mark}\n1;",
    "psql's pipe": "\\o |touch {mark}\nSELECT 1;",
    "psql's copy": "\\copy (SELECT 1) TO '{mark}'",
    "psql's include": "\\i /etc/passwd",
    "another user": "\\connect - holdfast_scratch\nCOPY (SELECT 1) TO PROGRAM 'touch {mark}';",
    "another role": "SET SESSION AUTHORIZATION holdfast_scratch; COPY (SELECT 1) TO PROGRAM 'touch {mark}';",
    "a file of the server's": "SELECT pg_catalog.lo_import('/etc/passwd');",
    "a setting": "ALTER SYSTEM SET archive_command = 'touch {mark}';",
    "a library": "LOAD '{mark}.so';",
}


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    made = Databases(tmp_path_factory.mktemp("dumps"))
    try:
        made.make()
        yield made
    finally:
        made.drop()


@pytest.fixture(scope="module")
def folder():
    made = Path(tempfile.mkdtemp(prefix="hf-hostile-", dir="/tmp"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def restoring(folder):
    with Scratch(folder) as scratch, Restoring(scratch) as made:
        yield made


def back_of(restoring, part, raw):
    """What comes back of one dump, each in a database of its own."""
    read_dump(io.BytesIO(raw).read, restoring.dumps().of(part), Limits(), "It")
    return restoring.finish(lambda part, back: None, lambda: None)[part]


def refused(back, mark, name):
    assert list(mark.parent.glob("ran*")) == []
    assert back.rows == {}
    if name == "an untrusted language":  # a machine without it cannot say more
        assert back.problem or "is not available" in back.doubt
    else:
        assert back.problem
        assert not back.doubt


@pytest.mark.parametrize("name", EVIL)
def test_a_hostile_plain_dump_runs_nothing(name, bases, restoring, folder):
    """It stands where pg_dump writes statements: between the tables and their rows."""
    mark = folder / "ran"
    text = (bases.folder / "dwh.plain").read_bytes()
    evil = EVIL[name].format(mark=mark).encode()
    hostile = text.replace(b"COPY public.samples", evil + b"\n\nCOPY public.samples", 1)
    assert hostile != text
    refused(back_of(restoring, f"plain{list(EVIL).index(name)}", hostile), mark, name)


@pytest.mark.parametrize("name", [name for name in EVIL if not name.startswith(("psql", "another user"))])
def test_a_hostile_custom_dump_runs_nothing(name, bases, restoring, folder):
    """A real dump whose list of contents says something else, of the same length, where a comment was."""
    mark = folder / "ran"
    evil = EVIL[name].format(mark=mark)
    with psycopg.connect(bases.url, dbname=bases.names["keycloak"], autocommit=True) as own:
        own.execute(f"comment on table samples is '{'x' * (len(evil) + 80)}'".encode())
    dump = bases.dump("keycloak", "custom")
    found = re.search(rb"COMMENT ON TABLE public\.samples IS 'x+';", dump)
    assert found
    hostile = dump.replace(found[0], evil.encode().ljust(len(found[0])))
    refused(back_of(restoring, f"custom{list(EVIL).index(name)}", hostile), mark, name)


@pytest.mark.parametrize("form", ["plain", "custom"])
def test_the_same_dumps_unchanged_come_back(form, bases, restoring):
    back = back_of(restoring, f"good_{form}", (bases.folder / f"dwh.{form}").read_bytes())
    assert (back.problem, back.doubt, back.rows) == ("", "", {"public.samples": 4000})


def test_statements_without_end_are_no_dump(restoring):
    raw = b"-- PostgreSQL database dump\n" + b"-- x\n" * 4_000_000
    assert "more statements" in back_of(restoring, "long", raw).problem


def test_pg_dumps_own_restrict_lines_are_left_out(bases, restoring):
    """Newer pg_dump writes them; the older server of a test may not."""
    text = (bases.folder / "dwh.plain").read_bytes()
    bare = re.sub(rb"(?m)^\\(?:un)?restrict .*\n", b"", text)
    told = bare.replace(b"\nSET ", b"\n\\restrict abcDEF123\n\nSET ", 1) + b"\\unrestrict abcDEF123\n\n"
    assert back_of(restoring, "bare", bare).rows == back_of(restoring, "told", told).rows == {"public.samples": 4000}


def test_a_dump_of_an_old_pg_dump_with_a_dbas_extension_comes_back(bases, restoring):
    """pg_dump before 11 names the schema public (oVirt 4.3), and a DBA may have put an extension into the database that
    an owner cannot make: engine-backup's restore passes over both (facts/engine-backup.md 3). A new pg_dump names no
    schema public, so one of the same length stands in for it."""
    with psycopg.connect(bases.url, dbname=bases.names["dwh"], autocommit=True) as own:
        own.execute("create schema publik")
        own.execute("create table publik.old as select generate_series(1, 3) as number")
        own.execute("create extension pgstattuple")
        try:
            raw = bases.dump("dwh", "custom")
        finally:
            own.execute("drop schema publik cascade")
            own.execute("drop extension pgstattuple")
    assert b"publik" in raw
    back = back_of(restoring, "old", raw.replace(b"publik", b"public"))
    assert (back.problem, back.doubt, back.warnings) == ("", "", "")
    assert back.rows == {"public.old": 3, "public.samples": 4000}
    assert "pgstattuple" in back.extensions
