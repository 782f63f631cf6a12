"""Period reports on their way, over real HTTP and SMTP on loopback: signed, refused, late, sent twice with one name,
tried again by a person; and what of it is an alarm."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from deploy import holdfast_verify, seed_demo
from failover import tasks
from failover.models import PeriodReport, ReportDefinition
from failover.services import report_alarms, report_news, reporting
from lab.smtp import Catcher, Folder
from lab.webhook import Listener
from portal.alerts.models import Receiver
from portal.alerts.rules.alarm import Ask
from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, verify
from portal.evidence import signing
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.outbox import services as outbox
from portal.outbox.models import Mail, RoleAddress

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
KEY = "the desk's key of 16"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def own_vault(settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path
    settings.HOLDFAST_MAIL_URL = ""
    settings.HOLDFAST_PUBLIC_URL = "https://holdfast.bank.example"


@pytest.fixture
def listener():
    made = Listener().start()
    yield made
    made.stop()


@pytest.fixture
def catcher(settings):
    made = Catcher().start()
    settings.HOLDFAST_MAIL_URL = f"smtp://127.0.0.1:{made.port}?from=holdfast@bank.example"
    yield made
    made.stop()


def ready(**fields) -> PeriodReport:
    """A report that was made by a worker, and what is to be sent of it queued."""
    values = {"title": "Board", "period": "monthly", "zone": "UTC", "formats": ["json"], "late_hours": 2, **fields}
    of = reporting.save(ReportDefinition(**values), "admin1")
    row = reporting.ask(of, "admin1", datetime(2026, 1, 15, 12, tzinfo=UTC))
    tasks.make_reports()
    report_news.tick(timezone.now())
    return PeriodReport.objects.select_related("definition").get(pk=row.pk)


def desk(listener, **more) -> Receiver:
    return Receiver.objects.create(name="Change desk", channel="webhook", url=listener.url, key=KEY, **more)


def wrong(row: PeriodReport, later: timedelta = timedelta(0)) -> str:
    """What is an alarm about a report, in words; "" for nothing."""
    found = report_alarms.alarms(Ask(timezone.now() + later))
    return " ".join(one.sentence for one in found if one.link == f"/reports/{row.pk}/")


def test_a_webhook_gets_a_signed_document_that_names_the_content(listener):
    desk(listener)
    row = ready(webhooks=["Change desk"])
    assert outbox.deliver_due(timezone.now()) == 1
    (one,) = listener.heard
    at = int(timezone.now().timestamp())
    stamp, mark = one.headers[TIMESTAMP_HEADER.lower()], one.headers[SIGNATURE_HEADER.lower()]
    assert abs(verify([Secret(KEY)], stamp, mark, one.body, at).at - at) < 60
    with pytest.raises(BadSignature):
        verify([Secret(KEY)], stamp, mark, one.body.replace(b"unknown", b"ok"), at)
    with pytest.raises(BadSignature):
        verify([Secret(KEY)], stamp, mark, one.body, at + 86_400)
    told = one.document
    assert (told["event"], told["report"], told["version"]) == ("report.ready", row.ident, 1)
    assert (told["sha256"], told["verdict"]) == (row.sha256, "unknown")
    assert told["url"] == f"https://holdfast.bank.example/reports/{row.pk}/"
    assert outbox.deliver_due(timezone.now()) == 0, "once"
    assert wrong(row, 9 * HOUR) == ""


def test_a_webhook_that_refuses_is_an_alarm_until_a_person_has_it_sent_again(listener):
    desk(listener)
    listener.fault = "refuse"
    row = ready(webhooks=["Change desk"])
    assert outbox.deliver_due(timezone.now()) == 0
    told = Mail.objects.get(person="Change desk")
    assert (told.state, told.attempts) == ("failed", 1)
    assert wrong(row) == (
        f"{row.ident} (Board) is not delivered to Change desk: Change desk answers HTTP 400: not now."
    )
    assert "secret-word" not in json.dumps(
        [list(Record.objects.values_list("body", flat=True)), told.error], default=str
    )
    listener.fault = ""
    assert outbox.again(told.pk, "admin1", timezone.now())
    assert wrong(row) == "", "it is on its way"
    assert outbox.deliver_due(timezone.now()) == 1
    assert listener.heard[0].document["sha256"] == row.sha256
    assert listener.heard[0].headers["x-holdfast-id"] == told.message_id.strip("<>")
    kinds = list(Record.objects.filter(subject=f"mail:{told.pk}").values_list("kind", flat=True).order_by("number"))
    assert (kinds[0], kinds[-1]) == ("mail.queued", "mail.sent")
    assert "mail.failed" in kinds


def test_a_webhook_that_is_down_is_tried_again_and_late_is_an_alarm(listener):
    desk(listener)
    listener.fault = "down"
    row = ready(webhooks=["Change desk"])
    now = timezone.now()
    assert outbox.deliver_due(now) == 0
    assert wrong(row) == "", "not yet"
    assert "is late: it waits to be sent to Change desk. Change desk answers HTTP 503" in wrong(row, 3 * HOUR)
    assert outbox.deliver_due(now + timedelta(seconds=5)) == 0
    assert listener.asked == 1, "it has its pause"
    listener.fault = ""
    assert outbox.deliver_due(now + MINUTE) == 1
    assert wrong(row, 3 * HOUR) == ""


def test_what_was_taken_and_not_confirmed_comes_again_under_the_same_name(listener):
    desk(listener)
    listener.fault = "reset"
    ready(webhooks=["Change desk"])
    now = timezone.now()
    assert outbox.deliver_due(now) == 0
    listener.fault = ""
    assert outbox.deliver_due(now + MINUTE) == 1
    first, second = listener.heard
    assert first.headers["x-holdfast-id"] == second.headers["x-holdfast-id"]
    assert first.document == second.document


@pytest.mark.parametrize(
    ("more", "words"),
    [({"enabled": False}, "is switched off"), ({"key": "short"}, "has no signing key of 16 characters or more")],
)
def test_a_webhook_that_cannot_be_used_is_named(listener, more, words):
    Receiver.objects.create(**{"name": "Change desk", "channel": "webhook", "url": listener.url, "key": KEY, **more})
    row = ready(webhooks=["Change desk"])
    outbox.deliver_due(timezone.now())
    assert listener.asked == 0
    assert words in wrong(row, 3 * HOUR)


def test_mail_that_is_refused_is_an_alarm_until_it_is_sent_again(catcher, tmp_path, capsys):
    catcher.fault = "refuse"
    row = ready(addresses=["board@bank.example"])
    assert outbox.send_due(timezone.now()) == 0
    told = Mail.objects.get(person="board@bank.example")
    assert told.state == "failed"
    assert "is not delivered to board@bank.example" in wrong(row)
    catcher.fault = ""
    assert outbox.again(told.pk, "admin1", timezone.now())
    assert outbox.send_due(timezone.now()) == 1
    (message,) = catcher.messages
    assert message["Message-ID"] == told.message_id
    (file,) = message.iter_attachments()
    path, key = tmp_path / str(file.get_filename()), tmp_path / "holdfast.pub"
    path.write_bytes(file.get_content())
    private = signing.private_key()
    assert private is not None
    key.write_text(signing.public_pem(private))
    assert holdfast_verify.main([str(path), str(key)]) == 0, "what came by mail is verified by itself"
    assert row.sha256 in capsys.readouterr().out


def test_mail_that_was_taken_before_the_link_broke_comes_again_under_the_same_name(catcher):
    catcher.fault = "cut"
    row = ready(addresses=["board@bank.example"])
    now = timezone.now()
    assert outbox.send_due(now) == 0
    assert "waits to be sent" in wrong(row, 3 * HOUR)
    catcher.fault = ""
    assert outbox.send_due(now + MINUTE) == 1
    assert len({message["Message-ID"] for message in catcher.messages}) == 1


def test_the_demo_sends_a_report_that_says_that_the_portal_did_not_watch(catcher, settings, tmp_path, capsys):
    url, settings.HOLDFAST_MAIL_URL = settings.HOLDFAST_MAIL_URL, ""
    seed_demo.seed_report()
    assert not ReportDefinition.objects.exists(), "nobody catches mail"
    settings.HOLDFAST_MAIL_URL = url
    seed_demo.seed_report()
    seed_demo.seed_report()
    ReportDefinition.objects.update(formats=["json"])
    tasks.make_reports()
    report_news.tick(timezone.now())
    assert outbox.send_due(timezone.now()) == 1
    (message,) = catcher.messages
    assert message["To"] == "auditor@bank.example"
    assert message["Subject"] == "Failover and recovery, monthly: nothing lies in the scope"
    folder = Folder(tmp_path / "mail")
    assert [folder.keep(message).name for _ in range(2)] == ["0001.eml", "0002.eml"]
    assert "mail: to auditor@bank.example" in capsys.readouterr().out


def test_what_a_role_may_not_read_is_not_sent_to_it():
    RoleAddress.objects.create(role="operator", address="ops@bank.example")
    wish = {"formats": ["pdf"], "readers": ["auditor"], "roles": ["auditor", "operator"]}
    (said,) = reporting.checked(wish)
    assert said.startswith("Operator is to be sent what it may not read here")
    assert reporting.checked({**wish, "readers": []}) == []
    (kept,) = report_news.readers(ready(readers=["auditor"], roles=["operator"]).definition)
    assert (kept.address, kept.why) == (
        "",
        "The role operator may not read this report, so it is sent to nobody in it.",
    )
