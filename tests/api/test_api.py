"""The REST API as a client meets it: problems, pages, ETags, scopes, constant cost, nothing secret."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.models import Engine, Finding, Host, Look, Site
from portal.access.services import create_token, give_role
from portal.kernel.secret import Secret

pytestmark = pytest.mark.django_db
PASSWORD = "s3cret-of-the-engine"


@pytest.fixture
def estate():
    site = Site.objects.create(name="PROD")
    return Engine.objects.create(
        site=site, name="engine", url="https://127.0.0.1/x", username="u", password=Secret(PASSWORD)
    )


@pytest.fixture
def viewer():
    user = User.objects.create_user("vera", password=None)
    give_role(user, "viewer", "test")
    return user


def client(user, scopes=("estate.view", "run.view")):
    _, secret = create_token(user, "t", scopes, 30, "test")
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret.reveal()}")
    return api


def hosts(engine, count):
    made = [
        Host(engine=engine, uuid=f"u{n}", name=f"kvm{n:03}", address="127.0.1.1", he_configured=False)
        for n in range(count)
    ]
    Host.objects.bulk_create(made)
    for host in Host.objects.filter(looks=None):
        look = Look.objects.create(
            engine=engine, host=host, probe="host_facts", due_at=timezone.now(), at=timezone.now(), state="read"
        )
        Finding.objects.create(
            look=look,
            check_name="disk",
            subject_kind="host",
            subject_key=host.name,
            outcome="ok",
            sentence="s",
            since=timezone.now(),
        )


def test_no_token_is_a_problem_with_a_challenge(estate):
    answer = APIClient().get("/api/v1/hosts/")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert "Bearer" in answer["WWW-Authenticate"]
    body = json.loads(answer.content)
    assert body["type"] == "/api/problems/not-authenticated"
    assert body["status"] == 401


def test_an_unknown_path_and_an_unknown_object_are_problems(estate, viewer):
    api = client(viewer)
    for path in ("/api/v1/nothing/", "/api/v1/hosts/999999/", "/api/v2/"):
        answer = api.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_mistyped_address_is_a_problem_and_no_page_about_cookies(method):
    api = APIClient(enforce_csrf_checks=True)
    for path in ("/api/v1/hosts/1.5/look/", "/api/v1/hosts/1/nothing/"):
        answer = getattr(api, method)(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_the_schema_says_that_hours_have_no_zone_and_that_one_is_no_list():
    schema = yaml.load(Path("docs/openapi.yaml").read_bytes(), yaml.CSafeLoader)
    hours = schema["components"]["schemas"]["RouteRow"]["properties"]["begins"]
    assert "format" not in hours
    assert all(re.fullmatch(hours["pattern"], one) for one in ("00:00", "23:59:59", "07:30:00.5"))
    for path, name in (("/api/v1/redundancy/", "ProofRow"), ("/api/v1/events/", "EventsOf")):
        told = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert told == {"$ref": f"#/components/schemas/{name}"}


def test_every_list_answers_and_costs_the_same_at_any_size(estate, viewer, django_assert_max_num_queries):
    api = client(viewer)
    names = [
        "sites", "engines", "clusters", "hosts", "vms", "storage-domains", "luns", "attachments", "host-luns",
        "declared-paths", "events", "looks", "findings", "transitions", "captures", "rollups", "runs",
    ]  # fmt: skip
    hosts(estate, 2)
    for name in names:
        assert api.get(f"/api/v1/{name}/").status_code == 200, name
    Host.objects.bulk_create([Host(engine=estate, uuid=f"x{n}", name=f"x{n}", address="a") for n in range(60)])
    for name in names:
        with django_assert_max_num_queries(8):
            api.get(f"/api/v1/{name}/")


def test_pages_are_followed_by_cursor(estate, viewer):
    hosts(estate, 5)
    api = client(viewer)
    first = api.get("/api/v1/hosts/?limit=2").json()
    second = api.get(first["next"]).json()
    names = [row["name"] for row in first["results"] + second["results"]]
    assert names == ["kvm000", "kvm001", "kvm002", "kvm003"]


def test_an_unchanged_answer_is_304(estate, viewer):
    hosts(estate, 1)
    api = client(viewer)
    first = api.get("/api/v1/hosts/")
    assert api.get("/api/v1/hosts/", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    Host.objects.update(status="maintenance")
    assert api.get("/api/v1/hosts/", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_a_filter_with_a_value_of_another_kind_names_the_column(estate, viewer):
    answer = client(viewer).get("/api/v1/vms/?host=abc")
    assert answer.status_code == 400
    assert "host" in answer.json()["errors"]


def test_a_word_that_a_column_never_holds_is_a_problem_and_no_empty_list(viewer):
    api = client(viewer)
    answer = api.get("/api/v1/backups/?status=done")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["status"])
    assert api.get("/api/v1/backups/?status=DONE").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "kind"), [("[" * 100_000, 400, "unreadable"), ('"' + "x" * 3_000_000 + '"', 413, "too-large")]
)
def test_a_body_that_nobody_can_take_is_a_problem(body, status, kind):
    user = User.objects.create_user("otto", password=None)
    give_role(user, "operator", "test")
    answer = client(user, ("run.start",)).post("/api/v1/backups/", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"/api/problems/{kind}"


@pytest.mark.parametrize("odd", [r"\u0000", r"\ud800", r"x\udfff"])
@pytest.mark.parametrize(
    "where", ['{"plan": "%s"}', '{"parameters": {"a": [{"%s": 1}]}}', '{"parameters": {"a": [1, "%s"]}}']
)
def test_text_that_no_column_can_hold_is_unreadable_wherever_it_stands(odd, where):
    user = User.objects.create_user("otto", password=None)
    give_role(user, "operator", "test")
    api = client(user, ("run.start", "run.view"))
    answer = api.post("/api/v1/runs/", where % odd, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (400, "/api/problems/unreadable")
    assert "half of a character" in answer.json()["detail"]
    fine = api.post("/api/v1/runs/", where % r"\ud83d\ude00", content_type="application/json")
    assert fine.json()["type"] != "/api/problems/unreadable"


def test_a_finding_of_an_old_look_is_unknown_here_too(estate, viewer):
    hosts(estate, 1)
    Look.objects.update(at=timezone.now() - timedelta(hours=1))
    row = client(viewer).get("/api/v1/findings/").json()["results"][0]
    assert row["outcome"] == "unknown"
    assert "was last looked at" in row["sentence"]


def test_no_secret_leaves_the_api(estate, viewer):
    estate.ssh_private_key = Secret("-----BEGIN KEY-----")
    estate.save()
    text = client(viewer).get("/api/v1/engines/").content.decode()
    assert PASSWORD not in text
    assert "BEGIN KEY" not in text
    assert "password" not in text


def test_a_viewers_token_cannot_start_a_run_and_the_denial_is_recorded(estate, viewer):
    from portal.evidence.models import Record

    answer = client(viewer).post("/api/v1/runs/", {"plan": "support_bundle", "target": "host:1"}, format="json")
    assert answer.status_code == 403
    assert answer.json()["type"] == "/api/problems/not-allowed"
    assert Record.objects.filter(kind="access.denied").exists()


def test_starting_a_run_is_202_and_the_same_key_gives_the_same_run(estate):
    hosts(estate, 1)
    user = User.objects.create_user("oli", password=None)
    give_role(user, "operator", "test")
    api = client(user, ("run.view", "run.start", "run.abort"))
    wish = {"plan": "support_bundle", "target": f"host:{Host.objects.get().pk}", "change": "CHG1"}
    first = api.post("/api/v1/runs/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert first.status_code == 202, first.content
    assert first["Location"] == f"/api/v1/runs/{first.json()['id']}/"
    again = api.post("/api/v1/runs/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    other = api.post("/api/v1/runs/", {**wish, "change": "CHG2"}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (other.status_code, other["Content-Type"]) == (422, "application/problem+json")
    busy = api.post("/api/v1/runs/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k2")
    assert (busy.status_code, busy.json()["type"]) == (423, "/api/problems/locked")
    assert f"Run {first.json()['id']}" in busy.json()["detail"]
    lines = api.get(f"/api/v1/runs/{first.json()['id']}/lines/").json()["results"]
    assert lines
    gone = api.post(f"/api/v1/runs/{first.json()['id']}/abort/", {"reason": "test"}, format="json")
    assert gone.status_code == 202


def test_the_schema_in_the_repository_is_the_one_that_is_served(tmp_path):
    from pathlib import Path

    from django.core.management import call_command

    call_command("spectacular", file=str(tmp_path / "now.yaml"), fail_on_warn=True)
    stored = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
    assert (tmp_path / "now.yaml").read_text("utf-8") == stored.read_text("utf-8"), (
        "run: ./holdfast manage spectacular --file docs/openapi.yaml"
    )


def test_health_needs_no_login(client, estate):
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz").json()
    assert ready["checks"]["database"] == "ok"
    hosts(estate, 1)
    text = client.get("/metrics").content.decode()
    assert 'holdfast_findings{outcome="ok",probe="host_facts"} 1.0' in text
