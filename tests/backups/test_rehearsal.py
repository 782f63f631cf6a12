"""What a restore proves, and what it does not: the four rungs of a rehearsal, judged without any server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backups.catalog.parts import Part
from backups.catalog.rehearsal import (
    NAMES,
    NEWEST,
    QUESTIONS,
    SCHEMA,
    Database,
    Inventory,
    Known,
    Previous,
    Restored,
    judge,
    verdict,
)
from backups.catalog.rung import CORE_TABLES, Mark, Rung

TAKEN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
SEEN = TAKEN - timedelta(minutes=10)
ROWS = dict.fromkeys(CORE_TABLES, 3) | {"public.audit_log": 600, "public.tags": 1, "public.job": 2}
LIVE = {"hosts": 2, "VMs": 41, "disks": 90, "storage domains": 3, "Direct LUNs": 12}
ANSWERS = {kind: str(count) for kind, count in LIVE.items()} | {
    SCHEMA: "04050300",
    NEWEST: "2026-11-25T01:59:58+00:00",
}
ENGINE = Database("custom", ROWS, answers=ANSWERS, seconds=1.2)
DWH = Database("custom", {"public.samples": 4000})
PREVIOUS = Previous(
    TAKEN - timedelta(days=7), {Part.ENGINE: ROWS, Part.DWH: {"public.samples": 3500}}, schema="04050300"
)
KNOWN = Known(TAKEN, frozenset({Part.FILES, Part.ENGINE, Part.DWH}), Inventory(SEEN, LIVE), PREVIOUS)


def restored(engine=ENGINE, dwh=DWH, **changes):
    found = {Part.ENGINE: engine, Part.DWH: dwh}
    return replace(Restored({part: one for part, one in found.items() if one}, "15.18"), **changes)


def rung(name, came=None, known=KNOWN):
    return judge(came or restored(), known)[NAMES.index(name)]


def answered(**answers):
    return restored(replace(ENGINE, answers={key: answers.get(key, value) for key, value in ANSWERS.items()}))


def with_rows(**rows):
    return restored(replace(ENGINE, rows=ROWS | {f"public.{table}": count for table, count in rows.items()}))


def test_all_of_it_is_proven():
    rungs = judge(restored(), KNOWN)
    assert [(one.name, one.outcome) for one in rungs] == [(name, Mark.OK) for name in NAMES]
    assert verdict(rungs) == "proven"
    assert [one.sentence for one in rungs] == [
        "The engine database and the DWH database came back whole into PostgreSQL 15.18.",
        "4618 rows came back; no table is gone or empty since the rehearsal of 2026-11-18 02:00.",
        "Hosts, VMs, disks, storage domains, Direct LUNs are as many as the engine counts. "
        "The API was asked at 2026-11-25 01:50.",
        "The newest event in the backup is of 2026-11-25 01:59:58 UTC.",
    ]


@pytest.mark.parametrize(
    ("marks", "comes_to"),
    [((), "unknown"), ((Mark.OK,), "proven"), ((Mark.OK, Mark.UNKNOWN), "unknown"),
     ((Mark.OK, Mark.SKIPPED), "unknown"), ((Mark.UNKNOWN, Mark.FAIL), "failed")],
)  # fmt: skip
def test_only_what_is_all_ok_is_proven(marks, comes_to):
    assert verdict(tuple(Rung("x", mark, "x.") for mark in marks)) == comes_to


def test_without_a_server_nothing_is_proven_and_nothing_is_wrong():
    rungs = judge(Restored(doubt="No PostgreSQL server programs are on this machine."), KNOWN)
    assert [one.outcome for one in rungs] == [Mark.UNKNOWN, Mark.SKIPPED, Mark.SKIPPED, Mark.SKIPPED]
    assert rungs[0].sentence == "No PostgreSQL server programs are on this machine."
    assert verdict(rungs) == "unknown"


@pytest.mark.parametrize(
    ("came", "known", "mark", "sentence"),
    [
        (restored(dwh=replace(DWH, problem="COPY failed for table a: missing data.")), KNOWN, Mark.FAIL,
         "The dump of the DWH database does not come back: COPY failed for table a: missing data."),
        (restored(dwh=replace(DWH, rows={})), KNOWN, Mark.FAIL,
         "The dump of the DWH database comes back without a table."),
        (restored(dwh=replace(DWH, form="sqlite")), KNOWN, Mark.FAIL, "The dump of the DWH database is a sqlite file."),
        (restored(dwh=None), KNOWN, Mark.FAIL, "The archive brings back no DWH database, which the engine has."),
        (restored(None, None), KNOWN, Mark.FAIL,
         "The archive brings back no engine database and the DWH database, which the engine has."),
        (restored(None, None), replace(KNOWN, parts=None), Mark.FAIL, "The archive brings back no database at all."),
        (restored(dwh=replace(DWH, doubt="Disk full.")), KNOWN, Mark.UNKNOWN, "Of the DWH database: Disk full."),
        (restored(), replace(KNOWN, parts=None), Mark.UNKNOWN,
         "What the engine has is not known, so nothing can be found missing."),
    ],
)  # fmt: skip
def test_what_does_not_come_back_is_named(came, known, mark, sentence):
    found = rung("restored", came, known)
    assert (found.outcome, found.sentence) == (mark, sentence)


def test_what_was_not_applied_is_evidence():
    engine = replace(
        ENGINE, extensions=("uuid-ossp",), roles=("engine", "postgres"), granted=True, warnings="restoring as OIDs"
    )
    found = rung("restored", restored(engine, notes=("the scratch server ran as nobody",)))
    assert found.evidence == (
        "scratch server PostgreSQL 15.18",
        "the scratch server ran as nobody",
        "engine: custom, 8 tables, 618 rows, 1.2 s",
        "extension uuid-ossp was created beforehand in the engine database",
        "owners that the engine database names were not applied: engine, postgres",
        "rights that the engine database grants were not applied",
        "pg_restore warned: restoring as OIDs",
        "dwh: custom, 1 tables, 4000 rows, 0.0 s",
    )
    assert rung("restored", restored(server="")).evidence[0].startswith("engine: custom")


def test_an_empty_core_table_is_no_engine():
    for known in (KNOWN, replace(KNOWN, previous=None)):
        found = rung("counts", with_rows(vm_static=0, vds_static=0), known)
        assert found.outcome is Mark.FAIL
        assert "without rows in public.vds_static, public.vm_static" in found.sentence
    lost = {table: count for table, count in ROWS.items() if table != "public.vdc_options"}
    assert "public.vdc_options" in rung("counts", restored(replace(ENGINE, rows=lost))).sentence


def test_a_table_that_lost_its_rows_is_named_until_a_person_accepts_it():
    found = rung("counts", with_rows(tags=0))
    assert (found.outcome, found.sentence) == (
        Mark.FAIL,
        "engine.public.tags (had 1) lost all rows since the rehearsal of 2026-11-18 02:00. "
        "Accept it if that was meant.",
    )
    accepted = replace(KNOWN, accepted=frozenset({"engine.public.tags"}))
    assert rung("counts", with_rows(tags=0), accepted).outcome is Mark.OK


@pytest.mark.parametrize(
    ("part", "table"),
    [
        (Part.ENGINE, "job"), (Part.ENGINE, "step_subject_entity"), (Part.ENGINE, "vm_jobs"),
        (Part.ENGINE, "vm_backups"), (Part.ENGINE, "vm_guest_agent_interfaces"), (Part.ENGINE, "unregistered_disks"),
        (Part.KEYCLOAK, "user_required_action"), (Part.KEYCLOAK, "event_entity"),
    ],
)  # fmt: skip
def test_tables_of_passing_work_may_be_empty(part, table):
    name = f"public.{table}"
    had = replace(KNOWN, previous=Previous(KNOWN.taken, {part: {name: 3, "public.kept": 1}}))
    back = Database("custom", rows={**ROWS, name: 0, "public.kept": 1})
    assert rung("counts", Restored({part: back}), had).outcome is Mark.OK
    lost = Database("custom", rows={**ROWS, name: 0, "public.kept": 0})
    assert rung("counts", Restored({part: lost}), had).outcome is Mark.FAIL


def test_a_table_that_is_gone_is_named_and_explained_by_an_upgrade():
    less = restored(dwh=replace(DWH, rows={"public.other": 1}))
    found = rung("counts", less)
    assert found.outcome is Mark.FAIL
    assert "dwh.public.samples is gone since" in found.sentence
    upgraded = replace(KNOWN, previous=replace(PREVIOUS, schema="04050200"))
    found = rung("counts", less, upgraded)
    assert found.outcome is Mark.OK
    assert found.sentence.endswith("is gone since the rehearsal of 2026-11-18 02:00. "
                                   "The schema went from 04050200 to 04050300.")  # fmt: skip
    both = restored(replace(ENGINE, rows=ROWS | {"public.tags": 0}), replace(DWH, rows={"public.other": 1}))
    assert rung("counts", both, upgraded).outcome is Mark.FAIL


def test_many_tables_are_counted_not_listed():
    had = replace(PREVIOUS, rows={Part.DWH: {f"public.t{n}": 1 for n in range(9)}})
    found = rung("counts", restored(), replace(KNOWN, previous=had))
    assert "dwh.public.t4 and 4 more are gone" in found.sentence


def test_a_first_rehearsal_has_nothing_to_compare_with():
    found = rung("counts", restored(), replace(KNOWN, previous=None))
    assert (found.outcome, found.sentence) == (
        Mark.OK,
        "4618 rows came back; there is no earlier rehearsal to hold them against.",
    )


def test_a_dump_that_did_not_come_back_is_not_counted():
    broken = replace(ENGINE, problem="it is cut")
    rungs = judge(restored(broken, replace(DWH, problem="it is cut")), KNOWN)
    assert [one.outcome for one in rungs] == [Mark.FAIL, Mark.SKIPPED, Mark.SKIPPED, Mark.SKIPPED]
    rungs = judge(restored(broken), KNOWN)
    assert [one.outcome for one in rungs] == [Mark.FAIL, Mark.OK, Mark.SKIPPED, Mark.SKIPPED]
    assert [one.outcome for one in judge(restored(None), KNOWN)][2:] == [Mark.SKIPPED, Mark.SKIPPED]


def test_every_difference_from_the_engine_is_named():
    found = rung("inventory", answered(VMs="40", disks="89"))
    assert (found.outcome, found.sentence) == (
        Mark.FAIL,
        "The backup and the engine differ. VMs: 40 in the backup, 41 through the API; "
        "disks: 89 in the backup, 90 through the API. The API was asked at 2026-11-25 01:50; "
        "find out which of them is right.",
    )


def test_an_explained_difference_is_named_and_accepted():
    inventory = Inventory(SEEN, LIVE, allowed={"VMs": 1})
    found = rung("inventory", answered(VMs="40"), replace(KNOWN, inventory=inventory))
    assert found.outcome is Mark.OK
    assert found.sentence.startswith("The differences are explained. VMs: 40 in the backup, 41 through the API.")
    assert rung("inventory", answered(VMs="39"), replace(KNOWN, inventory=inventory)).outcome is Mark.FAIL


@pytest.mark.parametrize("inventory", [None, Inventory(SEEN, {})])
def test_an_engine_that_was_not_counted_proves_nothing(inventory):
    found = rung("inventory", restored(), replace(KNOWN, inventory=inventory))
    assert found.outcome is Mark.UNKNOWN


def test_a_schema_without_the_column_is_unknown():
    answers = {key: value for key, value in ANSWERS.items() if key != "VMs"}
    engine = replace(ENGINE, answers=answers, refused={"VMs": 'column "entity_type" does not exist'})
    found = rung("inventory", restored(engine))
    assert (found.outcome, found.sentence) == (
        Mark.UNKNOWN,
        "The backup's schema does not tell the number of VMs (column \"entity_type\" does not exist).",
    )  # fmt: skip
    assert "VMs (it was not asked)" in rung("inventory", restored(replace(engine, refused={}))).sentence
    assert rung("inventory", answered(VMs="many")).outcome is Mark.UNKNOWN
    worse = replace(engine, answers=answers | {"hosts": "1"})
    assert rung("inventory", restored(worse)).outcome is Mark.FAIL


@pytest.mark.parametrize(
    ("newest", "mark", "words"),
    [
        ("2026-11-25T01:05:00+00:00", Mark.OK, "2026-11-25 01:05:00"),
        ("2026-11-24T23:30:00+00:00", Mark.FAIL, "2.5 hours older than the backup"),
        ("2026-11-25T04:00:00+00:00", Mark.OK, "04:00"),
        ("2026-11-27T04:00:00+00:00", Mark.FAIL, "days after the backup began"),
        ("yesterday", Mark.UNKNOWN, "no readable time: 'yesterday'"),
        (None, Mark.UNKNOWN, "not known: audit_log holds no event"),
    ],
)
def test_the_newest_event_dates_the_backup(newest, mark, words):
    found = rung("newest", restored(replace(ENGINE, answers=ANSWERS | {NEWEST: newest})))
    assert found.outcome is mark
    assert words in found.sentence


def test_a_schema_without_events_is_unknown():
    engine = replace(ENGINE, answers={}, refused={NEWEST: 'relation "public.audit_log" does not exist'})
    found = rung("newest", restored(engine))
    assert (found.outcome, found.sentence) == (
        Mark.UNKNOWN,
        'The newest event of the backup is not known: relation "public.audit_log" does not exist.',
    )


def test_every_kind_of_the_inventory_has_a_question():
    assert set(LIVE) < set(QUESTIONS[Part.ENGINE])
