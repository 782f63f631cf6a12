"""Archives that come back, and archives that do not: real dumps, a real scratch server, one reading."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from backups.catalog.ladder import whole
from backups.catalog.parts import Part
from backups.catalog.ports import FileSource
from backups.catalog.rehearsal import Inventory, Known, Previous
from backups.catalog.rung import Mark
from backups.works.rehearsing import Place, rehearse, rows_of
from portal.connectors import scratch_restore
from portal.connectors.scratch import Bounds
from portal.connectors.scratch_programs import Programs, find
from tests.backups import make_archive as make
from tests.backups.defects import PARTS, PASSED, expectation, verify_of
from tests.backups.make_archive import Databases, Draft

MIB = 1024 * 1024
LIVE = {"hosts": 2, "VMs": 200, "disks": 7, "storage domains": 3, "Direct LUNs": 2}
# What the engine's own schema has beside make_archive's tables, so that every question finds its answer.
MORE_SQL = """
create extension "uuid-ossp";
alter table vm_static add entity_type text not null default 'VM';
insert into vm_static values ('00000000-0000-0000-0000-000000000000', 'Blank', null, 'TEMPLATE');
create table base_disks (disk_id uuid primary key default uuid_generate_v1());
insert into base_disks select from generate_series(1, 7);
create table disk_lun_map (disk_id uuid references base_disks, lun_id text);
insert into disk_lun_map select disk_id, 'lun' from base_disks limit 2;
create table async_tasks (id int);
comment on extension "uuid-ossp" is 'x';
comment on schema public is 'y';
create role {role};
grant select on vm_static to {role};
create function upper_name(text) returns text language plpgsql immutable as $$ begin return upper($1); end $$;
create index on vm_static (upper_name(vm_name));
create view names as select vm_name from vm_static;
"""


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    made = Databases(tmp_path_factory.mktemp("dumps"))
    role = f"holdfast_reader_{os.getpid()}"
    try:
        made.make()
        with psycopg.connect(made.url, dbname=made.names["engine"], autocommit=True) as own:
            own.execute(MORE_SQL.format(role=role).encode())
        for form in ("custom", "plain"):
            (made.folder / f"engine.{form}").write_bytes(made.dump("engine", form))
        yield made
    finally:
        made.drop()
        with psycopg.connect(made.url, autocommit=True) as admin:
            admin.execute(f"drop role if exists {role}")


@pytest.fixture
def place():
    folder = Path(tempfile.mkdtemp(prefix="hf-rehearse-", dir="/tmp"))
    folder.chmod(0o711)
    yield Place(folder)
    assert list(folder.iterdir()) == [], "a rehearsal leaves nothing behind"
    shutil.rmtree(folder)


def known(**changes):
    now = datetime.datetime.now(datetime.UTC)
    return replace(Known(now, PARTS, Inventory(now, LIVE)), **changes)


def expected(form="custom", **changes):
    return expectation(verified=PASSED if form == "custom" else verify_of("small-size-verify-false-failure"), **changes)


def run(archive, place, form="custom", **changes):
    told = []
    done = rehearse(FileSource(archive), expected(form), known(**changes), place, told.append)
    assert all(sentence.endswith(".") for sentence in told)
    assert all(rung.sentence.endswith(".") for rung in (*done.ladder, *done.rungs))
    return done


def marks(rungs):
    return {rung.name: rung.outcome for rung in rungs}


def sentence(done):
    return done.rungs[0].sentence


@pytest.mark.parametrize(
    ("form", "compressor"),
    [
        ("custom", "none"),
        ("plain", "xz"),
        pytest.param("custom", "xz", marks=pytest.mark.matrix),
        pytest.param("plain", "none", marks=pytest.mark.matrix),
    ],
)
def test_a_good_archive_comes_back_in_one_reading(form, compressor, tmp_path, bases, place):
    archive = Draft(tmp_path, form=form, dump_compressor=compressor).fill(bases.folder).pack()
    before = (archive.stat().st_size, archive.stat().st_mtime_ns)
    done = run(archive, place, form)
    assert [rung for rung in done.rungs if rung.outcome is not Mark.OK] == []
    assert (done.verdict, done.readings, whole(done.ladder)) == ("proven", 1, True)
    rows = rows_of(done.restored)
    assert set(rows) == PARTS - {Part.FILES}
    assert rows[Part.ENGINE]["public.audit_log"] == 6000
    assert rows[Part.ENGINE]["public.Odd Name"] == 1
    assert rows[Part.ENGINE]["public.async_tasks"] == 0
    assert rows[Part.GRAFANA] == {"dashboard": 400}
    assert rows[Part.DWH] == rows[Part.KEYCLOAK] == {"public.samples": 4000}
    evidence = "\n".join(done.rungs[0].evidence)
    assert "extension uuid-ossp was created beforehand in the engine database" in evidence
    if form == "custom":
        assert "owners that the engine database names were not applied: holdfast" in evidence
        assert "rights that the engine database grants were not applied" in evidence
    assert (archive.stat().st_size, archive.stat().st_mtime_ns) == before


def test_a_second_rehearsal_is_held_against_the_first(tmp_path, bases, place):
    archive = Draft(tmp_path).fill(bases.folder).pack()
    first = run(archive, place)
    engine = first.restored.databases[Part.ENGINE]
    previous = Previous(make.NOW, rows_of(first.restored), engine.answers["schema version"])
    assert run(archive, place, previous=previous).verdict == "proven"
    more = {**previous.rows, Part.DWH: {"public.samples": 1, "public.hourly": 9}}
    done = run(archive, place, previous=replace(previous, rows=more))
    assert done.verdict == "failed"
    assert "dwh.public.hourly is gone" in done.rungs[1].sentence


def test_an_engine_that_has_more_vms_than_the_backup_is_named(tmp_path, bases, place):
    archive = Draft(tmp_path).fill(bases.folder).pack()
    now = datetime.datetime.now(datetime.UTC)
    done = run(archive, place, inventory=Inventory(now, LIVE | {"VMs": 201}))
    assert done.verdict == "failed"
    assert "VMs: 200 in the backup, 201 through the API" in done.rungs[2].sentence


@pytest.mark.matrix
def test_an_old_backup_under_a_new_date_is_named(tmp_path, bases, place):
    archive = Draft(tmp_path).fill(bases.folder).pack()
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=5)
    done = run(archive, place, taken=later)
    assert (done.verdict, marks(done.rungs)["newest"]) == ("failed", Mark.FAIL)


@pytest.mark.parametrize("form", ["custom", "plain"])
def test_a_truncated_dump_does_not_come_back_and_the_ladder_still_says_all(form, tmp_path, bases, place):
    draft = Draft(tmp_path, form=form).fill(bases.folder)
    draft.members["db/dwh_backup.db"] = draft.members["db/dwh_backup.db"][:-40_000]
    done = run(draft.pack(), place, form)
    assert (done.verdict, done.readings) == ("failed", 2)
    assert "The dump of the DWH database does not come back: " in sentence(done)
    assert marks(done.ladder)["dumps"] is Mark.FAIL
    assert {marks(done.ladder)[name] for name in ("present", "hash", "listing", "members", "pki", "version")} == {
        Mark.OK
    }
    assert rows_of(done.restored)[Part.ENGINE]["public.vm_static"] == 201


@pytest.mark.matrix
def test_a_dump_that_lost_its_table_of_hosts_is_no_engine(tmp_path, bases, place):
    draft = Draft(tmp_path).fill(bases.folder)
    draft.members["db/engine_backup.db"] = bases.dump("engine", "custom", "--exclude-table=vds_static")
    done = run(draft.pack(), place)
    assert done.verdict == "failed"
    assert "without rows in public.vds_static" in done.rungs[1].sentence
    assert "hosts" in done.rungs[2].sentence


def test_a_value_that_changed_before_hashing_is_caught_only_here(tmp_path, bases, place):
    """No checksum and no structure tells it: a number of a plain dump became a word."""
    draft = Draft(tmp_path, form="plain").fill(bases.folder)
    text = draft.members["db/engine_backup.db"]
    draft.members["db/engine_backup.db"] = text.replace(b"\n17\tOption17\t", b"\nxx\tOption17\t")
    assert draft.members["db/engine_backup.db"] != text
    done = run(draft.pack(), place, "plain")
    assert whole(done.ladder)
    assert done.verdict == "failed"
    assert "invalid input syntax for type integer" in sentence(done)
    assert "Option17" not in sentence(done)


def test_an_archive_without_databases_brings_nothing_back(tmp_path, bases, place):
    draft = Draft(tmp_path).fill(bases.folder)
    for name in [name for name in draft.members if name.startswith("db/")]:
        del draft.members[name]
    done = run(draft.pack(), place)
    assert done.verdict == "failed"
    assert "The archive brings back no engine database" in sentence(done)


def test_an_archive_that_is_cut_brings_back_what_lies_before_the_cut(tmp_path, bases, place):
    archive = Draft(tmp_path).fill(bases.folder).pack()
    archive.write_bytes(archive.read_bytes()[:-60_000])
    done = run(archive, place)
    assert (done.verdict, done.readings) == ("failed", 2)
    assert "its reading stopped before its end" in sentence(done)
    assert Part.GRAFANA in rows_of(done.restored)


@pytest.mark.matrix
def test_dumps_that_come_back_do_not_heal_the_archive_around_them(tmp_path, bases, place):
    draft = Draft(tmp_path)
    del draft.files["etc/pki/ovirt-engine/private/ca.pem"]
    done = run(draft.fill(bases.folder).pack(), place)
    assert {rung.outcome for rung in done.rungs} == {Mark.OK}
    assert (done.verdict, done.readings, marks(done.ladder)["pki"]) == ("failed", 1, Mark.FAIL)


@pytest.mark.matrix
def test_a_rotten_grafana_file(tmp_path, bases, place):
    draft = Draft(tmp_path).fill(bases.folder)
    raw = bytearray(draft.members["db/grafana.db"])
    raw[9000:13000] = bytes(4000)
    draft.members["db/grafana.db"] = bytes(raw)
    done = run(draft.pack(), place)
    assert (done.verdict, marks(done.ladder)["dumps"]) == ("failed", Mark.FAIL)
    assert "The dump of the Grafana database does not come back: SQLite says: " in sentence(done)


def test_a_server_older_than_the_dump_says_so(tmp_path, bases, place):
    real = find()
    older = replace(place, programs=Programs(real.folder, 11, "11.22"))
    for form in ("custom", "plain"):
        folder = tmp_path / form
        folder.mkdir()
        done = run(Draft(folder, form=form).fill(bases.folder).pack(), older, form)
        assert (done.verdict, done.readings) == ("unknown", 2)
        assert whole(done.ladder)
        assert "is of PostgreSQL 15, and the newest server here is 11. Install one as new." in sentence(done).replace(
            f"PostgreSQL {real.major},", "PostgreSQL 15,"
        )


def test_a_disk_that_is_too_small_proves_nothing_against_the_dump(tmp_path, bases, place):
    done = run(Draft(tmp_path).fill(bases.folder).pack(), replace(place, bounds=Bounds(disk=MIB)))
    assert done.verdict == "unknown"
    assert "reached its limit of disk space" in sentence(done)
    assert whole(done.ladder)


def test_a_dump_that_hangs_is_ended_at_the_deadline(tmp_path, bases, place):
    draft = Draft(tmp_path, form="plain").fill(bases.folder)
    text = draft.members["db/dwh_backup.db"].decode()
    draft.members["db/dwh_backup.db"] = text.replace("COPY ", "SELECT pg_catalog.pg_sleep(600);\n\nCOPY ", 1).encode()
    done = run(draft.pack(), replace(place, bounds=Bounds(seconds=4.0)), "plain")
    assert done.verdict == "unknown"
    assert "reached its time limit" in sentence(done)


def test_no_server_programs_leave_the_ladder_and_prove_nothing(tmp_path, bases, place, monkeypatch):
    monkeypatch.setattr("portal.connectors.scratch.find", lambda: None)
    monkeypatch.setattr("backups.works.rehearsing.find", lambda: None)
    done = run(Draft(tmp_path).fill(bases.folder).pack(), place)
    assert (done.verdict, whole(done.ladder), done.readings) == ("unknown", True, 2)
    assert "Install postgresql-server" in sentence(done)


class Stopped(Exception):
    """An abort was asked for."""


@pytest.mark.parametrize("after", [1, 4])
def test_an_abort_stops_it_at_once_and_leaves_nothing(after, tmp_path, bases, place):
    calls = []

    def check():
        calls.append(1)
        if len(calls) > after:
            raise Stopped

    with pytest.raises(Stopped):
        rehearse(FileSource(Draft(tmp_path).fill(bases.folder).pack()), expected(), known(), place, check=check)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(place.folder) not in left


def test_an_extension_that_is_not_here_proves_nothing_against_the_dump(tmp_path, bases, place, monkeypatch):
    draft = Draft(tmp_path, form="plain").fill(bases.folder)
    text = draft.members["db/engine_backup.db"].replace(b'"uuid-ossp" WITH', b'"not-here" WITH')
    draft.members["db/engine_backup.db"] = text
    done = run(draft.pack(), place, "plain")
    assert done.verdict == "unknown"
    assert "an extension that it needs is not on this machine" in sentence(done)
    monkeypatch.setattr(scratch_restore, "EXTENSIONS", frozenset({"not-here"}))
    assert "postgresql-contrib" in sentence(run(draft.pack(), place, "plain"))
