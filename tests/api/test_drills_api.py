"""Drills over the API: who may do what, problems in words, one drill per key, the gate's state, no self-approval."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from failover.models import Drill
from portal.access.roles import ROLES
from portal.access.services import create_token, give_role
from portal.runs.models import Run
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def client(name: str, role: str = "") -> APIClient:
    user, made = User.objects.get_or_create(username=name)
    role = role or name.rstrip("0123456789")
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
def engine():
    made = world.build("healthy")
    drill_world.people()
    drill_world.ready(made)
    return made


def wish(engine, **fields):
    now = timezone.now()
    host = engine.hosts.order_by("he_host_id").first()
    change = {
        "system": "servicenow", "number": "CHG0034817", "sys_id": "0" * 32, "ci": ["olvm-engine"], "type": "normal",
        "window": {"start": (now + HOUR).isoformat(), "end": (now + 5 * HOUR).isoformat()},
    }  # fmt: skip
    body = {
        "engine": engine.pk, "plan": "she_failover", "parameters": {"on": host.pk},
        "objectives": drill_world.OBJECTIVES, "people": [{"name": "Anna"}], "change": change,
    }  # fmt: skip
    return {**body, **fields}


def ask(api, body, key="k1"):
    return api.post("/api/v1/drills/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def test_a_drill_is_asked_for_once_per_key(engine):
    api, body = client("operator1"), wish(engine)
    answer = ask(api, body)
    assert answer.status_code == 202, answer.content
    row = answer.json()
    assert answer["Location"] == f"/api/v1/drills/{row['id']}/"
    assert (row["status"], row["gate"], row["change"]["number"]) == ("awaiting_approval", "awaiting", "CHG0034817")
    assert ask(api, body)["Location"] == answer["Location"]
    assert Drill.objects.count() == 1
    assert kind(ask(api, {**body, "plan": "she_agent_stop"}))[0] == 422
    assert kind(ask(api, {**body, "plan": "none"}, "k2"))[0] == 409
    assert kind(ask(api, {**body, "objectives": [{"kind": "x"}]}, "k3")) == (400, "invalid")
    assert Drill.objects.count() == 1


def test_every_role_may_exactly_what_its_acts_say(engine):
    drill = drill_world.asked(engine)
    body = {"hash": drill_world.shown_hash(drill)}
    acts = {
        "/api/v1/drills/": ("run.start", wish(engine)),
        f"/api/v1/drills/{drill.pk}/approve/": ("run.approve", body),
        f"/api/v1/drills/{drill.pk}/refuse/": ("run.approve", {"why": "no"}),
        f"/api/v1/drills/{drill.pk}/begin/": ("run.start", {}),
        f"/api/v1/drills/{drill.pk}/break-glass/": ("run.start", {"why": "x"}),
        f"/api/v1/drills/{drill.pk}/break-glass/confirm/": ("run.approve", {}),
        f"/api/v1/drills/{drill.pk}/issues/": ("run.start", {"title": "x", "severity": "low"}),
        f"/api/v1/drills/{drill.pk}/sign/": ("evidence.view", {"role": "operator"}),
        f"/api/v1/readiness/{engine.pk}/look/?plan=none": ("run.start", {}),
    }
    for role in ROLES:
        api = client(f"{role}7")
        assert api.get("/api/v1/drills/").status_code == 200, role
        for url, (act, given) in acts.items():
            refused = api.post(url, given, format="json").status_code == 403
            assert refused is (act not in ROLES[role].acts), (role, url)


def test_nobody_approves_his_own_drill(engine):
    drill = drill_world.asked(engine, by="approver1")
    api = client("approver1")
    answer = api.post(f"/api/v1/drills/{drill.pk}/approve/", {"hash": drill_world.shown_hash(drill)}, format="json")
    assert kind(answer)[0] == 409
    assert "another person" in answer.json()["detail"]
    answer = api.post(f"/api/v1/runs/{drill.run_id}/approve/")
    assert kind(answer)[0] == 409
    assert Run.objects.get(pk=drill.run_id).status == "awaiting_approval"


def test_what_was_altered_is_refused_with_the_difference(engine):
    drill = drill_world.asked(engine)
    api = client("approver1")
    seen = api.get(f"/api/v1/drills/{drill.pk}/approval/").json()
    assert (seen["state"], len(seen["hash"])) == ("awaiting", 64)
    given = {"hash": seen["hash"], "content": seen["content"]}
    Run.objects.filter(pk=drill.run_id).update(change="CHG9")
    answer = api.post(f"/api/v1/drills/{drill.pk}/approve/", given, format="json")
    assert kind(answer)[0] == 409
    assert "Change number was CHG0034817 and is CHG9." in answer.json()["detail"]
    Run.objects.filter(pk=drill.run_id).update(change="CHG0034817")
    answer = api.post(f"/api/v1/drills/{drill.pk}/approve/", given, format="json")
    assert (answer.status_code, answer.json()["state"], answer.json()["by"]) == (200, "approved", "approver1")
    assert api.get(f"/api/v1/drills/{drill.pk}/").json()["gate"] == "allowed"
    Run.objects.filter(pk=drill.run_id).update(change="CHG9")
    row = api.get(f"/api/v1/drills/{drill.pk}/").json()
    assert (row["gate"], row["approval"]["changed"][0]["was"]) == ("invalid", "CHG0034817")
    begun = client("operator1").post(f"/api/v1/drills/{drill.pk}/begin/")
    assert kind(begun)[0] == 409


def test_the_gate_says_what_the_calendar_says(engine):
    now = timezone.now()
    early = drill_world.approved(engine, begins=now + HOUR, ends=now + 5 * HOUR)
    over = drill_world.asked(engine, begins=now - 5 * HOUR, ends=now - HOUR)
    done = drill_world.ended(engine)
    api = client("viewer1")
    states = {row["id"]: row["gate"] for row in api.get("/api/v1/drills/").json()["results"]}
    assert states == {early.pk: "prevented", over.pk: "invalid", done.pk: "prevented"}
    answer = client("approver1").post(
        f"/api/v1/drills/{over.pk}/approve/", {"hash": drill_world.shown_hash(over)}, format="json"
    )
    assert kind(answer)[0] == 409
    assert "Request the drill anew" in answer.json()["detail"]


def test_begin_is_accepted_and_a_signature_kept(engine):
    drill = drill_world.approved(engine)
    api = client("operator1")
    answer = api.post(f"/api/v1/drills/{drill.pk}/begin/")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    Run.objects.filter(pk=drill.run_id).update(status="succeeded", ended=timezone.now())
    assert api.post(f"/api/v1/drills/{drill.pk}/sign/", {"role": "operator"}, format="json").status_code == 202
    assert kind(api.post(f"/api/v1/drills/{drill.pk}/sign/", {"role": "reviewer"}, format="json"))[0] == 409


def test_readiness_is_told_with_its_ages(engine):
    api = client("viewer1")
    row = api.get(f"/api/v1/readiness/{engine.pk}/?plan=she_failover").json()
    assert (row["go"], row["why"], row["checks"][0]["word"]) == (True, "", "go")
    drill_world.ready(engine, age=4000)
    row = api.get(f"/api/v1/readiness/{engine.pk}/?plan=she_failover").json()
    assert row["go"] is False
    assert "counts no more" in row["why"]
    assert kind(api.get(f"/api/v1/readiness/{engine.pk}/?plan=x"))[0] == 422
    never = api.get(f"/api/v1/readiness/{engine.pk}/?plan=tabletop").json()
    assert (never["go"], never["at"], never["checks"]) == (False, None, [])
