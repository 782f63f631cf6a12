"""The confined children: what they are, what they may, and what becomes of one that hangs or grows."""

from __future__ import annotations

import glob
import os
import shutil
import sqlite3
import stat
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from portal.connectors.pg_restore import Confined, PgRestore
from portal.kernel.output import TIMED_OUT

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_restore") + glob.glob("/usr/pgsql-*/bin/pg_restore"))
REAL = BIN[-1] if BIN else "pg_restore"


def script(text):
    """A program in a folder that every user may enter, in place of pg_restore."""
    folder = Path(f"/tmp/holdfast-child-{os.getpid()}-{threading.get_ident()}")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    program = folder / f"program{len(list(folder.iterdir()))}"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    return str(program)


@pytest.fixture(autouse=True, scope="module")
def no_scripts_left():
    yield
    for folder in glob.glob(f"/tmp/holdfast-child-{os.getpid()}-*"):
        shutil.rmtree(folder)


def chunks(*pieces):
    left = list(pieces)
    return lambda size: left.pop(0) if left else b""


def test_the_tools_version():
    assert PgRestore(REAL).tool().stdout.startswith(b"pg_restore (PostgreSQL) ")


def test_a_child_has_no_rights_no_environment_and_limits(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    listing, _ = PgRestore(script("cat >/dev/null; id -u; env; pwd; ulimit -c; ulimit -n; ulimit -v"), Confined(
        memory=512 * 1024 * 1024)).custom(chunks(b"x"))  # fmt: skip
    lines = listing.stdout.decode().splitlines()
    assert lines[0] == ("65534" if os.geteuid() == 0 else str(os.geteuid()))
    assert "PGPASSWORD" not in listing.stdout.decode()
    assert "LC_ALL=C" in lines
    assert lines[-4:] == ["/", "0", "64", str(512 * 1024)]


def test_both_children_get_every_byte():
    listing, whole = PgRestore(script("sha256sum")).custom(chunks(*[bytes([n]) * 200_000 for n in range(20)]))
    assert listing.stdout == whole.stdout
    assert (listing.exit_code, len(listing.stdout.split()[0])) == (0, 64)


def test_a_child_that_stops_reading_does_not_stop_the_other():
    reader = PgRestore(script("case $1 in --list) head -c 10 >/dev/null; echo listed;; *) wc -c; esac"))
    listing, whole = reader.custom(chunks(*[b"x" * 300_000] * 10))
    assert (listing.stdout, whole.stdout.strip()) == (b"listed\n", b"3000000")


def test_reading_ends_when_nobody_reads_any_more():
    left = [b"x" * 300_000] * 400

    def read(size):
        return left.pop() if left else b""

    listing, whole = PgRestore(script("echo no >&2; exit 3")).custom(read)
    assert (listing.exit_code, whole.exit_code, whole.stderr) == (3, 3, b"no\n")
    assert len(left) > 300


def test_a_child_that_hangs_is_ended_at_its_time_limit():
    began = time.monotonic()
    listing, whole = PgRestore(script("sleep 60"), Confined(seconds=0.3)).custom(chunks(*[b"x" * 300_000] * 40))
    assert (listing.exit_code, whole.exit_code) == (TIMED_OUT, TIMED_OUT)
    assert time.monotonic() - began < 5


def test_an_end_within_the_time_limit_is_no_timeout():
    reader = PgRestore(script("case $1 in --list) echo a;; *) sleep 60; esac"), Confined(seconds=0.4))
    listing, whole = reader.custom(chunks())
    assert (listing.exit_code, listing.stdout, whole.exit_code) == (0, b"a\n", TIMED_OUT)


def test_a_reader_that_raises_leaves_no_child():
    pids = Path(f"/tmp/holdfast-child-{os.getpid()}-pids")
    pids.mkdir(mode=0o777, exist_ok=True)
    pids.chmod(0o777)

    def read(size):
        for _ in range(500):
            if len(list(pids.iterdir())) == 2:
                break
            time.sleep(0.01)
        raise ValueError("the archive is broken")

    with pytest.raises(ValueError, match="broken"):
        PgRestore(script(f"touch {pids}/$$; exec sleep 60")).custom(read)
    found = [int(path.name) for path in pids.iterdir()]
    assert len(found) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in found)


def test_a_listing_cannot_fill_the_disk():
    listing, _ = PgRestore(script("head -c 3000000 /dev/zero"), Confined(listing=1_000_000)).custom(chunks())
    assert len(listing.stdout) <= 1_000_000
    assert listing.exit_code != 0


def test_a_program_that_is_not_there_is_no_answer():
    listing, whole = PgRestore("/nonexistent/pg_restore").custom(chunks(b"x"))
    assert listing.exit_code in (126, 127)
    assert b"/nonexistent/pg_restore" in whole.stderr


def test_a_machine_without_prlimit_gives_no_answer(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(os, "defpath", "/nonexistent")
    assert PgRestore(REAL).tool().exit_code is None


def database(pages=1):
    made = sqlite3.connect(":memory:")
    made.execute("create table a (b)")
    made.executemany("insert into a values (?)", [("x" * 500,)] * pages)
    made.commit()
    return made.serialize()


def test_sqlite_files():
    reader = PgRestore(REAL)
    good = database(100)
    assert reader.sqlite(chunks(good)).stdout == b"ok\n"
    logged = good[:18] + b"\2\2" + good[20:]  # from a write-ahead log
    assert reader.sqlite(chunks(logged)).stdout == b"ok\n"
    rotten = good[:5000] + bytes(4096) + good[9096:]
    assert reader.sqlite(chunks(rotten)).stdout != b"ok\n"
    assert reader.sqlite(chunks(b"SQLite format 3\0 and no more")).exit_code == 0


def test_a_sqlite_file_larger_than_the_memory_limit_is_no_answer():
    tight = PgRestore(REAL, Confined(memory=200 * 1024 * 1024))
    assert tight.sqlite(chunks(*[b"x" * 1_000_000] * 300)).exit_code != 0


def test_memory_does_not_depend_on_the_limits_or_the_dump():
    tracemalloc.start()
    PgRestore(script("cat >/dev/null; echo listed")).custom(chunks(*[b"x" * 200_000] * 300))
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert top < 3_000_000
