"""An old crontab on the command line: what is printed, and the policy that is made of it."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from backups.models import Policy
from backups.services.schedule import problem
from portal.evidence.models import Record

pytestmark = pytest.mark.django_db

SCRIPT = b"""#!/bin/bash
find /backup/olvm -name '*.backup' -mtime +14 -delete
engine-backup --mode=backup --file=/backup/olvm/engine-$(date +%Y%m%d%H%M%S).backup --log=/var/log/eb.log
rsync -az /backup/olvm/ backup@store.bank.example:/srv/olvm/
curl -fsS -m 10 https://hc.bank.example/ping/5f0c-secret
"""
CRONTAB = b"30 2 * * 0 root /root/ovirt-engine-backup.sh >/dev/null 2>&1\n15 4 * * * root /usr/bin/updatedb\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "crontab").write_bytes(CRONTAB)
    (tmp_path / "ovirt-engine-backup.sh").write_bytes(SCRIPT)
    return tmp_path


def run(*words: object) -> str:
    out = io.StringIO()
    call_command("import_crontab", *(str(word) for word in words), stdout=out)
    return out.getvalue()


def test_it_proposes_and_changes_nothing(files):
    said = run(files / "crontab", "--system", "--script", files / "ovirt-engine-backup.sh", "--zone", "Africa/Nairobi")
    assert "Line 1 takes engine backups." in said
    assert "Schedule: 30 2 * * 0" in said
    assert "Folder on the engine VM: /backup/olvm" in said
    assert "Retention: RECOVERY WINDOW OF 14 DAYS" in said
    assert "backup@store.bank.example:/srv/olvm/ (sftp, by rsync)" in said
    assert "Danger: It deletes old archives before it takes the new one" in said
    assert "Lines that do something else: 2." in said
    assert "5f0c-secret" not in said
    assert not Policy.objects.exists()


def test_it_makes_a_policy_that_is_switched_off(files, world):
    words = (
        files / "crontab",
        "--system",
        "--script",
        files / "ovirt-engine-backup.sh",
        "--create",
        "--engine",
        "olvm",
    )
    said = run(*words)
    policy = Policy.objects.get()
    assert (policy.enabled, policy.cron, policy.zone, policy.scope) == (False, "30 2 * * 0", "UTC", [])
    assert (policy.directory, str(policy.retention), policy.count) == ("/backup/olvm", "window", 14)
    assert (policy.rpo, policy.max_age) == (7 * 86_400, 7 * 86_400 + 7200)
    assert problem(policy) == ""
    assert policy.name == "olvm, crontab line 1"
    assert not policy.heartbeat_url
    record = Record.objects.get(kind="policy.imported")
    assert record.actor.startswith("shell:")
    for point in ("taken as UTC", "up to 168 h apart", "add that place", "address of its own"):
        assert point in said.partition("is switched off.")[2]
    with pytest.raises(CommandError, match="already: choose another name"):
        run(*words)


def test_scripts_may_be_named_as_the_crontab_spells_them(files):
    (files / "copied").write_bytes(SCRIPT)
    said = run(files / "crontab", "--system", "--script", f"/root/ovirt-engine-backup.sh={files / 'copied'}")
    assert "Line 1 takes engine backups." in said


def test_from_standard_input(monkeypatch, world):
    raw = b"0 1 * * * engine-backup --scope=files --scope=db\n0 2 * * * engine-backup --file=/b/$X/a.backup\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert run("-").count("takes engine backups") == 2
    for line, scope in ((1, ["files", "db"]), (2, [])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        said = run("-", "--create", "--engine", "olvm", "--line", line, "--zone", "Europe/Vienna", "--name", f"p{line}")
        policy = Policy.objects.get(name=f"p{line}")
        assert (policy.scope, policy.zone, policy.directory) == (scope, "Europe/Vienna", "/var/lib/ovirt-engine-backup")
        assert ("Its scope is files, db only" in said) == (line == 1)
        assert ("the engine VM stays /var/lib/ovirt-engine-backup" in said) == (line == 2)
        assert "It sent archives nowhere" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing",), "cannot be read: No such file"),
        (("--create", "--engine", "olvm"), "choose one with --line"),
        (("--create", "--engine", "olvm", "--line", "9"), "No entry of this crontab"),
        (("--create", "--line", "1"), "There is no engine ''"),
        (("--create", "--line", "1", "--engine", "olvm", "--zone", "Mars/Base"), "is no time zone"),
    ],
)
def test_what_it_does_not_do_is_one_sentence(tmp_path, world, words, said):
    table = tmp_path / "two"
    table.write_bytes(b"0 1 * * * engine-backup\n0 2 * * * engine-backup\n")
    first = () if words[0] == "missing" else (table,)
    with pytest.raises(CommandError, match=said):
        run(*first, *words)
    assert not Policy.objects.exists()


def test_a_file_of_anything(tmp_path):
    (tmp_path / "x").write_bytes(bytes(range(256)) * 20)
    assert "No entry is known to take engine backups." in run(tmp_path / "x")
