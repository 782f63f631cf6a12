"""The pages on which drill plans are composed, without a script: every button, every refusal. And a step that is
ignored, a file that is attached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from failover.models import Attachment, ComposedPlan, Drill, Prompt
from failover.services import composed
from portal.runs.models import Run
from tests.failover.test_attaching import PNG_BYTES
from tests.failover.test_composed_plans import BREAKING, MORE, PAPER
from tests.ui import drill_world, world
from tests.ui.test_drill_pages import client
from tests.ui.test_pages import Reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(settings, tmp_path):
    settings.SECURE_SSL_REDIRECT = False
    settings.HOLDFAST_VAULT = tmp_path
    made = world.build("healthy")
    drill_world.people()
    return made


def clean(answer, status=200) -> str:
    text = answer.content.decode()
    assert answer.status_code == status, text[-2000:]
    read = Reader(text)
    assert not read.refused
    assert len(read.ids) == len(set(read.ids))
    return text


def form(entries, **more):
    """What the page of these steps sends."""
    return {
        "slug": "branch", "title": "Branch drill", "why": "", "based_on": "0", "add_at": "", "add_step": "ask_person",
        "step": [each["step"] for each in entries],
        "question": [each.get("question", "") for each in entries],
        "minutes": [str(each.get("minutes", "")) for each in entries],
        **more,
    }  # fmt: skip


def order(text: str) -> list[str]:
    return [line.split('value="')[1].split('"')[0] for line in text.split("<input")[1:] if 'name="step"' in line]


NAMES = [each["step"] for each in PAPER]


@pytest.mark.parametrize(
    ("act", "more", "expected"),
    [
        ("check", {}, NAMES),
        ("down-1", {}, [NAMES[1], NAMES[0]]),
        ("up-2", {}, [NAMES[1], NAMES[0]]),
        ("up-1", {}, NAMES),
        ("down-2", {}, NAMES),
        ("remove-1", {}, [NAMES[1]]),
        ("remove-9", {}, NAMES),
        ("remove-x", {}, NAMES),
        ("nonsense-1", {}, NAMES),
        ("add", {"add_step": "start_clock"}, [*NAMES, "start_clock"]),
        ("add", {"add_step": "start_clock", "add_at": "1"}, [NAMES[0], "start_clock", NAMES[1]]),
        ("add", {"add_step": "ask_person", "add_at": "0"}, ["ask_person", *NAMES]),
    ],
)
def test_every_button_gives_the_order_back_changed_and_keeps_nothing(engine, act, more, expected):
    text = clean(client("operator1").post("/drills/plans/new/", form(PAPER, act=act, **more)))
    assert order(text) == expected
    assert not ComposedPlan.objects.exists()


def test_the_check_says_why_an_order_is_not_safe_and_when_it_is(engine):
    web = client("operator1")
    text = clean(web.post("/drills/plans/new/", form(BREAKING[:-1], act="check")))
    assert "Not safe yet" in text
    assert "it lacks the closing checks at its end" in text
    assert "Nothing is wrong with it" in clean(web.post("/drills/plans/new/", form(BREAKING, act="check")))
    assert "Nothing is wrong with it" in clean(web.get("/drills/plans/new/?from=host_power_loss"))
    assert "there is nothing to drill" in clean(web.get("/drills/plans/new/?from=nobody"))


def test_a_plan_is_saved_changed_drilled_and_retired(engine):
    web = client("operator1")
    answer = web.post("/drills/plans/new/", form(PAPER, act="save"))
    assert answer["Location"] == "/drills/plans/custom-branch/"
    assert "Who calls the bank?" in clean(web.get(answer["Location"]))
    assert "Who calls the bank?" in clean(web.get("/drills/plans/custom-branch/edit/"))
    refused = web.post("/drills/plans/custom-branch/edit/", form(MORE, act="save", based_on="1"))
    assert "Say why the plan is changed" in clean(refused, 422)
    assert "Who calls the regulator?" in clean(refused, 422), "what was typed is still there"
    sent = form(MORE, act="save", based_on="1", why="The regulator was missing.")
    assert web.post("/drills/plans/custom-branch/edit/", sent).status_code == 302
    assert "has saved version 2 meanwhile" in clean(web.post("/drills/plans/custom-branch/edit/", sent | {
        "title": "Another"}), 409)  # fmt: skip
    text = clean(web.get("/drills/plans/custom-branch/"))
    assert "The regulator was missing." in text
    assert "2 steps" in text
    assert "Branch drill" in clean(web.get("/drills/"))
    assert "custom-branch" in clean(web.get("/drills/schedules/new/"))
    assert "Who calls the regulator?" in clean(web.get(f"/drills/new/{engine.pk}/custom-branch/"))
    asked = web.post(f"/drills/new/{engine.pk}/custom-branch/", {
        "begins": _at(1), "ends": _at(5), "rto": "300", "people": "", "key": "k",
    })  # fmt: skip
    drill = Drill.objects.get()
    assert asked["Location"] == f"/drills/{drill.pk}/"
    text = clean(web.get(asked["Location"]))
    assert "custom-branch, version 2" in text
    assert 'href="/drills/plans/custom-branch/#version-2"' in text, "an approver reads the questions in full"
    assert "Say why" in clean(web.post("/drills/plans/custom-branch/retire/", {"why": ""}), 422)
    assert web.post("/drills/plans/custom-branch/retire/", {"why": "Closed."}).status_code == 302
    assert "Closed." in clean(web.get("/drills/plans/custom-branch/"))
    assert "Retired" in clean(web.get("/drills/plans/"))
    assert web.get("/drills/plans/custom-branch/edit/").status_code == 404
    assert web.get(f"/drills/new/{engine.pk}/custom-branch/").status_code == 404
    assert "custom-branch, version 2" in clean(web.get(asked["Location"]))


def _at(hours):
    return f"{timezone.localtime() + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def test_who_may_not_compose_reads(engine):
    composed.create("branch", "Branch drill", PAPER, "operator1")
    web = client("approver1")
    assert "Compose a plan" not in clean(web.get("/drills/plans/"))
    assert "An operator changes it." in clean(web.get("/drills/plans/custom-branch/"))
    assert web.get("/drills/plans/new/").status_code == 403
    assert web.post("/drills/plans/custom-branch/retire/", {"why": "x"}).status_code == 403
    assert web.get("/drills/plans/nobody/").status_code == 404
    assert client("operator1").post("/drills/plans/nobody/retire/", {"why": "x"}).status_code == 404


def test_what_people_write_is_shown_as_text(engine):
    entries = [PAPER[0], {**PAPER[1], "question": "<script>alert(1)</script>"}]
    composed.create("branch", "<b>Branch</b>", entries, "operator1", "<i>why</i>")
    web = client("operator1")
    for url in ("/drills/plans/", "/drills/plans/custom-branch/", "/drills/plans/custom-branch/edit/", "/drills/"):
        text = clean(web.get(url))
        assert "<script>alert" not in text
        assert "<b>Branch" not in text
        assert "<i>why" not in text


def test_the_pages_stay_within_their_queries(engine, django_assert_max_num_queries):
    for number in range(5):
        composed.create(f"plan-{number}", "Plan", PAPER, "operator1")
    web = client("operator1")
    with django_assert_max_num_queries(12):
        clean(web.get("/drills/plans/"))
    with django_assert_max_num_queries(14):
        clean(web.get("/drills/"))


@pytest.fixture
def held(engine):
    """A drill whose seventh step failed and waits for a decision."""
    drill = drill_world.running(engine)
    row = drill.run.steps.get(name="wait_scores_back")
    drill.run.steps.filter(position__lt=row.position).update(state="done")
    now = timezone.now()
    drill.run.steps.filter(pk=row.pk).update(
        state="held", began=now, ended=now, deadline=now + timedelta(minutes=10), sentence="kvm01 has score 0."
    )
    Run.objects.filter(pk=drill.run_id).update(status="waiting", due_at=now + timedelta(minutes=10))
    return drill


def test_a_failed_step_is_ignored_by_another_person_with_a_reason(held):
    url = f"/runs/{held.run_id}/ignore/7/"
    operator, approver = client("operator1"), client("approver1")
    text = clean(operator.get(f"/drills/{held.pk}/"))
    assert "waits for a decision" in text
    assert "Retry step 7" in text
    assert "A person with the role Approver, other than operator1, may ignore it." in text
    assert operator.get(url).status_code == 403
    assert url in clean(approver.get(f"/drills/{held.pk}/"))
    assert "Ignore this failed step?" in clean(approver.get(url))
    assert "Say why" in clean(approver.post(url, {"reason": " "}), 409)
    assert approver.post(url, {"reason": "kvm01 is being repaired."}).status_code == 302
    text = clean(approver.get(f"/drills/{held.pk}/"))
    assert "Ignored by approver1" in text
    assert "kvm01 is being repaired." in text
    assert "Nothing waits for a decision" in clean(approver.get(url))
    assert "no decision on it is waited for" in clean(approver.post(url, {"reason": "again"}), 409)
    assert approver.get(f"/runs/{held.run_id}/ignore/99/").status_code == 404


def test_an_answer_takes_a_file_and_gives_it_back(engine):
    drill = drill_world.running(engine)
    prompt = Prompt.objects.create(drill=drill, step="x", question="Dark?", asked_at=timezone.now())
    web, url = client("operator1"), f"/drills/{drill.pk}/prompts/{prompt.pk}/"
    assert 'type="file"' in clean(web.get(f"/drills/{drill.pk}/"))
    given = {"answer": "done", "seen": "It is dark.", "file": SimpleUploadedFile("a.png", b"MZ\x00")}
    assert "neither a PNG or JPEG picture" in clean(web.post(url, given), 422)
    given["file"] = SimpleUploadedFile("led.png", PNG_BYTES)
    assert web.post(url, given).status_code == 302
    file = Attachment.objects.get()
    assert "led.png" in clean(web.get(f"/drills/{drill.pk}/"))
    answer = client("approver1").get(f"/drills/{drill.pk}/attachments/{file.pk}/")
    assert (answer.content, answer["X-Content-Type-Options"]) == (PNG_BYTES, "nosniff")
    assert answer["Content-Disposition"] == 'attachment; filename="led.png"'
    assert web.get(f"/drills/{drill.pk}/attachments/{file.pk + 1}/").status_code == 404
    assert web.get(f"/drills/{drill.pk + 1}/attachments/{file.pk}/").status_code == 404
    next(_kept(drill)).write_bytes(b"other")
    answer = web.get(f"/drills/{drill.pk}/attachments/{file.pk}/", follow=True)
    assert "is not what was attached" in answer.content.decode()


def _kept(drill):
    from django.conf import settings

    return (settings.HOLDFAST_VAULT / str(drill.run.ref) / "attachments").iterdir()
