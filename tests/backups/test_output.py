"""Every captured run of engine-backup gets its cause; exit 0 is not believed by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backups.catalog.causes import classify
from backups.catalog.output import read
from backups.catalog.parts import Part, spoken
from tests.samples_dir import TOP

CASES = sorted(path for path in (TOP / "engine_backup").iterdir() if path.is_dir())
ALL = frozenset({Part.FILES, Part.ENGINE, Part.DWH, Part.KEYCLOAK, Part.GRAFANA})


def raw(path, name):
    return (path / name).read_bytes() if (path / name).exists() else b""


def facts_of(name, **changes):
    path = TOP / "engine_backup" / name
    code = raw(path, "exit").decode().strip()
    found = read(raw(path, "stdout"), raw(path, "stderr"), int(code) if code else None, raw(path, "log"))
    return replace(found, **changes)


def test_all_captured_runs_are_here():
    assert len(CASES) == 76


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_captured_run(path):
    import json

    expected = json.loads((path / "expected").read_text("utf-8"))
    facts = facts_of(path.name)
    cause = classify(facts, frozenset(Part(name) for name in expected["has"]))
    assert (cause.kind, cause.retry, cause.good) == (expected["kind"], expected["retry"], expected["good"])
    assert (facts.mode, list(facts.scope), sorted(facts.parts)) == (
        expected["mode"], expected["scope"], expected["parts"]
    )  # fmt: skip
    assert cause.sentence.endswith((".", "!")), cause.sentence
    assert cause.what_to_do.endswith("."), cause.what_to_do
    assert cause.good == (cause.kind == "ok")


@pytest.mark.parametrize("path", [case for case in CASES if (case / "stdout").exists() and (case / "log").exists()],
                         ids=lambda path: path.name)  # fmt: skip
def test_the_log_alone_says_the_same_as_the_output(path):
    """A detached run whose output files are lost still has its log (only the log knows of a second run)."""
    whole = facts_of(path.name)
    alone = read(b"", b"", whole.exit_code, raw(path, "log"))
    assert (alone.mode, alone.scope, alone.archive, alone.log, alone.parts, alone.plain) == (
        whole.mode, whole.scope, whole.archive, whole.log, whole.parts, whole.plain
    )  # fmt: skip
    assert alone.done == whole.done
    only_on_stderr = path.name == "restore-permissions-flag-missing-2"
    assert alone.fatal == ("" if only_on_stderr else whole.fatal)


def test_a_backup_without_the_engine_database_is_no_backup():
    """facts/engine-backup.md 0.1: setup flags lost; code 0, Done., an archive without any database."""
    bare = facts_of("ok-backup", parts=frozenset({Part.FILES}))
    cause = classify(bare, ALL)
    assert (cause.kind, cause.good) == ("no_engine_database", False)
    assert "the engine database, the DWH database, the Keycloak database and the Grafana database" in cause.sentence


def test_a_backup_that_omits_keycloak_in_silence_is_incomplete():
    """facts/engine-backup.md 0.9: 12-setup-keycloak.conf blanked by a restore."""
    cause = classify(facts_of("ok-backup", parts=ALL - {Part.KEYCLOAK}), ALL)
    assert cause.kind == "part_missing"
    assert cause.sentence.endswith("it did not save the Keycloak database, which this engine has.")


def test_a_part_outside_of_the_scope_is_not_missed():
    assert classify(facts_of("custom-xz"), ALL).good
    assert not classify(facts_of("custom-xz", scope=("all",)), ALL).good


def test_nothing_is_complete_while_the_engines_parts_are_unknown():
    cause = classify(facts_of("ok-backup"), None)
    assert (cause.kind, cause.good) == ("parts_unknown", False)


def test_code_0_without_done_is_unfinished():
    cut = read(b"Start of engine-backup with mode 'backup'\nscope: all\n- Engine database 'engine'\n", b"", 0)
    assert classify(cut, ALL).kind == "unfinished"
    assert classify(read(b"", b"", 0), ALL).kind == "unfinished"


@pytest.mark.parametrize(
    ("stdout", "stderr", "code", "log", "kind"),
    [
        (b"", b"sh: engine-backup: command not found\n", 127, b"", "not_installed"),
        (b"", b"sh: /usr/bin/engine-backup: Permission denied\n", 126, b"", "not_allowed"),
        (b"", b"", 130, b"", "interrupted"),
        (b"", b"", 139, b"", "signal"),
        (b"", b"something odd\n", 1, b"", "unexplained"),
        (b"", b"", 1, b"", "unexplained"),
        (b"", b"FATAL: a message of a later release\n", 1, b"", "unexplained"),
        (b"", b"FATAL: Failed notifying engine\n", 1, b"", "notify_failed"),
        (b"", b"FATAL: Database engine backup failed\n", 1, b"", "dump_failed"),
        (b"", b"FATAL: Database engine backup failed\n", 1, b"sh: line 1: 77 Killed\n", "dump_killed"),
        (b"", b"FATAL: Database engine backup failed\n", 1, b"pg_dump: error: Connection refused\n", "database_down"),
        (b"", b"FATAL: Database engine backup failed\n", 1, b"xz: No space left on device\n", "tmp_full"),
        (b"", b"FATAL: xz failed compressing the backup of database engine\n", 1, b"", "dump_failed"),
        (b"", b"FATAL: Failed backing up /etc/ovirt-engine\n", 1, b"tar: x: Permission denied\n", "files_failed"),
        (b"", b"FATAL: Cannot create '/b/x'\n", 1, b"tar: x: Permission denied\n", "target_failed"),
        (b"", b"FATAL: Cannot create '/b/x'\n", 1, b"tar: x: Wrote only 8192 of 10240 bytes\n", "target_full"),
        (b"", b"FATAL: Errors while running pg_restore \n", 1, b"pg_restore: error: x\n", "dump_unreadable"),
        (b"", b"FATAL: Checksum verification failed\n", 1, b"", "checksum"),
        (b"", b"FATAL: Errors while restoring database engine\n", 1, b"", "restore_errors"),
    ],
)
def test_what_was_not_captured(stdout, stderr, code, log, kind):
    cause = classify(read(stdout, stderr, code, log), ALL)
    assert cause.kind == kind
    assert not cause.good


def test_only_the_two_transient_failures_are_retried():
    retried = {path.name for path in CASES if classify(facts_of(path.name), ALL).retry}
    assert retried == {"db-down", "file-changed-while-read"}


def test_the_temporary_folder_with_the_passwords_is_known_after_a_kill():
    assert facts_of("sigkill").temp == "/tmp/engine-backup.xvdoTijCYT"


def test_bytes_that_are_no_text_do_not_stop_the_reading():
    found = read(b"\xff\xfe\n- Files\nDone.\n", b"\xff", 0, b"\x80\n2026-11-22 09:21:21 7: FATAL: no\n")
    assert (found.parts, found.done, found.fatal) == (frozenset({Part.FILES}), True, "no")


def test_parts_are_spoken_in_order():
    assert spoken(frozenset({Part.GRAFANA, Part.ENGINE})) == "the engine database and the Grafana database"
    assert spoken(frozenset({Part.DWH})) == "the DWH database"
