"""What is looked at before engine-backup is started: what forbids it, what is waited for, what is only said. The
answers are made by hand after facts/engine-backup.md 0, 1 and 4."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backups.catalog import names, preflight
from backups.catalog.parts import Part
from portal.kernel.output import Output

FLAGS = """OVESETUP_ENGINE_CORE/enable=bool:True
OVESETUP_DWH_CORE/enable=bool:True
OVESETUP_CONFIG/keycloakEnable=bool:True
OVESETUP_GRAFANA_CORE/enable=bool:True
OVESETUP_CL_DB/enable=bool:False
"""
USERS = """ENGINE_DB_HOST="localhost"
ENGINE_DB_USER="engine"
DWH_DB_USER="ovirt_engine_history"
KEYCLOAK_DB_USER="ovirt_engine_keycloak"
"""
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/mapper/ol-{0} 100 1 {1} 2% {2}\n"
NOW = 1_795_331_651.0


def out(text: str = "", code: int | None = 0, err: str = "") -> Output:
    return Output(text.encode(), err.encode(), code)


def good(**changed: Output) -> dict[str, Output]:
    return {
        "root": out("0\n"),
        "tool": out("/usr/bin/engine-backup\n"),
        "package": out("4.5.5-1.25.el8\n"),
        "engine": out("4.5.5-1.25.el8\n"),
        "flags": out(FLAGS),
        "databases": out(USERS),
        "fqdn": out('ENGINE_FQDN="engine.bank.example"\n'),
        "ready": out("localhost:5432 - accepting connections\n"),
        "running": out(""),
        "target": out(DF.format("var", 900_000, "/var")),
        "tmp": out(DF.format("tmp", 900_000, "/tmp")),
        "stale": out(""),
        "clock": out(f"{NOW:.0f}\n"),
    } | changed


def read(last: int | None = None, **changed: Output) -> preflight.Preflight:
    return preflight.read(good(**changed), last, NOW)


def test_a_healthy_engine_vm():
    found = read()
    assert (found.stops, found.waits, found.notes) == ((), (), ())
    assert found.parts == {Part.FILES, Part.ENGINE, Part.DWH, Part.KEYCLOAK, Part.GRAFANA}
    assert (found.version, found.engine) == ("4.5.5-1.25.el8", "4.5.5-1.25.el8")
    assert preflight.fqdn(good()) == "engine.bank.example"
    assert preflight.fqdn(good(fqdn=out())) == ""
    assert preflight.parts(good()) == found.parts


def test_a_database_on_another_machine_is_said_and_stops_nothing():
    """engine-backup dumps it all the same; what fails is a restore that provisions (facts/engine-backup.md 3)."""
    far = USERS + 'DWH_DB_HOST="dwh.bank.example"\nKEYCLOAK_DB_HOST="localhost"\nCINDERLIB_DB_HOST="far"\n'
    found = read(databases=out(far))
    assert (found.stops, found.waits) == ((), ())
    assert len(found.notes) == 1
    assert found.notes[0].startswith("The DWH database is on dwh.bank.example: a restore that provisions databases")


STOPS = (
    ({"root": out("1000\n")}, "must run as root"),
    ({"root": out("", 1, "sudo: a password is required\n")}, "a password is required"),
    ({"tool": out("", 1)}, "There is no engine-backup"),
    ({"flags": out("")}, "setup flags are gone"),
    ({"databases": out("", 1)}, "cannot be read"),
    ({"flags": out("OVESETUP_ENGINE_CORE/enable=bool:False\n")}, "it is not the engine VM"),
    ({"databases": out("DWH_DB_USER=x\nno equals sign\n")}, "ENGINE_DB_USER is not set"),
    ({"target": out("", 1)}, "free space"),
    ({"tmp": out("nonsense\n")}, "free space"),
    ({"tmp": out(DF.format("tmp", 1000, "/tmp"))}, "/tmp has 0 MiB free; the temporary folder needs about 100 MiB"),
    ({"target": out(DF.format("var", 1000, "/var"))}, "/var has 0 MiB free; the archive needs"),
)


@pytest.mark.parametrize(("changed", "said"), STOPS, ids=[row[1][:40] for row in STOPS])
def test_what_forbids_a_start(changed, said):
    found = read(**changed)
    assert any(said in sentence for sentence in found.stops), found.stops


def test_room_is_measured_by_the_last_archive_and_shared_disks_count_once():
    mib = 1024 * 1024
    assert read(500 * mib).stops == ()  # 600 and 800 MiB, 878 MiB free on each
    assert "needs about 1120 MiB" in " ".join(read(700 * mib).stops)
    same = {"tmp": out(DF.format("root", 900_000, "/")), "target": out(DF.format("root", 900_000, "/"))}
    assert len(read(500 * mib, **same).stops) == 1
    assert "1400 MiB" in read(500 * mib, **same).stops[0]


def test_a_device_name_with_spaces_moves_no_column():
    odd = out("Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/a b 100 1 900000 2% /mnt/a b\n")
    assert read(target=odd).stops == ()


WAITS = (
    ({"running": out("engine-backup\nengine-setup\nengine-setup\n")}, "engine-backup and engine-setup runs"),
    ({"running": out("", 2)}, "could not be seen"),
    ({"running": out("", None)}, "did not come whole (running)"),
    ({"flags": out("", None), "root": out("", None)}, "did not come whole (flags, root)"),
    ({"ready": out("localhost:5432 - no response\n", 2)}, "does not take connections (localhost:5432 - no response)"),
    ({"ready": out("", 1)}, "no response"),
)


@pytest.mark.parametrize(("changed", "said"), WAITS, ids=[row[1][:40] for row in WAITS])
def test_what_may_pass(changed, said):
    found = read(**changed)
    assert found.stops == ()
    assert said in " ".join(found.waits)


NOTES = (
    ({"databases": out('ENGINE_DB_USER=engine\nDWH_DB_USER=""\nKEYCLOAK_DB_USER=k\n')}, "leave out the DWH database"),
    ({"databases": out(USERS + "CINDERLIB_DB_USER=c\n"), "flags": out(FLAGS.replace("OVESETUP_CL_DB", "X"))}, "CL_DB"),
    ({"stale": out("/tmp/engine-backup.Ab12Cd34Ef\n")}, "/tmp/engine-backup.Ab12Cd34Ef"),
    ({"clock": out("?\n")}, "could not be read"),
    ({"clock": out("")}, "could not be read"),
    ({"clock": out(f"{NOW + 300:.0f}\n")}, "300 s ahead of the portal's"),
    ({"clock": out(f"{NOW - 300:.0f}\n")}, "300 s behind the portal's"),
)


@pytest.mark.parametrize(("changed", "said"), NOTES, ids=[row[1][:40] for row in NOTES])
def test_what_is_only_said(changed, said):
    found = read(**changed)
    assert (found.stops, found.waits) == ((), ())
    assert said in " ".join(found.notes)


def test_a_machine_without_rpm_has_no_version():
    assert read(package=out("package ovirt-engine-tools-backup is not installed\n", 1)).version == ""
    assert read(package=out("")).version == ""


def test_no_command_prints_a_password_file_and_all_only_read():
    asked = preflight.commands("/var/lib/ovirt-engine-backup", "")
    assert asked["tmp"].argv[-1] == "/tmp"
    for command in asked.values():
        assert "PASSWORD" not in command.quoted()
        assert not {"rm", "mv", "mkdir", "tee", "touch"} & set(command.argv)


def test_names_of_a_backups_files():
    ident, folder = "20261122T060004", "/var/lib/ovirt-engine-backup"
    assert names.archive(folder, ident) == f"{folder}/holdfast-{ident}.backup"
    assert names.partial(folder, ident) == f"{folder}/.holdfast-{ident}.partial"
    assert names.log(folder, ident, "verify") == f"{folder}/holdfast-{ident}.verify.log"
    assert names.copy("olvm engine/1", ident) == f"olvm-engine-1-{ident}.backup.age"
    assert names.copy("...", ident) == f"engine-{ident}.backup.age"


@pytest.mark.parametrize(
    "ident", ["", "x", "20261122T0600", "20261122T060004;rm", "../20261122T060004", "20261122T060004\n"]
)
def test_what_is_no_name_of_a_backup(ident):
    assert names.ident_problem(ident)
    assert not names.ident_problem("20261122T060004-2")


@pytest.mark.parametrize("path", ["", "x", "/", "//", "/a/../b", "/a b", "/a;b", "/a\n", "/ä"])
def test_what_is_no_folder(path):
    assert names.directory_problem(path)
    assert not names.directory_problem("/var/lib/ovirt-engine-backup/x-1")


def sh(command, root: Path) -> Output:
    """One of the preflight's commands, run for real; its /etc is a folder of the test."""
    words = [word.replace("/etc/", f"{root}/etc/") for word in command.argv]
    ended = subprocess.run(words, capture_output=True, check=False)
    return Output(ended.stdout, ended.stderr, ended.returncode)


def conf(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, "utf-8")


def test_flags_are_read_as_engine_setups_own_reader_reads_them(tmp_path):
    """Spaces around "=", any "bool:" that is not false, the last file wins, and a file whose last line has no end."""
    folder = "etc/ovirt-engine-setup.conf.d"
    conf(tmp_path, "etc/ovirt-engine-setup.conf", "[environment:default]\nOVESETUP_DWH_CORE/enable=bool:False\n")
    conf(
        tmp_path,
        f"{folder}/20-setup-ovirt-post.conf",
        "[environment:default]\nOVESETUP_ENGINE_CORE/enable = bool:yes\n"
        "OVESETUP_CL_DB/enable=bool:F\nOVESETUP_DWH_CORE/enable=bool:True\nOVESETUP_GRAFANA_CORE/enable=bool:True",
    )
    conf(tmp_path, f"{folder}/30-x.conf", "[environment:default]\nOVESETUP_CONFIG/keycloakEnable=none:None\n")
    conf(tmp_path, "etc/ovirt-engine/engine.conf.d/10-setup-database.conf", 'ENGINE_DB_USER="engine"\nDWH_DB_USER="x"')
    conf(tmp_path, "etc/ovirt-engine/engine.conf.d/12-setup-keycloak.conf", "KEYCLOAK_DB_PASSWORD=secret\n")
    conf(tmp_path, "etc/ovirt-engine-dwh/ovirt-engine-dwhd.conf", 'DWH_DB_USER="ovirt_engine_history"\n')
    asked = preflight.commands("/d", "")
    seen = {name: sh(asked[name], tmp_path) for name in ("flags", "databases", "fqdn")}
    assert preflight.parts(seen) == {Part.FILES, Part.ENGINE, Part.DWH, Part.GRAFANA}
    assert b"secret" not in seen["databases"].stdout
    assert seen["databases"].stdout.splitlines()[-1] == b'DWH_DB_USER="ovirt_engine_history"'


def test_old_folders_with_passwords_are_found_wherever_a_killed_run_left_them(tmp_path):
    old = {tmp_path / "engine-backup.Ab12Cd34Ef", tmp_path / "holdfast-20261122T060004.tmp"}
    for folder in (*old, tmp_path / "holdfast-20261122T070004.tmp", tmp_path / "other"):
        folder.mkdir()
    for folder in (*old, tmp_path / "other"):
        os.utime(folder, (1_700_000_000, 1_700_000_000))
    found = sh(preflight.commands(str(tmp_path), str(tmp_path))["stale"], tmp_path)
    here = {line for line in found.stdout.decode().splitlines() if line.startswith(f"{tmp_path}/")}
    assert here == {str(folder) for folder in old}


@pytest.mark.parametrize(("group", "name"), [("setup", "engine-setup"), ("remove", "engine-cleanup"),
                                             ("rename", "engine-rename"), ("health", "")])  # fmt: skip
def test_engine_setup_is_seen_though_its_process_is_called_python(group, name, tmp_path):
    """The product's script becomes `python3 -m otopi.__main__ "... BASE/pluginGroups=str:..."`."""
    words = f'"APPEND:BASE/pluginPath=str:/x" APPEND:BASE/pluginGroups=str:ovirt-engine-common:ovirt-engine-{group} '
    running = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", words], stdin=subprocess.PIPE)
    try:
        found = sh(preflight.commands("/d", "")["running"], tmp_path)
    finally:
        running.communicate(b"")
    assert found.exit_code == 0
    assert found.stdout.decode().split() == ([name] if name else [])
    assert preflight.read(good(running=found), None, NOW).waits == (
        (f"{name} runs on the engine VM; two at once can leave a corrupt archive.",) if name else ()
    )
