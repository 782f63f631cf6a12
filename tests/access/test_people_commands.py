"""People from the command line, and the demo's accounts."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from portal.access.services import add_person, may, roles_of
from portal.evidence.models import Record
from portal.kernel.secret import Secret


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_demo_has_one_account_per_role(settings):
    settings.DEMO = True
    assert run("seed_people", "--demo") == "6 demo accounts added.\n"
    assert run("seed_people", "--demo") == "0 demo accounts added.\n"
    held = {person.username: roles_of(person) for person in User.objects.all()}
    assert held == {
        "viewer": ["viewer"],
        "operator": ["operator"],
        "approver": ["approver"],
        "auditor": ["auditor"],
        "admin": ["admin"],
        "change": ["change_system"],
    }
    assert User.objects.get(username="operator").check_password("holdfast-demo")


@pytest.mark.django_db
def test_there_are_no_demo_accounts_outside_a_demo(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="This is no demo"):
        run("seed_people", "--demo")
    assert User.objects.count() == 0


@pytest.mark.django_db
def test_a_person_is_added_with_a_password_from_standard_input(monkeypatch, rf):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert run("person", "add", "anna", "--role", "operator") == "anna is Operator.\n"
    assert authenticate(rf.post("/login/"), username="anna", password="correct horse battery").username == "anna"
    added = Record.objects.filter(kind="person.added").get()
    assert (added.actor.startswith("shell:"), "correct horse" in str(added.body)) == (True, False)
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="at least 12 characters"):
        run("person", "add", "bert", "--role", "viewer")


@pytest.mark.django_db
def test_roles_are_given_taken_and_listed():
    anna = add_person("anna", "operator", Secret("correct horse battery"), by="test")
    assert run("person", "give", "anna", "--role", "auditor") == "anna: operator, auditor.\n"
    assert run("person", "take", "anna", "--role", "operator") == "anna: auditor.\n"
    User.objects.create(username="zoe", is_active=False)
    assert run("person", "list") == "anna: auditor\nzoe (not active): no role\n"
    assert not may(User.objects.get(pk=anna.pk), "run.start")
    with pytest.raises(CommandError, match="no account nobody"):
        run("person", "give", "nobody", "--role", "auditor")
