"""Rungs that no archive alone decides: what is unknown stays unknown and proves nothing."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import pytest

from backups.catalog import judging, pki
from backups.catalog.archive import Seen, Survey, shell_in
from backups.catalog.dumps import Dump, judge_custom, judge_sqlite, read_dump
from backups.catalog.ladder import climb, proven_to, whole
from backups.catalog.parts import NAMES, Part
from backups.catalog.ports import FileSource
from backups.catalog.rung import Mark, Rung
from backups.catalog.streams import Limits
from backups.catalog.versions import restorable, version_of
from portal.kernel.output import Output
from tests.backups import make_archive as make
from tests.backups.defects import expectation

OK = Output(
    b";     Dumped from database version: 12.9\n;     TOC Entries: 7\n3; 0 5 TABLE DATA public a engine\n", b"", 0
)


class Says:
    """Dumps that answer what a test tells them to."""

    def __init__(self, listing=OK, full=OK, sqlite=OK):
        self.listing, self.full, self.checked = listing, full, sqlite

    def of(self, part):
        return self

    def plain(self, read):
        return read

    def tool(self):
        return Output(b"pg_restore (PostgreSQL) 12.9\n", b"", 0)

    def custom(self, read):
        return self.listing, self.full

    def sqlite(self, read):
        return self.checked


def output(code, stderr=b"", stdout=b""):
    return Output(stdout, stderr, code)


def survey(**changes):
    whole_one = {"size": 1000, "sha256": "a" * 64, "compressor": "gzip"}
    return Survey(**(whole_one | changes))


@pytest.mark.parametrize(
    ("listing", "full", "problem", "doubt"),
    [
        (OK, OK, "", ""),
        (OK, output(1, b"pg_restore: error: could not uncompress data: incorrect data check\n"),
         "ends with code 1 (could not uncompress data: incorrect data check)", ""),
        (OK, output(0, b"pg_restore: warning: odd\n"), "warning: odd", ""),
        (output(1), OK, "ends with code 1 (without a word)", ""),
        (OK, output(124), "", "time limit"),
        (OK, output(1, b"pg_restore: error: out of memory\n"), "", "memory limit"),
        (output(None, b"No such file"), output(None), "", "did not run to an end here (No such file)"),
        (OK, output(-9), "", "did not run to an end here (code -9)"),
        (OK, output(127, b"prlimit: failed to execute pg_restore\n"), "", "failed to execute"),
        (output(1, b"pg_restore: error: unsupported version (1.16) in file header\n"), OK, "",
         "a newer pg_dump than the pg_restore (PostgreSQL) 12.9 of the portal"),
        (output(1, b"pg_restore: error: unsupported version (9.200) in file header\n"), OK, "unsupported version", ""),
    ],
)  # fmt: skip
def test_a_reader_that_could_not_read_proves_nothing(listing, full, problem, doubt):
    found = judge_custom(Says(listing, full), lambda size: b"", "It")
    assert problem in found.problem
    assert doubt in found.doubt
    assert (bool(found.problem), bool(found.doubt)) == (bool(problem), bool(doubt))


def test_the_list_gives_tables_and_versions():
    found = judge_custom(Says(), lambda size: b"", "It")
    assert (found.tables, found.server, found.entries) == (frozenset({"public.a"}), "12.9", 7)


def test_sqlite_words():
    assert judge_sqlite(output(0, stdout=b"ok\n"), "It") == Dump("sqlite")
    assert (
        judge_sqlite(output(0, stdout=b"row 1 missing\nmore"), "It").problem
        == "It is damaged: SQLite says row 1 missing."
    )
    for unread in (output(1, b"MemoryError"), output(None), output(124), output(0)):
        assert judge_sqlite(unread, "It").doubt


def test_what_a_reader_leaves_is_read_on_for_its_checksum():
    import gzip

    packed = bytearray(gzip.compress(b"PGDMP" + bytes(5000)))
    packed[-6] ^= 1  # the CRC, behind everything that pg_restore wants
    assert "damaged" in read_dump(io.BytesIO(packed).read, Says(), Limits(), "It").problem


def test_a_place_that_does_not_answer_is_unknown():
    class Away:
        name = "a.backup"

        def size(self):
            raise OSError(113, "No route to host")

        def open(self):
            return contextlib.nullcontext(io.BytesIO())

    rungs = climb(Away(), expectation(), Says())
    assert rungs[0] == Rung("present", Mark.UNKNOWN, "a.backup cannot be read where it is: No route to host.")
    assert {rung.outcome for rung in rungs[1:]} == {Mark.SKIPPED}
    assert (proven_to(rungs), whole(rungs)) == ("", False)


def test_a_place_that_stops_answering_is_unknown(tmp_path):
    class Torn(io.BytesIO):
        def read(self, size=-1):
            raise TimeoutError

    class Place(FileSource):
        def open(self):
            return Torn()

    (tmp_path / "a.backup").write_bytes(b"x")
    assert climb(Place(tmp_path / "a.backup"), expectation(), Says())[0].sentence.endswith("TimeoutError.")


@pytest.mark.parametrize(
    ("judge", "changes", "outcome", "said"),
    [
        (judging.verify, {"verified": None}, Mark.UNKNOWN, "was not run"),
        (judging.members, {"parts": None}, Mark.UNKNOWN, "not known"),
        (judging.version, {"engine": ""}, Mark.UNKNOWN, "The engine's version is not known."),
        (judging.size, {"sizes": (500, 500, 600)}, Mark.OK, "200% of the usual size: see what grew."),
        (judging.size, {"sizes": (1000, 1100, 1200)}, Mark.OK, "91% of the usual size."),
        (judging.size, {"sizes": (2000, 2000, 2000)}, Mark.FAIL, "50% of the usual size"),
        (judging.size, {"sizes": (9000, 9000)}, Mark.SKIPPED, "no trend yet"),
    ],
)
def test_what_is_known_from_elsewhere_decides(judge, changes, outcome, said):
    rung = judge(survey(texts={"version": "4.5.5\n"}), expectation(**changes))
    assert rung.outcome is outcome
    assert said in rung.sentence


def test_a_doubt_about_a_dump_is_unknown():
    found = judging.dumps(survey(dumps={Part.DWH: Dump("custom", doubt="It was not read.")}), expectation())
    assert (found.outcome, found.sentence) == (Mark.UNKNOWN, "It was not read.")


def test_a_dump_must_be_in_the_form_of_its_place():
    lied = {Part.GRAFANA: Dump("plain", "none", tables=frozenset({"a"}))}
    assert "is a plain file" in judging.dumps(survey(dumps=lied), expectation()).sentence


def test_unknown_stops_the_proof_and_skipped_does_not():
    def rungs(*marks):
        return tuple(Rung(name, mark, ".") for name, mark in zip("abcd", marks, strict=True))

    ok, skipped, unknown, fail = Mark.OK, Mark.SKIPPED, Mark.UNKNOWN, Mark.FAIL
    assert [proven_to(rungs(*marks)) for marks in (
        (ok, ok, ok, ok), (ok, skipped, ok, fail), (ok, unknown, ok, ok), (fail, ok, ok, ok), (skipped, ok, ok, skipped)
    )] == ["d", "c", "a", "", "c"]  # fmt: skip
    assert [whole(rungs(*marks)) for marks in ((ok, skipped, ok, ok), (ok, unknown, ok, ok))] == [True, False]


def test_engine_without_a_name_in_its_archive():
    tree = replace(pki.judge({}), missing=())
    from backups.catalog.tree import Tree

    rung = judging.pki(survey(tree=Tree(pki=tree)), expectation())
    assert (rung.outcome, "without a name" in rung.sentence) == (Mark.FAIL, True)


def test_rungs_and_causes_survive_json():
    import json

    from backups.catalog.cause import Cause
    from portal.kernel import facts

    for one in (Rung("pki", Mark.SKIPPED, "It.", ("a", "b")), Cause("ok", "It.", "Climb.", good=True)):
        assert facts.load(type(one), json.loads(json.dumps(facts.dump(one)))) == one


def test_a_name_that_is_no_text_does_not_reach_a_sentence():
    odd = "extra/\udcff"
    held = survey(members={odd: Seen(1, "a")}, texts={"sha256sum": f"{'b' * 64}  config\n"})
    lists = survey(members={odd: Seen(1, "a"), "config": Seen(1, "b" * 64)}, texts=held.texts)
    for one in (held, lists):
        for judge in judging.ABOVE:
            rung = judge(one, expectation())
            "".join((rung.sentence, *rung.evidence)).encode()


def test_a_member_of_zero_bytes_is_not_held():
    rung = judging.members(
        survey(members={NAMES[Part.DWH].member: Seen(0, "")}), expectation(parts=frozenset({Part.DWH}))
    )
    assert (rung.outcome, "lacks the DWH database" in rung.sentence) == (Mark.FAIL, True)


STORE = f"{pki.ROOT}keys/engine.p12"


def test_a_key_store_without_the_engines_key():
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    other = make.certificate("x", make.other_key().public_key(), "x", make.other_key(), make.NOW)
    stored = pkcs12.serialize_key_and_certificates(
        b"1", make.other_key(), other, None, BestAvailableEncryption(b"mypass")
    )
    for raw in (
        stored,
        pkcs12.serialize_key_and_certificates(b"1", None, other, None, BestAvailableEncryption(b"mypass")),
    ):
        found = pki.judge(make.pki() | {STORE: raw})
        assert f"{STORE} does not hold the key of {pki.ENGINE}." in found.problems


def test_a_good_pki_and_nothing_of_it_stays():
    found = pki.judge(make.pki())
    assert (found.missing, found.problems, found.fqdn) == ((), (), make.FQDN)
    assert "PRIVATE" not in repr(found)
    assert "s3cret" not in repr(found)


def test_an_encrypted_key_cannot_be_read():
    from cryptography.hazmat.primitives import serialization as s

    locked = make.key().private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"x"))
    assert f"{pki.CA_KEY} cannot be read." in pki.judge(make.pki() | {pki.CA_KEY: locked}).problems


@pytest.mark.parametrize(
    ("archive", "engine", "fits"),
    [
        ("4.5.5", "4.5.5", True), ("4.5.4", "4.5.7", True), ("4.5.6", "4.5.5", False), ("4.5.10", "4.5.9", False),
        ("4.4.10", "4.5.5", True), ("4.3.10", "4.5.5", True), ("4.3.9", "4.5.5", False), ("4.2.8", "4.5.5", False),
        ("4.5.5", "4.4.10", False), ("4.3.10", "4.4.2", True), ("4.3.9.4", "4.4.10", False),
        ("4.4.10", "4.3.11", False), ("4.6.0", "4.5.9", False), ("4.5.9", "4.6.0", False),
        ("4.5.3.2", "4.5.3.1-1.el8", False), ("4.5.3.1", "4.5.3.2-1.el8", True), ("4.4.10.7", "4.4.10.6-1.el8", False),
        ("4.4.10.7", "4.5.5-1.el8", True), ("4.3.10.4", "4.5.5", True), ("4.3.9.4", "4.5.5", False),
        ("4.5.3", "4.5.3.1", True),
    ],
)  # fmt: skip
def test_which_engine_restores_which_archive(archive, engine, fits):
    assert restorable(version_of(archive), version_of(engine)) is fits


def test_versions():
    assert version_of("4.5.5-1.25.el8\n") == (4, 5, 5, 0)
    assert version_of("4.4.10.7-1.el8") == (4, 4, 10, 7)
    assert [version_of(text) for text in ("", "4.5", "latest", "4.5.55555")] == [None] * 4


@pytest.mark.parametrize(
    ("config", "compressor", "wrong"),
    [
        ("", "none", ""),
        ("DB_DUMP_COMPRESSOR=\nDB_DUMP_FORMAT=custom\n", "none", ""),
        ("DB_DUMP_FORMAT=plain\nDWH_DB_DUMP_FORMAT=custom\n", "none", ""),
        ("", "xz", "config says that the dump of the Keycloak database is custom with none; it is custom with xz."),
        ("KEYCLOAK_DB_DUMP_FORMAT=plain\n", "none", "is plain with none; it is custom with none."),
    ],
)
def test_what_config_does_not_name_is_as_engine_backup_begins(config, compressor, wrong):
    dump = Dump("custom", compressor, tables=frozenset({"public.realm"}))
    seen = survey(dumps={Part.KEYCLOAK: dump}, texts={"config": config})
    rung = judging.dumps(seen, expectation())
    assert rung.outcome is (Mark.FAIL if wrong else Mark.OK)
    assert wrong in rung.sentence


@pytest.mark.parametrize("line", ["$(id)", "A=b", "DB_DUMP_FORMAT=custom;id", "DB_DUMP_FORMAT=`id`",
                                  "DB_DUMP_FORMAT=a b",
                                  "export DB_DUMP_FORMAT=custom", "DB_DUMP_FORMAT=custom\r;id"])  # fmt: skip
def test_only_plain_assignments_may_stand_in_config(line):
    assert shell_in('DB_DUMP_COMPRESSOR=\nDWH_DB_DUMP_FORMAT="custom"\n') == ""
    assert shell_in(f"DB_DUMP_COMPRESSOR=\n{line}\n") == line


def test_a_copy_that_is_damaged_where_it_lies_fails_and_is_not_merely_unknown():
    class Cut(OSError):
        damaged = True

    class Place:
        name = "copy"

        def size(self):
            return 100

        def open(self):
            raise Cut("The age file copy is cut after 100 bytes.")

    rungs = climb(Place(), expectation(), Says())
    assert (rungs[0].outcome, rungs[0].sentence) == ("fail", "The age file copy is cut after 100 bytes.")
