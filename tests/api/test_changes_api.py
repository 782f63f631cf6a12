"""Changes over the API: `change` on acts, the gate in problems, one key for one thing, edits with If-Match, limits, the
calendar's answers and the feed of what happened."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

import portal.api
from backups.models import Policy
from failover.models import Blackout, Drill, Readiness, Window
from inventory.models import Engine, Host, Site
from portal.access.models import Idempotency
from portal.access.roles import ROLES
from portal.access.services import create_token, give_role
from portal.changes.asked import Asked
from portal.changes.models import Change, ChangeNote, ChangeSystem, Wish
from portal.changes.services import bind, look, note
from portal.changes.services.delivering import deliver_due
from portal.evidence import services as evidence
from portal.kernel.change import ChangeRefused, ChangeUnreachable, Gate
from portal.kernel.secret import Secret
from portal.runs.models import Run
from tests.changes.conftest import fake, system  # noqa: F401
from tests.fixtures_runs import host, mark, plan, plans  # noqa: F401

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
assert portal.api.router.registry, "loaded before any test replaces the plans that it was loaded with"


@pytest.fixture(autouse=True)
def no_counts():
    cache.clear()


def client(role: str, name: str = "") -> APIClient:
    user, made = User.objects.get_or_create(username=name or f"{role}1")
    if made:
        give_role(user, role, "test")
    _, secret = create_token(user, f"t{user.tokens.count()}", sorted(ROLES[role].acts), 30, "test")
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret.reveal()}")
    return api


def kind(answer) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, answer.json()["type"].removeprefix("/api/problems/")


@pytest.fixture
def estate(db):
    engine = Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm", url="https://olvm/api", username="a", password=Secret("x")
    )
    Host.objects.create(engine=engine, uuid="1", name="kvm1", address="kvm1")
    return engine


@pytest.fixture
def acting(estate, host, plans, system, settings):  # noqa: F811
    """A plan that changes something, on a host of PROD."""
    plans["trial"] = plan(mark("one", expected=30))
    return {"plan": "trial", "target": f"host:{estate.hosts.get().pk}", "parameters": {}}


def start(api, body, key="k1", **headers):
    return api.post("/api/v1/runs/", body, format="json", headers={"Idempotency-Key": key, **headers})


def change(**fields):
    now = timezone.now()
    given = {
        "system": "snow", "number": "CHG1", "sys_id": "id-CHG1", "ci": ["olvm"], "type": "normal",
        "window": {"start": (now - HOUR / 2).isoformat(), "end": (now + 2 * HOUR).isoformat()},
        "approval": "approved",
    }  # fmt: skip
    return {**given, **fields}


def test_an_act_is_started_when_its_change_allows_it_and_only_then(acting, fake):  # noqa: F811
    api = client("operator")
    fake.put("CHG1", Gate.AWAITING, sentence="CHG1 awaits the board.")
    body = {**acting, "change": change()}
    refused = start(api, body)
    assert kind(refused) == (409, "change-prevents"), "an approval that somebody sends is not believed"
    assert refused.json()["detail"] == "CHG1 awaits the board."
    fake.put("CHG1", Gate.ALLOWED)
    Change.objects.update(seen_at=timezone.now() - timedelta(minutes=1), tried_at=None)
    begun = start(api, body, **{"X-Request-Id": "request-0001"})
    assert (begun.status_code, begun["Retry-After"]) == (202, "2")
    row = begun.json()
    assert begun["Location"] == f"/api/v1/runs/{row['id']}/"
    assert (row["change"], row["change_asked"]["ci"], row["request_id"]) == ("CHG1", ["olvm"], "request-0001")
    assert start(api, body)["Location"] == begun["Location"], "the same again gives the same"
    assert Run.objects.count() == 1


def test_one_key_means_one_thing_wherever_it_is_taken(acting, fake, system):  # noqa: F811
    api = client("operator")
    fake.put("CHG1")
    body = {**acting, "change": change()}
    assert start(api, body).status_code == 202
    assert kind(start(api, {**body, "change": change(ci=["olvm", "x"])})) == (422, "idempotency-key-reused")
    other = api.post("/api/v1/backups/1/verify/", {}, format="json", headers={"Idempotency-Key": "k1"})
    assert other.status_code == 404, "what is not there comes first"
    wish = {"system": "snow", "short": "Drill", "window": change()["window"]}
    asked = api.post("/api/v1/changes/", wish, format="json", headers={"Idempotency-Key": "k1"})
    assert kind(asked) == (422, "idempotency-key-reused")
    assert kind(start(api, body, "k" * 201)) == (422, "unprocessable")
    assert start(client("operator", "another1"), {**body, "plan": "none"}, "k1").status_code == 422


def test_a_change_is_text_or_an_object_and_nothing_else(acting, fake):  # noqa: F811
    api = client("operator")
    fake.put("CHG1")
    for wrong in (
        7,
        ["CHG1"],
        {"number": ["x"]},
        {"window": {"start": "x"}},
        {"type": "odd"},
        {"ci": "olvm"},
        "C" * 99,
    ):
        assert kind(start(api, {**acting, "change": wrong}, "w")) == (400, "invalid"), wrong
    late = {"start": timezone.now().isoformat(), "end": (timezone.now() - HOUR).isoformat()}
    assert start(api, {**acting, "change": change(window=late)}, "w").status_code == 400
    odd = {"start": "0001-01-01T00:00:00+14:00", "end": "9999-12-31T23:59:59-12:00"}
    assert start(api, {**acting, "change": change(window=odd)}, "w").status_code == 400
    assert kind(start(api, {**acting, "change": change(system="jira")}, "x")) == (422, "unprocessable")
    assert start(api, {**acting, "change": None}, "y").status_code == 202
    Run.objects.update(status="aborted")
    assert start(api, {**acting, "change": "CHG1"}, "z").json()["change"] == "CHG1"


def test_a_change_is_asked_for_there_and_decided_there(fake, system):  # noqa: F811
    api = client("operator")
    wish = {"system": "snow", "short": "Drill of olvm", "ci": ["olvm"], "window": change()["window"]}
    assert kind(client("viewer").post("/api/v1/changes/", wish, format="json")) == (403, "not-allowed")
    fake.errors["create"] = [ChangeUnreachable("snow does not answer.")]
    headers = {"Idempotency-Key": "c1"}
    assert kind(api.post("/api/v1/changes/", wish, format="json", headers=headers)) == (424, "other-system-failed")
    one = api.post("/api/v1/changes/", wish, format="json", headers=headers)
    assert (one.status_code, one.json()["gate"], one["Retry-After"]) == (202, "awaiting", "5")
    assert api.post("/api/v1/changes/", wish, format="json", headers=headers)["Location"] == one["Location"]
    assert kind(api.post("/api/v1/changes/", {**wish, "system": "jira"}, format="json")) == (422, "unprocessable")
    fake.put(one.json()["number"], Gate.ALLOWED)
    Change.objects.update(seen_at=timezone.now() - timedelta(minutes=1), tried_at=None)
    fake.clash = ("CHG9 works there.",)
    again = client("approver").post(f"{one['Location']}read-back/")
    assert (again.json()["gate"], again.json()["clashes"]) == ("allowed", ["CHG9 works there."])
    listed = client("change_system").get("/api/v1/changes/?gate=allowed").json()["results"]
    assert [(row["number"], row["window"]["end"][:4], row["undelivered"]) for row in listed] == [
        ("CHG0000001", str(timezone.now().year), 0)
    ]
    assert kind(api.get("/api/v1/changes/?gate=odd")) == (400, "invalid")


def test_what_was_not_delivered_is_told_and_tried_again(fake, system):  # noqa: F811
    api = client("operator")
    row = look(bind(Asked("CHG1"), "PROD", "anna", timezone.now()).pk)
    for word in ("one", "two", "three"):
        note(row, f"run:1:{word}", "run:1", word, timezone.now())
    fake.errors["note"] = [ChangeRefused("No."), ChangeRefused("No.")]
    deliver_due(timezone.now())
    url = f"/api/v1/changes/{row.pk}/"
    assert api.get(url).json()["undelivered"] == 2
    told = api.get(url + "notes/").json()["results"]
    assert [(one["sequence"], one["state"]) for one in told] == [(1, "dead"), (2, "dead"), (3, "delivered")]
    assert "content" not in told[0]
    assert api.post(url + "replay/", {"sequence": 2}, format="json").json() == {"replayed": 1}
    assert api.post(url + "give-up/", {"sequence": 1}, format="json").json()["state"] == "dropped"
    assert kind(api.post(url + "give-up/", {"sequence": 1}, format="json")) == (409, "conflict")
    assert kind(api.post(url + "give-up/", {"sequence": 9}, format="json")) == (404, "not-found")
    assert kind(client("viewer").post(url + "replay/", {"sequence": 1}, format="json")) == (403, "not-allowed")
    deliver_due(timezone.now())
    states = ChangeNote.objects.order_by("sequence").values_list("state", flat=True)
    assert list(states) == ["dropped", "delivered", "delivered"]


def test_a_change_system_is_edited_by_the_version_that_was_read(db, fake):  # noqa: F811
    admin = client("admin")
    wish = {
        "name": "jira", "kind": "jira", "url": "https://jira.bank.example", "account": "holdfast",
        "secret": "s3cret-of-tests", "options": {"project": "OPS"},
    }  # fmt: skip
    assert kind(client("operator").post("/api/v1/change-systems/", wish, format="json")) == (403, "not-allowed")
    for wrong in ({"url": "http://jira.bank.example"}, {"options": {"odd": "x"}}, {"kind": "odd"}, {"name": "a b"}):
        assert kind(admin.post("/api/v1/change-systems/", {**wish, **wrong}, format="json")) == (400, "invalid"), wrong
    made = admin.post("/api/v1/change-systems/", wish, format="json")
    assert (made.status_code, made["ETag"], made.json()["has_secret"]) == (201, '"v1"', True)
    assert "s3cret" not in made.content.decode()
    url = f"/api/v1/change-systems/{made.json()['id']}/"
    tag = admin.get(url)["ETag"]
    edit = {"required": "all"}
    assert kind(admin.patch(url, edit, format="json")) == (428, "precondition-required")
    assert kind(admin.patch(url, edit, format="json", headers={"If-Match": '"v9"'})) == (412, "precondition-failed")
    saved = admin.patch(url, edit, format="json", headers={"If-Match": tag})
    assert (saved.status_code, saved["ETag"], saved.json()["required"]) == (200, '"v2"', "all")
    assert kind(admin.patch(url, edit, format="json", headers={"If-Match": tag})) == (412, "precondition-failed")
    assert ChangeSystem.objects.get().secret.reveal() == "s3cret-of-tests", "what is left out stays"
    assert admin.post(url + "test/").json()["good"] is True
    key = admin.post(url + "rotate-key/")
    assert (len(key.json()["signing_key"]) > 30, key["Cache-Control"]) == (True, "no-store")
    assert kind(admin.post(url + "drop-former-key/")) == (409, "conflict")
    admin.post(url + "rotate-key/")
    assert admin.post(url + "drop-former-key/").json()["has_former_key"] is False


def test_a_gate_is_lifted_by_two(system):  # noqa: F811
    url = f"/api/v1/change-systems/{system.pk}/lift/"
    why = {"reason": "The change system burns and HA is away."}
    assert kind(client("operator").post(url, {"reason": "x"}, format="json")) == (422, "unprocessable")
    assert client("operator").post(url, why, format="json").json()["until"] is None
    assert kind(client("operator").post(url + "confirm/")) == (403, "not-allowed")
    assert client("approver").post(url + "confirm/").json()["confirmed_by"] == "approver1"
    assert kind(client("approver").post(url + "confirm/")) == (409, "conflict")


def test_a_lift_ends_before_its_time(system):  # noqa: F811
    url = f"/api/v1/change-systems/{system.pk}/lift/"
    operator, why = client("operator"), {"reason": "The change system burns and HA is away."}
    assert kind(operator.post(url + "end/")) == (409, "conflict")
    operator.post(url, why, format="json")
    client("approver").post(url + "confirm/")
    assert kind(client("viewer").post(url + "end/")) == (403, "not-allowed")
    assert kind(client("admin").post(url + "end/")) == (403, "not-allowed")
    ended = operator.post(url + "end/")
    assert (ended.status_code, ended.json()["ended_by"], bool(ended.json()["ended_at"])) == (200, "operator1", True)


def test_a_wrong_sys_id_is_the_requests_mistake_and_nothing_of_it_is_kept(acting, fake):  # noqa: F811
    api = client("operator")
    fake.put("CHG1")
    refused = start(api, {**acting, "change": change(sys_id="f" * 32)}, "k1")
    assert (kind(refused), "sys_id" in refused.json()["detail"]) == ((422, "unprocessable"), True)
    assert (Run.objects.count(), Change.objects.count()) == (0, 0)
    assert start(api, {**acting, "change": change()}, "k2").status_code == 202


def test_of_two_requests_with_one_key_at_one_time_the_other_is_told_to_come_again(acting, fake, monkeypatch):  # noqa: F811
    """The second arrives while the first asks the change system."""
    api, body = client("operator"), {**acting, "change": change()}
    fake.put("CHG1")
    read, others = fake.read, []

    def slow(key):
        if not others:
            others.append(None)
            others[0] = start(client("operator"), body)
        return read(key)

    monkeypatch.setattr(fake, "read", slow)
    assert start(api, body).status_code == 202
    assert (kind(others[0]), others[0]["Retry-After"]) == ((409, "in-progress"), "2")
    assert (start(api, body).status_code, Run.objects.count()) == (202, 1)


def test_a_key_whose_request_died_is_free_again(acting, fake):  # noqa: F811
    api, body = client("operator"), {**acting, "change": change()}
    fake.put("CHG1")
    assert start(api, body).status_code == 202
    Idempotency.objects.update(taken_until=timezone.now() + timedelta(seconds=60))
    assert kind(start(api, body)) == (409, "in-progress")
    for minutes in (-1, 60 * 24):
        Idempotency.objects.update(taken_until=timezone.now() + timedelta(minutes=minutes))
        assert start(api, body).status_code == 202, "also when the clock went back"


def test_one_key_makes_one_change_there_and_its_answer_may_be_lost(fake, system, monkeypatch):  # noqa: F811
    api = client("operator")
    wish = {"system": "snow", "short": "Drill of olvm", "ci": ["olvm"], "window": change()["window"]}
    make = fake.create

    def ask(key="c1"):
        return api.post("/api/v1/changes/", wish, format="json", headers={"Idempotency-Key": key})

    def lost(wanted):
        make(wanted)
        raise ChangeUnreachable("snow does not answer.", sent=True)

    monkeypatch.setattr(fake, "create", lost)
    assert kind(ask()) == (424, "other-system-failed")
    again = ask()
    assert (kind(again), int(again["Retry-After"]) > 1) == ((409, "in-progress"), True)
    Wish.objects.update(taken_until=None)
    assert ask().json()["number"] == "CHG0000001"
    assert len(fake.made) == 1
    assert [one["state"] for one in api.get("/api/v1/change-wishes/").json()["results"]] == ["made"]


def test_who_asks_too_often_waits(settings, db):
    settings.HOLDFAST_API_READS, settings.HOLDFAST_API_WRITES = 3, 1
    api = client("viewer")
    assert [api.get("/api/v1/changes/").status_code for _ in range(4)] == [200, 200, 200, 429]
    last = api.get("/api/v1/changes/")
    assert kind(last) == (429, "too-many-requests")
    assert 1 <= float(last["Retry-After"]) <= 60
    assert client("viewer", "another1").get("/api/v1/changes/").status_code == 200, "each person by himself"
    assert APIClient().get("/api/v1/changes/").status_code == 401


@pytest.fixture
def calendar(estate):
    """From now on: maintenance for an hour, a drill in 3 h, a blackout in 10 h; a backup at every full hour."""
    now = timezone.now()
    given = {"scope": "global", "state": "active", "change": "CHG7", "owner": "anna"}
    Window.objects.create(engine=estate, asked_at=now - HOUR, deadline=now + HOUR, **given)
    run = Run.objects.create(
        plan="she_failover", plan_version=1, title="Failover", target=f"she:{estate.pk}", target_name="olvm",
        digest="0", requested_by="anna", status="awaiting_approval", change="CHG8",
    )  # fmt: skip
    Drill.objects.create(
        engine=estate, run=run, plan="she_failover", title="Failover of olvm", requested_by="anna", requested_at=now,
        window_begins=now + 3 * HOUR, window_ends=now + 5 * HOUR,
    )  # fmt: skip
    Blackout.objects.create(title="Month end", begins=now + 10 * HOUR, ends=now + 12 * HOUR)
    Policy.objects.create(
        engine=estate, name="daily", cron=f"{(now + 7 * HOUR).minute} {(now + 7 * HOUR).hour} * * *", decided_to=now
    )
    return now


def asked(now, path, begin=0.0, end=24.0, **more):
    given = {"start": (now + begin * HOUR).isoformat(), "end": (now + end * HOUR).isoformat(), **more}
    return client("change_system").get(path, given)


def test_the_calendar_says_what_would_clash(calendar):
    answer = asked(calendar, "/api/v1/conflicts/", ci=["OLVM"]).json()
    assert [row["kind"] for row in answer["conflicts"]] == ["window", "drill", "backup", "blackout"]
    assert (answer["unknown"], answer["sentence"]) == ([], "4 conflicts.")
    assert [row["change"] for row in answer["conflicts"]] == ["CHG7", "CHG8", "", ""]
    drill = answer["conflicts"][1]
    assert client("viewer").get(drill["link"]).status_code == 200
    one = asked(calendar, "/api/v1/conflicts/", 3.5, 4, ci=["kvm1"]).json()
    assert [row["kind"] for row in one["conflicts"]] == ["drill"]
    own = asked(calendar, "/api/v1/conflicts/", 3.5, 4, ci=["PROD"], but="CHG8").json()
    assert (own["conflicts"], own["sentence"]) == ([], "Nothing is planned or under way in that time.")
    odd = asked(calendar, "/api/v1/conflicts/", ci=["web99"]).json()
    assert (odd["engines"], odd["unknown"], odd["conflicts"]) == ([], ["web99"], [])
    assert "Not known here, so nothing is said of them: web99." in odd["sentence"]
    every = asked(calendar, "/api/v1/conflicts/").json()
    assert len(every["conflicts"]) == 4


def test_a_window_that_is_overdue_holds_its_engine_until_somebody_leaves_it(calendar):
    Window.objects.update(overdue_at=calendar)
    row = asked(calendar, "/api/v1/conflicts/", 20, 21, ci=["olvm"]).json()["conflicts"][0]
    assert (row["kind"], row["ends"]) == ("window", None)


def test_questions_without_sense_are_told_so(calendar):
    for path in ("/api/v1/conflicts/", "/api/v1/free-slots/"):
        assert kind(asked(calendar, path, 5, 4, minutes=5)) == (400, "invalid")
        assert kind(asked(calendar, path, 0, 24 * 93, minutes=5)) == (400, "invalid")
        assert kind(asked(calendar, path, ci=["x" * 201], minutes=5)) == (400, "invalid")
    for start, end in (
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
        ("9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z"),
    ):
        for path in ("/api/v1/conflicts/", "/api/v1/free-slots/"):
            found = client("viewer").get(path, {"start": start, "end": end, "minutes": 5})
            assert kind(found) == (400, "invalid"), start
        assert kind(client("viewer").get("/api/v1/free-slots/", {"start": start, "minutes": 5})) == (400, "invalid")
    assert kind(client("viewer").get("/api/v1/conflicts/")) == (400, "invalid")
    assert kind(asked(calendar, "/api/v1/free-slots/")) == (400, "invalid")
    assert kind(asked(calendar, "/api/v1/free-slots/", plan="none")) == (422, "unprocessable")
    assert kind(client("viewer").get("/api/v1/free-slots/?start=x&minutes=5")) == (400, "invalid")
    assert kind(client("viewer").get("/api/v1/events/?after=-1")) == (400, "invalid")


def _hours(text, now):
    return round((datetime.fromisoformat(text) - now) / HOUR, 1)


def test_free_times_lie_between(calendar):
    answer = asked(calendar, "/api/v1/free-slots/", ci=["olvm"], minutes=100).json()
    hours = [[_hours(slot[side], calendar) for side in ("start", "end")] for slot in answer["slots"]]
    assert hours[0] == [1.0, 3.0]
    assert all(end - begin >= 1.6 for begin, end in hours)
    assert not any(begin < 11 < end or begin < 4 < end for begin, end in hours)
    assert asked(calendar, "/api/v1/free-slots/", ci=["web99"], minutes=5).json()["slots"] == [], "unknown is not free"
    by_plan = asked(calendar, "/api/v1/free-slots/", ci=["olvm"], plan="tabletop").json()
    assert by_plan["seconds"] > 0
    assert client("viewer").get("/api/v1/free-slots/?minutes=30").json()["slots"]


def test_readiness_of_all_engines_is_one_question(estate):
    assert client("change_system").get("/api/v1/readiness/").json() == [
        {"engine": estate.pk, "name": "olvm", "site": "PROD", "readiness": []}
    ]
    Readiness.objects.create(engine=estate, plan="tabletop", at=timezone.now() - 9 * HOUR, checks=[])
    (row,) = client("viewer").get("/api/v1/readiness/").json()
    assert (row["readiness"][0]["plan"], row["readiness"][0]["go"]) == ("tabletop", False)


def test_what_happened_is_read_in_order_and_nothing_comes_twice(calendar):
    drill = Drill.objects.get()
    run, subject = drill.run, f"drill:{drill.pk}"
    evidence.append("person.added", "x", "person:x", {})
    for what, about, body in (
        ("drill.requested", subject, {}),
        ("run.started", f"run:{run.pk}", {}),
        ("drill.approved", subject, {"by": "berta"}),
        ("drill.begun", subject, {}),
        ("run.step_done", f"run:{run.pk}", {"sentence": "It is done."}),
        ("run.step_held", f"run:{run.pk}", {"sentence": "CHG8 is cancelled."}),
        ("run.failed", f"run:{run.pk}", {"sentence": "No."}),
        ("run.ended", f"run:{run.pk}", {"status": "rolled_back", "sentence": "Undone."}),
        ("report.made", subject, {}),
        ("run.ended", "run:999999", {"status": "succeeded", "sentence": "All done.", "change": "CHG5"}),
        ("backup.done", "backup:20261126T010000", {}),
        ("change.note_held", "change:snow/CHG5", {"change": "CHG5"}),
        ("window.entered", f"window:{Window.objects.get().pk}", {"sentence": "Entered."}),
    ):  # fmt: skip
        evidence.append(what, "portal", about, body)
    api = client("change_system")
    found, after, pages_ = [], 0, 0
    while True:
        page = api.get(f"/api/v1/events/?after={after}&limit=3").json()
        found += page["events"]
        after, pages_ = page["after"], pages_ + 1
        if not page["more"]:
            break
    ours = [one for one in found if one["type"] != "change.seen"]
    assert [one["type"] for one in ours] == [
        "drill.requested", "drill.approved", "drill.started", "drill.step", "drill.paused", "drill.rolled_back",
        "drill.report_ready", "run.finished", "backup.finished", "change.not_delivered", "window.started",
    ]  # fmt: skip
    assert [one["sequence"] for one in found] == sorted({one["sequence"] for one in found})
    step = ours[3]
    assert (step["subject"], step["change"], step["sentence"]) == (subject, "CHG8", "It is done.")
    assert step["links"]["self"] == f"/api/v1/drills/{drill.pk}/"
    assert (ours[7]["change"], ours[10]["subject"]) == ("CHG5", f"window:{Window.objects.get().pk}")
    assert len(step["id"]) == 64
    assert pages_ > 2
    assert api.get(f"/api/v1/events/?after={after}").json() == {"events": [], "after": after, "more": False}
    evidence.append("backup.failed", "portal", "backup:1", {})
    assert [one["type"] for one in api.get(f"/api/v1/events/?after={after}").json()["events"]] == ["backup.failed"]
