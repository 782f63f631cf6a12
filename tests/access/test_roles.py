"""Roles, the gate in front of views, and the record of refusals."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from portal.access.admission import needs
from portal.access.roles import ACTS, ROLES, words
from portal.access.services import acts_of, add_person, give_role, may, roles_of, take_role, title_of
from portal.evidence.models import Record
from portal.kernel.secret import Secret

PASSWORD = Secret("correct horse battery")


def person(name, role):
    return add_person(name, role, PASSWORD, by="test")


def test_every_role_is_made_of_known_acts_and_every_act_is_in_a_role():
    assert set(itertools.chain.from_iterable(role.acts for role in ROLES.values())) == set(ACTS)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_starts_and_approves_by_one_role(role):
    assert not {"run.start", "run.approve"} <= ROLES[role].acts


def test_only_operators_start_and_only_auditors_export():
    assert [name for name, role in ROLES.items() if "run.start" in role.acts] == ["operator"]
    assert [name for name, role in ROLES.items() if "run.approve" in role.acts] == ["approver"]
    assert [name for name, role in ROLES.items() if "evidence.export" in role.acts] == ["auditor"]


def test_a_slip_in_an_act_is_no_refusal():
    with pytest.raises(LookupError):
        words("run.strat")
    with pytest.raises(LookupError):
        needs("run.strat")
    with pytest.raises(LookupError):
        may(AnonymousUser(), "run.strat")


@pytest.mark.django_db
def test_a_person_may_what_the_roles_hold():
    anna = person("anna", "operator")
    assert may(anna, "run.start")
    assert not may(anna, "run.approve")
    assert not may(AnonymousUser(), "estate.view")
    give_role(anna, "auditor", by="root")
    assert roles_of(anna) == ["operator", "auditor"]
    assert title_of(anna) == "Operator, Auditor"
    assert acts_of(anna) == ROLES["operator"].acts | ROLES["auditor"].acts
    take_role(anna, "operator", by="root")
    assert not may(anna, "run.start")
    anna.is_active = False
    assert not may(anna, "evidence.export")
    kinds = list(Record.objects.values_list("kind", "actor", "body"))
    assert kinds == [
        ("person.added", "test", {"role": "operator"}),
        ("role.given", "test", {"role": "operator"}),
        ("role.given", "root", {"role": "auditor"}),
        ("role.taken", "root", {"role": "operator"}),
    ]


@pytest.mark.django_db
def test_giving_twice_and_taking_what_is_not_held_change_nothing():
    anna = person("anna", "viewer")
    before = Record.objects.count()
    give_role(anna, "viewer", by="root")
    take_role(anna, "auditor", by="root")
    assert Record.objects.count() == before
    with pytest.raises(ValueError, match="no role emperor"):
        give_role(anna, "emperor", by="root")


@pytest.mark.django_db
def test_a_superuser_is_an_administrator_and_nothing_more():
    root = User.objects.create_superuser("root", password="x")
    assert roles_of(root) == ["admin"]
    assert not may(root, "run.start")
    assert not may(root, "run.approve")


@pytest.mark.django_db
def test_only_administrators_get_into_djangos_admin():
    anna = person("anna", "admin")
    assert User.objects.get(pk=anna.pk).is_staff
    take_role(anna, "admin", by="root")
    assert not User.objects.get(pk=anna.pk).is_staff


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("anna", "short", "at least 12 characters"),
        ("anna", "password1234", "too common"),
        ("annalisa-braun", "annalisa-braun", "too similar"),
        ("bad name!", "correct horse battery", "valid username"),
        ("", "correct horse battery", "cannot be blank"),
        ("ANNE", "correct horse battery", "exists already"),
    ],
)
def test_what_is_no_account(name, password, sentence):
    person("anne", "viewer")
    with pytest.raises(ValueError, match=sentence):
        add_person(name, "viewer", Secret(password), by="test")
    assert User.objects.count() == 1


@needs("run.start")
def start(request, number):
    """A view."""
    return HttpResponse(f"started {number}")


def request(user, path="/runs/start/7/", **extra):
    made = RequestFactory().post(path, **extra)
    made.user = user
    made.request_id = "abcdef0123"
    return made


@pytest.mark.django_db
def test_the_gate_lets_pass_who_may():
    assert start.needs == "run.start"
    assert start(request(person("anna", "operator")), 7).content == b"started 7"
    assert not Record.objects.filter(kind="access.denied").exists()


@pytest.mark.django_db
def test_the_gate_refuses_with_a_sentence_and_records_it():
    with pytest.raises(PermissionDenied) as caught:
        start(request(person("vera", "viewer")), 7)
    assert str(caught.value) == "vera (Viewer) may not start a run. The refusal is recorded."
    denied = Record.objects.get(kind="access.denied")
    assert (denied.actor, denied.subject) == ("vera", "person:vera")
    assert denied.body == {
        "act": "run.start",
        "method": "POST",
        "path": "/runs/start/7/",
        "address": "127.0.0.1",
        "request_id": "abcdef0123",
    }


@pytest.mark.django_db
def test_a_person_without_a_role_is_told_so():
    with pytest.raises(PermissionDenied, match=r"nora \(no role\) may not start a run"):
        start(request(User.objects.create_user("nora")), 7)


@pytest.mark.django_db
def test_a_stranger_is_sent_to_log_in():
    answer = start(request(AnonymousUser()), 7)
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/")
    asked = request(AnonymousUser(), HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://testserver/runs/7/?x=1")
    assert HtmxDetails(asked)
    answer = start(asked, 7)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/login/?next=/runs/7/%3Fx%3D1")
