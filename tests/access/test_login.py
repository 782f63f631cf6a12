"""Logging in and out over HTTP: throttled, recorded, no secret left behind."""

from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client

from portal.access.address import client_address
from portal.access.services import add_person
from portal.evidence import services as evidence
from portal.evidence.models import Record
from portal.kernel.secret import Secret

GOOD = "correct horse battery"


@pytest.fixture
def anna(db):
    return add_person("anna", "operator", Secret(GOOD), by="test")


def log_in(client, name="anna", password=GOOD, **extra):
    return client.post("/login/?next=/preferences/", {"username": name, "password": password}, **extra)


def kinds():
    return list(Record.objects.order_by("number").values_list("kind", flat=True))[2:]


def test_login_and_logout_are_recorded(anna, client):
    answer = log_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/preferences/")
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert kinds() == ["access.login", "access.logout"]
    assert Record.objects.get(kind="access.login").body.keys() == {"address", "request_id"}
    assert client.get("/preferences/")["Location"].startswith("/login/")


def test_no_session_without_its_record(anna, client, monkeypatch):
    client.raise_request_exception = False

    def broken(*args):
        raise RuntimeError("the evidence cannot be written")

    monkeypatch.setattr(evidence, "append", broken)
    assert log_in(client).status_code == 500
    assert "_auth_user_id" not in client.session


def test_failures_lock_the_name_from_that_address_and_say_until_when(anna, client):
    for _ in range(4):
        assert log_in(client, password="wrong").status_code == 200
    answer = log_in(client, password="wrong")
    assert answer.status_code == 429
    wait = int(answer["Retry-After"])
    assert 890 < wait <= 901
    assert "Try again at" in answer.content.decode()
    # the right password does not help, does not prolong, and the address alone is not locked
    again = log_in(client)
    assert again.status_code == 429
    assert int(again["Retry-After"]) <= wait
    assert log_in(Client(), name="bert").status_code == 200
    assert log_in(Client(REMOTE_ADDR="10.0.0.9")).status_code == 302
    recorded = Record.objects.filter(kind="access.login_failed", subject="person:anna").order_by("number")
    assert [record.body["locked"] for record in recorded] == [False] * 4 + [True]


def test_an_unknown_name_is_not_written_down(anna, client):
    """It may be a password in the wrong field."""
    log_in(client, name="my-secret-password", password="x")
    failed = Record.objects.get(kind="access.login_failed")
    assert failed.subject == "person:unknown"
    assert "my-secret-password" not in str([*Record.objects.values_list("subject", "actor", "body")])


def test_no_password_is_kept_by_the_throttle(anna, client):
    log_in(client, password="tiger-tiger-tiger")
    attempt = AccessAttempt.objects.get()
    assert "tiger-tiger-tiger" not in str([getattr(attempt, field.name) for field in attempt._meta.fields])


def test_an_inactive_account_gets_the_same_words_as_a_wrong_password(anna, client):
    wrong = log_in(client, password="wrong").context["form"].non_field_errors()
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert log_in(client).context["form"].non_field_errors() == wrong == ["The name or the password is wrong."]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_login_leads_nowhere_else(anna, client, target):
    answer = client.post(f"/login/?next={target}", {"username": "anna", "password": GOOD})
    assert answer["Location"] == "/"


@pytest.mark.django_db
def test_a_foreign_form_cannot_log_in():
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/login/", {"username": "a", "password": "b"}).status_code == 403


@pytest.mark.parametrize(
    ("meta", "proxy", "address"),
    [
        ({"REMOTE_ADDR": "10.1.2.3", "HTTP_X_FORWARDED_FOR": "6.6.6.6"}, False, "10.1.2.3"),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 10.1.2.3"}, True, "10.1.2.3"),
        ({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "10.1.2.3"}, True, "10.1.2.3"),
        ({"REMOTE_ADDR": "127.0.0.1"}, True, "127.0.0.1"),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "x' OR 1=1"}, True, None),
        ({"REMOTE_ADDR": ""}, False, None),
        ({"REMOTE_ADDR": "::1"}, False, "::1"),
    ],
)
def test_the_address_is_what_the_own_proxy_says(rf, settings, meta, proxy, address):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxy else None
    request = rf.get("/")
    request.META.pop("REMOTE_ADDR")
    request.META.update(meta)
    assert client_address(request) == address


def test_preferences_are_saved_without_javascript(anna, client):
    log_in(client)
    answer = client.post("/preferences/", {"time_zone": "Africa/Nairobi", "theme": "dark"})
    assert (answer.status_code, answer["Location"]) == (302, "/preferences/")
    anna.refresh_from_db()
    saved = anna.preference
    assert (saved.time_zone, saved.theme, saved.shortcuts) == ("Africa/Nairobi", "dark", False)


def test_the_own_password_changes_and_other_sessions_end(anna, client):
    log_in(client)
    other = Client()
    log_in(other)
    new = "another long passphrase"
    form = {"old_password": GOOD, "new_password1": new, "new_password2": new}
    assert client.post("/preferences/password/", form)["Location"] == "/preferences/"
    assert kinds()[-1] == "password.changed"
    assert other.post("/preferences/", {"theme": "dark"})["Location"].startswith("/login/")
    assert client.post("/preferences/", {"theme": "dark"})["Location"] == "/preferences/"
    assert User.objects.get(pk=anna.pk).check_password(new)


def test_the_pages_of_the_own_account_show(anna, client):
    log_in(client)
    page = client.get("/preferences/").content.decode()
    assert 'name="time_zone"' in page
    assert '<option value="Africa/Nairobi">' in page
    assert client.get("/preferences/password/").status_code == 200
    wrong = client.post("/preferences/", {"theme": "pink", "time_zone": "Mars/Olympus"})
    assert (wrong.status_code, "Nothing was saved" in wrong.content.decode()) == (422, True)
    short = client.post(
        "/preferences/password/", {"old_password": GOOD, "new_password1": "short", "new_password2": "short"}
    )
    assert "at least 12 characters" in short.content.decode()
