"""A person's own API tokens in the browser: made with a password, shown once, revoked, every step on record."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from portal.access.models import Token
from portal.access.services import TokenRefused, add_person, admit, create_token, take_role
from portal.evidence.models import Record
from portal.kernel.secret import Secret

GOOD = "correct horse battery"
PAGE = "/preferences/tokens/"


@pytest.fixture
def anna(db):
    cache.clear()
    return add_person("anna", "operator", Secret(GOOD), by="test")


@pytest.fixture
def session(anna):
    client = Client()
    client.force_login(anna, backend="portal.access.backend.PeopleBackend")
    return client


def make(client, **changed):
    wanted = {"name": "nightly", "scopes": ["estate.view", "run.view"], "days": "30", "password": GOOD}
    return client.post(PAGE, {**wanted, **changed})


def kinds():
    return list(Record.objects.filter(kind__startswith="token.").order_by("number").values_list("kind", flat=True))


def test_a_token_is_shown_once_and_works(anna, session):
    answer = make(session)
    page = answer.content.decode()
    (text,) = re.findall(r"hf_[0-9a-f]{12}_[\w-]{43}", page)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "data-once" in page
    assert GOOD not in page
    token = admit(text)
    assert (token.owner, token.name, token.scopes) == (anna, "nightly", ["estate.view", "run.view"])
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    again = session.get(PAGE).content.decode()
    assert "nightly" in again
    assert f"hf_{token.prefix}_…" in again
    assert text not in again
    assert text not in str(list(Record.objects.values_list("body", flat=True)))
    record = Record.objects.get(kind="token.created")
    assert (record.actor, record.subject, record.body["scopes"]) == ("anna", "person:anna", token.scopes)


def test_it_opens_the_api_until_it_is_revoked(session):
    (text,) = re.findall(r"hf_[0-9a-f]{12}_[\w-]{43}", make(session).content.decode())
    program = Client(headers={"Authorization": f"Bearer {text}"})
    assert program.get("/api/v1/hosts/").status_code == 200
    url = f"{PAGE}{Token.objects.get().pk}/revoke/"
    asked = session.get(url)
    assert "Revoke the token nightly" in asked.content.decode()
    assert Token.objects.get().revoked_at is None
    answer = session.post(url, follow=True).content.decode()
    assert "The token nightly is revoked and opens nothing any more." in answer
    assert program.get("/api/v1/hosts/").status_code == 401
    assert kinds() == ["token.created", "token.revoked"]
    session.post(url)
    assert kinds() == ["token.created", "token.revoked"], "revoked once"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "Name: "),
        ({"scopes": []}, "Scopes: "),
        ({"scopes": ["no.act"]}, "Scopes: "),
        ({"days": "0"}, "Days: "),
        ({"days": "367"}, "Days: "),
        ({"days": "soon"}, "Days: "),
        ({"password": ""}, "Password: "),
        ({"password": "wrong"}, "Password: The password is wrong."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(session, changed, words):
    answer = make(session, **changed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "No token was made" in page
    assert words in page
    assert not Token.objects.exists()


def test_a_name_is_used_once(anna, session):
    create_token(anna, "nightly", ["run.view"], 30, by="anna")
    answer = make(session)
    assert answer.status_code == 422
    assert "anna has a token named nightly already." in answer.content.decode()


def test_scopes_beyond_the_role_are_refused_and_recorded(session):
    assert 'value="run.approve"' not in session.get(PAGE).content.decode()
    answer = make(session, scopes=["run.view", "run.approve"])
    assert answer.status_code == 403
    assert not Token.objects.exists()
    denied = Record.objects.get(kind="access.denied")
    assert (denied.actor, denied.body["act"]) == ("anna", "run.approve")


def test_guessing_the_password_locks_and_is_recorded(anna, session):
    for _ in range(5):
        assert make(session, password="wrong").status_code == 422
    locked = make(session)
    assert locked.status_code == 422
    assert "Too many failures" in locked.content.decode()
    assert not Token.objects.exists()
    refused = Record.objects.filter(kind="token.refused").order_by("number")
    assert refused.count() == 6
    assert refused.last().body["locked"] is True
    assert "wrong" not in str([record.body for record in refused])


def test_nobody_reaches_the_token_of_another(anna):
    token, text = create_token(anna, "nightly", ["run.view"], 30, by="anna")
    for role in ("approver", "admin"):
        other = Client()
        other.force_login(
            add_person(role, role, Secret(GOOD), by="test"), backend="portal.access.backend.PeopleBackend"
        )
        assert "nightly" not in other.get(PAGE).content.decode()
        for ask in (other.get, other.post):
            assert ask(f"{PAGE}{token.pk}/revoke/").status_code == 404
    assert admit(text.reveal()) == token


def test_a_token_of_a_lost_role_says_what_it_no_longer_may(anna, session):
    create_token(anna, "starter", ["run.start", "run.view"], 30, by="anna")
    take_role(anna, "operator", by="bert")
    page = session.get(PAGE).content.decode()
    assert "Your roles no longer allow: start a run, see runs" in page
    assert "You have no role, so a token of yours could open nothing." in page


def test_expired_and_revoked_tokens_say_so(anna, session):
    old, text = create_token(anna, "old", ["run.view"], 1, by="anna")
    Token.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    page = session.get(PAGE).content.decode()
    assert "Expired" in page
    assert f"/{old.pk}/revoke/" not in page
    with pytest.raises(TokenRefused):
        admit(text.reveal())


def test_a_stranger_is_sent_to_log_in(db, client):
    for path in (PAGE, f"{PAGE}1/revoke/"):
        for ask in (client.get, client.post):
            assert ask(path)["Location"].startswith("/login/")
