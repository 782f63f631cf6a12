"""The pages of drills in every state: clean under the CSP, true, and every act with its refusal."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from failover.models import Blackout, Drill, Missed, Prompt, Schedule, Span
from failover.services import approvals
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.ui import drill_world, world
from tests.ui.test_pages import Reader

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def engine(settings):
    settings.SECURE_SSL_REDIRECT = False
    made = world.build("healthy")
    drill_world.people()
    return made


def client(name: str) -> Client:
    from django.contrib.auth.models import User

    made = Client()
    made.force_login(User.objects.get(username=name))
    return made


def fresh(drill) -> Drill:
    return Drill.objects.select_related("run", "engine").get(pk=drill.pk)


def scene_empty(engine):
    return None


def scene_awaiting(engine):
    return drill_world.asked(engine, people=[{"name": "Anna", "role": "observer", "present": None}])


def scene_ready(engine):
    drill_world.ready(engine)
    return drill_world.approved(engine)


def scene_void(engine):
    drill = drill_world.approved(engine)
    Run.objects.filter(pk=drill.run_id).update(change="<b>CHG</b>")
    return drill


def scene_expired(engine):
    now = timezone.now()
    return drill_world.asked(engine, begins=now - 3 * HOUR, ends=now - HOUR)


def scene_running(engine):
    drill = drill_world.running(engine)
    now = timezone.now()
    Prompt.objects.create(drill=drill, step="cut_power", question="Cut the power of kvm01.", asked_at=now)
    Span.objects.create(
        drill=drill, service="oradb01", up=True, boot="b", began_mono=1.0, last_mono=100.0, began=now - HOUR, last=now,
        questions=100, widest=1.1,
    )  # fmt: skip
    return drill


def scene_ended(engine):
    return drill_world.ended(engine)


def scene_failed(engine):
    return drill_world.ended(engine, status="failed", word="not met")


SCENES = {name.removeprefix("scene_"): deed for name, deed in list(globals().items()) if name.startswith("scene_")}


def calendar(engine):
    now = timezone.now()
    row = Schedule.objects.create(
        engine=engine, plan="she_failover", cron="0 22 1 * *", zone="Africa/Nairobi", decided_to=now,
        decided_by="operator1", objectives=drill_world.OBJECTIVES, notify=["Anna", "Bert"],
    )  # fmt: skip
    Missed.objects.create(schedule=row, due_at=now - HOUR, noticed_at=now, sentence="Nobody approved it.")
    Blackout.objects.create(title="Month end", begins=now + HOUR, ends=now + 5 * HOUR)
    return row


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", [pytest.param("operator1", marks=pytest.mark.matrix), "approver1"])
def test_every_page_is_clean_in_every_state(engine, scene, name):
    drill = SCENES[scene](engine)
    row = calendar(engine)
    paths = ["/drills/", "/drills/calendar/", "/drills/schedules/new/", f"/drills/schedules/{row.pk}/"]
    paths += [f"/drills/schedules/new/{engine.pk}/fabric_path_loss/", "/drills/blackouts/new/"]
    paths += [f"/drills/new/{engine.pk}/she_failover/", f"/drills/new/{engine.pk}/tabletop/"]
    if drill is not None:
        paths += [f"/drills/{drill.pk}/", f"/drills/{drill.pk}/?lines=all", f"/drills/{drill.pk}/begin/"]
    for path in paths:
        answer = client(name).get(path)
        assert answer.status_code in (200, 403), path
        page = Reader(answer.content.decode())
        assert page.refused == [], path
        assert all(page.scripts), path
        if answer.status_code == 200:
            assert page.headings.count("h1") == 1, path
            assert len(page.ids) == len(set(page.ids)), path
            nameless = [f for f in page.fields if not (f.get("id") in page.labelled or f["inside"])]
            assert nameless == [], path


WORDS = {
    "awaiting": ("waiting", "awaiting approval"),
    "ready": ("ok", "approved, not begun"),
    "void": ("fail", "approval void"),
    "expired": ("warn", "expired"),
    "running": ("running", "step"),
    "ended": ("ok", "every objective met"),
    "failed": ("fail", "failed"),
}


@pytest.mark.parametrize("scene", WORDS)
def test_the_title_says_how_it_stands(engine, scene):
    drill = SCENES[scene](engine)
    page = client("operator1").get(f"/drills/{drill.pk}/")
    state, words = WORDS[scene]
    assert page.context["state"] == state
    assert words in page.context["headline"]


def test_the_overview_and_the_navigation_say_when_failover_was_last_proven(engine):
    reader = client("operator1")

    def tile():
        return next(one for one in reader.get("/").context["tiles"] if "last proven" in one.question)

    assert (tile().state, tile().answer) == ("unknown", "Not known")
    drill_world.ended(engine, word="not met")
    assert tile().state == "unknown"
    drill_world.ended(engine, age=timedelta(days=100))
    assert (tile().state, tile().answer) == ("fail", "100 days ago")
    section = next(one for one in reader.get("/").context["frame"].sections if one.key == "drills")
    assert section.worst == "fail"
    drill_world.ended(engine, age=timedelta(days=12))
    assert (tile().state, tile().answer) == ("ok", "12 days ago")
    assert reader.get("/drills/").context["headline"] == "Failover was proven 12 days ago"
    Schedule.objects.create(
        engine=engine, plan="she_failover", decided_to=timezone.now(), overdue_days=10, decided_by="operator1"
    )
    assert tile().state == "fail"


def test_a_drill_is_asked_for_approved_by_another_and_begun(engine):
    drill_world.ready(engine)
    now = timezone.localtime()
    host = engine.hosts.order_by("he_host_id").first()
    form = {
        "p_on": host.pk, "rto": 300, "change": "CHG0034817", "people": "Anna, observer\nBert",
        "begins": f"{now + HOUR:%Y-%m-%dT%H:%M}", "ends": f"{now + 6 * HOUR:%Y-%m-%dT%H:%M}",
        "scenario": "kvm01 fails", "key": "k1", "announced": "on",
    }  # fmt: skip
    operator, approver = client("operator1"), client("approver1")
    url = f"/drills/new/{engine.pk}/she_failover/"
    answer = operator.post(url, form)
    assert answer.status_code == 302, answer.context["mistakes"]
    drill = Drill.objects.get()
    assert answer["Location"] == f"/drills/{drill.pk}/"
    assert operator.post(url, form)["Location"] == answer["Location"]
    assert (Drill.objects.count(), drill.run.status) == (1, "awaiting_approval")
    assert drill.people[1] == {"name": "Bert", "role": "involved", "present": None}
    assert drill.objectives[0]["seconds"] == 300
    page = approver.get(answer["Location"])
    card = page.context["card"]
    given = {"hash": card.hash, "content": card.content}
    assert operator.post(f"{answer['Location']}approve/", given).status_code == 403
    assert approver.post(f"{answer['Location']}approve/", given).status_code == 302
    assert approver.post(f"{answer['Location']}begin/").status_code == 403
    early = operator.post(f"{answer['Location']}begin/", {"typed": engine.name})
    assert (early.status_code, "begins at" in early.content.decode()) == (409, True)
    # moved by hand: the approval is of another window
    Drill.objects.update(window_begins=now - HOUR)
    late = operator.post(f"{answer['Location']}begin/", {"typed": engine.name})
    assert (late.status_code, "void" in late.content.decode()) == (409, True)
    card = approver.get(answer["Location"]).context["card"]
    assert card.standing.state == "void"
    assert (
        approver.post(f"{answer['Location']}approve/", {"hash": card.hash, "content": card.content}).status_code == 302
    )
    assert operator.post(f"{answer['Location']}begin/", {"typed": "other"}).status_code == 422
    assert operator.post(f"{answer['Location']}begin/", {"typed": engine.name}).status_code == 302
    assert fresh(drill).run.status == "queued"
    assert {"drill.requested", "drill.approved", "drill.begun"} <= set(Record.objects.values_list("kind", flat=True))


def test_an_approver_who_asked_sees_why_and_is_refused(engine):
    drill = drill_world.asked(engine, by="approver1")
    approver = client("approver1")
    page = approver.get(f"/drills/{drill.pk}/")
    assert not page.context["card"].may_approve
    assert "another person approves it" in page.content.decode()
    answer = approver.post(f"/drills/{drill.pk}/approve/", {"hash": drill_world.shown_hash(drill)})
    assert answer.status_code == 409
    assert "another person approves it" in answer.content.decode()
    assert approver.post(f"/runs/{drill.run_id}/approve/", {"digest": drill.run.digest}).status_code == 302
    assert fresh(drill).run.status == "awaiting_approval"


def test_what_changed_since_it_was_shown_is_named(engine):
    drill = drill_world.asked(engine)
    approver = client("approver1")
    card = approver.get(f"/drills/{drill.pk}/").context["card"]
    Run.objects.filter(pk=drill.run_id).update(change="CHG0099999")
    given = {"hash": card.hash, "content": card.content}
    answer = approver.post(f"/drills/{drill.pk}/approve/", given)
    assert answer.status_code == 409
    assert "Change number was CHG0034817 and is CHG0099999" in answer.content.decode()
    assert json.loads(card.content)["change"] == "CHG0034817"
    assert approvals.standing(fresh(drill), timezone.now()).state == "awaiting"


def test_a_prompt_is_answered_once_with_what_was_seen(engine):
    drill = scene_running(engine)
    prompt = drill.prompts.get()
    operator = client("operator1")
    url = f"/drills/{drill.pk}/prompts/{prompt.pk}/"
    assert operator.post(url, {"answer": "done", "seen": " "}).status_code == 422
    assert operator.post(url, {"answer": "done", "seen": "The LED is off.", "attachment": "a line"}).status_code == 302
    assert operator.post(url, {"answer": "not_done", "seen": "x"}).status_code == 409
    prompt.refresh_from_db()
    assert (prompt.answer, prompt.by, prompt.seen) == ("done", "operator1", "The LED is off.")
    assert "The LED is off." in operator.get(f"/drills/{drill.pk}/").content.decode()
    assert operator.post(f"/drills/{drill.pk}/prompts/99/", {}).status_code == 404


def test_after_the_end_issues_and_signatures_are_kept(engine):
    drill = drill_world.ended(engine)
    operator = client("operator1")
    bad = {"title": "x", "severity": "low", "due": "soon"}
    assert operator.post(f"/drills/{drill.pk}/issues/", bad).status_code == 422
    assert operator.post(f"/drills/{drill.pk}/issues/", {"title": "Slow", "severity": "low"}).status_code == 302
    assert operator.post(f"/drills/{drill.pk}/sign/", {"role": "operator", "words": "ok"}).status_code == 302
    assert operator.post(f"/drills/{drill.pk}/sign/", {"role": "reviewer"}).status_code == 409
    text = operator.get(f"/drills/{drill.pk}/").content.decode()
    assert "Slow" in text
    assert "operator1, operator" in text


def test_a_broken_glass_shows_on_every_page(engine):
    drill = drill_world.approved(engine)
    reason = "The proof is needed before the memory is changed tonight."
    url = f"/drills/{drill.pk}/break-glass/"
    assert client("operator1").post(url, {"act": "ask", "reason": reason}).status_code == 302
    assert client("operator1").post(url, {"act": "confirm"}).status_code == 409
    assert reason not in client("operator1").get("/hosts/").content.decode()
    assert client("approver1").post(url, {"act": "confirm"}).status_code == 302
    assert reason in client("operator1").get("/hosts/").content.decode()


def test_calendar_is_saved_with_its_record(engine):
    operator = client("operator1")
    form = {
        "p_fabric": "B", "p_watch_seconds": "90", "cron": "0 22 * * 6", "zone": "Africa/Nairobi", "minutes": 240,
        "overdue_days": 95, "people": "Anna\nBert", "rto": 300, "enabled": "on",
    }  # fmt: skip
    new = f"/drills/schedules/new/{engine.pk}/fabric_path_loss/"
    assert operator.post(new, {**form, "cron": "never"}).status_code == 422
    assert operator.post(new, {**form, "p_fabric": ""}).status_code == 422
    assert operator.post(new, form).status_code == 302
    row = Schedule.objects.get()
    assert row.parameters == {"fabric": "B", "watch_seconds": 90}
    same = operator.get(f"/drills/schedules/{row.pk}/").content.decode()
    assert 'value="B"' in same
    assert 'value="90"' in same
    assert operator.get(f"/drills/schedules/new/{engine.pk}/no_such_plan/").status_code == 404
    assert (row.decided_by, row.notify) == ("operator1", ["Anna", "Bert"])
    assert Record.objects.filter(kind="drill.schedule_saved", actor="operator1").exists()
    now = timezone.localtime()
    bad = {"title": "Peak", "begins": f"{now:%Y-%m-%dT%H:%M}", "ends": f"{now - HOUR:%Y-%m-%dT%H:%M}"}
    assert operator.post("/drills/blackouts/new/", bad).status_code == 422
    assert operator.post("/drills/blackouts/new/", {**bad, "ends": f"{now + HOUR:%Y-%m-%dT%H:%M}"}).status_code == 302
    blackout = Blackout.objects.get()
    assert operator.post(f"/drills/blackouts/{blackout.pk}/remove/").status_code == 403
    assert client("approver1").post(f"/drills/blackouts/{blackout.pk}/remove/").status_code == 302
    assert not Blackout.objects.exists()
