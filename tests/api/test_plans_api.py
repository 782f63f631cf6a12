"""Composed drill plans, decisions on failed steps, attached files over the API: who may, what is refused, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from failover.models import Attachment, Drill, PlanVersion, Prompt
from portal.access.roles import ROLES
from portal.runs.models import Run
from tests.api.test_drills_api import client, kind
from tests.failover.test_attaching import PNG_BYTES
from tests.failover.test_composed_plans import BREAKING, MORE, PAPER
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
URL = "/api/v1/drill-plans/"


@pytest.fixture
def engine(settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path
    made = world.build("healthy")
    drill_world.people()
    return made


def create(api, **more):
    wish = {"name": "branch", "title": "Branch drill", "steps": PAPER, "why": "", **more}
    return api.post(URL, wish, format="json")


def test_a_plan_is_composed_checked_changed_and_retired(engine):
    api = client("operator1")
    steps = {row["step"]: row for row in api.get(f"{URL}steps/").json()}
    assert steps["stop_agent"]["does"] == "takes the HA agent away, has an undo"
    assert "ask_person" in steps
    assert "mode_set" not in steps
    told = api.post(f"{URL}check/", {"steps": BREAKING[:-1]}, format="json").json()
    assert told["safe"] is False
    assert any("closing checks" in sentence for sentence in told["reasons"])
    assert api.post(f"{URL}check/", {"steps": BREAKING}, format="json").json() == {"safe": True, "reasons": []}
    answer = create(api)
    assert (answer.status_code, answer["Location"]) == (201, f"{URL}custom-branch/")
    assert answer.json()["versions"][0]["steps"] == PAPER
    assert kind(create(api)) == (409, "conflict")
    assert "no name for a plan" in create(api, name="?").json()["detail"]
    bad = create(api, name="other", steps=BREAKING[:-1])
    assert kind(bad)[0] == 422
    assert "it lacks the closing checks" in bad.json()["detail"]
    assert kind(create(api, name="third", steps=[{"steps": 1}]))[0] == 400
    change = {"title": "Branch drill", "steps": MORE, "based_on": 1, "why": "More."}
    made = api.post(f"{URL}custom-branch/versions/", change, format="json")
    assert (made.status_code, [row["number"] for row in made.json()["versions"]]) == (201, [2, 1])
    late = api.post(f"{URL}custom-branch/versions/", {**change, "steps": PAPER}, format="json")
    assert kind(late)[0] == 409
    assert "has saved version 2 meanwhile" in late.json()["detail"]
    assert [row["usable"] for row in api.get(URL).json()["results"]] == [""]
    gone = api.post(f"{URL}custom-branch/retire/", {"why": "Closed."}, format="json")
    assert (gone.status_code, gone.json()["usable"]) == (200, "It is retired.")
    assert api.get(f"{URL}custom-branch/").json()["retired_why"] == "Closed."
    assert api.get(f"{URL}custom-nobody/").status_code == 404
    assert PlanVersion.objects.count() == 2


def test_a_composed_plan_is_asked_for_like_a_built_in_one(engine):
    api = client("operator1")
    create(api)
    now = timezone.now()
    window = {"start": (now + timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=5)).isoformat()}
    wish = {"engine": engine.pk, "plan": "custom-branch", "change": {"number": "CHG1", "window": window}}
    answer = api.post("/api/v1/drills/", wish, format="json", HTTP_IDEMPOTENCY_KEY="k")
    assert answer.status_code == 202, answer.content
    row = answer.json()
    assert (row["plan"], row["kind"], row["status"]) == ("custom-branch", "tabletop", "awaiting_approval")
    drill = Drill.objects.get()
    body = {"hash": drill_world.shown_hash(drill)}
    assert client("approver1").post(f"/api/v1/drills/{drill.pk}/approve/", body, format="json").status_code == 200
    assert api.get(f"/api/v1/readiness/{engine.pk}/?plan=custom-branch").status_code == 200
    assert api.get(f"/api/v1/readiness/{engine.pk}/?plan=custom-none").status_code == 422


def test_only_who_composes_may_compose(engine):
    create(client("operator1"))
    for role in ROLES:
        api = client(f"{role}7")
        assert api.get(URL).status_code == 200, role
        may = "drill.compose" in ROLES[role].acts
        for url in (URL, f"{URL}check/", f"{URL}custom-branch/versions/", f"{URL}custom-branch/retire/"):
            assert (api.post(url, {}, format="json").status_code == 403) is not may, (role, url)


@pytest.fixture
def held(engine):
    drill = drill_world.running(engine)
    now = timezone.now()
    row = drill.run.steps.get(name="wait_scores_back")
    drill.run.steps.filter(position__lt=row.position).update(state="done")
    drill.run.steps.filter(pk=row.pk).update(state="held", began=now, ended=now, deadline=now + timedelta(minutes=9))
    Run.objects.filter(pk=drill.run_id).update(status="waiting", due_at=now + timedelta(minutes=9))
    return drill


def ignore(api, drill, position=7, reason="It is being repaired."):
    given = {"position": position, "reason": reason}
    return api.post(f"/api/v1/runs/{drill.run_id}/ignore/", given, format="json")


def test_a_second_person_ignores_a_failed_step(held):
    assert ignore(client("operator1"), held).status_code == 403
    api = client("approver1")
    assert kind(ignore(api, held, 8))[0] == 409
    assert kind(ignore(api, held, reason=""))[0] == 400
    answer = ignore(api, held)
    assert answer.status_code == 202, answer.content
    step = answer.json()["steps"][6]
    assert (step["state"], step["ignored_by"], step["ignored_why"]) == (
        "ignored", "approver1", "It is being repaired.",
    )  # fmt: skip
    assert kind(ignore(api, held))[0] == 409


def test_whoever_asked_does_not_ignore_even_as_an_approver(held):
    Run.objects.filter(pk=held.run_id).update(requested_by="approver1")
    answer = ignore(client("approver1"), held)
    assert kind(answer)[0] == 409
    assert "another person" in answer.json()["detail"]


def test_a_held_step_is_retried(held):
    answer = client("operator1").post(f"/api/v1/runs/{held.run_id}/retry/", {"position": 7}, format="json")
    assert (answer.status_code, answer.json()["steps"][6]["attempt"]) == (202, 2)


def test_an_answer_takes_a_file(engine):
    drill = drill_world.running(engine)
    prompt = Prompt.objects.create(drill=drill, step="x", question="Dark?", asked_at=timezone.now())
    api, url = client("operator1"), f"/api/v1/drills/{drill.pk}/prompts/{prompt.pk}/"
    bad = {"answer": "done", "seen": "Dark.", "file": SimpleUploadedFile("a.png", b"MZ\x00")}
    answer = api.post(url, bad, format="multipart")
    assert kind(answer)[0] == 422
    assert "neither a PNG or JPEG picture" in answer.json()["detail"]
    good = {"answer": "done", "seen": "Dark.", "file": SimpleUploadedFile("led.png", PNG_BYTES)}
    assert api.post(url, good, format="multipart").status_code == 202
    file = Attachment.objects.get()
    got = client("viewer1").get(f"/api/v1/drills/{drill.pk}/attachments/{file.pk}/")
    assert (got.status_code, got.content, got["X-Content-Type-Options"]) == (200, PNG_BYTES, "nosniff")
    assert got["Content-Disposition"] == 'attachment; filename="led.png"'
    assert api.get(f"/api/v1/drills/{drill.pk}/attachments/{file.pk + 1}/").status_code == 404
    prompt2 = Prompt.objects.create(drill=drill, step="y", question="Off?", asked_at=timezone.now())
    said = {"answer": "not_done", "seen": "No."}
    url2 = f"/api/v1/drills/{drill.pk}/prompts/{prompt2.pk}/"
    assert api.post(url2, said, format="json").status_code == 202
    assert kind(api.post(url2, said, format="json"))[0] == 409
    next(_vault(drill).iterdir()).unlink()
    lost = api.get(f"/api/v1/drills/{drill.pk}/attachments/{file.pk}/")
    assert kind(lost)[0] == 409
    assert "Bring it back from its backup" in lost.json()["detail"]


def _vault(drill):
    from django.conf import settings

    return settings.HOLDFAST_VAULT / str(drill.run.ref) / "attachments"
