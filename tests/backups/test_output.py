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
    assert len(CASES) == 90


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
        (
            b"",
            b"FATAL: Can't create /t/engine-backup.x/tar/version\n",
            1,
            b"echo: write error: No space left on device\n",
            "tmp_full",
        ),
        (b"", b"FATAL: Can't touch /t/engine-backup.x/.pgpass\n", 1, b"", "tmp_failed"),
        (b"archive file: /b/x\n", b"FATAL: Cannot create checksum for 'version'\n", 1, b"", "tmp_failed"),
        (b"archive file: /b/x\n", b"FATAL: Cannot create '/b/x'\n", 1, b"tar: x: Permission denied\n", "target_failed"),
        (
            b"",
            b"FATAL: failed to backup /var/lib/grafana/grafana.db with sqlite3\n",
            1,
            b"Error: file is not a database\n",
            "grafana_failed",
        ),
        (b"", b"FATAL: chown failed\n", 1, b"chown: x: Operation not permitted\n", "grafana_failed"),
        (b"", b"FATAL: failed parsing compressor\n", 1, b"", "usage"),
        (
            b"ERROR: Low free space on /t/e:   9000KiB\n",
            b"FATAL: cannot open /t/e\n",
            1,
            b"gzip: stdin: unexpected end of file\n",
            "archive_unreadable",
        ),
        (
            b"ERROR: Low free space on /t/e:   9000KiB\n",
            b"FATAL: Failed backing up /etc/x\n",
            1,
            b"tar: y: file changed as we read it\n",
            "file_changed",
        ),
        (b"ERROR: Low free space on /t/e:   0KiB\n", b"FATAL: Failed backing up /etc/x\n", 1, b"", "tmp_full"),
        (b"", b"FATAL: Errors while restoring database engine\n", 1, b"", "restore_errors"),
    ],
)
def test_what_was_not_captured(stdout, stderr, code, log, kind):
    cause = classify(read(stdout, stderr, code, log), ALL)
    assert cause.kind == kind
    assert not cause.good


def test_only_what_passes_is_retried():
    retried = {path.name for path in CASES if classify(facts_of(path.name), ALL).retry}
    assert retried == {
        "db-down", "file-changed-while-read", "file-shrank-while-read", "grafana-locked", "postgres-stopped-in-between",
        "too-many-connections",
    }  # fmt: skip


def test_the_first_failure_counts_when_telling_the_engine_fails_too():
    """stderr has the second one alone: the script logs a failure, tells the engine, and prints only then."""
    facts = facts_of("postgres-stopped-in-between")
    path = TOP / "engine_backup" / "postgres-stopped-in-between"
    assert b"FATAL: Failed notifying engine" in raw(path, "stderr")
    assert b"backup failed" not in raw(path, "stderr")
    assert facts.fatal == "Database ovirt_engine_history backup failed"
    assert "database ovirt_engine_history is not saved" in classify(facts, ALL).sentence


def test_little_room_is_no_reason_beside_a_reason():
    """The script says "Low free space" after any failure while less than 10 MB are free."""
    facts = facts_of("tmp-small-wrong-password-dwh")
    assert facts.low_space
    assert classify(facts, ALL).kind == "wrong_password"


def test_what_a_cleanup_hook_prints_does_not_undo_done():
    path = TOP / "engine_backup" / "cleanup-hook-talks"
    assert raw(path, "stdout").splitlines()[-1] == b"copied to the tape"
    assert facts_of("cleanup-hook-talks").done
    early = read(b"Done.\nStart of engine-backup with mode 'backup'\n- Files\n", b"", 0)
    assert not early.done


def test_why_the_flags_could_not_be_read_is_said():
    """engine-backup takes any failure of the flags' reader for flags that are not set."""
    told = b"/usr/bin/engine-backup: line 58: otopi-config-query: command not found\n"
    out = b"Start of engine-backup with mode 'backup'\nscope: all\n- Files\nDone.\n"
    cause = classify(read(out, told, 0), ALL)
    assert cause.kind == "no_engine_database"
    assert cause.what_to_do.endswith("failed: /usr/bin/engine-backup: line 58: otopi-config-query: command not found.")
    assert "otopi" not in classify(read(out, b"", 0), ALL).what_to_do


def test_what_a_tool_said_stands_in_the_sentence():
    assert "permission denied for table tags" in classify(facts_of("table-of-another-owner"), ALL).sentence
    assert 'database "ovirt_engine_history" does not exist' in classify(facts_of("dwh-database-missing"), ALL).sentence
    assert "does not exist" in classify(facts_of("event-function-missing"), ALL).sentence


def test_the_temporary_folder_with_the_passwords_is_known_after_a_kill():
    assert facts_of("sigkill").temp == "/tmp/engine-backup.xvdoTijCYT"


def test_bytes_that_are_no_text_do_not_stop_the_reading():
    found = read(b"\xff\xfe\n- Files\nDone.\n", b"\xff", 0, b"\x80\n2026-11-22 09:21:21 7: FATAL: no\n")
    assert (found.parts, found.done, found.fatal) == (frozenset({Part.FILES}), True, "no")


def test_parts_are_spoken_in_order():
    assert spoken(frozenset({Part.GRAFANA, Part.ENGINE})) == "the engine database and the Grafana database"
    assert spoken(frozenset({Part.DWH})) == "the DWH database"
