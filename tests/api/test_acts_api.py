"""Declaring paths, accepting a host key and looking now over the API: the same refusals as the pages, as problems."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.models import DeclaredPath, Engine, Host, Look
from portal.access.services import create_token, give_role
from portal.connectors.ssh_keys import fingerprint, new_key
from portal.evidence.models import Record
from tests.ui import world

pytestmark = pytest.mark.django_db
SCOPES = {
    "operator": ("estate.view", "look.now", "paths.declare"),
    "admin": ("estate.view", "look.now", "hostkey.accept"),
    "viewer": ("estate.view",),
}


def client(role: str, scopes: tuple[str, ...] = ()) -> APIClient:
    user = User.objects.create_user(f"{role}9", password=None)
    give_role(user, role, "test")
    _, secret = create_token(user, "t", scopes or SCOPES[role], 30, "test")
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret.reveal()}")
    return api


@pytest.fixture
def kvm02():
    world.build("healthy")
    return Host.objects.get(name="kvm02")


def kind(answer) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("/api/problems/")


def lose_fabric_b(host: Host) -> None:
    look = Look.objects.get(host=host, probe="multipath")
    for one in look.facts["maps"]:
        one["paths"] = one["paths"][:2]
    look.save()


def test_a_proposal_is_read_and_declared(kvm02):
    api = client("operator")
    DeclaredPath.objects.filter(host=kvm02, wwid=f"{world.WWID}2").delete()
    read = api.get(f"/api/v1/hosts/{kvm02.pk}/proposal/").json()
    assert (read["seen"], read["declared"], read["added"], read["dropped"]) == (32, 28, 4, 0)
    assert read["dangers"] == []
    lun = next(one for one in read["luns"] if one["wwid"] == f"{world.WWID}2")
    assert lun["name"] == "ora_data01"
    assert lun["pairs"][0] == {
        "hba_wwpn": world.hba(2, "A"),
        "target_wwpn": world.TARGETS["A"][0],
        "change": "added",
        "standing": "up",
    }
    path = f"/api/v1/hosts/{kvm02.pk}/declare-paths/"
    done = api.post(path, {"sha256": read["sha256"]}, format="json")
    assert (done.status_code, done.json()["added"]) == (200, 4)
    assert DeclaredPath.objects.filter(host=kvm02).count() == 32
    assert Record.objects.get(kind="paths.declared").actor == "token:t of operator9"
    assert kind(api.post(path, {"sha256": read["sha256"]}, format="json")) == (409, "changed")
    now = api.get(f"/api/v1/hosts/{kvm02.pk}/proposal/").json()["sha256"]
    assert kind(api.post(path, {"sha256": now}, format="json")) == (409, "not-now")
    assert kind(api.post(path, {}, format="json")) == (400, "invalid")


def test_a_loss_is_declared_away_only_with_the_hosts_name(kvm02):
    api = client("operator")
    lose_fabric_b(kvm02)
    read = api.get(f"/api/v1/hosts/{kvm02.pk}/proposal/").json()
    assert read["dropped"] == 16
    assert "16 declared paths of kvm02 are not seen now" in read["dangers"][0]
    dropped = [pair for one in read["luns"] for pair in one["pairs"] if pair["change"] == "dropped"]
    assert {pair["standing"] for pair in dropped} == {"not_seen"}
    path = f"/api/v1/hosts/{kvm02.pk}/declare-paths/"
    assert kind(api.post(path, {"sha256": read["sha256"]}, format="json")) == (422, "unprocessable")
    assert kind(api.post(path, {"sha256": read["sha256"], "confirm": "kvm01"}, format="json")) == (422, "unprocessable")
    assert DeclaredPath.objects.filter(host=kvm02).count() == 32
    assert api.post(path, {"sha256": read["sha256"], "confirm": "kvm02"}, format="json").status_code == 200
    assert DeclaredPath.objects.filter(host=kvm02).count() == 16


def test_without_a_look_of_now_there_is_no_proposal(kvm02):
    api = client("operator")
    Look.objects.update(at=timezone.now() - timedelta(hours=1))
    answer = api.get(f"/api/v1/hosts/{kvm02.pk}/proposal/")
    assert kind(answer) == (409, "not-now")
    assert "What kvm02 sees is not known now" in answer.json()["detail"]
    assert kind(api.get("/api/v1/hosts/999999/proposal/")) == (404, "not-found")


def test_an_offered_key_is_accepted_by_its_fingerprint(kvm02):
    first, other = new_key()[1], new_key()[1]
    Host.objects.filter(pk=kvm02.pk).update(pinned_key=first, offered_key=other)
    api, path = client("admin"), f"/api/v1/hosts/{kvm02.pk}/accept-key/"
    assert kind(api.post(path, {"fingerprint": fingerprint(first)}, format="json")) == (409, "changed")
    assert Host.objects.get(pk=kvm02.pk).pinned_key == first
    done = api.post(path, {"fingerprint": fingerprint(other)}, format="json")
    assert (done.status_code, done.json()) == (200, {"kind": "ED25519", "fingerprint": fingerprint(other)})
    assert Host.objects.get(pk=kvm02.pk).pinned_key == other
    assert Record.objects.get(kind="hostkey.accepted").actor == "token:t of admin9"
    assert kind(api.post(path, {"fingerprint": fingerprint(other)}, format="json")) == (409, "not-now")


def test_a_look_is_asked_for_at_hosts_and_engines(kvm02):
    api, engine = client("operator"), Engine.objects.get()
    Look.objects.update(due_at=timezone.now() + timedelta(hours=1))
    for _ in range(2):
        answer = api.post(f"/api/v1/hosts/{kvm02.pk}/look/")
        assert answer.status_code == 202
        assert answer.json()["looks"] == Look.objects.filter(host=kvm02).exclude(probe="ssh").count()
    assert not Look.objects.filter(host=kvm02, due_at__gt=timezone.now()).exclude(probe="ssh").exists()
    assert api.post(f"/api/v1/engines/{engine.pk}/look/").status_code == 202
    assert Look.objects.get(host=None, probe="engine_health").due_at <= timezone.now()
    Engine.objects.update(watched=False)
    assert kind(api.post(f"/api/v1/hosts/{kvm02.pk}/look/")) == (409, "not-now")
    assert kind(api.post(f"/api/v1/engines/{engine.pk}/look/")) == (409, "not-now")


@pytest.mark.parametrize(
    ("role", "act", "body"),
    [
        ("viewer", "declare-paths", {"sha256": "x"}),
        ("admin", "declare-paths", {"sha256": "x"}),
        ("operator", "accept-key", {"fingerprint": "x"}),
        ("viewer", "look", {}),
    ],
)
def test_who_may_not_is_refused_and_the_refusal_recorded(kvm02, role, act, body):
    answer = client(role).post(f"/api/v1/hosts/{kvm02.pk}/{act}/", body, format="json")
    assert kind(answer) == (403, "not-allowed")
    assert Record.objects.filter(kind="access.denied").count() == 1


def test_a_token_without_the_scope_does_nothing(kvm02):
    api = client("operator", ("estate.view",))
    assert kind(api.post(f"/api/v1/hosts/{kvm02.pk}/look/")) == (403, "not-allowed")
    assert api.get(f"/api/v1/hosts/{kvm02.pk}/proposal/").status_code == 200


def test_a_browser_session_needs_the_csrf_token(kvm02):
    user = User.objects.create_user("olga")
    give_role(user, "operator", "test")
    strict = APIClient(enforce_csrf_checks=True)
    strict.force_login(user, backend="portal.access.backend.PeopleBackend")
    assert strict.post(f"/api/v1/hosts/{kvm02.pk}/look/").status_code == 403
