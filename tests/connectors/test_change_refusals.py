"""What a refusal means: for good, or for what people can put right over there. By its status and its words, for each
kind of change system."""

from __future__ import annotations

import json

import pytest

from portal.connectors.change import MENDS
from portal.connectors.change.https import Answer, Endpoint, judged
from portal.kernel.change import ChangeGarbled, ChangeHeld, ChangeLogin, ChangeRefused

ACL = {"error": {"message": "No Record found", "detail": "Record doesn't exist or ACL restricts the record retrieval"}}
SEE = {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}}
ARERR = [{"messageText": "You do not have access to the requested record", "messageNumber": 353}]


def found(kind: str, status: int, body: object) -> object:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judged(Endpoint(kind, "https://c.example", mends=MENDS[kind]), "POST /note", Answer(status, body=raw))


@pytest.mark.parametrize("kind", MENDS)
@pytest.mark.parametrize("status", [400, 404, 405, 410, 413, 415, 422])
def test_a_refusal_that_says_why_is_for_good(kind, status):
    told = found(kind, status, {"error": {"message": "Field work_notes is not known"}})
    assert type(told) is ChangeRefused
    assert "Field work_notes is not known" in str(told)


@pytest.mark.parametrize("kind", MENDS)
@pytest.mark.parametrize("status", [400, 404, 405, 410, 413, 415, 422])
def test_one_that_gives_no_reason_is_not(kind, status):
    for body in (b"", b" ", {}, {"status": "failure"}):
        assert type(found(kind, status, body)) is ChangeHeld, body
    assert type(found(kind, status, b"<html><title>Gateway</title></html>")) is ChangeGarbled


@pytest.mark.parametrize("kind", MENDS)
def test_a_right_that_is_missing_can_be_given(kind):
    assert type(found(kind, 403, {"error": {"message": "No."}})) is ChangeHeld
    assert type(found(kind, 403, b"<html>")) is ChangeHeld
    assert type(found(kind, 401, {"error": {"message": "User Not Authenticated"}})) is ChangeLogin


@pytest.mark.parametrize(
    ("kind", "status", "body"), [("servicenow", 404, ACL), ("jira", 404, SEE), ("bmc", 400, ARERR)]
)
def test_what_is_hidden_from_the_account_looks_like_what_is_not_there(kind, status, body):
    assert type(found(kind, status, body)) is ChangeHeld
    assert type(found("webhook", status, body)) is ChangeRefused, "which has no such words of its own"


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "AUTHENTICATED_FAILED"), (403, "AUTHENTICATION_DENIED"), (401, "AUTHENTICATED_FAILED")]
)
def test_a_login_that_jira_does_not_take_is_no_missing_issue(status, reason):
    """It goes on as for nobody: 404 for what only members see, 403 after too many tries."""
    answer = Answer(status, {"x-seraph-loginreason": reason}, json.dumps(SEE).encode())
    said = judged(Endpoint("jira", "https://c.example", mends=MENDS["jira"]), "GET /issue", answer)
    assert type(said) is ChangeLogin
    fine = Answer(404, {"x-seraph-loginreason": "OK"}, json.dumps(SEE).encode())
    assert type(judged(Endpoint("jira", "https://c.example", mends=MENDS["jira"]), "GET /issue", fine)) is ChangeHeld
