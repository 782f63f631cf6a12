"""API tokens: shown once, hashed, scoped, expiring; the permission class."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from portal.access.models import Token
from portal.access.rest import Needs, actor
from portal.access.services import TokenRefused, add_person, admit, create_token, give_role, revoke_token, take_role
from portal.evidence.models import Record
from portal.kernel.secret import Secret


class Here(APIView):
    permission_classes = (Needs("run.view", write="run.start"),)

    def get(self, request):
        return Response({"actor": actor(request)})

    post = get


view = Here.as_view()


@pytest.fixture
def anna(db):
    cache.clear()
    return add_person("anna", "operator", Secret("correct horse battery"), by="test")


def call(text=None, method="get", user=None):
    request = getattr(APIRequestFactory(), method)("/api/v1/x/", HTTP_AUTHORIZATION=text) if text else None
    request = request or getattr(APIRequestFactory(), method)("/api/v1/x/")
    if user:
        request.user = user
    answer = view(request)
    answer.render()
    return answer


def test_a_token_opens_what_its_scopes_and_its_owner_may(anna):
    _, text = create_token(anna, "nightly", ["run.view"], 30, by="anna")
    answer = call(f"Bearer {text.reveal()}")
    assert (answer.status_code, answer.data) == (200, {"actor": "token:nightly of anna"})
    refused = call(f"Bearer {text.reveal()}", "post")
    assert refused.status_code == 403
    assert "anna (Operator) may not start a run with this token." in str(refused.data)
    denied = Record.objects.get(kind="access.denied")
    assert (denied.actor, denied.body["act"]) == ("token:nightly of anna", "run.start")
    take_role(anna, "operator", by="root")
    assert call(f"Bearer {text.reveal()}").status_code == 403


def test_the_token_is_kept_as_a_hash_only(anna):
    token, text = create_token(anna, "nightly", ["run.view"], 30, by="anna")
    kept = str([getattr(token, field.name) for field in Token._meta.fields])
    secret = text.reveal().split("_", 2)[2]
    assert secret not in kept
    assert secret not in str(list(Record.objects.values_list("body", flat=True)))
    assert str(text) == "***"


def test_without_a_token_401_and_nothing_on_record(anna):
    before = Record.objects.count()
    answer = call()
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="holdfast"')
    assert Record.objects.count() == before


@pytest.mark.parametrize(
    "text", ["Bearer", "Bearer x", "Bearer hf__", "Bearer hf_a_b", "Bearer a b", "Bearer hf_\xff_x"]
)
def test_an_unknown_token_is_refused_and_recorded_once_a_minute(anna, text):
    for _ in range(3):
        answer = call(text)
        assert answer.status_code == 401
    assert "This token is not known" in str(answer.data)
    assert Record.objects.filter(kind="access.token_refused", subject="token:unknown").count() == 1


@pytest.mark.parametrize("case", ["expired", "revoked", "inactive", "wrong"])
def test_a_spent_token_is_refused_by_name(anna, case):
    token, text = create_token(anna, "nightly", ["run.view"], 30, by="anna")
    text = text.reveal()
    if case == "expired":
        Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif case == "revoked":
        assert revoke_token(token, by="root")
        assert not revoke_token(token, by="root")
    elif case == "inactive":
        User.objects.update(is_active=False)
    else:
        text = text[:-1] + ("A" if text[-1] != "A" else "B")
    with pytest.raises(TokenRefused) as caught:
        admit(text)
    assert (caught.value.known is None) == (case == "wrong")
    assert call(f"Bearer {text}").status_code == 401
    record = Record.objects.filter(kind="access.token_refused").get()
    assert record.subject == ("token:unknown" if case == "wrong" else "person:anna")


def test_the_last_use_is_coarse(anna):
    token, text = create_token(anna, "nightly", ["run.view"], 30, by="anna")
    admit(text.reveal())
    token.refresh_from_db()
    first = token.last_used_at
    admit(text.reveal())
    token.refresh_from_db()
    assert token.last_used_at == first is not None
    Token.objects.update(last_used_at=first - timedelta(minutes=6))
    admit(text.reveal())
    token.refresh_from_db()
    assert token.last_used_at > first


@pytest.mark.parametrize(
    ("scopes", "days", "sentence"),
    [
        (["run.approve"], 30, "anna may not approve a run"),
        ([], 30, "needs a scope"),
        (["run.view"], 0, "lives 1 to 366 days"),
        (["run.view"], 400, "lives 1 to 366 days"),
    ],
)
def test_what_is_no_token(anna, scopes, days, sentence):
    with pytest.raises(ValueError, match=sentence):
        create_token(anna, "x", scopes, days, by="anna")
    with pytest.raises(LookupError):
        create_token(anna, "x", ["run.veiw"], 3, by="anna")
    assert Token.objects.count() == 0


def test_the_command_makes_lists_and_revokes(anna):
    out = io.StringIO()
    call_command("token", "create", "anna", "ci", "--scope", "run.view", stdout=out)
    text = out.getvalue().strip()
    assert admit(text).owner == anna
    out = io.StringIO()
    call_command("token", "list", stdout=out)
    assert "anna ci hf_" in out.getvalue()
    assert text not in out.getvalue()
    call_command("token", "revoke", "anna", "ci", stdout=io.StringIO())
    with pytest.raises(TokenRefused, match="revoked"):
        admit(text)
    assert Record.objects.filter(kind="token.revoked").get().actor.startswith("shell:")
    for arguments, sentence in (
        (("create", "nobody", "x", "--scope", "run.view"), "no account nobody"),
        (("create", "anna", "ci", "--scope", "run.view"), "named ci already"),
        (("create", "anna", "x", "--scope", "nonsense"), "no act"),
        (("revoke", "anna", "nix"), "has no token nix"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("token", *arguments)


def test_a_session_gets_in_too(anna):
    from django.test import Client

    give_role(anna, "approver", by="root")
    client = Client()
    client.force_login(anna)
    request = APIRequestFactory().get("/api/v1/x/")
    request.session, request.user = client.session, anna
    answer = view(request)
    assert (answer.status_code, answer.data) == (200, {"actor": "anna"})
