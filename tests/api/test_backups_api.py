"""Backups over the API: what is read, who may do what, problems in words, one Run per key, no secret anywhere."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from backups.models import Backup, Copy, Destination, Policy
from backups.services import vault
from portal.access.roles import ROLES
from portal.access.services import create_token, give_role
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.ui import backup_world

pytestmark = pytest.mark.django_db
LISTS = ("backups", "policies", "destinations", "recipients", "rehearsals")


def client(role: str) -> APIClient:
    user, made = User.objects.get_or_create(username=f"{role}9")
    if made:
        give_role(user, role, "test")
    _, secret = create_token(user, f"t{user.tokens.count()}", sorted(ROLES[role].acts), 30, "test")
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret.reveal()}")
    return api


def kind(answer) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("/api/problems/")


@pytest.fixture
def policy(settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path
    return backup_world.build("full")


@pytest.fixture
def newest(policy):
    return policy.backups.order_by("-taken").first()


def put_in_vault(backup: Backup, content: bytes) -> Copy:
    (vault.folder() / "sealed.age").write_bytes(content)
    return Copy.objects.create(
        backup=backup, destination=vault.destination(), state="held", name="sealed.age", size=len(content),
        sha256=hashlib.sha256(content).hexdigest(), recipients=["the portal itself"],
    )  # fmt: skip


def test_every_list_is_read_at_a_constant_cost_and_holds_no_secret(policy, django_assert_max_num_queries):
    api = client("admin")
    for turn in range(2):
        for name in LISTS:
            with django_assert_max_num_queries(8):
                answer = api.get(f"/api/v1/{name}/")
            assert answer.status_code == 200, name
            text = answer.content.decode()
            assert [secret for secret in backup_world.SECRETS if secret in text] == [], name
            rows = answer.json()["results"]
            detail = api.get(f"/api/v1/{name}/{rows[0]['id']}/")
            assert detail.status_code == 200, name
            assert [secret for secret in backup_world.SECRETS if secret in detail.content.decode()] == [], name
        if not turn:
            places = tuple(policy.destinations.order_by("pk"))
            backup_world._catalog(policy, places, "fine", timezone.now() - timedelta(days=5))


def test_a_backup_is_told_with_its_mark_and_its_copies(policy):
    api = client("viewer")
    first, last = (api.get(f"/api/v1/backups/?limit=100{query}").json()["results"] for query in ("", "&status=FAILED"))
    assert len(first) == 15
    assert [row["status"] for row in last] == ["FAILED"]
    cut = next(row for row in first if row["whole"] is False)
    assert (cut["mark"], cut["proven_to"], cut["proof"]) == ("V2", "members", "none")
    assert {copy["state"] for copy in cut["copies"]} == {"held"}
    assert "output" not in cut
    detail = api.get(f"/api/v1/backups/{cut['id']}/").json()
    assert detail["output"]["take"]["exit_code"] == 0
    page = api.get("/api/v1/backups/?limit=10").json()
    rest = api.get(page["next"]).json()["results"]
    assert [row["id"] for row in page["results"] + rest] == [row["id"] for row in first]
    assert kind(api.get("/api/v1/backups/999999/")) == (404, "not-found")
    assert kind(api.get("/api/v1/backups/?engine=x")) == (400, "invalid")


def test_an_unchanged_answer_is_304(newest):
    api = client("viewer")
    tag = api.get(f"/api/v1/backups/{newest.pk}/")["ETag"]
    assert api.get(f"/api/v1/backups/{newest.pk}/", HTTP_IF_NONE_MATCH=tag).status_code == 304
    Backup.objects.filter(pk=newest.pk).update(keep="audit")
    assert api.get(f"/api/v1/backups/{newest.pk}/", HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_how_a_policy_stands_and_what_retention_says(policy, django_assert_max_num_queries):
    api = client("viewer")
    with django_assert_max_num_queries(8):
        told = api.get(f"/api/v1/policies/{policy.pk}/standing/").json()
    assert (told["answer"], told["outcome"], told["proven"]) == ("Yes", "warn", 12)
    assert 4 * 3600 < told["lost_seconds"] < 5 * 3600 < told["objective_seconds"]
    assert any("The newest copy at DR is" in line["sentence"] for line in told["lines"])
    with django_assert_max_num_queries(10):
        rows = api.get(f"/api/v1/policies/{policy.pk}/retention/").json()
    assert [row["word"] for row in rows].count("KEEP") == 1
    assert len(rows) == 15
    assert next(row for row in rows if row["word"] == "NONE")["why"] == "It did not end as DONE, so it is no backup."
    Backup.objects.all().delete()
    nothing = api.get(f"/api/v1/policies/{policy.pk}/standing/").json()
    assert (nothing["answer"], nothing["restorable_to"], nothing["lost_seconds"]) == ("Not known", None, None)
    assert nothing["outcome"] != "ok"


def test_a_backup_is_taken_once_per_key(policy):
    api = client("operator")
    wish = {"policy": policy.pk, "change": "CHG0034817"}
    first = api.post("/api/v1/backups/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert first.status_code == 202, first.content
    assert first["Location"] == f"/api/v1/runs/{first.json()['id']}/"
    assert int(first["Retry-After"]) > 0
    again = api.post("/api/v1/backups/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert Backup.objects.filter(run=first.json()["id"], reason="change").count() == 1
    other = {**wish, "change": "CHG2"}
    assert kind(api.post("/api/v1/backups/", other, format="json", HTTP_IDEMPOTENCY_KEY="k1"))[0] == 422
    busy = api.post("/api/v1/backups/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k2")
    assert kind(busy) == (423, "locked")
    assert f"Run {first.json()['id']}" in busy.json()["detail"]
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "policy"),
        ({"policy": 999999}, "policy"),
        ({"policy": "x"}, "policy"),
        ({"policy": None, "change": "x" * 81}, "change"),
        ({"reason": "scheduled"}, "reason"),
    ],
)
def test_a_wish_that_cannot_be_read_names_its_field(body, field, policy):
    answer = client("operator").post("/api/v1/backups/", body, format="json")
    assert kind(answer) == (400, "invalid")
    assert field in answer.json()["errors"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(("act", "plan"), [("verify", "backup_verify"), ("rehearse", "backup_rehearse")])
def test_a_backup_is_proven_again(act, plan, newest):
    api = client("operator")
    path = f"/api/v1/backups/{newest.pk}/{act}/"
    answer = api.post(path, HTTP_IDEMPOTENCY_KEY="k")
    assert (answer.status_code, answer.json()["plan"], answer.json()["target"]) == (202, plan, f"backup:{newest.pk}")
    assert api.post(path, HTTP_IDEMPOTENCY_KEY="k").json()["id"] == answer.json()["id"]
    assert kind(api.post(path)) == (423, "locked")


def test_a_backup_is_copied_kept_and_released(newest):
    api, base = client("operator"), f"/api/v1/backups/{newest.pk}"
    place = Destination.objects.get(name="DR")
    assert api.post(f"{base}/copies/", {"destination": place.pk}, format="json").status_code == 202
    Destination.objects.filter(pk=place.pk).update(enabled=False)
    assert kind(api.post(f"{base}/copies/", {"destination": place.pk}, format="json")) == (409, "conflict")
    assert kind(api.post(f"{base}/copies/", {"destination": 0}, format="json")) == (400, "invalid")
    kept = api.post(f"{base}/keep/", {"why": "audit 2026"}, format="json")
    assert (kept.status_code, kept.json()["keep"], kept.json()["keep_by"]) == (
        200,
        "audit 2026",
        "token:t0 of operator9",
    )
    assert kind(api.post(f"{base}/keep/", {"why": ""}, format="json")) == (400, "invalid")
    assert api.post(f"{base}/release/").json()["keep"] == ""
    assert kind(api.post(f"{base}/release/")) == (409, "conflict")


def test_what_failed_has_no_archive_to_act_on(policy):
    api, failed = client("operator"), policy.backups.get(status="FAILED")
    for act in ("verify", "rehearse", "copies", "download"):
        path = f"/api/v1/backups/{failed.pk}/{act}/"
        answer = api.get(path) if act == "download" else api.post(path, {}, format="json")
        assert kind(answer) == (409, "conflict"), act
    assert kind(api.post(f"/api/v1/backups/{failed.pk}/keep/", {"why": "x"}, format="json")) == (409, "conflict")
    assert not Run.objects.exists()


def test_the_encrypted_file_is_streamed_and_on_record(newest):
    api, content = client("operator"), bytes(range(256)) * 3000
    path = f"/api/v1/backups/{newest.pk}/download/"
    assert kind(api.get(path)) == (409, "conflict")
    put_in_vault(newest, content)
    answer = api.get(path)
    assert answer.getvalue() == content
    assert (answer["Content-Length"], answer["Content-Type"]) == (str(len(content)), "application/octet-stream")
    assert Record.objects.get(kind="backup.downloaded").actor == "token:t0 of operator9"


def test_deletion_starts_as_a_run_or_says_that_nothing_is_obsolete(policy):
    api, path = client("operator"), f"/api/v1/policies/{policy.pk}/retention/"
    assert kind(api.post(path)) == (409, "conflict")
    Policy.objects.filter(pk=policy.pk).update(retention="redundancy", count=3, minimum_redundancy=2)
    Copy.objects.update(locked_until=None)
    answer = api.post(path, HTTP_IDEMPOTENCY_KEY="k")
    assert (answer.status_code, answer.json()["plan"]) == (202, "backup_retire")
    assert policy.backups.filter(deleted_at=None).count() == 15


NEEDED = {
    "": "run.start", "verify/": "run.start", "rehearse/": "run.start", "copies/": "run.start",
    "keep/": "backup.hold", "release/": "backup.hold", "download/": "backup.download",
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_exactly_its_acts_and_every_refusal_is_on_record(role, policy, newest):
    api, refused = client(role), 0
    bodies = {"": {"policy": policy.pk}, "keep/": {"why": "x"}, "copies/": {"destination": 0}}
    for act, needed in NEEDED.items():
        path = f"/api/v1/backups/{newest.pk}/{act}" if act else "/api/v1/backups/"
        answer = api.get(path) if act == "download/" else api.post(path, bodies.get(act, {}), format="json")
        if needed in ROLES[role].acts:
            assert answer.status_code != 403, act
        else:
            assert kind(answer) == (403, "not-allowed"), act
            refused += 1
    answer = api.post(f"/api/v1/policies/{policy.pk}/retention/")
    refused += answer.status_code == 403
    assert (answer.status_code == 403) == ("run.start" not in ROLES[role].acts)
    assert Record.objects.filter(kind="access.denied").count() == refused


def test_without_a_token_nothing_is_told(policy, newest):
    for path in (*LISTS, f"backups/{newest.pk}/download", f"policies/{policy.pk}/retention"):
        assert kind(APIClient().get(f"/api/v1/{path}/")) == (401, "not-authenticated")


def test_machines_are_told_ages_failures_and_late_copies_by_number(policy, client):
    text = client.get("/metrics").content.decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("holdfast_backup"))
    label = f'{{policy="{policy.pk}"}}'
    assert 4 * 3600 < float(values[f"holdfast_backup_age_seconds{label}"]) < 5 * 3600
    assert float(values[f"holdfast_backup_objective_seconds{label}"]) == 86400
    assert float(values[f"holdfast_backup_proven{label}"]) == 12
    assert float(values[f"holdfast_backup_failed{label}"]) == 0
    assert float(values[f"holdfast_backup_copies_late{label}"]) == 1
    assert policy.name not in text
    Backup.objects.all().delete()
    assert f"holdfast_backup_age_seconds{label}" not in client.get("/metrics").content.decode()
