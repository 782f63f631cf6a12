"""Availability on the screen and over the API: the same figures, who may do what, refusals in words."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from failover.models import Correction, CorrectionDecision, Objective
from failover.services import corrections, objectives, promised
from inventory.models import Look, Lun
from portal.access.services.people import add_person
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from tests.api.test_drills_api import client as api_client
from tests.api.test_drills_api import kind
from tests.availability import scene
from tests.availability.scene import HOUR

pytestmark = pytest.mark.django_db
URL = "/api/v1/availability/"
SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def row(now):
    for name, role in (
        ("operator1", "operator"),
        ("approver1", "approver"),
        ("admin1", "admin"),
        ("viewer1", "viewer"),
    ):
        add_person(name, role, Secret("correct horse battery"), by="test", demo=True)
    made = scene.service(scene.engine())
    scene.spans(made, now - 3 * HOUR, ("up", 3600), ("down", 600), (None, 600), ("unknown", 300), ("up", 5700))
    return made


@pytest.fixture
def as_(client):
    def make(name):
        client.force_login(User.objects.get(username=name), backend="portal.access.backend.PeopleBackend")
        return client

    return make


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, path
    text = answer.content.decode()
    assert 'style="' not in text
    assert "<script>" not in text
    return text


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


def moments(now, begin=0, end=600):
    fell = now - 2 * HOUR
    return {"begins": f"{fell + begin * SECOND:%Y-%m-%d %H:%M:%S}", "ends": f"{fell + end * SECOND:%Y-%m-%d %H:%M:%S}"}


def test_the_page_of_all_services_answers_first(row, as_):
    text = plain(page(as_("viewer1"), "/availability/"))
    assert "1 of 1 objectives lost" in text
    assert "core-db has lost its objective for" in text
    assert "10 min 0 s of 4 min" in text
    assert "no answer in time" in text
    assert "Promise more" not in text
    assert "Promise more" in plain(page(as_("admin1"), "/availability/"))


def test_a_day_of_the_past_chooses_the_periods(row, as_):
    text = plain(page(as_("viewer1"), "/availability/?at=2024-02-29"))
    assert "February 2024" in text
    assert "Not known for 1 of 1 services" in text
    page(as_("viewer1"), "/availability/?at=yesterday", 404)
    page(as_("viewer1"), f"/availability/{row.pk}/?at=0001-01-01", 404)
    page(as_("viewer1"), f"/availability/{row.pk}/?at=2024-02-29")
    page(as_("viewer1"), "/availability/999/", 404)


def test_nothing_promised_is_said_and_not_drawn(as_, db):
    add_person("viewer1", "viewer", Secret("correct horse battery"), by="test", demo=True)
    text = plain(page(as_("viewer1"), "/availability/"))
    assert "Nothing is promised yet" in text


def test_the_page_of_a_service_shows_states_ledger_and_days(row, now, as_):
    text = page(as_("operator1"), f"/availability/{row.pk}/")
    assert "Put it right" in text
    assert 'class="unwatched fill"' in text  # the time before it was watched
    said = plain(text)
    assert "Unplanned" in said
    assert "down" in said
    assert "(counts in " in said
    assert "Burns" in said or "Calm" in said or "Not known" in said
    assert "Put it right" not in page(as_("viewer1"), f"/availability/{row.pk}/")


def test_what_was_seen_stays_beside_what_counts(row, now, as_):
    person = as_("operator1")
    given = {"kind": "down", "cause": "users were cut off", "reason": "Tickets 17 to 39", **moments(now, 600, 901)}
    path = f"/availability/{row.pk}/correct/"
    form = person.get(path)
    answer = person.post(path, {**given, "key": form.context["form"]["key"].value()})
    assert (answer.status_code, answer["Location"]) == (302, f"/availability/{row.pk}/")
    text = plain(page(person, f"/availability/{row.pk}/"))
    assert "As it was seen" in text
    assert "10 min 0 s down without a plan" in text
    assert "Corrections make it 15 min 0 s" in text
    entry = Correction.objects.get()
    assert "needs" not in plain(page(person, f"/availability/corrections/{entry.pk}/"))


def test_a_form_with_mistakes_says_them_and_saves_nothing(row, now, as_):
    person = as_("operator1")
    path = f"/availability/{row.pk}/correct/"
    bad = person.post(path, {"kind": "up", "begins": "soon", "ends": "", "reason": "", "key": "k"})
    assert bad.status_code == 422
    assert "Write it as 2026-11-26 03:07:12." in bad.content.decode()
    late = person.post(path, {"kind": "up", "reason": "short", "key": "k", "cause": "", **moments(now)})
    assert (late.status_code, "how you know it" in late.content.decode()) == (422, True)
    assert not Correction.objects.exists()


def test_a_second_person_decides_on_the_page(row, now, as_):
    wish = corrections.Wish("up", now - 2 * HOUR, now - 2 * HOUR + 600 * SECOND, "", "The listener's log shows logins.")
    entry = corrections.enter(row, wish, "operator1")
    path = f"/availability/corrections/{entry.pk}/"
    assert "1 correction waits for a second person" in plain(page(as_("viewer1"), "/availability/"))
    assert as_("operator1").post(path, {"word": "confirmed"}).status_code == 403
    assert "Take the correction back" in page(as_("operator1"), path)
    assert "Confirm the correction" in page(as_("approver1"), path)
    silent = as_("approver1").post(path, {"word": "refused"})
    assert (silent.status_code, "Say why it is refused" in silent.content.decode()) == (422, True)
    assert as_("approver1").post(path, {"word": "confirmed"}).status_code == 302
    assert CorrectionDecision.objects.get().by == "approver1"
    assert "Confirm the correction" not in page(as_("approver1"), path)
    assert as_("approver1").post(path, {"word": "confirmed"}).status_code == 409
    page(as_("viewer1"), "/availability/corrections/999/", 404)


def test_objectives_are_set_changed_and_retired_on_pages(row, as_):
    person = as_("admin1")
    Lun.objects.create(engine=row.engine, uuid="36a1", name="ora_data01", disk_uuid="d1")
    given = {"percent": "99.9", "period": "quarter", "zone": "Africa/Nairobi", "why": "agreed"}
    made = person.post("/availability/new/lun/", {**given, "service": f"{row.engine_id}/36a1", "most_ms": "1.5"})
    lun = Objective.objects.get(kind="lun")
    assert (made.status_code, made["Location"]) == (302, f"/availability/{lun.pk}/")
    assert "reads within 1.5 ms" in plain(page(person, f"/availability/{lun.pk}/"))
    assert "Every one that is known has an objective already" in page(person, "/availability/new/lun/")
    assert "olvm-engine" in page(person, "/availability/new/engine/")
    page(person, "/availability/new/moon/", 404)
    assert "Every one that is known" in page(person, "/availability/new/service/")
    path = f"/availability/{row.pk}/objective/"
    assert 'value="99.9900"' in page(person, path)
    wrong = person.post(path, {**given, "percent": "100", "every": "5", "based_on": "1"})
    assert (wrong.status_code, "100 % is no objective" in wrong.content.decode()) == (422, True)
    assert person.post(path, {**given, "every": "5", "based_on": "1"}).status_code == 302
    stale = person.post(path, {**given, "percent": "99", "every": "5", "based_on": "1"})
    assert (stale.status_code, "meanwhile" in stale.content.decode()) == (409, True)
    assert person.post(f"/availability/{row.pk}/retire/", {"why": "moved away"}).status_code == 302
    text = plain(page(person, "/availability/"))
    assert "Promised no more" in text
    assert "moved away" in text
    assert "Retired by admin1" in plain(page(person, f"/availability/{row.pk}/"))
    assert as_("operator1").get(path).status_code == 403
    assert Record.objects.filter(kind="access.denied").exists()


def test_files_hold_the_same_figures_as_the_page(row, now, as_):
    person = as_("viewer1")
    listed = person.get("/availability/?format=json").json()["services"]
    assert (listed[0]["service"], listed[0]["spent_s"]) == ("core-db", 600.0)
    summary = list(csv.DictReader(io.StringIO(person.get("/availability/?format=csv").content.decode())))
    assert (summary[0]["spent_s"], summary[0]["word"]) == ("600.0", "Lost")
    wish = corrections.Wish("cause", now - 2 * HOUR, now - HOUR, "=SUM(A1)", "It is what it is, by the log.")
    corrections.enter(row, wish, "operator1")
    whole = person.get(f"/availability/{row.pk}/?format=json").json()
    assert whole["as_seen"]["outages"][0]["cause"] == "no answer in time"
    assert whole["outages"][0]["cause"] == "=SUM(A1)"
    told = person.get(f"/availability/{row.pk}/?format=csv")
    assert told["Content-Disposition"] == f'attachment; filename="availability-{row.pk}.csv"'
    lines = list(csv.DictReader(io.StringIO(told.content.decode())))
    assert [line["entry"] for line in lines] == ["counts", "seen", "correction"]
    assert lines[0]["cause"] == "'=SUM(A1)"  # no formula of a spreadsheet
    assert (lines[2]["by"], lines[2]["counts"]) == ("operator1", "True")


def test_as_many_queries_for_many_services_as_for_one(row, now, as_):
    person = as_("viewer1")
    counts = []
    for more in ((), ("reports", "archive", "gateway")):
        for name in more:
            scene.spans(scene.service(row.engine, name), now - HOUR, ("up", 3000), ("down", 60), ("up", 540))
        person.get("/availability/")
        with CaptureQueriesContext(connection) as queries:
            person.get("/availability/")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


def test_the_overview_leads_to_it(row, as_):
    promised.tick()
    Look.objects.update(due_at=timezone.now())
    text = page(as_("viewer1"), "/")
    assert 'href="/availability/"' in text
    assert "core-db has lost its objective" in plain(text)


def test_the_api_gives_periods_and_any_stretch_of_time(row, now):
    api = api_client("viewer1")
    (one,) = api.get(URL).json()
    assert (one["outcome"], one["word"], one["spent_s"]) == ("fail", "Lost", 600.0)
    assert one["outages"][0]["planned"] is False
    amounts = ("up_s", "down_planned_s", "down_unplanned_s", "not_watched_s", "unknown_s")
    detail = api.get(f"{URL}{row.pk}/").json()
    assert detail["as_seen"]["spent_s"] == 600.0
    span = {"begins": (now - 3 * HOUR).isoformat(), "ends": now.isoformat()}
    custom = api.get(f"{URL}{row.pk}/", span).json()
    assert sum(custom[name] for name in amounts) == pytest.approx(3 * 3600)
    assert (custom["unknown_s"], custom["not_watched_s"]) == (300.0, 600.0)
    assert custom["budget_s"] == pytest.approx(1.08)
    assert custom["corrections"] == []
    assert api.get(URL, {"at": "2024-02-29"}).json()[0]["period"] == "February 2024"
    for wrong in ({"at": "soon"}, {"begins": "soon", "ends": "now"}, {"begins": now.isoformat()},
                  {"begins": now.isoformat(), "ends": now.isoformat()},
                  {"begins": "0001-01-01T00:00:00Z", "ends": "0001-01-02T00:00:00Z"},
                  {"begins": "9999-12-30T00:00:00Z", "ends": "9999-12-31T00:00:00Z"}):  # fmt: skip
        assert kind(api.get(f"{URL}{row.pk}/", wrong)) == (400, "invalid")
    assert kind(api.get(f"{URL}999/"))[0] == 404


def test_corrections_over_the_api(row, now):
    operator, approver, viewer = (api_client(name) for name in ("operator1", "approver1", "viewer1"))
    path = f"{URL}{row.pk}/corrections/"
    given = {"kind": "up", "reason": "The listener's log shows logins.", "begins": (now - 2 * HOUR).isoformat(),
             "ends": (now - 2 * HOUR + 600 * SECOND).isoformat()}  # fmt: skip
    assert kind(viewer.post(path, given, format="json"))[0] == 403
    first = operator.post(path, given, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, first.json()["counts"], first.json()["decision"]) == (201, False, None)
    again = operator.post(path, given, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert again.json()["id"] == first.json()["id"]
    other = operator.post(path, {**given, "reason": "Another reason for it."}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert kind(other)[0] == 422
    assert kind(operator.post(path, {**given, "kind": "better"}, format="json")) == (400, "invalid")
    decide = f"{path}{first.json()['id']}/decide/"
    assert kind(operator.post(decide, {"word": "confirmed"}, format="json"))[0] == 403
    assert kind(viewer.post(decide, {"word": "withdrawn"}, format="json"))[0] == 403
    assert kind(approver.post(decide, {"word": "refused"}, format="json"))[0] == 422
    told = approver.post(decide, {"word": "confirmed", "why": "seen"}, format="json")
    assert (told.status_code, told.json()["counts"], told.json()["decided_by"]) == (200, True, "approver1")
    assert kind(approver.post(decide, {"word": "confirmed"}, format="json"))[0] == 409
    assert [one["decision"] for one in viewer.get(path).json()] == ["confirmed"]
    assert viewer.get(f"{URL}{row.pk}/").json()["spent_s"] == 0.0
    assert kind(approver.post(f"{path}999/decide/", {"word": "confirmed"}, format="json"))[0] == 404


def test_objectives_over_the_api(row):
    admin, operator = api_client("admin1"), api_client("operator1")
    wish = {"engine": row.engine_id, "kind": "engine", "key": "engine", "percent": "99.95", "why": "agreed"}
    assert kind(operator.post(URL, wish, format="json"))[0] == 403
    made = admin.post(URL, wish, format="json")
    managed = Objective.objects.get(kind="engine")
    assert (made.status_code, made["Location"], made.json()["percent"]) == (201, f"{URL}{managed.pk}/", "99.9500")
    assert kind(admin.post(URL, wish, format="json"))[0] == 409
    assert kind(admin.post(URL, {**wish, "key": "other"}, format="json"))[0] == 422
    path = f"{URL}{row.pk}/objective/"
    assert [one["number"] for one in operator.get(path).json()] == [1]
    assert kind(operator.post(path, {"percent": "99.9", "why": "x"}, format="json"))[0] == 403
    changed = admin.post(path, {"percent": "99.9", "period": "year", "why": "agreed"}, format="json")
    assert [(one["number"], one["period"]) for one in changed.json()] == [(2, "year"), (1, "month")]
    assert kind(admin.post(path, {"percent": "99.5"}, format="json"))[0] == 422
    assert admin.post(f"{URL}{row.pk}/retire/", {"why": "moved"}, format="json").status_code == 204
    assert kind(admin.post(f"{URL}{row.pk}/retire/", {"why": "moved"}, format="json"))[0] == 409
    assert objectives.Wish() == objectives.Wish(period="month")
