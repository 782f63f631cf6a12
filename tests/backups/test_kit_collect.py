"""Collecting a kit from machines that print anything: nothing breaks it, nothing secret stays, and what is old goes."""

from __future__ import annotations

import json
import logging
import zipfile
from datetime import timedelta
from threading import Event

import pytest
from django.test import Client
from django.utils import timezone

from backups.kit import commands
from backups.models import Backup, Declared, Destination, Kit
from backups.services import kit, kit_vault
from backups.services.kit_estate import where
from backups.works import gathering
from inventory.models import Host
from portal.evidence.models import Record
from portal.kernel.output import LookFailed, Output
from portal.runs import ports
from portal.runs.models import Run
from tests.backups.kit_scenes import ANSWERS, HE_CONF
from tests.fixtures_backups import end
from tests.fixtures_runs import CURRENT, drive
from tests.ui.conftest import person  # noqa: F401

SECRET = "Tr0ub4dor-and-3"
GOOD = {
    "he_conf": HE_CONF % (1, SECRET.encode()),
    "answers": ANSWERS.replace(b"Tr0ub4dor&3", SECRET.encode()).replace(b"correct horse", SECRET.encode()),
    "saved": b"@@ answers-1.conf\n" + ANSWERS.replace(b"correct horse", SECRET.encode()),
    "packages": b"vdsm 4.50.5.1-1.el8\n",
    "release": b'PRETTY_NAME="Oracle Linux Server 8.10"\n',
    "fqdn": b"kvm01.bank.example\n",
}
HOSTILE = {
    "bytes": bytes(range(256)) * 40,
    "nul and surrogates": b"a\x00b\xed\xa0\x80\n",
    "markup": b"<script>alert(1)</script>\n",
    "terminal": b"\x1b]0;x\x07\x1b[2J\n",
    "shell": b"$(touch /tmp/x); `id`\n",
    "huge number": b"9" * 5000 + b"\n",
    "deep json": b"[" * 100_000,
    "wrong json": b'{"a": [1, {"ifname": {}}]}',
    "rows of nonsense": b'[{"ifname": 7, "addr_info": [3], "mtu": "x", "linkinfo": []}]',
    "empty": b"",
    "very long": b"x=" + b"y" * 300_000 + b"\n",
    "turned text": "\u202eexe.tpz\u2028\n".encode(),
}


class Machines:
    """A Shell for every kind of target; what each prints is set by the test. None: it does not answer."""

    def __init__(self):
        self.said = {}

    def name(self, target):
        return target.replace(":", " ")

    def look(self, target, asked):
        said = self.said.get(target, {})
        if said is None:
            raise LookFailed(f"{target} does not answer.")
        if callable(said):
            said()
        return {name: Output(said.get(name, b""), b"", 0) for name in asked}


@pytest.fixture
def estate(world, settings):
    """One engine whose API does not answer, and two hosts."""
    machines = Machines()
    CURRENT.append(machines)
    ports._shell.cache_clear()
    world.engine.url = "https://127.0.0.1:9/ovirt-engine/api"
    world.engine.save()
    world.machines = machines
    world.hosts = [
        Host.objects.create(engine=world.engine, uuid=f"h{n}", name=f"kvm0{n}", address=f"10.20.0.1{n}") for n in (1, 2)
    ]
    yield world
    CURRENT.pop()
    ports._shell.cache_clear()


def collect(world):
    return drive(kit.start(world.engine, "anna"), 3)


def say(world, **said):
    for host in world.hosts:
        world.machines.said[f"host:{host.pk}"] = {**GOOD, **said}


def everywhere(world):
    """All that a collection leaves behind, as text."""
    rows = [json.dumps(row.content) + json.dumps(row.changes) + row.sentence for row in Kit.objects.all()]
    rows += [json.dumps(record.body) for record in Record.objects.all()]
    rows += [line.text for run in Run.objects.all() for line in run.lines.all()]
    for file in kit_vault.folder(world.engine).iterdir():
        with zipfile.ZipFile(file) as archive:
            rows += [archive.read(name).decode() for name in archive.namelist() if not name.endswith(".sig")]
    return "\n".join(rows)


@pytest.mark.parametrize("how", HOSTILE)
def test_whatever_a_machine_prints_a_kit_is_made(how, estate, person):  # noqa: F811
    raw = HOSTILE[how]
    say(estate, **dict.fromkeys(commands.HOST, raw))
    estate.machines.said[f"engine:{estate.engine.pk}"] = dict.fromkeys(commands.ENGINE, raw)
    run = collect(estate)
    assert run.status == "succeeded", run.sentence
    made = kit.content(kit.newest(estate.engine))
    assert [host.name for host in made.hosts] == ["kvm01", "kvm02"]
    client = Client()
    client.force_login(person("viewer"))
    answer = client.get("/backups/kit/")
    assert answer.status_code == 200
    text = answer.content.decode() + everywhere(estate)
    assert "<script>alert(1)" not in answer.content.decode()
    assert "\x1b" not in text
    assert "\u202e" not in answer.content.decode()


def test_passwords_that_a_host_does_not_mask_are_masked_here_and_stay_nowhere(estate, person, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    say(estate)
    assert collect(estate).status == "succeeded"
    made = kit.content(kit.newest(estate.engine))
    assert made.hosts[0].he_conf.masked == 1
    assert "password=***" in made.hosts[0].he_conf.text
    client = Client()
    client.force_login(person("operator"))
    page = client.get("/backups/kit/").content.decode()
    api = client.get(f"/api/v1/kits/{kit.newest(estate.engine).pk}/").content.decode()
    assert SECRET not in everywhere(estate) + page + api + caplog.text


def test_a_reader_that_breaks_costs_one_host_and_tells_nothing_of_what_was_read(estate, caplog):
    say(estate)

    def broken():
        raise RuntimeError(SECRET)

    estate.machines.said[f"host:{estate.hosts[1].pk}"] = broken
    assert collect(estate).status == "succeeded"
    one, two = kit.content(kit.newest(estate.engine)).hosts
    assert (one.source.at is not None, two.source.at) == (True, None)
    assert "could not be asked" in two.source.why[0]
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text + everywhere(estate)


@pytest.mark.django_db(transaction=True)
def test_a_host_that_hangs_holds_up_nobody(estate, monkeypatch):
    monkeypatch.setattr(gathering, "PATIENCE", 1.0)
    hold = Event()
    say(estate)
    estate.machines.said[f"host:{estate.hosts[1].pk}"] = hold.wait
    try:
        assert collect(estate).status == "succeeded"
    finally:
        hold.set()
    two = kit.content(kit.newest(estate.engine)).hosts[1]
    assert two.source.why == ("kvm02 has not answered within 1 s. Look at it over SSH.",)


def test_nobody_answers_and_the_kit_says_so(estate):
    for target in (f"engine:{estate.engine.pk}", *(f"host:{host.pk}" for host in estate.hosts)):
        estate.machines.said[target] = None
    assert collect(estate).status == "succeeded"
    row = kit.newest(estate.engine)
    assert row.outcome in ("fail", "unknown")
    assert {host.source.at for host in kit.content(row).hosts} == {None}


def test_a_private_key_in_what_a_host_says_stops_the_kit(estate):
    key = b'PRETTY_NAME="AGE-SECRET-KEY-1QQQQQQQQQ"\n'
    say(estate, release=key)
    run = collect(estate)
    assert (run.status, Kit.objects.count()) == ("failed", 0)
    assert "holds a private key" in run.sentence
    assert "QQQQQQ" not in run.sentence + everywhere(estate)
    assert list(kit_vault.folder(estate.engine).iterdir()) == []


def test_what_was_declared_stands_in_the_kit(estate):
    say(estate)
    Declared.objects.create(
        engine=estate.engine, by="admin1", at=timezone.now(), spare_lun="3600144f0099", spare_lun_gib=80,
        spare_zoned_to=["kvm01", "kvm02"], admin_custody="safe A", root_custody="safe B", vlan=120, smtp="mail.bank",
        target_host="kvm02", keeps_host="kvm01", bmc={"kvm01": "ilo1"}, notes="ring the DBAs",
        contacts=[{"role": "Storage", "name": "A. Otieno", "reach": "0101"}],
    )  # fmt: skip
    collect(estate)
    made = kit.content(kit.newest(estate.engine))
    assert (made.storage.spare.wwid, made.storage.spare.size, made.storage.spare.empty) == (
        "3600144f0099",
        80 << 30,
        None,
    )
    assert (made.engine.admin_custody, made.engine.vlan, made.engine.smtp) == ("safe A", 120, "mail.bank")
    assert [(host.role, host.bmc) for host in made.hosts] == [("keeps the databases", "ilo1"), ("target", "")]
    assert (made.contacts[0].name, made.contacts_source.by, made.notes) == (
        "A. Otieno",
        "declared by admin1",
        "ring the DBAs",
    )


def test_only_the_newest_keep_their_bundle(estate, monkeypatch):
    say(estate)
    monkeypatch.setattr(kit, "KEPT", 2)
    for number in range(4):
        say(estate, release=b'PRETTY_NAME="System %d"\n' % number)
        assert collect(estate).status == "succeeded"
        Kit.objects.filter(pk=kit.newest(estate.engine).pk).update(at=timezone.now() - timedelta(days=4 - number))
    rows = list(Kit.objects.order_by("pk"))
    assert [bool(row.bundle) for row in rows] == [False, False, True, True]
    assert [bool(row.content) for row in rows] == [False, False, True, True]
    assert "Host kvm01: release was System 0 and is now System 1." in rows[1].changes
    assert {path.name for path in kit_vault.folder(estate.engine).iterdir()} == {row.bundle for row in rows[2:]}
    assert Record.objects.filter(kind="kit.bundles_removed").count() == 2


def test_an_unsigned_kit_says_that_it_proves_nothing(estate, settings):
    settings.HOLDFAST_EVIDENCE_KEY = ""
    say(estate)
    collect(estate)
    with zipfile.ZipFile(kit_vault.folder(estate.engine) / kit.newest(estate.engine).bundle) as archive:
        assert "not signed" in archive.read("VERIFY.txt").decode()
        assert "SHA256SUMS.sig" not in archive.namelist()


def test_it_is_due_once_after_a_backup_and_what_follows_it(world):
    now = timezone.now()
    policy = world.policy()
    dr = world.place("DR")
    policy.destinations.add(dr)
    assert not kit.due(world.engine, now)  # nothing was backed up yet
    backup = world.backup(policy, timedelta(minutes=5), run=end(world.occupy(), "succeeded", ago=timedelta(minutes=4)))
    assert not kit.due(world.engine, now)  # its copy at DR is still to come
    assert kit.due(world.engine, now + timedelta(minutes=40))  # which is not waited for for ever
    world.copy(backup, dr, held_at=now - timedelta(minutes=2))
    assert kit.due(world.engine, now)
    Kit.objects.create(engine=world.engine, at=now - timedelta(minutes=1))
    assert not kit.due(world.engine, now)
    assert kit.due(world.engine, now + timedelta(hours=25))
    Backup.objects.update(proven_at=now)
    assert kit.due(world.engine, now)


def test_a_clock_that_jumped_does_not_collect_for_ever(world):
    now = timezone.now()
    world.backup(world.policy(), timedelta(hours=1), run=end(world.occupy(), "succeeded", ago=timedelta(minutes=50)))
    Kit.objects.create(engine=world.engine, at=now + timedelta(days=400))
    assert kit.due(world.engine, now)
    Kit.objects.create(engine=world.engine, at=now)
    assert not kit.due(world.engine, now)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"kind": "sftp", "host": "dr.bank", "port": 2222, "path": "/srv/hf"}, "sftp://dr.bank:2222/srv/hf"),
        ({"kind": "s3", "host": "https://s3.bank", "bucket": "hf", "path": "engine/"}, "https://s3.bank/hf/engine"),
        ({"kind": "directory", "path": "/mnt/dr"}, "/mnt/dr"),
    ],
)
def test_a_place_is_found_without_the_portal(fields, told):
    assert where(Destination(name="DR", **fields)) == told
