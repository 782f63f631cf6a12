"""What people do with backups, as plain forms without a script: what was confirmed is done once, or refused."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client
from django.utils import timezone

from backups.models import Backup, Copy, Destination, Policy, Recipient
from backups.services import recipients, vault
from inventory.models import Engine
from portal.access.roles import ROLES
from portal.connectors.age import new_identity
from portal.connectors.ssh_keys import new_key
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.ui import backup_world

SEALED = b"age-encryption.org/v1\n" + bytes(range(256)) * 4000


@pytest.fixture
def policy(db, settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    return backup_world.build("full")


@pytest.fixture
def newest(policy):
    return policy.backups.order_by("-taken").first()


@pytest.fixture
def as_(person):
    def make(role: str) -> Client:
        client = Client()
        client.force_login(person(role))
        return client

    return make


def confirm(client: Client, path: str, **given: str):
    """What a person does: reads the page, then sends its form."""
    page = client.get(path)
    assert page.status_code == 200, path
    return client.post(path, {"key": page.context["key"], **given})


def put_in_vault(backup: Backup, content: bytes = SEALED) -> Copy:
    place = vault.destination()
    (vault.folder() / "olvm-engine.backup.age").write_bytes(content)
    return Copy.objects.create(
        backup=backup, destination=place, state="held", name="olvm-engine.backup.age", size=len(content),
        sha256=hashlib.sha256(content).hexdigest(), recipients=["the portal itself"],
    )  # fmt: skip


def test_a_backup_is_started_once_however_often_it_is_sent(policy, reader):
    path = f"/backups/new/{policy.pk}/"
    page = reader.get(path)
    given = {"key": page.context["key"], "change": "CHG0034817"}
    first, second = reader.post(path, given), reader.post(path, given)
    assert first["Location"] == second["Location"]
    run = Run.objects.get()
    assert (run.plan, run.target, run.change) == ("backup_take", f"engine:{policy.engine_id}", "CHG0034817")
    taken = Backup.objects.get(run=run)
    assert (taken.reason, taken.asked_by, taken.status) == ("change", "operator1", "STARTED")
    busy = confirm(reader, path)
    assert busy.status_code == 409
    assert f"Run {run.pk}" in busy.content.decode()
    assert Run.objects.count() == 1
    assert Record.objects.filter(kind="run.refused").count() == 1


@pytest.mark.parametrize(("act", "plan"), [("verify", "backup_verify"), ("rehearse", "backup_rehearse")])
def test_a_backup_is_proven_again_as_a_run(act, plan, newest, reader):
    answer = confirm(reader, f"/backups/{newest.pk}/{act}/")
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert (run.plan, run.target) == (plan, f"backup:{newest.pk}")
    page = reader.get(f"/backups/{newest.pk}/").content.decode()
    assert f"Open run {run.pk}" in page
    assert "Verify again" not in page


def test_nothing_is_done_with_what_has_no_archive(policy, reader):
    failed = policy.backups.get(status="FAILED")
    for act in ("verify", "rehearse", "copy", "keep", "release", "download"):
        path = f"/backups/{failed.pk}/{act}/"
        page = reader.get(path)
        assert "Refused" in page.content.decode(), act
        answer = reader.post(path, {"why": "x", "key": "k"})
        assert answer.status_code == 409, act
    assert not Run.objects.exists()
    assert not Record.objects.filter(kind="backup.kept").exists()


def test_a_backup_is_copied_to_a_place_that_has_none(newest, reader):
    path = f"/backups/{newest.pk}/copy/"
    vaulted = put_in_vault(newest)
    titles = [title for _, title in reader.get(path).context["act"].choices[2]]
    assert titles == ["DR"]
    elsewhere = Destination.objects.get(name="PROD")
    assert confirm(reader, path, destination=str(elsewhere.pk)).status_code == 422
    answer = confirm(reader, path, destination=str(Destination.objects.get(name="DR").pk))
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert run.parameters["backup"] == newest.pk
    Copy.objects.filter(pk=vaulted.pk).update(state="lost")
    assert [title for _, title in reader.get(path).context["act"].choices[2]] == ["vault"]


def test_a_backup_is_kept_with_a_reason_and_released(newest, as_):
    client = as_("approver")
    path = f"/backups/{newest.pk}/"
    assert confirm(client, f"{path}keep/", why="  ").status_code == 422
    assert confirm(client, f"{path}keep/", why="audit 2026")["Location"] == path
    newest.refresh_from_db()
    assert (newest.keep, newest.keep_by) == ("audit 2026", "approver1")
    assert "Release" in client.get(path).content.decode()
    confirm(client, f"{path}release/")
    newest.refresh_from_db()
    assert newest.keep == ""
    assert confirm(client, f"{path}release/").status_code == 409
    assert set(Record.objects.values_list("kind", flat=True)) >= {"backup.kept", "backup.released"}


def test_the_encrypted_file_is_handed_out_whole_and_on_record(newest, reader):
    path = f"/backups/{newest.pk}/download/"
    assert reader.post(path, {}).status_code == 409
    assert not Record.objects.filter(kind="backup.downloaded").exists()
    copy = put_in_vault(newest)
    assert copy.sha256[:4] in reader.get(path).content.decode()
    answer = reader.post(path, {})
    assert answer["Content-Length"] == str(len(SEALED))
    assert answer.getvalue() == SEALED
    assert "attachment" in answer["Content-Disposition"]
    record = Record.objects.get(kind="backup.downloaded")
    assert (record.actor, record.subject) == ("operator1", f"backup:{newest.pk}")
    assert record.body["sha256"] == copy.sha256
    (vault.folder() / copy.name).unlink()
    gone = reader.post(path, {})
    assert gone.status_code == 409
    assert Record.objects.filter(kind="backup.downloaded").count() == 1


def test_obsolete_backups_go_only_by_the_policys_name(policy, reader):
    path = f"/backups/policies/{policy.pk}/delete-obsolete/"
    assert "Refused" in reader.get(path).content.decode()
    Policy.objects.filter(pk=policy.pk).update(retention="redundancy", count=3, minimum_redundancy=2)
    Copy.objects.update(locked_until=None)
    page = reader.get(path)
    rows = page.context["rows"]
    kept = set(policy.backups.order_by("-taken").values_list("pk", flat=True)[:3])
    assert rows
    assert kept.isdisjoint(row.backup.pk for row in rows)
    assert all(row.word == "OBSOLETE" for row in rows)
    assert reader.post(path, {"key": "k", "typed": "something"}).status_code == 422
    assert not Run.objects.exists()
    answer = confirm(reader, path, typed=policy.name)
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert (run.plan, run.target) == ("backup_retire", f"catalog:{policy.engine_id}")


ACTS = {
    "new": "run.start", "verify": "run.start", "rehearse": "run.start", "copy": "run.start", "keep": "backup.hold",
    "release": "backup.hold", "download": "backup.download", "edit": "backup.manage", "switch": "backup.manage",
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_shown_and_allowed_its_own_acts(role, policy, newest, as_):
    client, acts = as_(role), ROLES[role].acts
    put_in_vault(newest)
    paths = {act: f"/backups/{newest.pk}/{act}/" for act in ("verify", "rehearse", "copy", "keep", "download")}
    paths |= {act: f"/backups/policies/{policy.pk}/{act}/" for act in ("edit", "switch")}
    paths["new"] = f"/backups/new/{policy.pk}/"
    shown = client.get(f"/backups/{newest.pk}/").content.decode()
    shown += client.get(f"/backups/policies/{policy.pk}/").content.decode()
    for act, path in paths.items():
        allowed = ACTS[act] in acts
        assert (f'href="{path}"' in shown) == allowed, act
        assert (client.get(path).status_code == 200) == allowed, act
        if not allowed:
            assert client.post(path, {"why": "x"}).status_code == 403, act
    assert not Run.objects.exists()


def policy_given(**changed) -> dict[str, object]:
    engine = Engine.objects.get()
    return {
        "name": "nightly", "engine": engine.pk, "cron": "30 2 * * *", "zone": "Europe/Vienna",
        "blackouts_text": "Fri-Sun 22:00-04:00\n2026-12-24 12:00 to 2026-12-27 06:00", "catch_up_hours": "3",
        "scope": ["files", "db"], "directory": "/var/lib/ovirt-engine-backup", "tmp_directory": "",
        "timeout_minutes": "90", "engine_keep": "2", "destinations": [Destination.objects.get(name="DR").pk],
        "retention": "window", "count": "14", "days": "7", "weeks": "4", "months": "12", "years": "0",
        "minimum_redundancy": "3", "delete_obsolete": "on", "rehearse_hours": "24", "rpo_hours": "24",
        "max_age_hours": "26", "min_size_mib": "10", "new_heartbeat_url": "https://watch.example/new-secret",
        **changed,
    }  # fmt: skip


def test_a_policy_is_made_and_changed(policy, as_):
    client = as_("admin")
    answer = client.post("/backups/policies/new/", policy_given())
    made = Policy.objects.get(name="nightly")
    assert answer["Location"] == f"/backups/policies/{made.pk}/"
    assert (made.timeout, made.rpo, made.min_size) == (5400, 86400, 10 * 1024**2)
    assert made.scope == ["files", "db"]
    assert made.blackouts == [
        {"days": [4, 5, 6], "begins": "22:00", "ends": "04:00"},
        {"begins": "2026-12-24T12:00", "ends": "2026-12-27T06:00"},
    ]
    assert made.heartbeat_url.reveal() == "https://watch.example/new-secret"
    assert [place.name for place in made.destinations.all()] == ["DR"]
    record = Record.objects.get(kind="policy.added")
    assert "new-secret" not in str(record.body)
    form = client.get(f"/backups/policies/{made.pk}/edit/").content.decode()
    assert "Fri,Sat,Sun 22:00-04:00" in form
    assert "new-secret" not in form
    client.post(f"/backups/policies/{made.pk}/edit/", policy_given(new_heartbeat_url="", count="30"))
    made.refresh_from_db()
    assert (made.count, made.heartbeat_url.reveal()) == (30, "https://watch.example/new-secret")
    client.post(f"/backups/policies/{made.pk}/edit/", policy_given(new_heartbeat_url="", no_heartbeat="on"))
    made.refresh_from_db()
    assert not made.heartbeat_url


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cron": "0 6 * *"}, "A cron expression has five fields"),
        ({"cron": "99 * * * *"}, "cannot be used"),
        ({"zone": "Mars/Olympus"}, "Mars/Olympus is not one of the available choices"),
        ({"blackouts_text": "on Sundays"}, "This line is no window: on Sundays"),
        ({"blackouts_text": "Moon 22:00-04:00"}, "names a day that is none"),
        ({"blackouts_text": "2026-12-27 06:00 to 2026-12-24 06:00"}, "ends later than it begins"),
        ({"blackouts_text": "Mon-Sun 00:00-00:00"}, "never runs"),
        ({"directory": "relative"}, "is no folder that can be used"),
        ({"tmp_directory": "/tmp/../etc"}, "is no folder that can be used"),
        ({"count": "0"}, "A rule that keeps nothing is refused"),
        ({"retention": "generations", "days": "0", "weeks": "0", "months": "0"}, "keep at least one generation"),
        ({"minimum_redundancy": "0"}, "at least 1"),
        ({"new_heartbeat_url": "ftp://watch.example/new-secret"}, "is no http or https URL"),
        ({"new_heartbeat_url": "http://[new-secret"}, "is no http or https URL"),
        ({"new_heartbeat_url": "https://watch.example:99999/new-secret"}, "is no http or https URL"),
        ({"blackouts_text": "0001-01-01 00:00 to 9999-12-31 23:59"}, "cannot be read"),
        ({"name": "core\nengine"}, "Name must be one line"),
        ({"name": "core engine"}, "already exists"),
        ({"rpo_hours": "-1"}, "greater than or equal to 1"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_under_its_field_and_above(changed, sentence, policy, as_):
    answer = as_("admin").post("/backups/policies/new/", policy_given(**changed))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert text.count(sentence) >= 2
    assert "Nothing was saved" in text
    assert "new-secret" not in text
    assert Policy.objects.count() == 1


def test_what_a_schedule_means_is_told_while_it_is_typed(policy, as_):
    client = as_("admin")
    told = client.get("/backups/policies/cron/", {"cron": "0 6 * * *", "zone": "Africa/Nairobi"}).content.decode()
    assert "every day at 06:00" in told
    assert told.count("06:00") >= 6
    assert "<html" not in told
    wrong = client.get("/backups/policies/cron/", {"cron": "<b>", "zone": "UTC"}).content.decode()
    assert "five fields" in wrong
    assert "<b>" not in wrong


def test_a_policy_is_switched_off_by_name_and_on_again(policy, as_):
    client, path = as_("admin"), f"/backups/policies/{policy.pk}/switch/"
    assert confirm(client, path, typed="wrong").status_code == 422
    confirm(client, path, typed=policy.name)
    policy.refresh_from_db()
    decided = policy.decided_to
    assert policy.enabled is False
    confirm(client, path)
    policy.refresh_from_db()
    assert policy.enabled is True
    assert policy.decided_to > decided
    assert Record.objects.filter(kind__startswith="policy.switched").count() == 2


def place_given(site: int, **changed) -> dict[str, object]:
    return {
        "name": "NFS",
        "site": site,
        "kind": "directory",
        "late_hours": "24",
        "port": "22",
        "lock_days": "0",
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({}, "must be given for A folder or NFS mount"),
        ({"path": "mnt/x"}, "must be an absolute path"),
        ({"kind": "sftp", "path": "/b"}, "Without a secret the place lets nobody in"),
        ({"kind": "sftp", "path": "/b", "host_key": "rubbish"}, "which is no key type"),
        ({"kind": "sftp", "path": "/b", "host": "h", "user": "u", "new_secret": "typed-secret"}, "cannot be read"),
        ({"kind": "s3", "host": "store", "bucket": "b", "user": "u", "new_secret": "typed-secret"}, "is a URL"),
        ({"kind": "s3", "host": "http://[", "bucket": "b", "user": "u", "new_secret": "typed-secret"}, "is a URL"),
        ({"kind": "s3", "host": "http://", "bucket": "b", "user": "u", "new_secret": "typed-secret"}, "is a URL"),
        ({"path": "/x", "name": "NFS\nX: y"}, "Name must be one line"),
        ({"path": "/x", "port": "65536"}, "from 1 to 65535"),
        ({"path": "/x", "lock_days": "999999999"}, "nobody could take it back"),
        ({"kind": "vault"}, "Select a valid choice"),
        ({"name": "DR", "path": "/x"}, "already exists"),
    ],
)
def test_a_place_that_cannot_be_is_refused_and_its_secret_not_repeated(changed, sentence, policy, as_):
    answer = as_("admin").post("/backups/destinations/new/", place_given(policy.engine.site_id, **changed))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert text.count(sentence) >= 2, text
    assert "typed-secret" not in text
    assert Destination.objects.count() == 2


def test_a_place_gets_a_key_of_its_own_and_keeps_it(policy, as_):
    client = as_("admin")
    given = place_given(
        policy.engine.site_id, kind="sftp", name="far", path="/b", host="far.example", user="holdfast",
        host_key=new_key()[1], make_key="on",
    )  # fmt: skip
    client.post("/backups/destinations/new/", given)
    place = Destination.objects.get(name="far")
    assert "PRIVATE KEY" in place.secret.reveal()
    page = client.get("/backups/destinations/").content.decode()
    assert "ssh-ed25519 AAAA" in page
    assert "PRIVATE KEY" not in page
    before = place.secret.reveal()
    changed = {**given, "late_hours": "48"}
    del changed["make_key"]
    assert client.post(f"/backups/destinations/{place.pk}/edit/", changed).status_code == 302
    place.refresh_from_db()
    assert (place.late_after, place.secret.reveal()) == (48 * 3600, before)
    assert before not in str(list(Record.objects.values_list("body", flat=True)))


def test_a_place_is_tried_and_nothing_stays_behind(policy, as_, tmp_path):
    client, folder = as_("admin"), tmp_path / "nfs"
    folder.mkdir()
    client.post("/backups/destinations/new/", place_given(policy.engine.site_id, path=str(folder)))
    path = f"/backups/destinations/{Destination.objects.get(name='NFS').pk}/try/"
    unmarked = confirm(client, path, marker="no")
    assert unmarked.status_code == 409
    assert Record.objects.filter(kind="destination.tried", body__good=False).count() == 1
    worked = confirm(client, path, marker="yes")
    assert worked.status_code == 302
    told = client.get("/backups/destinations/").content.decode()
    assert "4096 bytes were written there and read back unchanged." in told
    assert [file.name for file in folder.iterdir()] == [".holdfast-store"]
    assert list(vault.folder().iterdir()) == []
    assert Record.objects.filter(kind="destination.tried", body__good=True).count() == 1


def test_the_copies_of_a_place_that_moved_are_read_back_first(policy, newest, as_):
    place = Destination.objects.get(name="PROD")
    Copy.objects.update(checked_at=timezone.now())
    same = place_given(place.site_id, name="PROD", path=place.path or "/mnt/prod", port=str(place.port))
    client = as_("admin")
    assert client.post(f"/backups/destinations/{place.pk}/edit/", same).status_code == 302
    Copy.objects.update(checked_at=timezone.now())
    assert client.post(f"/backups/destinations/{place.pk}/edit/", {**same, "late_hours": "30"}).status_code == 302
    assert not place.copies.filter(checked_at=None).exists()
    assert client.post(f"/backups/destinations/{place.pk}/edit/", {**same, "path": "/mnt/else"}).status_code == 302
    held = place.copies.filter(state="held")
    assert held.exists()
    assert not held.exclude(checked_at=None).exists()


def test_a_place_is_switched_off_by_name(policy, as_):
    client, place = as_("admin"), Destination.objects.get(name="DR")
    path = f"/backups/destinations/{place.pk}/switch/"
    assert confirm(client, path, typed="PROD").status_code == 422
    confirm(client, path, typed="DR")
    assert Destination.objects.get(name="DR").enabled is False
    confirm(client, path)
    assert Destination.objects.get(name="DR").enabled is True


def test_a_custodian_is_added_by_a_public_key_only(policy, as_):
    client = as_("admin")
    private, public = new_identity()
    path = "/backups/recipients/new/"
    refused = client.post(path, {"name": "vault 7", "public_key": private.reveal(), "custody": "safe"})
    assert refused.status_code == 422
    assert private.reveal() not in refused.content.decode()
    assert "Treat it as disclosed" in refused.content.decode()
    wrong = client.post(path, {"name": "vault 7", "public_key": public[:-1] + "x", "custody": "safe"})
    assert wrong.status_code == 422
    assert client.post(path, {"name": "vault 7", "public_key": public, "custody": ""}).status_code == 422
    assert client.post(path, {"name": "vault 7", "public_key": f" {public}\n", "custody": "safe"}).status_code == 302
    assert Recipient.objects.get(name="vault 7").public_key == public
    assert Record.objects.filter(kind="recipient.added").count() == 1


def test_the_last_recipient_cannot_be_retired(policy, as_):
    client = as_("admin")
    first, last = Recipient.objects.order_by("pk")
    confirm(client, f"/backups/recipients/{first.pk}/switch/", typed=first.name)
    assert Recipient.objects.get(pk=first.pk).retired_at is not None
    assert recipients.identity() is None
    refused = confirm(client, f"/backups/recipients/{last.pk}/switch/", typed=last.name)
    assert refused.status_code == 409
    assert "is the last recipient" in refused.content.decode()
    confirm(client, f"/backups/recipients/{first.pk}/switch/")
    assert Recipient.objects.get(pk=first.pk).retired_at is None
    kinds = set(Record.objects.values_list("kind", flat=True))
    assert {"recipient.retired", "recipient.used_again", "run.refused"} <= kinds
