"""engine-backup in the lab over real SSH: texts, files, events, and archives that the portal's own ladder judges."""

from __future__ import annotations

import datetime
import hashlib
import re

import psycopg
import pytest

from backups.catalog.causes import classify
from backups.catalog.ladder import climb
from backups.catalog.output import read
from backups.catalog.parts import Part
from backups.catalog.ports import FileSource
from backups.catalog.rung import NAMES, Expectation, Mark
from portal.connectors.pg_restore import PgRestore
from tests.connectors.test_pg_restore import REAL
from tests.fixtures_engine_vm import BACKUPS, LOGS, connect, engine_backup, eventually, fetch, left
from tests.fixtures_lab import RunningLab, sh
from tests.samples_dir import TOP as SAMPLES

pytestmark = pytest.mark.wire
PARTS = frozenset({Part.FILES, Part.ENGINE, Part.DWH, Part.KEYCLOAK, Part.GRAFANA})
TEMP = re.compile(r"engine-backup\.[A-Za-z0-9]{10}")
STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \d+: ")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory):
    running = RunningLab(tmp_path_factory.mktemp("lab"), 50.0, "--backup-mib", "2")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def vm(lab: RunningLab):
    with connect(lab) as client:
        assert (
            sh(client, "psql -U engine -h localhost -c 'select 1' -w", 30)[0] == 2
        )  # no password; the cluster is made
        yield client


@pytest.fixture(autouse=True)
def clean(lab: RunningLab):
    yield
    lab.http("DELETE", "/faults")


def sample(case: str, name: str) -> list[str]:
    return (SAMPLES / "engine_backup" / case / name).read_text("utf-8").splitlines()


def shape(lines: list[str]) -> list[str]:
    """Lines without what differs between two runs: time, process, names of files, of the temp folder, of the engine."""
    made = []
    for line in lines:
        text = TEMP.sub("engine-backup.X", STAMP.sub("STAMP ", line))
        text = re.sub(r"/full/|/tmp/", "/T/", text)
        text = re.sub(r"/[\w/-]+/[\w.-]+\.backup", "FILE", re.sub(r"/[\w/-]+/[\w.-]+\.log", "LOG", text))
        made.append(text.replace("engine.bank.example", "FQDN").replace("olvm-engine.bank.lab", "FQDN"))
    return made


def without_tar(lines: list[str]) -> list[str]:
    """The shape without tar's own remarks, which differ with its version and with how its pipes break."""
    return [line for line in shape(lines) if line and not line.startswith("tar: ")]


def ladder(path, **known):
    """The portal's verdict on an archive: rung -> mark."""
    expected = {"now": datetime.datetime.now(datetime.UTC), "parts": PARTS, "engine": "4.5.5",
                "fqdn": "engine.bank.example", "sizes": (path.stat().st_size,) * 3,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}  # fmt: skip
    rungs = climb(FileSource(path), Expectation(**(expected | known)), PgRestore(REAL))
    return {rung.name: (rung.outcome, rung.sentence) for rung in rungs}


def taken(code: int, out: list[str], err: list[str], log: str):
    """What the portal makes of a run."""
    return classify(read("\n".join(out).encode(), "\n".join(err).encode(), code, log.encode()), PARTS)


def test_a_good_run_says_what_the_real_one_says_and_passes_the_whole_ladder(lab, vm, tmp_path):
    code, out, err, log = engine_backup(vm, "good")
    assert (code, err) == (0, [])
    assert shape(out) == shape(sample("ok-backup", "stdout"))
    assert shape(log.splitlines()) == shape(sample("ok-backup", "log"))
    code, out, err, verify_log = engine_backup(vm, "good", "verify")
    assert (code, err) == (0, [])
    assert shape(out) == shape(sample("ok-verify", "stdout"))
    assert shape(verify_log.splitlines()) == shape(sample("ok-verify", "log"))
    seen = ladder(fetch(vm, "good", tmp_path), taken=taken(0, sample("ok-backup", "stdout"), [], log),
                  verified=taken(code, out, err, verify_log))  # fmt: skip
    assert {name: mark for name, (mark, _) in seen.items()} == dict.fromkeys(NAMES, Mark.OK), seen


def test_files_modes_and_nothing_left_behind(lab, vm):
    engine_backup(vm, "modes")
    rows = {row["path"]: row for row in lab.http("GET", "/engine-vm/files?under=/var")}
    assert rows[f"{BACKUPS}/modes.backup"]["mode"] == "0600"
    assert rows[f"{BACKUPS}/modes.backup"]["size"] > 1_000_000
    assert rows[f"{LOGS}/modes-backup.log"]["mode"] == "0600"
    assert rows[BACKUPS]["mode"] == "0750"
    assert left(lab) == []
    run = lab.http("GET", "/engine-vm")["runs"][-1]
    assert (run["argv"][1], run["rc"], "ended" in run) == ("--mode=backup", 0, True)


def test_default_names_and_scopes(vm):
    code, out, _ = sh(vm, "engine-backup --scope=files --scope=db; ls /var/log/ovirt-engine-backup", 30)
    text = out.decode()
    assert code == 0
    assert "scope: files,db\n" in text
    name = re.search(rf"archive file: {BACKUPS}/ovirt-engine-backup-(\d{{14}})\.backup", text)
    assert name
    assert f"ovirt-engine-backup-{name[1]}.log" in text
    assert "- DWH" not in text
    assert "./db/engine_backup.db" in sh(vm, f"tar tf {BACKUPS}/ovirt-engine-backup-{name[1]}.backup")[1].decode()


def events(lab: RunningLab) -> list[tuple[int, str]]:
    """Codes and texts that the engine shows, oldest first, by way of its REST API."""
    import base64
    import json
    import ssl
    import urllib.request

    about = lab.estate["engine"]
    context = ssl.create_default_context(cadata=about["ca_pem"])
    secret = base64.b64encode(f"{about['username']}:{about['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}", "Accept": "application/json"}
    request = urllib.request.Request(about["url"] + "/events?max=300", headers=headers)
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        rows = json.loads(answer.read()).get("event", [])
    return [(int(row["code"]), row["description"]) for row in reversed(rows)]


def test_the_engine_and_its_database_hear_of_every_scope(lab, vm):
    before = len([code for code, _ in events(lab) if code == 9025])
    engine_backup(vm, "told")
    eventually(lambda: len([code for code, _ in events(lab) if code == 9025]) == before + 6)
    ours = [text for code, text in events(lab) if code in (9024, 9025) and "told" in text]
    scopes = ["files", "db", "dwhdb", "cinderlib", "keycloak", "grafanadb"]
    assert ours == [
        f"engine-backup: Backup {word}, scope={scope}, log={LOGS}/told-backup.log"
        for word in ("Started", "Finished")
        for scope in scopes
    ]
    sql = "select scope, is_passed, fqdn from engine_backup_log where log_path like '%told%' order by done_at"
    code, out, err = sh(vm, f'sudo -u postgres psql -d engine -At -c "{sql}"')
    assert (code, err) == (0, b"")
    assert out.decode().split() == [f"{scope}|t|engine.bank.example" for scope in scopes]


def test_the_engines_database_agrees_with_its_api(lab, vm):
    about = lab.http("GET", "/truth")
    conf = "/etc/ovirt-engine/engine.conf.d/10-setup-database.conf"
    login = (
        f'. {conf}; PGPASSWORD=$ENGINE_DB_PASSWORD psql -w -U "$ENGINE_DB_USER" -h "$ENGINE_DB_HOST" -p 5432 -At -F " "'
    )
    sql = (
        "select (select count(*) from vds_static), (select count(*) from vm_static),"
        " (select count(*) from storage_domains), (select count(*) from luns),"
        " (select count(*) from disk_lun_map), (select max(version) from schema_version),"
        " (select count(*) from vdc_options), (select count(*) from pg_extension where extname = 'uuid-ossp')"
    )
    code, out, err = sh(vm, f'{login} -d "$ENGINE_DB_DATABASE" -c "{sql}"')
    assert (code, err) == (0, b"")
    assert out.decode().split() == [
        str(len(about["hosts"])), str(len(about["vms"])), "2", "8", "6", "04050300", "733", "1"
    ]  # fmt: skip


FAULTS: dict[str, tuple[dict[str, str], str, list[str], list[str]]] = {
    # fault: arguments, sample it must look like, last lines of stderr, last lines of stdout
    "backup-db-down": ({}, "db-down", ["FATAL: Failed notifying engine"], ["Notifying engine", "Notifying engine"]),
    "backup-wrong-password": ({}, "wrong-password", ["FATAL: Failed notifying engine"], ["Notifying engine"] * 2),
    "backup-tmp-full": ({}, "tmp-full", ["FATAL: Database ovirt_engine_history backup failed"], []),
    "backup-target-full": ({}, "target-full", [f"FATAL: Cannot create '{BACKUPS}/target-full.backup'"], []),
}


@pytest.mark.parametrize("name", FAULTS)
def test_failures_have_the_real_texts(lab, vm, name):
    args, case, err_end, out_end = FAULTS[name]
    lab.fault(name, "engine", **args)
    code, out, err, log = engine_backup(vm, case)
    assert code == 1
    assert err[-len(err_end) :] == err_end
    assert out[-len(out_end) :] == out_end or not out_end
    assert shape(out) == shape(sample(case, "stdout"))
    assert shape(err) == shape(sample(case, "stderr"))
    assert shape(log.splitlines()) == shape(sample(case, "log"))
    assert left(lab) == []
    assert not taken(code, out, err, log).good
    lab.http("DELETE", "/faults")
    assert engine_backup(vm, "after")[0] == 0


def test_a_full_temporary_folder_found_early(lab, vm):
    lab.fault("backup-tmp-full", "engine", when="early")
    code, out, err, log = engine_backup(vm, "early")
    assert (code, shape(out), shape(err)) == (
        1, shape(sample("tmp-full-early", "stdout")), shape(sample("tmp-full-early", "stderr"))
    )  # fmt: skip
    assert shape(log.splitlines()) == shape(sample("tmp-full-early", "log"))


def test_a_wrong_dwh_password_fails_after_the_engine(lab, vm):
    lab.fault("backup-wrong-password", "engine", which="dwh")
    code, out, err, log = engine_backup(vm, "dwh")
    assert code == 1
    assert shape(out) == shape(sample("wrong-password-dwh", "stdout"))
    assert shape(err) == shape(sample("wrong-password-dwh", "stderr"))
    assert shape(log.splitlines()) == shape(sample("wrong-password-dwh", "log"))
    eventually(lambda: [code for code, text in events(lab) if "backup failed" in text].count(9026) == 6)


def test_a_file_that_changes_fails_once(lab, vm):
    lab.fault("backup-file-changed", "engine")
    code, _, err, log = engine_backup(vm, "changed")
    assert (code, err[0]) == (1, "FATAL: Failed backing up /etc/ovirt-engine")
    assert len(err) == 27
    assert "tar: var/lib/ovirt-engine/content/big: file changed as we read it" in log
    assert engine_backup(vm, "changed")[0] == 0


BAD: dict[str, tuple[dict[str, str], str]] = {
    "backup-flags-lost": ({}, "members"),
    "backup-flags-lost unread": ({"how": "unread"}, "members"),
    "backup-setup-db-conf-lost": ({}, "members"),
    "backup-corrupt-after": ({}, "dumps"),
    "backup-dwh-truncated": ({}, "dumps"),
    "backup-key-mismatch": ({}, "pki"),
}


@pytest.mark.parametrize("name", BAD)
def test_archives_that_look_good_and_are_not(lab, vm, tmp_path, name):
    args, rung = BAD[name]
    lab.fault(name.split()[0], "engine", **args)
    code, out, err, _ = engine_backup(vm, "bad")
    assert (code, err, out[-1]) == (0, [], "Done.")
    code, out, err, _ = engine_backup(vm, "bad", "verify")
    assert (code, err, out[-1]) == (0, [], "Done.")
    seen = ladder(fetch(vm, "bad", tmp_path))
    assert seen[rung][0] is Mark.FAIL, seen


@pytest.mark.parametrize("name", ["backup-flags-lost", "backup-setup-db-conf-lost", "backup-key-mismatch"])
def test_a_fault_that_is_over_leaves_the_files_as_they_were(lab, vm, tmp_path, name):
    lab.fault(name, "engine")
    lab.http("DELETE", "/faults")
    engine_backup(vm, "mended")
    seen = ladder(fetch(vm, "mended", tmp_path))
    assert [name for name, (mark, _) in seen.items() if mark is not Mark.OK] == ["verify"]  # of which nobody told


def test_flags_lost_is_hidden_from_the_engine(lab, vm):
    lab.fault("backup-flags-lost", "engine")
    _, out, _, _ = engine_backup(vm, "flags")
    assert not [line for line in out if "database" in line]
    assert "db/" not in sh(vm, f"tar tf {BACKUPS}/flags.backup | grep '[.]db$'")[1].decode()
    eventually(lambda: len([text for code, text in events(lab) if code == 9025 and "/flags-" in text]) == 6)


VERIFY: dict[str, tuple[str, str]] = {
    "verify-truncated": ("truncate -s $(($(stat -c %s F) / 2)) F", "cannot open"),
    "verify-truncated-10-bytes": ("truncate -s $(($(stat -c %s F) - 10)) F", "cannot open"),
    "verify-byte-flip": ("printf '\\125\\252' | dd of=F bs=1 seek=400000 conv=notrunc 2>/dev/null", "cannot open"),
    "verify-empty-file": (": >F", "cannot open"),
    "verify-missing-file": ("rm F", "cannot open"),
    "verify-newer-archive": ("echo 4.5.6 >t/version; RESUM", "Backup was created by version '4.5.6'"),
    "verify-no-hash-file": ("rm t/sha256sum; PACK", "No supported hash file found"),
    "verify-member-changed": ("echo more >>t/version; PACK", "Checksum verification failed"),
    "verify-member-missing": ("rm t/db/dwh_backup.db; PACK", "Checksum verification failed"),
    "verify-member-and-its-hash-line-removed": ("rm t/db/[dk]*; RESUM", ""),
}


@pytest.fixture(scope="module")
def judged(vm) -> str:
    """A good archive that each case changes a copy of."""
    engine_backup(vm, "whole")
    return f"{BACKUPS}/whole.backup"


@pytest.mark.parametrize("case", VERIFY)
def test_verify_sees_what_the_real_one_sees(vm, judged, case):
    change, fatal = VERIFY[case]
    sh(vm, f"cp -p {judged} {BACKUPS}/judged.backup")
    change = change.replace(
        "RESUM", "(cd t; sha256sum $(find . -type f ! -name sha256sum -printf '%P ') >sha256sum); PACK"
    )
    change = change.replace("PACK", "tar -C t -czf F .")
    script = f"cd /tmp && rm -rf t && mkdir t && tar -C t -xzf F && {change}; rm -rf t".replace(
        "F", f"{BACKUPS}/judged.backup"
    )
    assert sh(vm, script)[0] == 0
    code, out, err, log = engine_backup(vm, "judged", "verify")
    assert code == (1 if fatal else 0)
    assert shape(out) == shape(sample(case, "stdout"))
    assert shape(err) == shape(sample(case, "stderr")) or not fatal
    assert all(fatal in line for line in err[-1:])
    if (SAMPLES / "engine_backup" / case / "log").exists():
        assert without_tar(log.splitlines()) == without_tar(sample(case, "log"))
    assert sh(vm, f"stat -c '%a' {BACKUPS}/judged.backup")[1] == b"600\n"


@pytest.mark.parametrize(
    ("words", "case"),
    [("--mode=nope", "bad-mode"), ("--scope=foo", "bad-scope"), ("--nope", "bad-option"),
     ("--mode=verify", "verify-no-file-option"), ("--tmpdir=/nonexist", "tmpdir-missing"),
     ("--file=/tmp/same --log=/tmp/same", "file-equals-log"),
     ("--file=/nodir/x.backup --log=/tmp/nodir.log", "target-dir-missing")],
)  # fmt: skip
def test_refusals(vm, words, case):
    code, out, err = sh(vm, f"engine-backup {words}; rc=$?; rm -f /tmp/nodir.log; exit $rc", 30)
    assert code == 1
    assert without_tar(out.decode().splitlines()) == without_tar(sample(case, "stdout"))
    assert shape(err.decode().splitlines()) == shape(sample(case, "stderr"))


def test_plain_dumps_fail_verify_though_they_are_good(vm, tmp_path):
    code, out, err, log = engine_backup(vm, "plain", more="--scope=db --db-dump-format=plain")
    assert (code, err) == (0, [])
    assert shape(out) == shape(sample("plain-nocomp", "stdout"))
    assert shape(log.splitlines()) == shape(sample("plain-nocomp", "log"))
    code, out, err, log = engine_backup(vm, "plain", "verify")
    assert (code, err) == (1, ["FATAL: Errors while running pg_restore "])
    assert shape(out)[1:] == shape(sample("plain-nocomp-verify-false-failure", "stdout"))[1:]
    seen = ladder(fetch(vm, "plain", tmp_path), parts=frozenset({Part.ENGINE}))
    assert seen["dumps"][0] is Mark.OK


def test_a_small_size_leaves_keycloak_as_it_is(vm, tmp_path):
    """--small-size speaks of the engine's and the DWH database only."""
    code, out, err, log = engine_backup(vm, "small", more="--small-size")
    assert (code, err) == (0, [])
    assert shape(out) == shape(sample("small-size", "stdout"))
    assert shape(log.splitlines()) == shape(sample("small-size", "log"))
    seen = ladder(fetch(vm, "small", tmp_path), verified=None)
    assert {name: mark for name, (mark, _) in seen.items() if mark is Mark.FAIL} == {}


def test_a_grafana_file_that_is_gone_is_saved_as_an_empty_one(vm, tmp_path):
    place = "/var/lib/grafana/grafana.db"
    assert sh(vm, f"mv {place} /tmp/g")[0] == 0
    try:
        code, out, err, _ = engine_backup(vm, "bare", more="--scope=files --scope=db --scope=grafanadb")
    finally:
        sh(vm, f"mv /tmp/g {place}")
    assert (code, err) == (0, [])
    assert f"- Grafana database '{place}'" in out
    seen = ladder(fetch(vm, "bare", tmp_path), parts=frozenset({Part.FILES, Part.ENGINE, Part.GRAFANA}))
    assert seen["dumps"] == (Mark.FAIL, "The dump of the Grafana database holds no table: its file was gone.")


def test_restore_is_not_in_the_lab(vm):
    code, _, err = sh(vm, "engine-backup --mode=restore --file=/etc/hostname --log=/tmp/r.log")
    assert (code, err) == (1, b"FATAL: Restore is not in the lab\n")


def test_a_hook_ends_the_run_with_its_own_code(lab, vm):
    folder = "/etc/ovirt-engine-backup/engine-backup-dobackup.d"
    sh(vm, f"mkdir -p {folder} && echo 'exit 7' >{folder}/10-no.sh")
    code, out, _, _ = engine_backup(vm, "hook")
    sh(vm, f"rm -rf {folder}")
    assert (code, out[-1]) == (7, "- Grafana database '/var/lib/grafana/grafana.db'")
    assert left(lab) == []


def test_a_scratch_restore_gives_the_estate_back(vm, tmp_path):
    """The engine's dump, restored into a PostgreSQL of the tests, has the rows and the newest audit entry."""
    import os
    import subprocess
    import tarfile
    from pathlib import Path

    engine_backup(vm, "scratch")
    with tarfile.open(fetch(vm, "scratch", tmp_path)) as archive:
        archive.extract("./db/engine_backup.db", tmp_path, filter="data")
    url, name = os.environ["HOLDFAST_DATABASE_URL"], f"lab_scratch_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'create database "{name}" template template0')
        try:
            host, user = (part.split("=")[1] for part in url.split("?")[1].split("&"))
            words = ["-h", host, "-U", user, "-d", name, "--no-owner", "--no-privileges", "--exit-on-error"]
            subprocess.run([REAL, *words, str(Path(tmp_path, "db/engine_backup.db"))], check=True)
            with psycopg.connect(url, dbname=name) as link:
                names = link.execute("select vm_name from vm_static order by 1").fetchall()
                newest = link.execute("select extract(epoch from now() - max(log_time)) from audit_log").fetchone()
        finally:
            admin.execute(f'drop database "{name}" with (force)')
    assert ("HostedEngine",) in names
    assert newest
    assert newest[0] < 60
