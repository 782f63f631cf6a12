"""Period reports from the schedule to the reader: due once, made by a worker that may die, sealed, sent, late; reports
of an estate with a history; reminders of issues."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from bench.history import Size, Year
from deploy import holdfast_verify
from failover import tasks
from failover.models import Drill, Issue, PeriodReport, ReportDefinition
from failover.reports.period.schema import schema
from failover.services import issues, period_files, period_reports, report_alarms, report_estate, report_news, reporting
from inventory.models import Site
from lab.smtp import Catcher
from portal.access.services.people import add_person
from portal.alerts.models import Alert, Receiver
from portal.alerts.rules.alarm import Ask, Severity
from portal.alerts.services import acts as alert_acts
from portal.alerts.services.tick import tick as alert_tick
from portal.evidence import services as evidence
from portal.evidence import signing
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.outbox import services as outbox
from portal.outbox.models import Mail, RoleAddress

pytestmark = pytest.mark.django_db
ENDS = datetime(2026, 1, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
S = PeriodReport.State


@pytest.fixture(autouse=True)
def own_vault(settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path
    settings.HOLDFAST_MAIL_URL = ""


@pytest.fixture
def estate():
    """Four months of a small one."""
    return Year(ENDS, Size(drills=6, luns=5, vms=2, windows=8, faults=14, outages=3), days=120).fill()


def define(by="admin1", **fields):
    values = {"title": "Board", "period": "monthly", "zone": "Africa/Nairobi", "formats": ["json"], **fields}
    return reporting.save(ReportDefinition(**values), by)


def decided(row, at):
    """As if it had been defined then."""
    ReportDefinition.objects.filter(pk=row.pk).update(decided_to=at)


def one(**fields):
    """A report that is due now."""
    row = reporting.ask(define(**fields), "admin1", datetime(2025, 12, 5, 12, tzinfo=UTC))
    return PeriodReport.objects.select_related("definition__engine", "definition__site").get(pk=row.pk)


def test_each_period_that_ends_has_one_report_whoever_looks_however_often():
    row = define(period="daily", zone="Europe/Vienna", hour=2)
    decided(row, datetime(2026, 3, 27, 12, tzinfo=UTC))
    now = datetime(2026, 3, 30, 12, tzinfo=UTC)
    assert reporting.tick(now) == []
    assert reporting.tick(now) == []
    made = PeriodReport.objects.order_by("begins")
    assert [each.ident for each in made] == [f"RP-{row.pk:03d}-202603{day}" for day in (27, 28, 29)]
    assert [each.due_at.hour for each in made] == [1, 1, 0], "02:00 there; on the 29th that hour is skipped"
    assert (made[2].ends - made[2].begins) == 23 * HOUR


def test_a_portal_that_was_down_makes_up_for_it_but_not_for_years():
    row = define(period="daily", zone="UTC")
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    decided(row, now - 40 * DAY)
    reporting.tick(now)
    assert PeriodReport.objects.count() == reporting.MOST
    assert PeriodReport.objects.order_by("-begins")[0].ends.date() == date(2026, 6, 1)
    assert Record.objects.get(kind="report.left_out").body["periods"] == 40 - reporting.MOST
    decided(row, now + DAY)
    assert reporting.tick(now) == [], "a clock that was ahead and is set back names nothing twice"
    assert PeriodReport.objects.count() == reporting.MOST


def test_one_definition_that_breaks_stops_no_other():
    bad, good = define(title="bad"), define(title="good", period="daily", zone="UTC")
    ReportDefinition.objects.filter(pk=bad.pk).update(zone="Mars")
    for row in (bad, good):
        decided(row, timezone.now() - 2 * DAY)
    assert reporting.tick() == [f"report definition {bad.pk}: ZoneInfoNotFoundError"]
    assert {each.definition for each in PeriodReport.objects.all()} == {good}


def test_what_comes_next_is_the_report_that_is_not_due_yet():
    row = define(period="monthly", zone="UTC", hour=6)
    early = reporting.outlook(row, datetime(2026, 5, 1, 3, tzinfo=UTC))
    assert (early.span.first, early.due) == (date(2026, 4, 1), datetime(2026, 5, 1, 6, tzinfo=UTC))
    assert reporting.outlook(row, datetime(2026, 5, 1, 7, tzinfo=UTC)).due == datetime(2026, 6, 1, 6, tzinfo=UTC)


def test_a_report_is_made_once_sealed_and_every_form_is_the_same_when_it_is_made_again(estate, tmp_path):
    row = one(formats=["html", "csv"])
    now = timezone.now()
    PeriodReport.objects.filter(pk=row.pk).update(taken_until=now + HOUR)
    assert reporting.make_due(now) == 0, "another worker has it"
    assert reporting.make_due(now + 2 * HOUR) == 1, "and died"
    assert reporting.make_due(now + 2 * HOUR) == 0
    row.refresh_from_db()
    assert (row.state, row.attempts, row.sentence) == (S.MADE, 1, "")
    made = period_reports.read(row)
    assert [each.ident for each in made.report.drills] == [f"DR-2025-{Drill.objects.latest('requested_at').pk:03d}"]
    assert made.report.luns.subjects
    assert made.report.services is not None
    assert made.report.verdict.words
    for kept in row.files.all():
        again = period_files.FORMS[kept.form](made)
        assert (tmp_path / "reports" / kept.sha256).read_bytes() == again.raw, kept.form
        assert again.name == kept.name
    assert sorted(kept.form for kept in row.files.all()) == ["csv", "html", "json"]
    held = Record.objects.get(kind=period_reports.MADE)
    assert (held.number, held.body["sha256"]) == (made.seal.number, row.sha256)
    assert period_reports.make(row, "somebody").seal == made.seal, "what was made stays as it was"


def test_the_json_is_as_published_and_is_verified_with_the_key_alone(estate, tmp_path, capsys):
    row = one()
    reporting.make_due(timezone.now())
    row.refresh_from_db()
    raw = period_files.json_file(period_reports.read(row)).raw
    document = json.loads(raw)
    assert [error.message for error in jsonschema.Draft202012Validator(schema()).iter_errors(document)] == []
    path, key = tmp_path / "report.json", tmp_path / "holdfast.pub"
    private = signing.private_key()
    assert private is not None
    key.write_text(signing.public_pem(private))

    def verify(text):
        path.write_bytes(text)
        return holdfast_verify.main([str(path), str(key)]), capsys.readouterr().out

    code, said = verify(raw)
    assert code == 0
    assert f"SHA-256 {row.sha256}" in said
    assert verify(raw.replace(b'"olvm-prod"', b'"olvm-test"'))[0] == 1
    for name, value, words in (
        ("signature", "AAAA", "by none of the keys given"),
        ("key", "0" * 64, "by none of the keys given"),
        ("key", "", "carries no signature"),
        ("sha256", "0" * 64, "has been altered"),
        ("sha256", 1, "has not the content and the seal"),
    ):
        code, said = verify(json.dumps({**document, "made": {**document["made"], name: value}}).encode())
        assert code in (1, 2, 3)
        assert words in said, (name, said)
    assert verify(json.dumps({**document, "more": 1}).encode())[0] == 2
    export = tmp_path / "export.json"
    export.write_text("".join(evidence.export(evidence.everything_of(f"report:{row.ident}"))))
    assert holdfast_verify.main([str(export), str(key)]) == 0, "the chain holds it, too"


def test_a_report_that_cannot_be_made_is_tried_again_then_named(settings, tmp_path):
    row = one(late_hours=1)
    settings.HOLDFAST_CLAUSES = str(tmp_path / "none.toml")
    now = timezone.now()
    assert reporting.make_due(now) == 0
    row.refresh_from_db()
    assert row.state == S.DUE
    assert row.next_at > now
    assert "The map of clauses none.toml cannot be read" in row.sentence
    assert report_alarms.said(row, now) == "", "it is not late yet"
    assert "is late: The map of clauses" in report_alarms.said(row, now + 2 * HOUR)
    for _ in range(reporting.TRIES - 1):
        now += DAY
        reporting.make_due(now)
    row.refresh_from_db()
    assert row.state == S.FAILED
    (alarm,) = report_alarms.alarms(Ask(timezone.now()))
    assert "could not be made: The map of clauses" in alarm.sentence
    assert alarm.link == f"/reports/{row.pk}/"
    assert Record.objects.filter(kind="report.failed").count() == 1
    settings.HOLDFAST_CLAUSES = ""
    assert reporting.ask(row.definition, "admin1", row.begins + DAY).version == 2, "a person has it made anew"


def test_what_breaks_in_the_making_is_kept_in_words(monkeypatch):
    row = one()
    monkeypatch.setattr(period_files, "FORMS", {})
    assert reporting.make_due(timezone.now()) == 0
    row.refresh_from_db()
    assert row.sentence == "The portal could not make it (KeyError): its log says more."
    assert row.content is not None, "the content stays, so that the next try gives the same"


def test_a_report_whose_making_kills_its_workers_is_given_up():
    row = one()
    now = timezone.now()
    # as the last worker left it
    PeriodReport.objects.filter(pk=row.pk).update(attempts=reporting.TRIES, taken_until=now - HOUR)
    assert reporting.make_due(now) == 0
    row.refresh_from_db()
    assert (row.state, row.content, row.taken_until) == (S.FAILED, None, None)
    assert row.sentence == "It was tried 6 times, and its worker ended in the making: its log says more."
    assert Record.objects.filter(kind="report.failed").count() == 1
    assert not reporting.waiting(now + DAY)


def test_the_pdf_has_the_same_bytes_when_it_is_made_again():
    row = one(formats=["pdf"])
    reporting.make_due(timezone.now())
    row.refresh_from_db()
    kept = row.files.get(form="pdf")
    again = period_files.pdf_file(period_reports.read(row))
    assert again.raw.startswith(b"%PDF")
    assert hashlib.sha256(again.raw).hexdigest() == kept.sha256


def test_without_a_pdf_the_other_forms_are_made(monkeypatch):
    row = one(formats=["pdf"])

    def none(_made):
        raise period_files.NoPdf("No Pango.")

    monkeypatch.setattr(period_files, "FORMS", {**period_files.FORMS, "pdf": none})
    assert reporting.make_due(timezone.now()) == 1
    row.refresh_from_db()
    assert (row.state, row.sentence) == (S.MADE, "No Pango.")


@pytest.mark.wire
def test_it_is_delivered_to_roles_addresses_and_webhooks_each_once(settings, estate):
    RoleAddress.objects.create(role="auditor", address="audit@bank.example")
    Receiver.objects.create(name="Change desk", channel="webhook", url="https://127.0.0.1:1/x")
    row = one(
        roles=["auditor"], addresses=["board@bank.example"], webhooks=["Change desk", "Gone"], formats=["csv", "json"]
    )
    catcher = Catcher().start()
    try:
        settings.HOLDFAST_MAIL_URL = f"smtp://127.0.0.1:{catcher.port}?from=holdfast@bank.example"
        tasks.make_reports()
        report_news.tick(timezone.now())
        assert Mail.objects.filter(kind="report.ready").count() == 4
        assert report_news.tick(timezone.now()) == 0
        outbox.send_due(timezone.now())
        sent = {message["To"]: message for message in catcher.messages}
    finally:
        catcher.stop()
    assert set(sent) >= {"audit@bank.example", "board@bank.example"}
    names = sorted(part.get_filename() for part in sent["board@bank.example"].iter_attachments())
    assert names == [f"{row.ident}-v1.csv", f"{row.ident}-v1.json"]
    row.refresh_from_db()
    assert row.sha256 in sent["board@bank.example"].get_body().get_content()
    told = Mail.objects.get(person="Change desk")
    assert (told.channel, told.payload["event"], told.payload["sha256"]) == ("webhook", "report.ready", row.sha256)
    lost = Mail.objects.get(person="Gone")
    assert (lost.state, lost.error) == ("failed", "There is no webhook Gone among the receivers of alerts.")
    assert "is not delivered to Gone" in report_alarms.said(row, timezone.now())


def test_large_files_and_links_go_without_attachments(settings):
    row = one(addresses=["a@bank.example"])
    reporting.make_due(timezone.now())
    row.refresh_from_db()
    assert report_news.news_of(row).files
    settings.HOLDFAST_REPORT_MAIL_MB = 0
    news = report_news.news_of(row)
    assert news.files == ()
    assert "larger than a mail carries" in news.body
    row.definition.delivery = "link"
    settings.HOLDFAST_PUBLIC_URL = "https://holdfast.bank.example/"
    news = report_news.news_of(row)
    assert f"https://holdfast.bank.example/reports/{row.pk}/" in news.body
    assert "larger" not in news.body


def test_what_only_some_roles_may_read_stands_in_no_message():
    row = one(addresses=["a@bank.example"], readers=["auditor"], delivery="link")
    reporting.make_due(timezone.now())
    row.refresh_from_db()
    news, made = report_news.news_of(row), period_reports.read(row).report
    assert news.subject == "Board: the report is ready"
    assert f"/reports/{row.pk}/" in news.body
    kept = f"{news.subject} {news.body} {news.payload}"
    assert not [words for words in (made.verdict.words, *made.lead) if words in kept]
    assert "verdict" not in news.payload
    row.definition.readers = []
    assert made.verdict.words in report_news.news_of(row).subject


def alarms(now, *held):
    return {one.key: one for one in report_alarms.alarms(Ask(now, open=dict.fromkeys(held, now)))}


def test_a_report_that_was_late_and_then_fails_is_an_alarm_of_its_own(settings):
    """Whoever has closed the first one hears of the second."""
    row, now = one(late_hours=1), timezone.now() + 2 * HOUR
    settings.HOLDFAST_ALARMS = ["failover.services.report_alarms.alarms"]
    alert_tick(now)
    late = Alert.objects.get()
    assert (late.key, "is late" in late.sentence) == (f"report:{row.pk}:late", True)
    alert_acts.close(late.pk, "anna", "The worker is being restarted.", now)
    PeriodReport.objects.update(state=S.FAILED, sentence="The map cannot be read.")
    alert_tick(now + HOUR)
    failed = Alert.objects.get(resolved_at=None)
    assert "could not be made: The map cannot be read." in failed.sentence
    assert failed.since == now + HOUR
    alert_tick(now + 90 * DAY)
    failed.refresh_from_db()
    assert failed.resolved_at is None, "it does not end by its age"


def test_a_version_that_is_made_ends_the_alarm_of_the_one_before(settings):
    first, now = one(addresses=["a@bank.example"]), timezone.now()
    PeriodReport.objects.update(state=S.FAILED, sentence="The map cannot be read.")
    assert set(alarms(now)) == {f"report:{first.pk}:failed"}
    second = reporting.ask(first.definition, "admin1", first.begins + DAY)
    assert set(alarms(now)) == {f"report:{first.pk}:failed"}, "it is not made yet"
    PeriodReport.objects.filter(pk=second.pk).update(state=S.FAILED, sentence="Again.")
    assert set(alarms(now)) == {f"report:{second.pk}:failed"}
    third = reporting.ask(first.definition, "admin1", first.begins + DAY)
    PeriodReport.objects.filter(pk=third.pk).update(state=S.MADE, made_at=now)
    assert alarms(now, f"report:{first.pk}:failed") == {}


def test_a_year_of_reports_is_asked_in_a_handful_of_queries(django_assert_num_queries):
    row, now = define(), timezone.now()
    PeriodReport.objects.bulk_create(
        PeriodReport(
            definition=row, period="daily", zone="UTC", language="en-GB", begins=now - (n + 1) * DAY,
            ends=now - n * DAY, due_at=now - n * DAY, next_at=now, state=S.MADE, made_at=now,
        )
        for n in range(365)
    )  # fmt: skip
    old, new = PeriodReport.objects.order_by("due_at")[0], PeriodReport.objects.order_by("-due_at")[0]
    with django_assert_num_queries(3):
        assert alarms(now) == {}
    for one_of in (old, new):
        reader = outbox.Reader("Gone", "", "There is no webhook Gone.")
        outbox.queue(outbox.News(report_news.key(one_of), "report.ready", "x", "s", "b"), [reader], now)
    with django_assert_num_queries(3):
        assert set(alarms(now)) == {f"report:{new.pk}:undelivered"}
    with django_assert_num_queries(3):
        found = alarms(now, f"report:{old.pk}:undelivered")
    assert set(found) == {f"report:{old.pk}:undelivered", f"report:{new.pk}:undelivered"}
    assert found[f"report:{new.pk}:undelivered"].came == now


def test_a_report_that_waits_too_long_is_an_alarm():
    row = one(addresses=["a@bank.example", "b@bank.example"], late_hours=1)
    now = timezone.now()
    assert "no worker has made it yet" in report_alarms.said(row, now + 2 * HOUR)
    reporting.make_due(now)
    report_news.tick(now)
    row.refresh_from_db()
    assert report_alarms.said(row, now) == ""
    assert "it waits to be sent to a@bank.example" in report_alarms.said(row, now + 2 * HOUR)
    Mail.objects.update(state="failed", error="The server says 550.")
    assert "is not delivered to a@bank.example and 1 more: The server says 550." in report_alarms.said(row, now)
    Mail.objects.update(state="sent")
    assert report_alarms.said(row, now + 9 * HOUR) == ""


def test_the_scope_is_the_estate_a_site_or_an_engine(estate):
    other = Year(ENDS, Size(drills=1, luns=1, vms=1, windows=1, faults=4, outages=1), days=60, name="olvm-two").fill()
    site = Site.objects.create(name="DR")
    type(other).objects.filter(pk=other.pk).update(site=site)

    def scope(**fields):
        row = one(title=f"{fields}", **fields)
        return period_reports.make(row, "x").report

    whole = scope()
    assert whole.scope.engines == ("olvm-prod", "olvm-two")
    assert whole.scope.sites == ("PROD", "DR")
    assert scope(engine=estate).scope.engines == ("olvm-prod",)
    dr = scope(site=site)
    assert (dr.scope.kind, dr.scope.engines) == ("site", ("olvm-two",))
    assert {each.engine for each in dr.drills} <= {"olvm-two"}
    assert len(dr.backups) == 1
    type(other).objects.update(watched=False)
    off = scope(site=site, language="de")
    assert off.scope.engines == ("olvm-two",), "what the period has of it is not taken out by switching it off"
    assert any("olvm-two is not watched any more" in gap.sentence for gap in off.gaps)
    row = reporting.ask(define(site=site, title="later"), "admin1", datetime(2026, 3, 5, 12, tzinfo=UTC))
    row = PeriodReport.objects.select_related("definition__engine", "definition__site").get(pk=row.pk)
    assert period_reports.make(row, "x").report.verdict.words == "nothing lies in the scope"


def test_an_empty_portal_says_that_it_knows_nothing():
    report = period_reports.make(one(), "x").report
    assert report.verdict.state == "unknown"
    assert report_estate.since([]) is None
    assert report.previous is None


def test_the_beat_names_makes_and_tells(estate, settings):
    row = define(period="weekly", zone="UTC", addresses=["a@bank.example"])
    decided(row, timezone.now() - 8 * DAY)
    tasks.report()
    assert PeriodReport.objects.count() >= 1
    tasks.make_reports()
    tasks.report()
    assert Mail.objects.filter(kind="report.ready").count() == 1


def test_the_schema_is_printed_for_its_file(capsys):
    call_command("report_schema")
    published = Path(__file__).resolve().parents[2] / "docs" / "schema" / "period-report.json"
    assert json.loads(capsys.readouterr().out) == json.loads(published.read_text("utf-8"))


def person(name, role, email=""):
    add_person(name, role, Secret("correct horse battery"), by="test", demo=True)
    User.objects.filter(username=name).update(email=email)


def test_owners_are_reminded_before_and_after_the_day_and_late_ones_alarm():
    person("anna", "operator", "anna@bank.example")
    person("bert", "approver", "bert@bank.example")
    now = timezone.now()
    due = str(now.date() + 5 * DAY)
    row = issues.note("bert", {"title": "Console gone.", "severity": "critical", "owner": "anna", "due": due})

    def told(at):
        return report_news.tick(at), list(Mail.objects.order_by("pk").values_list("kind", flat=True))[-2:]

    assert told(now)[0] == 2, "owner and who raised it, within a week of its day"
    assert told(now)[0] == 0
    assert told(now + 4.5 * DAY) == (2, ["issue.due", "issue.due"]), "the day before"
    assert told(now + 7 * DAY)[0] >= 2
    assert "2 days past its date" in Mail.objects.latest("pk").subject
    assert told(now + 7 * DAY)[0] == 0
    assert told(now + 14 * DAY)[0] >= 2, "again a week later"
    (alarm,) = report_alarms.alarms(Ask(now + 7 * DAY))
    assert (alarm.severity, alarm.link) == (Severity.CRITICAL, f"/issues/{row.pk}/")
    Issue.objects.filter(pk=row.pk).update(owner="")
    assert "Its owner is nobody." in next(report_alarms.alarms(Ask(now + 7 * DAY))).sentence
    assert told(now + 21 * DAY)[0] >= 1, "nobody's issue is told to who is told of alarms"


def test_an_accepted_risk_ends_on_its_day_and_the_issue_is_open_again():
    person("bert", "approver")
    person("carl", "approver")
    now = timezone.now()
    row = issues.note("bert", {"title": "Old firmware", "severity": "low"})
    issues.ask_risk(row.pk, "bert", "Small.", str((now + 3 * DAY).date()))
    issues.accept_risk(row.pk, "carl")
    report_news.tick(now)
    assert Issue.objects.get().state == "accepted"
    report_news.tick(now + 5 * DAY)
    row.refresh_from_db()
    assert (row.state, row.risk_accepted_by) == ("open", "")
    assert Record.objects.get(kind="issue.reopened").actor == "portal"


def test_who_may_not_accept_is_no_second_person():
    person("bert", "approver")
    person("olga", "operator")
    row = issues.note("bert", {"title": "x", "severity": "low"})
    issues.ask_risk(row.pk, "bert", "Small.", str((timezone.now() + DAY * 3).date()))
    with pytest.raises(issues.Refused, match="is nobody who may accept a risk"):
        issues.accept_risk(row.pk, "olga")
    issues.edit(row.pk, "bert", {"title": "y"})
    with pytest.raises(issues.Refused, match="changed since it was read"):
        issues.edit(row.pk, "bert", {"title": "z"}, "yesterday")
    with pytest.raises(issues.Refused, match="is no date"):
        issues.edit(row.pk, "bert", {"due": "soon"})
    for far in ("0001-01-01", "9999-12-31"):
        with pytest.raises(issues.Refused, match="it is from 2000 to 2199"):
            issues.edit(row.pk, "bert", {"due": far})


@pytest.mark.parametrize("year", [1, 9999])
def test_no_report_is_of_the_beginning_or_the_end_of_time(year):
    with pytest.raises(issues.Refused, match="from the year 2000 on"):
        reporting.ask(define(), "admin1", datetime(year, 12, 31, 12, tzinfo=UTC))
    assert not PeriodReport.objects.exists()


def test_a_year_is_judged_month_by_month_as_it_was_promised(estate):
    """The estate's year begins on 12 September; its months have 259 s or 268 s to lose."""
    services = period_reports.make(one(period="yearly", zone="UTC"), "x").report.services
    assert services
    for each in services:
        down: dict[str, int] = {}
        for outage in each.outages:
            down[f"{outage.begins:%m}"] = down.get(f"{outage.begins:%m}", 0) + outage.seconds
        assert each.begins == ENDS - 120 * DAY
        assert (each.whole, each.lost) == (3, sum(down.get(month, 0) > 259 for month in ("10", "11", "12")))
