"""The recovery-day kit by page and API: what it says, who may, what is recorded; nothing hostile or secret gets out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backups.kit import bundle, page
from backups.models import Declared, Kit
from backups.services import kit_vault
from inventory.models import Engine, Host, Site
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.runs.models import Run
from tests.backups import kit_scenes
from tests.ui.test_pages import Reader

HOSTILE = '<script>alert("x")</script>'
SCENES = {"full": kit_scenes.full, "empty": kit_scenes.empty, "drifted": kit_scenes.drifted}


@pytest.fixture
def engine(db, settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    row = Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm-prod", url="https://olvm.bank.example/ovirt-engine/api",
        username="admin@internal", password=Secret("not-shown-anywhere"),
    )  # fmt: skip
    for number in (1, 2):
        Host.objects.create(engine=row, uuid=f"h{number}", name=f"kvm0{number}", address=f"10.20.0.1{number}")
    return row


def kept(engine, made=None, age=0, **fields):
    """A kit as the work keeps it, with a bundle in the vault."""
    made = made or kit_scenes.full()
    made = replace(made, made=int(timezone.now().timestamp()) - age)
    name, raw = f"{bundle.file_name(made)}", b"PK" + str(made.made).encode()
    kit_vault.keep(kit_vault.write(engine, "run", raw), name)
    told = page.page(made, made.made).verdict
    values = {
        "at": timezone.now() - timezone.timedelta(seconds=age), "content": json.loads(bundle.to_json(made)),
        "bundle": name, "sha256": hashlib.sha256(raw).hexdigest(), "outcome": told.outcome.value,
        "headline": told.headline, "sentence": told.sentence,
    }  # fmt: skip
    return Kit.objects.create(engine=engine, **(values | fields))


@pytest.fixture
def client_of(person):
    def make(role):
        client = Client()
        client.force_login(person(role))
        return client

    return make


@pytest.mark.parametrize("scene", SCENES)
def test_the_page_is_clean_in_every_scene(scene, engine, client_of):
    row = kept(engine, SCENES[scene]())
    for role in ("viewer", "operator", "admin"):
        for path in ("/backups/kit/", f"/backups/kit/{row.pk}/"):
            answer = client_of(role).get(path)
            assert answer.status_code == 200
            text = answer.content.decode()
            assert "not-shown-anywhere" not in text
            seen = Reader(text)
            assert (seen.refused, seen.headings.count("h1")) == ([], 1)
            assert len(seen.ids) == len(set(seen.ids))


def test_the_worst_line_comes_first(engine, client_of):
    kept(engine, kit_scenes.drifted())
    text = client_of("viewer").get("/backups/kit/").content.decode()
    table = text[text.index('class="kit-ready"') : text.index("</table>")]
    states = [word for word in ("Fail", "Not known", "Warning") if word in table]
    assert states
    assert table.index("are missing") < table.index("are known by WWID")
    assert "olvm-prod: the kit is not fit for the day" in text


def test_without_a_kit_it_says_so_and_what_to_do(engine, client_of):
    text = client_of("operator").get("/backups/kit/").content.decode()
    assert "no kit was collected yet" in text
    assert f"/backups/kit/collect/{engine.pk}/" in text
    assert "/backups/kit/collect/" not in client_of("viewer").get("/backups/kit/").content.decode()


def test_an_emptied_kit_shows_its_changes_only(engine, client_of):
    row = kept(engine, content={}, bundle="", changes=["Host kvm01: kernel was a and is now b."])
    text = client_of("viewer").get(f"/backups/kit/{row.pk}/").content.decode()
    assert "this kit is emptied" in text
    assert "kernel was a and is now b" in text
    answer = client_of("viewer").post(f"/backups/kit/{row.pk}/bundle/")
    assert answer.status_code == 409
    assert not Record.objects.filter(kind="kit.downloaded").exists()


def test_hostile_words_of_hosts_are_text(engine, client_of):
    made = kit_scenes.full()
    hosts = (replace(made.hosts[0], release=HOSTILE, kernel=HOSTILE), made.hosts[1])
    kept(engine, replace(made, hosts=hosts), changes=[HOSTILE])
    text = client_of("viewer").get("/backups/kit/").content.decode()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_a_download_is_recorded_first_and_never_by_get(engine, client_of):
    row = kept(engine)
    client = client_of("viewer")
    assert client.get(f"/backups/kit/{row.pk}/bundle/").status_code == 405
    answer = client.post(f"/backups/kit/{row.pk}/bundle/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert hashlib.sha256(answer.content).hexdigest() == row.sha256
    record = Record.objects.get(kind="kit.downloaded")
    assert (record.actor, record.body["sha256"]) == ("viewer1", row.sha256)


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_bundle_that_is_not_as_it_was_made_is_not_handed_out(harm, engine, client_of):
    row = kept(engine)
    file = kit_vault.folder(engine) / row.bundle
    file.unlink() if harm == "gone" else file.write_bytes(b"PKother")
    answer = client_of("viewer").post(f"/backups/kit/{row.pk}/bundle/")
    assert answer.status_code == 409
    assert "Collect the kit again." in answer.content.decode()
    assert not Record.objects.filter(kind="kit.downloaded").exists()


@pytest.mark.parametrize(
    ("role", "collects", "declares"),
    [("viewer", 403, 403), ("operator", 200, 403), ("approver", 403, 403), ("auditor", 403, 403), ("admin", 403, 200)],
)
def test_who_may(role, collects, declares, engine, client_of):
    client = client_of(role)
    assert client.get("/backups/kit/").status_code == 200
    assert client.get(f"/backups/kit/collect/{engine.pk}/").status_code == collects
    assert client.get(f"/backups/kit/declare/{engine.pk}/").status_code == declares
    if collects == 403:
        assert client.post(f"/backups/kit/collect/{engine.pk}/", {"key": "k"}).status_code == 403
        assert not Run.objects.exists()
    if declares == 403:
        assert client.post(f"/backups/kit/declare/{engine.pk}/", {"spare_lun": "3600144f01"}).status_code == 403
        assert not Declared.objects.exists()


def test_collecting_starts_one_run(engine, client_of):
    client = client_of("operator")
    first = client.post(f"/backups/kit/collect/{engine.pk}/", {"key": "one"})
    again = client.post(f"/backups/kit/collect/{engine.pk}/", {"key": "one"})
    assert first["Location"] == again["Location"]
    run = Run.objects.get()
    assert (run.plan, run.target, run.requested_by) == ("recovery_kit", f"engine:{engine.pk}", "operator1")
    other = client.post(f"/backups/kit/collect/{engine.pk}/", {"key": "two"})
    assert (other.status_code, "is queued" in other.content.decode()) == (409, True)


DECLARED = {
    "spare_lun": "3600144f0000000000000000000000099", "spare_lun_gib": "80", "spare_array": "ZS9-2 pool1",
    "spare_empty": "2026-01-10", "spare_zoned": ["kvm01", "kvm02"], "admin_custody": "safe, entry olvm/admin",
    "root_custody": "safe, entry olvm/root", "vlan": "0", "target_host": "kvm02", "keeps_host": "kvm01",
    "bmc_0": "kvm01-ilo", "bmc_1": "kvm02-ilo", "contact_0_role": "Storage", "contact_0_name": "A. Otieno",
    "contact_0_reach": "+254 20 555 0101", "seen": "",
}  # fmt: skip


def test_what_is_declared_is_saved_and_recorded_by_name_only(engine, client_of):
    client, url = client_of("admin"), f"/backups/kit/declare/{engine.pk}/"
    assert client.post(url, DECLARED).status_code == 302
    row = Declared.objects.get()
    assert (row.by, row.vlan, row.bmc) == ("admin1", 0, {"kvm01": "kvm01-ilo", "kvm02": "kvm02-ilo"})
    assert row.contacts == [{"role": "Storage", "name": "A. Otieno", "reach": "+254 20 555 0101"}]
    record = Record.objects.get(kind="kit.declared")
    assert {"spare_lun", "admin_custody", "bmc_0", "contact_0_role"} <= set(record.body["changed"])
    assert "olvm/admin" not in json.dumps(record.body)
    shown = client.get(url).content.decode()
    assert "A. Otieno" in shown
    stale = client.post(url, {**DECLARED, "smtp": "mail"})  # opened before the first was saved
    assert (stale.status_code, "declared something else meanwhile" in stale.content.decode()) == (422, True)
    assert Record.objects.filter(kind="kit.declared").count() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"spare_lun": "/dev/sda; rm"}, "This is no WWID"),
        ({"vlan": "4095"}, "There is no VLAN 4095"),
        ({"spare_empty": "2999-01-01"}, "This day has not come yet."),
        ({"keeps_host": "kvm02"}, "it cannot keep the databases"),
        ({"contact_0_name": ""}, "A contact has a role, a name and a way to be reached."),
        ({"target_host": "kvm99"}, "kvm99 is not one of the available choices"),
    ],
)
def test_what_cannot_be_is_refused(given, words, engine, client_of):
    answer = client_of("admin").post(f"/backups/kit/declare/{engine.pk}/", DECLARED | given)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not Declared.objects.exists()


def test_a_private_key_is_refused_and_not_shown_again(engine, client_of):
    secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQ"
    answer = client_of("admin").post(f"/backups/kit/declare/{engine.pk}/", DECLARED | {"notes": f"it is {secret}"})
    assert (answer.status_code, secret in answer.content.decode()) == (422, False)
    assert not Declared.objects.exists()


def test_the_page_costs_the_same_for_a_long_history(engine, client_of):
    kept(engine)
    client = client_of("viewer")
    client.get("/backups/kit/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/backups/kit/")
    for number in range(1, 40):
        kept(engine, age=number * 60)
    with CaptureQueriesContext(connection) as many:
        client.get("/backups/kit/")
    assert len(many) == len(few)


def test_the_api_reads_collects_and_hands_out(engine, client_of):
    row = kept(engine)
    viewer, operator = client_of("viewer"), client_of("operator")
    (listed,) = viewer.get("/api/v1/kits/").json()["results"]
    assert (listed["id"], "content" in listed) == (row.pk, False)
    detail = viewer.get(f"/api/v1/kits/{row.pk}/").json()
    assert detail["content"]["estate"] == "olvm-prod"
    assert {line["key"] for line in detail["readiness"]} >= {"archive", "engine", "spare", "host:kvm01"}
    answer = viewer.get(f"/api/v1/kits/{row.pk}/bundle/")
    assert hashlib.sha256(answer.content).hexdigest() == row.sha256
    assert Record.objects.get(kind="kit.downloaded").body["sha256"] == row.sha256
    wish = {"data": json.dumps({"engine": engine.pk}), "content_type": "application/json"}
    assert viewer.post("/api/v1/kits/", **wish).status_code == 403
    begun = operator.post("/api/v1/kits/", **wish, headers={"Idempotency-Key": "a"})
    assert (begun.status_code, begun["Location"]) == (202, f"/api/v1/runs/{Run.objects.get().pk}/")
    assert operator.post("/api/v1/kits/", **wish, headers={"Idempotency-Key": "a"}).status_code == 202
    assert operator.post("/api/v1/kits/", **wish).status_code == 423
    assert Run.objects.count() == 1
