"""Switches and arrays in the admin: declared with an account that never comes back, refused with a sentence."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from inventory.models import Device, Engine, Look, Site
from portal.access.services import add_person
from portal.connectors.ssh_keys import new_key
from portal.kernel.secret import Secret
from portal.wsgi import application

pytestmark = pytest.mark.django_db

TIGER = "tiger-in-the-tank"
ADD = "/admin/inventory/device/add/"


@pytest.fixture
def admin():
    client = Client()
    client.force_login(add_person("adam", "admin", Secret("correct horse battery"), by="test"))
    return client


@pytest.fixture
def form():
    site = Site.objects.create(name="north")
    engine = Engine(site=site, name="e1", url="https://e1.bank.example/ovirt-engine/api", username="admin@internal")
    engine.password = Secret(TIGER)
    engine.save()
    return {
        "kind": "switch", "name": "SWA1", "site": site.pk, "engine": engine.pk, "address": "10.0.0.11", "port": 443,
        "ssh_port": 22, "username": "portal", "new_password": TIGER, "watched": "on",
    }  # fmt: skip


def test_a_declared_switch_is_looked_at_and_its_password_never_shown(admin, form):
    assert admin.post(ADD, form).status_code == 302
    made = Device.objects.get()
    assert made.password.reveal() == TIGER
    assert set(Look.objects.values_list("probe", flat=True)) >= {"switch", "redundancy"}
    page = f"/admin/inventory/device/{made.pk}/change/"
    assert TIGER not in admin.get(page).content.decode()
    changed = form | {"new_password": "", "address": "10.0.0.12", "ssh_host_key": new_key()[1]}
    assert admin.post(page, changed).status_code == 302
    made.refresh_from_db()
    assert (made.password.reveal(), made.address, made.ssh_host_key[:11]) == (TIGER, "10.0.0.12", "ssh-ed25519")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"new_password": ""}, "A new device needs a password."),
        ({"pin_pem": "no certificate"}, "It is no certificate in PEM"),
        ({"ssh_host_key": "no key"}, "key"),
    ],
)
def test_what_cannot_be_used_is_refused(admin, form, wrong, said):
    answer = admin.post(ADD, form | wrong)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert Device.objects.count() == 0


def test_the_entry_point_serves_the_pages(settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    seen = []
    body = application(RequestFactory().get("/healthz").environ, lambda status, headers: seen.append(status))
    assert seen == ["200 OK"], b"".join(body)
