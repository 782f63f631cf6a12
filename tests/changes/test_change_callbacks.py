"""Callbacks: signed ones cause a read-back and nothing else; forged, stale, replayed, reordered and malformed ones are
refused with the right status, kept, and start nothing."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from portal.changes import tasks
from portal.changes.asked import Asked
from portal.changes.models import Callback, Change
from portal.changes.services import bind, look, systems
from portal.connectors.change.signing import sign
from portal.evidence.models import Record
from portal.kernel.change import Gate
from portal.kernel.secret import Secret
from portal.runs.models import Run
from tests.changes.conftest import KEY

pytestmark = pytest.mark.django_db
URL = "/api/v1/changes/callback/snow"


@pytest.fixture(autouse=True)
def change(system, fake):
    cache.clear()
    fake.put("CHG1", Gate.AWAITING)
    row = look(bind(Asked("CHG1"), "PROD", "anna", timezone.now()).pk)
    Change.objects.update(look_at=None)
    return row


def call(client, said=None, key=KEY, at=None, raw=None, url=URL, **headers):
    body = (
        raw if raw is not None else json.dumps(said or {"number": "CHG1", "state": "allowed", "approval": "approved"})
    )
    body = body if isinstance(body, bytes) else body.encode()
    marks = sign([Secret(key)], int(at or time.time()), body) if key else {}
    return client.post(url, body, content_type="application/json", headers={**marks, **headers})


def verdicts():
    return list(Callback.objects.order_by("pk").values_list("verdict", flat=True))


def problem(answer):
    return answer.status_code, answer.json()["type"].removeprefix("/api/problems/")


def test_an_accepted_one_only_causes_a_read_back(client, change, fake):
    answer = call(client)
    assert (answer.status_code, answer.json()["verdict"]) == (202, "accepted")
    change.refresh_from_db()
    assert change.gate == "awaiting", "what it says is not believed"
    assert change.look_at is not None
    assert Run.objects.count() == 0
    assert Record.objects.get(kind="change.callback").body["number"] == "CHG1"


@pytest.mark.parametrize(
    ("given", "status", "kind", "verdict"),
    [
        ({"key": ""}, 401, "callback-unsigned", "unsigned"),
        ({"key": "another-key-than-the-systems"}, 401, "callback-forged", "forged"),
        ({"at": 1_700_000_000}, 401, "callback-stale", "stale"),
        ({"at": 4_000_000_000}, 401, "callback-stale", "stale"),
        ({"raw": b"{"}, 400, "callback-malformed", "malformed"),
        ({"raw": b"[]"}, 400, "callback-malformed", "malformed"),
        ({"raw": b'{"state": "approved"}'}, 400, "callback-malformed", "malformed"),
        ({"raw": b'{"number": 7}'}, 400, "callback-malformed", "malformed"),
        ({"raw": b'{"number": "a\\u0000b"}'}, 400, "callback-malformed", "malformed"),
        ({"raw": b"\xff\xfe"}, 400, "callback-malformed", "malformed"),
    ],
)
def test_what_is_not_to_be_trusted_is_refused_kept_and_starts_nothing(client, change, given, status, kind, verdict):
    answer = call(client, **given)
    assert problem(answer) == (status, kind)
    assert verdicts() == [verdict]
    change.refresh_from_db()
    assert (change.look_at, Run.objects.count()) == (None, 0)
    assert Record.objects.get(kind="change.callback_refused").body["verdict"] == verdict
    if status == 401:
        assert answer["WWW-Authenticate"]


def test_a_signature_that_is_no_signature_is_malformed(client):
    marks = {"X-Holdfast-Signature": "v1=zz", "X-Holdfast-Timestamp": str(int(time.time()))}
    assert problem(call(client, key="", **marks)) == (400, "callback-malformed")


def test_the_very_same_again_is_a_replay(client, change):
    at = int(time.time())
    assert call(client, at=at).status_code == 202
    Change.objects.update(look_at=None)
    assert problem(call(client, at=at)) == (409, "callback-replayed")
    change.refresh_from_db()
    assert change.look_at is None
    assert call(client, at=at - 1).status_code == 202, "the same said at another time is another message"


def test_an_older_one_that_comes_later_is_refused(client):
    assert call(client, {"number": "CHG1", "sequence": 7}).status_code == 202
    assert problem(call(client, {"number": "CHG1", "sequence": 6})) == (409, "callback-outdated")
    assert call(client, {"number": "CHG1", "updateSequenceNumber": 8}).status_code == 202
    assert call(client, {"number": "CHG1"}).status_code == 202, "one without a number says only that something moved"
    assert call(client, {"number": "CHG2", "sequence": 1}).json()["verdict"] == "unknown_change"


@pytest.mark.parametrize(
    "said", [{"issueKey": "CHG1"}, {"Infrastructure Change ID": "CHG1"}, {"sys_id": "id-CHG1"}, {"key": "CHG1"}]
)
def test_each_kind_of_system_names_its_change_in_its_own_words(client, said):
    assert call(client, said).json()["verdict"] == "accepted"


def test_a_sequence_is_of_one_change_also_where_only_its_sys_id_is_named(client, system, fake):
    """Each with its own count: the smaller one of another change is not older."""
    fake.put("CHG2")
    look(bind(Asked("CHG2"), "PROD", "anna", timezone.now()).pk)
    assert call(client, {"sys_id": "id-CHG1", "sequence": 90}).status_code == 202
    assert call(client, {"sys_id": "id-CHG2", "sequence": 3}).status_code == 202
    assert problem(call(client, {"number": "CHG1", "sequence": 89})) == (409, "callback-outdated")
    assert problem(call(client, {"sys_id": "id-CHG2", "sequence": 2})) == (409, "callback-outdated")


def test_both_keys_count_until_the_former_one_is_dropped(client, system):
    fresh = systems.rotate(system.pk, "dora", timezone.now()).reveal()
    assert call(client, {"number": "CHG1", "n": 1}).status_code == 202
    assert call(client, {"number": "CHG1", "n": 2}, key=fresh).status_code == 202
    systems.drop_former(system.pk, "dora")
    assert problem(call(client, {"number": "CHG1", "n": 3})) == (401, "callback-forged")
    assert call(client, {"number": "CHG1", "n": 4}, key=fresh).status_code == 202


def test_beat_reads_back_delivers_and_forgets(client, change, fake):
    assert call(client).status_code == 202
    fake.put("CHG1", Gate.ALLOWED)
    tasks.look()
    change.refresh_from_db()
    assert change.gate == "allowed"
    tasks.deliver()
    tasks.prune()
    assert Callback.objects.count() == 1
    Callback.objects.update(at=timezone.now() - timedelta(days=91))
    tasks.prune()
    assert Callback.objects.count() == 0


def test_names_that_nobody_has_are_counted_as_one(client, settings):
    settings.HOLDFAST_CALLBACKS = 2
    codes = [client.post(f"/api/v1/changes/callback/none{number}").status_code for number in range(3)]
    assert codes == [404, 404, 429]
    assert call(client).status_code == 202


def test_who_knocks_too_often_is_told_when_to_come_back(client, settings):
    settings.HOLDFAST_CALLBACKS = 2
    codes = [call(client, key="").status_code for _ in range(3)]
    last = call(client, key="")
    assert codes == [401, 401, 429]
    assert problem(last) == (429, "too-many-requests")
    assert 1 <= float(last["Retry-After"]) <= 60
    assert Record.objects.filter(kind="change.callback_refused").count() == 1, "the chain is not flooded"


def test_nobody_and_too_much(client, system):
    assert problem(call(client, url="/api/v1/changes/callback/other/")) == (404, "not-found")
    assert problem(call(client, raw=b" " * 70_000)) == (413, "too-large")
    assert client.get(URL + "/").status_code == 405
    system.enabled = False
    system.save()
    assert call(client).status_code == 404
    assert verdicts() == []
