"""The table of docs/backup-defects.md: what each rung catches, on archives made here from a real PostgreSQL."""

from __future__ import annotations

import glob
import shutil
import tempfile
from pathlib import Path

import pytest

from backups.catalog.ladder import climb, proven_to, whole
from backups.catalog.ports import FileSource
from backups.catalog.rung import NAMES, Mark
from backups.catalog.streams import Limits, drain
from portal.connectors.pg_restore import PgRestore
from portal.connectors.scratch import Scratch
from portal.connectors.scratch_restore import Restoring
from portal.kernel.output import Output
from tests.backups import hostile  # noqa: F401 - its defects join the others
from tests.backups.bringing_back import BroughtBack
from tests.backups.defects import DEFECTS, GOOD, PARTS, expectation
from tests.backups.make_archive import Databases, Draft

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backup-defects.md"
BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_restore") + glob.glob("/usr/pgsql-*/bin/pg_restore"))
SIGNS = {Mark.OK: "ok", Mark.FAIL: "**FAIL**", Mark.UNKNOWN: "?", Mark.SKIPPED: "-"}

RESULTS: dict[str, dict[str, str]] = {}


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    made = Databases(tmp_path_factory.mktemp("dumps"))
    try:
        made.make()
        yield made
    finally:
        made.drop()


@pytest.fixture(scope="module")
def dumps():
    folder = Path(tempfile.mkdtemp(prefix="hf-defects-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with Scratch(folder) as scratch, Restoring(scratch) as restoring:
            yield BroughtBack(PgRestore(BIN[-1] if BIN else "pg_restore"), restoring)
    finally:
        shutil.rmtree(folder)


def rungs_of(make_it, folder, bases, dumps):
    path, changes = make_it(folder, bases)
    before = sorted(folder.rglob("*"))
    dumps.fresh()
    rungs = climb(FileSource(path), expectation(limits=Limits(members=22_000), **changes), dumps)
    assert sorted(folder.rglob("*")) == before, "reading an archive writes nothing"
    assert not Path("/etc/cron.d/x").exists()
    return rungs, dumps.rungs(changes.get("parts", PARTS))


def remember(kind, name, rungs):
    RESULTS.setdefault(kind, {})[name] = " | ".join(SIGNS[rung.outcome] for rung in rungs)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_archive_is_accepted_and_comes_back(name, tmp_path, bases, dumps):
    rungs, restored = rungs_of(GOOD[name], tmp_path, bases, dumps)
    remember("good", name, (*rungs, *restored))
    assert [rung for rung in rungs if rung.outcome in (Mark.FAIL, Mark.UNKNOWN)] == []
    assert (whole(rungs), proven_to(rungs)) == (True, "version")
    assert [rung.outcome for rung in restored] == [Mark.OK, Mark.OK]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught(name, tmp_path, bases, dumps):
    rungs, restored = rungs_of(DEFECTS[name], tmp_path, bases, dumps)
    remember("bad", name, (*rungs, *restored))
    assert [rung.name for rung in rungs] == list(NAMES)
    assert Mark.FAIL in {rung.outcome for rung in rungs}, rungs
    assert proven_to(rungs) != "version"
    assert all(rung.sentence.endswith(".") for rung in (*rungs, *restored))


class Swallows:
    """Dumps that read everything and find nothing wrong: what is caught here, tar and compressor caught."""

    def of(self, part):
        return self

    def plain(self, read):
        return read

    def tool(self):
        return Output(b"pg_restore (PostgreSQL) 15.18", b"", 0)

    def custom(self, read):
        drain(read)
        return Output(b"", b"", 0), Output(b"", b"", 0)

    def sqlite(self, read):
        drain(read)
        return Output(b"ok", b"", 0)


def test_a_cut_anywhere_is_caught(tmp_path, bases):
    """Without a recorded hash, at the borders and at 20 places between."""
    made = Draft(tmp_path).fill(bases.folder).pack()
    raw = made.read_bytes()
    places = [
        1,
        2,
        9,
        10,
        17,
        18,
        511,
        512,
        *range(1000, len(raw), len(raw) // 20),
        *(len(raw) - n for n in (9, 8, 4, 1)),
    ]
    for place in places:
        made.write_bytes(raw[:place])
        marks = {rung.name: rung.outcome for rung in climb(FileSource(made), expectation(), Swallows())}
        assert (marks["hash"], marks["listing"]) == (Mark.FAIL, Mark.FAIL), place


def test_the_table_in_docs_is_this_one():
    """The page is written anew when it differs, and the difference fails once, to be read and committed."""
    if len(RESULTS.get("good", {})) < len(GOOD) or len(RESULTS.get("bad", {})) < len(DEFECTS):
        pytest.skip("only a part of the table was made")
    columns = (*NAMES, "restored", "counts")
    head = f"| archive | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    tables = {
        kind: "".join(f"| {name} | {marks} |\n" for name, marks in rows.items()) for kind, rows in RESULTS.items()
    }
    text = INTRODUCTION + "\n## Accepted\n\n" + head + tables["good"] + "\n## Refused\n\n" + head + tables["bad"]
    same = PAGE.exists() and PAGE.read_text("utf-8") == text
    if not same:
        PAGE.write_text(text, "utf-8")
    assert same, "docs/backup-defects.md was not what the ladder does; it is now"


INTRODUCTION = """# Archive defects and what each rung catches

Written by `tests/backups/test_defects.py` from archives that it makes out of a real PostgreSQL with pg_dump and GNU
tar. **FAIL**: the rung caught it. ok: the rung saw nothing wrong. ?: the rung could not find out, which never counts
as proof. -: not asked here, or nothing left to look at. An archive is proven up to the last ok before the first FAIL
or ?.

In column `verify` stands what engine-backup's own `--mode=verify` says of such an archive (captured runs); plain dumps
are skipped there, since it fails on all of them.

Columns `restored` and `counts` are no rungs of the ladder: they are the first two of the rehearsal, which restores
every dump into a scratch PostgreSQL and counts the rows (docs/adr/0013). They look at dumps alone, so they pass over
most defects of the archive around them.

What no rung can see: bytes that changed before the hashes were made and left every checksum and structure whole, such
as a letter in a view's definition or a value in a plain dump. Only the rehearsal answers for those, by what the server
refuses and by the counted rows.
"""
