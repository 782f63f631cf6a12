"""Django's admin as the estate's back office: its door, its secrets, its records."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from inventory.admin import fingerprint
from inventory.models import DeclaredPath, Engine, Host, Site
from portal.access.models import Token
from portal.access.services import add_person, create_token, roles_of
from portal.connectors.ssh_keys import new_key
from portal.evidence import services as evidence
from portal.evidence.models import Record
from portal.kernel.secret import Secret

TIGER = "tiger-in-the-tank"
GOOD = Secret("correct horse battery")


def logged_in(name, role):
    client = Client()
    client.force_login(add_person(name, role, GOOD, by="test"))
    return client


@pytest.fixture
def admin(db):
    return logged_in("adam", "admin")


@pytest.fixture
def engine(db):
    private, public = new_key()
    site = Site.objects.create(name="north")
    made = Engine(site=site, name="e1", url="https://e1.bank.example/ovirt-engine/api", username="admin@internal")
    made.password, made.ssh_private_key, made.ssh_public_key = Secret(TIGER), private, public
    made.save()
    return made


@pytest.fixture
def host(engine):
    (_, pinned), (_, offered) = new_key(), new_key()
    return Host.objects.create(
        engine=engine, uuid="u1", name="kvm1", address="10.0.0.1", pinned_key=pinned, offered_key=offered
    )


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "auditor", "change_system"])
def test_who_is_no_administrator_is_refused_at_the_door_and_recorded(role):
    client = logged_in("eve", role)
    first = client.get("/admin/")
    assert first.status_code == 302
    refused = client.get(first["Location"])
    assert refused.status_code == 403
    assert "may not change the estate" in refused.content.decode()
    denied = Record.objects.get(kind="access.denied")
    assert (denied.actor, denied.body["act"]) == ("eve", "estate.manage")


@pytest.mark.django_db
def test_a_stranger_is_sent_to_the_portals_login():
    client = Client()
    answer = client.get(client.get("/admin/inventory/engine/")["Location"])
    assert answer["Location"] == "/login/?next=/admin/inventory/engine/"
    assert client.post("/admin/login/", {"username": "adam", "password": "x"})["Location"].startswith("/login/")


PAGES = [
    "",
    *(f"inventory/{name}/" for name in ("site", "engine", "host", "cluster", "vm", "lun", "storagedomain")),
    *(f"inventory/{name}/" for name in ("declaredpath", "look", "finding", "transition")),
    *(f"evidence/{name}/" for name in ("record", "signature", "key")),
    "auth/user/",
    "access/token/",
]


# what the policy of portal.access.middleware would stop
INLINE = re.compile(
    r"<script(?![^>]*\b(?:src=|application/json))[^>]*>|<style|<[^>]*\s(?:style|on[a-z]+)=", re.IGNORECASE
)


@pytest.mark.parametrize("page", [*PAGES, "inventory/engine/add/", "inventory/declaredpath/add/", "auth/user/add/"])
def test_every_list_opens(admin, host, page):
    evidence.seal("x")
    create_token(User.objects.get(username="adam"), "ci", ["estate.view"], 3, by="adam")
    answer = admin.get(f"/admin/{page}")
    assert answer.status_code == 200
    assert INLINE.findall(answer.content.decode()) == []


def test_no_secret_comes_back_into_a_page(admin, engine):
    page = admin.get(f"/admin/inventory/engine/{engine.pk}/change/").content.decode()
    assert TIGER not in page
    assert "PRIVATE KEY" not in page
    assert "gAAAA" not in page
    assert engine.ssh_public_key.split()[1] in page.replace("&#x2B;", "+")
    assert re.search(r'<input type="password" name="new_password"[^>]*>', page)


def form(engine, **changes):
    return {
        "site": engine.site_id,
        "name": engine.name,
        "url": engine.url,
        "username": engine.username,
        "ca_pem": "",
        "ssh_user": "root",
        "vm_port": "22",
        "watched": "on",
        "new_password": "",
        "new_ssh_key": "",
        **changes,
    }


def test_an_empty_field_keeps_the_stored_secret(admin, engine):
    answer = admin.post(f"/admin/inventory/engine/{engine.pk}/change/", form(engine, name="renamed"))
    assert answer.status_code == 302
    kept = Engine.objects.get()
    assert (kept.name, kept.password.reveal()) == ("renamed", TIGER)
    assert kept.ssh_private_key == engine.ssh_private_key
    record = Record.objects.get(kind="engine.changed")
    assert (record.actor, record.subject) == ("adam", "engine:renamed")


def test_new_secrets_are_sealed_and_never_recorded(admin, engine):
    private, public = new_key()
    changed = form(engine, new_password="panther-" + TIGER, new_ssh_key=private.reveal())
    assert admin.post(f"/admin/inventory/engine/{engine.pk}/change/", changed).status_code == 302
    kept = Engine.objects.get()
    assert kept.password.reveal() == "panther-" + TIGER
    assert (kept.ssh_private_key.reveal(), kept.ssh_public_key) == (private.reveal(), public)
    recorded = str(list(Record.objects.values_list("body", flat=True)))
    assert "panther" not in recorded
    assert "PRIVATE" not in recorded


def test_a_new_ssh_key_is_made(admin, engine):
    before = engine.ssh_public_key
    admin.post(f"/admin/inventory/engine/{engine.pk}/change/", form(engine, make_ssh_key="on"))
    kept = Engine.objects.get()
    assert kept.ssh_public_key.startswith("ssh-ed25519 ")
    assert kept.ssh_public_key != before
    assert "OPENSSH PRIVATE KEY" in kept.ssh_private_key.reveal()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "http://e1.bank.example/ovirt-engine/api"}, "begins with https://"),
        ({"url": "https://e1.bank.example/ovirt-engine/webadmin"}, "ends in /ovirt-engine/api"),
        ({"new_ssh_key": f"garbage {TIGER}"}, "The private key cannot be read"),
    ],
)
def test_bad_declarations_are_refused_without_showing_secrets(admin, engine, changes, sentence):
    answer = admin.post(f"/admin/inventory/engine/{engine.pk}/change/", form(engine, **changes))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert sentence in page
    assert TIGER not in page


@pytest.mark.parametrize("tail", ["/", "/v4", "/v4/"])
def test_the_engines_address_is_kept_in_one_form(admin, engine, tail):
    answer = admin.post(f"/admin/inventory/engine/{engine.pk}/change/", form(engine, url=engine.url + tail))
    assert (answer.status_code, Engine.objects.get().url) == (302, engine.url)


def test_a_new_engine_needs_a_password(admin, engine):
    page = admin.post("/admin/inventory/engine/add/", form(engine, name="e2")).content.decode()
    assert "A new engine needs a password." in page
    assert admin.post("/admin/inventory/engine/add/", form(engine, name="e2", new_password="x")).status_code == 302
    assert Engine.objects.get(name="e2").password.reveal() == "x"


def test_declared_fields_change_and_seen_ones_do_not(admin, host):
    changed = {"watched": "", "he_host_id": "2", "ssh_user": "ops", "address": "6.6.6.6", "pinned_key": "x"}
    assert admin.post(f"/admin/inventory/host/{host.pk}/change/", changed).status_code == 302
    kept = Host.objects.get()
    assert (kept.watched, kept.he_host_id, kept.ssh_user) == (False, 2, "ops")
    assert (kept.address, kept.pinned_key) == ("10.0.0.1", host.pinned_key)


def test_an_offered_key_is_shown_with_the_page_that_accepts_it(admin, host):
    page = admin.get(f"/admin/inventory/host/{host.pk}/change/").content.decode().replace("&#x2B;", "+")
    assert fingerprint(host.offered_key) in page
    assert f"/hosts/{host.pk}/key/" in page
    Host.objects.update(pinned_key="", offered_key="")
    page = admin.get(f"/admin/inventory/host/{host.pk}/change/").content.decode()
    assert "pins one by hand" in page
    assert f"/hosts/{host.pk}/key/" in page


def test_the_fingerprint_is_what_ssh_keygen_prints(tmp_path):
    import subprocess

    _, public = new_key()
    (tmp_path / "key.pub").write_text(public)
    told = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True)
    assert fingerprint(public) == told.stdout.split()[1]
    assert fingerprint("") == fingerprint("ssh-ed25519 !!") == ""


def test_a_declared_path_says_who_declared_it(admin, host):
    data = {"host": host.pk, "wwid": "3600", "hba_wwpn": "10000000", "target_wwpn": "50060e80"}
    assert admin.post("/admin/inventory/declaredpath/add/", data).status_code == 302
    path = DeclaredPath.objects.get()
    assert (path.declared_by.username, path.declared_at <= timezone.now()) == ("adam", True)
    assert admin.post(f"/admin/inventory/declaredpath/{path.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(Record.objects.filter(kind__startswith="declaredpath").values_list("kind", flat=True)) == [
        "declaredpath.added",
        "declaredpath.deleted",
    ]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("evidence/record/1/change/", {"actor": "mallory"}),
        ("evidence/record/1/delete/", {"post": "yes"}),
        ("evidence/record/add/", {"kind": "x"}),
        ("inventory/lun/add/", {"name": "x"}),
        ("access/token/add/", {"name": "x"}),
    ],
)
def test_what_is_read_only_is_refused_and_the_refusal_recorded(admin, path, data):
    before = Record.objects.count()
    refused = admin.post(f"/admin/{path}", data)
    assert refused.status_code == 403
    assert "adam (Administrator) may not change what is only to read here." in refused.content.decode()
    assert Record.objects.filter(kind="access.denied", actor="adam").count() == 1
    assert Record.objects.count() == before + 1
    assert evidence.verify_chain().intact


def test_roles_are_given_and_taken_on_record(admin):
    bob = add_person("bob", "viewer", GOOD, by="test")
    data = {"username": "bob", "is_active": "on", "roles": ["operator", "auditor"]}
    assert admin.post(f"/admin/auth/user/{bob.pk}/change/", data).status_code == 302
    assert roles_of(User.objects.get(pk=bob.pk)) == ["operator", "auditor"]
    recorded = Record.objects.filter(actor="adam", kind__startswith="role.").values_list("kind", "body__role")
    assert list(recorded) == [("role.given", "auditor"), ("role.given", "operator"), ("role.taken", "viewer")]


def test_nobody_changes_the_own_roles_or_becomes_superuser(admin):
    adam = User.objects.get(username="adam")
    page = admin.get(f"/admin/auth/user/{adam.pk}/change/").content.decode()
    assert 'name="roles"' not in page
    data = {"username": "adam", "is_active": "on", "roles": ["operator"], "is_superuser": "on", "groups": ["1"]}
    admin.post(f"/admin/auth/user/{adam.pk}/change/", data)
    adam = User.objects.get(pk=adam.pk)
    assert (roles_of(adam), adam.is_superuser) == (["admin"], False)


def test_a_superusers_password_is_out_of_an_administrators_reach(admin):
    root = User.objects.create_superuser("root", password="x" * 20)
    data = {"password1": "another long passphrase", "password2": "another long passphrase", "usable_password": "true"}
    admin.post(f"/admin/auth/user/{root.pk}/password/", data)
    assert User.objects.get(pk=root.pk).check_password("x" * 20)


def test_an_account_is_added_and_then_given_roles(admin):
    data = {"username": "nina", "password1": GOOD.reveal(), "password2": GOOD.reveal(), "usable_password": "true"}
    assert admin.post("/admin/auth/user/add/", data).status_code == 302
    assert User.objects.get(username="nina").check_password(GOOD.reveal())
    assert Record.objects.get(kind="user.added").subject == "user:nina"


def test_a_token_is_revoked(admin):
    token, _ = create_token(User.objects.get(username="adam"), "ci", ["estate.view"], 3, by="adam")
    page = admin.get(f"/admin/access/token/{token.pk}/change/").content.decode()
    assert token.sha256 not in page
    assert admin.post(f"/admin/access/token/{token.pk}/change/", {"revoke": "on"}).status_code == 302
    assert Token.objects.get().revoked_at is not None
    assert Record.objects.get(kind="token.revoked").actor == "adam"


def test_logging_out_of_the_admin_is_logging_out(admin):
    assert admin.post("/admin/logout/").status_code in (302, 200)
    assert "_auth_user_id" not in admin.session
    assert Record.objects.get(kind="access.logout").actor == "adam"
