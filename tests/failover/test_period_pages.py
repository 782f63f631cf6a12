"""Period reports and issues as people and programs meet them: pages, forms, API, access, evidence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from failover.models import Issue, PeriodReport, ReportDefinition
from failover.services import reporting
from portal.access.services.people import add_person
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
FORM = {
    "title": "Monthly for the board", "period": "monthly", "zone": "Africa/Nairobi", "hour": "6", "language": "de",
    "formats": ["html", "csv"], "delivery": "link", "roles": ["auditor"], "addresses": "board@bank.example\n",
    "late_hours": "24", "enabled": "on",
}  # fmt: skip


@pytest.fixture
def engine(settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path
    settings.HOLDFAST_MAIL_URL = ""
    made = world.build("healthy")
    drill_world.people()
    for name, role in (("auditor1", "auditor"), ("admin1", "admin"), ("viewer1", "viewer")):
        add_person(name, role, Secret("correct horse battery"), by="test", demo=True)
    return made


@pytest.fixture
def as_(client):
    """The client as somebody."""
    from django.contrib.auth.models import User

    def log_in(name):
        client.force_login(User.objects.get(username=name))
        return client

    return log_in


def made(**fields):
    """A report of last month, made."""
    saved = reporting.save(
        ReportDefinition(title="Board", period="monthly", zone="UTC", formats=["html"], **fields), "admin1"
    )
    row = reporting.ask(saved, "admin1")
    assert reporting.make_due(timezone.now()) == 1
    return PeriodReport.objects.get(pk=row.pk)


def test_the_list_says_that_nothing_is_defined_and_who_may_define(engine, as_):
    page = as_("auditor1").get("/reports/").content.decode()
    assert "No report is defined" in page
    assert "New report" not in page
    assert "New report" in as_("admin1").get("/reports/").content.decode()
    assert as_("viewer1").get("/reports/").status_code == 403
    assert Record.objects.filter(kind="access.denied", body__act="report.view").exists()


def test_a_definition_is_saved_with_its_record_and_made_for_a_past_period(engine, as_):
    client = as_("admin1")
    assert client.get("/reports/definitions/new/").status_code == 200
    assert client.post("/reports/definitions/new/", FORM).status_code == 302
    row = ReportDefinition.objects.get()
    assert (row.addresses, row.formats, row.changed_by) == (["board@bank.example"], ["html", "csv"], "admin1")
    assert Record.objects.get(kind="report.defined").body["title"] == row.title
    answer = client.post(f"/reports/definitions/{row.pk}/make/", {"day": ""})
    report = PeriodReport.objects.get()
    assert answer["Location"] == f"/reports/{report.pk}/"
    assert "It is being made" in client.get(f"/reports/{report.pk}/").content.decode()
    again = client.post(f"/reports/definitions/{row.pk}/make/", {"day": ""})
    assert (again.status_code, "is being made already" in again.content.decode()) == (409, True)
    ahead = client.post(f"/reports/definitions/{row.pk}/make/", {"day": timezone.now().date().isoformat()})
    assert "a report is of a whole one" in ahead.content.decode()
    assert "is no date" in client.post(f"/reports/definitions/{row.pk}/make/", {"day": "May"}).content.decode()
    edited = client.post(f"/reports/definitions/{row.pk}/", {**FORM, "title": "Board, monthly"})
    assert (edited.status_code, ReportDefinition.objects.get().title) == (302, "Board, monthly")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"zone": "Nairobi"}, "is no time zone"),
        ({"hour": "24"}, "from 0 to 23"),
        ({"addresses": "board"}, "is no mail address"),
        ({"formats": []}, "Choose at least one form"),
    ],
)
def test_what_cannot_be_defined_is_said(engine, as_, wrong, words):
    answer = as_("admin1").post("/reports/definitions/new/", {**FORM, **wrong})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ReportDefinition.objects.exists()


def test_a_report_is_of_an_engine_or_of_a_site(engine, as_):
    both = {**FORM, "engine": engine.pk, "site": engine.site.pk}
    assert "choose one of them" in as_("admin1").post("/reports/definitions/new/", both).content.decode()


def test_a_report_is_read_taken_and_each_taking_is_on_record(engine, as_):
    row = made()
    client = as_("auditor1")
    page = client.get(f"/reports/{row.pk}/").content.decode()
    assert "Verify it" in page
    assert page.count("The portal did not watch in this period.") == 11, "each section says so, and the head"
    assert "Let the portal watch from the beginning to the end" in page
    assert client.get("/reports/").content.decode().count(f"/reports/{row.pk}/") == 1
    whole = client.get(f"/reports/{row.pk}/page/").content.decode()
    assert "What is missing" in whole
    assert " style=" not in whole
    for form in ("html", "json"):
        answer = client.get(f"/reports/{row.pk}/files/{form}/")
        assert (answer.status_code, "attachment" in answer["Content-Disposition"]) == (200, True)
    assert Record.objects.filter(kind="report.downloaded", actor="auditor1").count() == 2
    assert client.get(f"/reports/{row.pk}/files/pdf/").status_code == 404
    assert client.get("/reports/99999/").status_code == 404
    assert b"<style>" in client.get(f"/reports/{row.pk}/files/html/").content


def test_a_report_for_some_roles_is_not_for_the_others(engine, as_):
    row = made(readers=["auditor"])
    assert as_("auditor1").get(f"/reports/{row.pk}/").status_code == 200
    client = as_("operator1")
    for path in ("", "page/", "files/json/"):
        assert client.get(f"/reports/{row.pk}/{path}").status_code == 403
    assert "not for your role" in client.get("/reports/").content.decode()
    assert client.get(f"/api/v1/reports/{row.pk}/").status_code == 403
    assert client.get("/api/v1/reports/").json()["results"] == []
    assert Record.objects.filter(kind="access.denied", actor="operator1").count() == 4


def test_a_file_that_was_altered_in_the_vault_is_not_given_out(engine, as_, tmp_path):
    row = made()
    kept = row.files.get(form="json")
    (tmp_path / "reports" / kept.sha256).write_bytes(b"{}")
    client = as_("auditor1")
    assert "is not what was made" in client.get(f"/reports/{row.pk}/files/json/", follow=True).content.decode()
    assert client.get(f"/api/v1/reports/{row.pk}/files/json/").status_code == 409
    (tmp_path / "reports" / kept.sha256).unlink()
    assert "does not give" in client.get(f"/reports/{row.pk}/files/json/", follow=True).content.decode()
    PeriodReport.objects.update(content={"another": "version"})
    assert (
        "Another version of Holdfast wrote it" in client.get(f"/reports/{row.pk}/page/", follow=True).content.decode()
    )


def test_the_map_of_clauses_is_shown_against_the_newest_report(engine, as_, settings, tmp_path):
    client = as_("auditor1")
    page = client.get("/reports/clauses/").content.decode()
    assert "no report was made yet" in page
    assert "[secondary source: compliance check needed]" in page
    made()
    page = client.get("/reports/clauses/").content.decode()
    assert "drills.scenario: no drill ended in the period" in page
    own = tmp_path / "own.toml"
    own.write_text("[[clause]]\n")
    settings.HOLDFAST_CLAUSES = str(own)
    assert "Clause 1 of the map has no id" in client.get("/reports/clauses/").content.decode()
    assert client.get("/api/v1/reports/clauses/").status_code == 409
    settings.HOLDFAST_CLAUSES = ""
    rows = client.get("/api/v1/reports/clauses/").json()
    assert len(rows) == 13
    assert {"ident", "rule", "clause", "asks", "read", "where", "secondary", "fields_asked"} == set(rows[0])


def test_the_api_defines_and_makes(engine, as_):
    client = as_("admin1")
    wish = {"title": "API", "period": "weekly", "zone": "UTC", "formats": ["json"], "addresses": ["a@bank.example"]}

    def post(path, body, method="post"):
        return getattr(client, method)(path, json.dumps(body), content_type="application/json")

    answer = post("/api/v1/report-definitions/", wish)
    assert answer.status_code == 201, answer.content
    where = answer["Location"]
    assert client.get(where).json()["next_due"] > timezone.now().isoformat()[:10]
    assert post("/api/v1/report-definitions/", {**wish, "zone": "Mars"}).status_code == 422
    assert post("/api/v1/report-definitions/", {**wish, "formats": []}).status_code == 422
    assert post(where, {**wish, "title": "API 2", "enabled": False}, "put").json()["next_due"] is None
    begun = post(f"{where}make/", {})
    assert (begun.status_code, begun["Retry-After"]) == (202, "15")
    assert post(f"{where}make/", {}).status_code == 409
    assert post(f"{where}make/", {"day": timezone.now().date().isoformat()}).status_code == 422
    reporting.make_due(timezone.now())
    row = client.get(begun["Location"]).json()
    assert (row["state"], row["delivery"], [one["form"] for one in row["files"]]) == ("made", "to be sent", ["json"])
    taken = client.get(f"{begun['Location']}files/json/").json()
    assert taken["made"]["sha256"] == row["sha256"]
    assert client.get(f"{begun['Location']}files/pdf/").status_code == 404
    assert as_("operator1").post(f"{where}make/", {}, content_type="application/json").status_code == 403


def test_an_issue_lives_from_a_drill_to_its_retest(engine, as_):
    drill = drill_world.ended(engine)
    client = as_("operator1")
    note = {"title": "The console is gone.", "severity": "high", "owner": "operator1", "due": "2020-01-01"}
    assert client.post(f"/drills/{drill.pk}/issues/", note).status_code == 302
    row = Issue.objects.get()
    assert f"/issues/{row.pk}/" in client.get(f"/drills/{drill.pk}/").content.decode()
    page = client.get("/issues/").content.decode()
    assert "1 issue past its date" in page
    assert f"/drills/{drill.pk}/" in page
    assert client.post(f"/issues/{row.pk}/fix/", {"words": ""}).status_code == 422
    assert client.post(f"/issues/{row.pk}/fix/", {"words": "A new console stands there."}).status_code == 302
    assert client.post(f"/issues/{row.pk}/retest/", {"drill": str(drill.pk)}).status_code == 422, "the same drill"
    assert client.post(f"/issues/{row.pk}/retest/", {"drill": "x"}).status_code == 422
    later = drill_world.ended(engine)
    assert client.post(f"/issues/{row.pk}/retest/", {"drill": str(later.pk)}).status_code == 302
    assert client.post(f"/issues/{row.pk}/close/", {"why": ""}).status_code == 422
    assert client.post(f"/issues/{row.pk}/close/", {"why": "The second drill shows it."}).status_code == 302
    assert "No issue is open" in client.get("/issues/").content.decode()
    assert "The console is gone." in client.get("/issues/?every=1").content.decode()
    assert client.post(f"/issues/{row.pk}/fix/", {"words": "again"}).status_code == 409
    assert client.post(f"/issues/{row.pk}/close/", {"why": "again"}).status_code == 409
    assert client.post(f"/issues/{row.pk}/reopen/", {"why": "It is back."}).status_code == 302
    kinds = list(Record.objects.filter(subject=f"issue:{row.pk}").order_by("number").values_list("kind", flat=True))
    assert [one for one in kinds if one != "run.refused"] == [
        "issue.noted", "issue.fixed", "issue.retest", "issue.closed", "issue.reopened",
    ]  # fmt: skip
    assert client.get("/issues/999/").status_code == 404
    assert client.post("/issues/999/fix/", {"words": "x"}).status_code == 404


def test_a_risk_is_accepted_by_a_second_person_until_a_day(engine, as_):
    client = as_("approver1")
    client.post("/issues/new/", {"title": "Old firmware", "severity": "medium"})
    row = Issue.objects.get()
    until = (timezone.now() + timedelta(days=30)).date().isoformat()
    assert client.post(f"/issues/{row.pk}/accept-risk/", {}).status_code == 409, "nobody asked"
    assert (
        client.post(f"/issues/{row.pk}/ask-risk/", {"why": "It is replaced.", "until": "2020-01-01"}).status_code == 422
    )
    assert client.post(f"/issues/{row.pk}/ask-risk/", {"why": "It is replaced.", "until": until}).status_code == 302
    assert "Another person who may accept risks" in client.get(f"/issues/{row.pk}/").content.decode()
    assert client.post(f"/issues/{row.pk}/accept-risk/", {"until": until}).status_code == 409, "not oneself"
    assert as_("operator1").post(f"/issues/{row.pk}/accept-risk/", {"until": until}).status_code == 403
    client = as_("approver2")
    assert "Accept the risk of" in client.get(f"/issues/{row.pk}/").content.decode()
    assert client.post(f"/issues/{row.pk}/accept-risk/", {"until": "2031-01-01"}).status_code == 409, "another day"
    assert client.post(f"/issues/{row.pk}/accept-risk/", {"until": until}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.risk_accepted_by) == ("accepted", "approver2")


def test_the_api_keeps_issues_as_the_pages_do(engine, as_):
    client = as_("operator1")

    def send(path, body, method="post"):
        return getattr(client, method)(f"/api/v1/issues/{path}", json.dumps(body), content_type="application/json")

    made_ = send("", {"title": "Slow boot", "severity": "low", "due": "2030-01-01"})
    assert (made_.status_code, made_.json()["ident"][:3]) == (201, "IS-")
    pk, read = made_.json()["id"], made_.json()["changed_at"]
    assert send(f"{pk}/", {"owner": "operator1", "due": None, "changed_at": read}, "patch").json()["due"] is None
    stale = send(f"{pk}/", {"owner": "x", "changed_at": read}, "patch")
    assert (stale.status_code, "read it again" in stale.json()["detail"]) == (409, True)
    assert send("", {"title": "  ", "severity": "low"}).status_code == 400
    assert send(f"{pk}/fix/", {"words": "Done."}).json()["state"] == "fixed"
    assert send(f"{pk}/retest/", {"drill": 4711}).status_code == 422
    assert (
        send(f"{pk}/ask-risk/", {"why": "It is small.", "until": "2031-01-01"}).json()["risk_asked_by"] == "operator1"
    )
    assert send(f"{pk}/accept-risk/", {}).status_code == 403
    client = as_("approver1")
    assert send(f"{pk}/accept-risk/", {"until": "2031-01-01"}).json()["state"] == "accepted"
    assert send(f"{pk}/close/", {"words": "Shown."}).json()["state"] == "closed"
    assert send(f"{pk}/reopen/", {"words": "It is back."}).json()["state"] == "open"
    assert client.get("/api/v1/issues/?state=open").json()["results"][0]["id"] == pk
    assert as_("viewer1").get(f"/api/v1/issues/{pk}/").status_code == 200
    assert as_("viewer1").post(f"/api/v1/issues/{pk}/fix/", "{}", content_type="application/json").status_code == 403


def test_the_day_of_a_report_is_noon_in_utc(engine):
    from failover.views.reports import day_of

    assert day_of("2026-05-04") == datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert day_of(" ") is None
