"""The outbox: queued once, sent at least once with one Message-ID, dead letters seen and tried again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from lab.smtp import Catcher
from portal.access.services.people import add_person
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.outbox import services
from portal.outbox.models import Mail, RoleAddress
from portal.outbox.services import News, Reader

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
NEWS = News("drill:7:ahead:1h", "drill.ahead", "drill:7", "Failover of olvm begins soon", "It may begin at 22:00.")
ANNA = Reader("anna", "anna@bank.example")
S = Mail.State


@pytest.fixture
def catcher(settings):
    made = Catcher().start()
    settings.HOLDFAST_MAIL_URL = f"smtp://127.0.0.1:{made.port}?from=holdfast@bank.example"
    yield made
    made.stop()


def person(name, role="operator", email="", active=True):
    row = add_person(name, role, Secret("correct horse battery"), by="test", demo=True)
    User.objects.filter(pk=row.pk).update(email=email, is_active=active)
    return row


def test_news_is_queued_once_per_reader_and_sent_once(catcher):
    now = timezone.now()
    assert services.queue(NEWS, [ANNA, ANNA, Reader("bert", "bert@bank.example")], now) == 2
    assert services.queue(NEWS, [ANNA], now) == 0
    assert services.send_due(now) == 2
    assert services.send_due(now) == 0
    assert sorted(one["To"] for one in catcher.messages) == ["anna@bank.example", "bert@bank.example"]
    row = Mail.objects.get(person="anna")
    assert (row.state, row.attempts, row.error) == (S.SENT, 1, "")
    kinds = list(Record.objects.filter(subject=f"mail:{row.pk}").order_by("number").values_list("kind", flat=True))
    assert kinds == ["mail.queued", "mail.sent"]


def test_an_answer_that_is_lost_means_twice_with_the_same_message_id(catcher):
    now = timezone.now()
    services.queue(NEWS, [ANNA], now)
    catcher.fault = "cut"
    assert services.send_due(now) == 0
    row = Mail.objects.get()
    assert (row.state, row.attempts) == (S.QUEUED, 1)
    assert "the connection ended" in row.error
    catcher.fault = ""
    assert services.send_due(now + timedelta(seconds=29)) == 0, "not before its time"
    assert services.send_due(now + timedelta(seconds=31)) == 1
    assert len(catcher.messages) == 2
    assert {one["Message-ID"] for one in catcher.messages} == {row.message_id}


def test_a_worker_that_died_with_it_gives_it_back_after_a_while(catcher):
    now = timezone.now()
    services.queue(NEWS, [ANNA], now)
    Mail.objects.update(taken_until=now + services.TAKEN, attempts=1)
    assert services.send_due(now) == 0
    assert services.send_due(now + services.TAKEN + timedelta(seconds=1)) == 1


def test_what_is_refused_for_good_is_a_dead_letter_and_can_be_tried_again(catcher):
    now = timezone.now()
    services.queue(NEWS, [ANNA], now)
    catcher.fault = "refuse"
    services.send_due(now)
    row = Mail.objects.get()
    assert (row.state, row.attempts) == (S.FAILED, 1)
    assert "says 550: no such mailbox" in row.error
    assert Record.objects.filter(kind="mail.failed", subject=f"mail:{row.pk}").exists()
    catcher.fault = ""
    assert services.again(row.pk, "operator1", now)
    assert not services.again(row.pk, "operator1", now)
    assert services.send_due(now) == 1
    assert Record.objects.get(kind="mail.again").actor == "operator1"


def test_it_is_tried_with_growing_pauses_for_all_of_its_day(catcher):
    """A server that is away for a night has the message in the morning."""
    now = at = timezone.now()
    services.queue(NEWS, [ANNA], now)
    catcher.fault = "defer"
    pauses = []
    while (row := Mail.objects.get()).state == S.QUEUED:
        at = row.next_at
        services.send_due(at)
        row.refresh_from_db()
        pauses.append((row.next_at - at).total_seconds())
    assert pauses[:4] == [30, 60, 120, 240]
    assert max(pauses) == 900
    assert now + services.WORTH <= at < now + services.WORTH + timedelta(hours=1)
    assert "was not delivered within 24 h" in row.error
    assert row.attempts == len(pauses) - 1


def test_without_a_server_nothing_is_tried_and_after_a_day_it_is_worth_nothing(settings):
    now = timezone.now()
    settings.HOLDFAST_MAIL_URL = ""
    services.queue(NEWS, [ANNA], now)
    assert services.send_due(now) == 0
    assert Mail.objects.get().attempts == 0
    assert services.server() == (None, services.NO_SERVER)
    services.send_due(now + timedelta(hours=25))
    row = Mail.objects.get()
    assert row.state == S.FAILED
    assert services.NO_SERVER in row.error
    settings.HOLDFAST_MAIL_URL = "http://secret@host"
    found, why = services.server()
    assert (found, "secret" in why) == (None, False)


def test_readers_are_accounts_or_roles_and_who_has_no_address_is_seen():
    now = timezone.now()
    person("anna", email="anna@bank.example")
    person("bert")
    person("gone", email="gone@bank.example", active=False)
    found = services.people(["Anna", "bert", "gone", "Chief of staff", "anna ", ""])
    assert [(one.name, one.address) for one in found] == [
        ("anna", "anna@bank.example"), ("bert", ""), ("gone", ""), ("Chief of staff", ""), ("anna", "anna@bank.example")
    ]  # fmt: skip
    assert "has no address" in found[1].why
    assert "is switched off" in found[2].why
    assert "is no account" in found[3].why
    assert services.queue(NEWS, found, now) == 4
    assert Mail.objects.filter(state=S.FAILED).count() == 3
    assert not services.again(Mail.objects.filter(person="bert").get().pk, "operator1", now)


def test_a_role_has_its_own_address_or_those_of_its_people():
    assert services.role("operator")[0].address == ""
    person("anna", email="anna@bank.example")
    assert [one.address for one in services.role("operator")] == ["anna@bank.example"]
    RoleAddress.objects.create(role="operator", address="ops@bank.example")
    assert [(one.name, one.address) for one in services.role("operator")] == [("role operator", "ops@bank.example")]


def test_the_page_says_what_was_not_delivered_and_that_no_server_is_set(client, settings):
    settings.HOLDFAST_MAIL_URL = ""
    now = timezone.now()
    client.force_login(person("op1"))
    page = client.get("/drills/mail/").content.decode()
    assert "No mail server is set" in page
    assert "Nothing is undelivered." in page
    services.queue(NEWS, [Reader("bert", "", "The account bert has no address: an administrator sets it.")], now)
    services.queue(NEWS, [ANNA], now)
    Mail.objects.filter(person="anna").update(state=S.FAILED, error="The server says 550.")
    page = client.get("/drills/mail/").content.decode()
    assert "The account bert has no address" in page
    assert "The server says 550." in page
    row = Mail.objects.get(person="anna")
    assert client.post(f"/drills/mail/{row.pk}/again/").status_code == 302
    assert Mail.objects.get(pk=row.pk).state == S.QUEUED
    assert "has no address" in client.post(f"/drills/mail/{row.pk}/again/", follow=True).content.decode()
    settings.HOLDFAST_MAIL_URL = "smtp://127.0.0.1:25?from=h@b"
    assert "1 message not delivered" in client.get("/drills/mail/").content.decode()
    Mail.objects.filter(state=S.FAILED).delete()
    assert "1 message to be sent" in client.get("/drills/mail/").content.decode()
    Mail.objects.update(state=S.SENT)
    assert "All mail is delivered" in client.get("/drills/mail/").content.decode()


def test_the_api_lists_it_to_whoever_may_see_the_evidence(client):
    services.queue(NEWS, [ANNA], timezone.now())
    client.force_login(person("seer", role="viewer"))
    assert client.get("/api/v1/mail/").status_code == 403
    assert client.get("/drills/mail/").status_code == 403
    client.force_login(person("judge", role="auditor"))
    (row,) = client.get("/api/v1/mail/?state=queued").json()["results"]
    assert (row["about"], row["person"], row["attempts"]) == ("drill:7", "anna", 0)


def test_one_worker_sends_at_a_time_and_a_hanging_server_holds_it_no_longer_than_it_must(catcher, monkeypatch):
    import psycopg
    from django.db import connection

    now = timezone.now()
    services.queue(NEWS, [ANNA, Reader("bert", "bert@bank.example")], now)
    given = connection.get_connection_params()
    with psycopg.connect(host=given.get("host"), port=given.get("port"), user=given.get("user"),
                         password=given.get("password"), dbname=given["dbname"], autocommit=True) as other:  # fmt: skip
        other.execute("select pg_advisory_lock(%s)", [services.LOCK])
        assert services.send_due(now) == 0
        other.execute("select pg_advisory_unlock(%s)", [services.LOCK])  # a session's end is noticed later only
    monkeypatch.setattr(services, "LONGEST_TICK", -1.0)
    assert services.send_due(now) == 1, "the time of the tick is over after the first"
    monkeypatch.undo()
    assert services.send_due(now) == 1


def test_a_file_goes_along_as_the_vault_keeps_it_or_the_message_does_not_go(catcher, settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path
    now = timezone.now()
    (tmp_path / "report").write_bytes(b"whole")
    told = services.Attached("report.pdf", "application/pdf", hashlib.sha256(b"whole").hexdigest(), "report")
    news = services.News("r:1", "report.ready", "report:1", "Report", "It is attached.", (told,))
    services.queue(news, [ANNA], now)
    assert services.send_due(now) == 1
    (part,) = catcher.messages[-1].iter_attachments()
    assert part.get_content() == b"whole"
    assert Record.objects.filter(kind="mail.queued").last().body["files"] == [
        {"name": "report.pdf", "sha256": told.sha256}
    ]
    services.queue(replace(news, key="r:2"), [ANNA], now)
    services.queue(replace(news, key="r:3", files=(replace(told, place="gone"),)), [ANNA], now)
    (tmp_path / "report").write_bytes(b"altered")
    assert services.send_due(now) == 0
    altered, gone = Mail.objects.filter(state=S.FAILED).order_by("pk")
    assert altered.error == "report.pdf in the vault is not what was to be sent: its SHA-256 differs."
    assert gone.error == "The vault does not give report.pdf out: No such file or directory."


def breaks(row):
    raise RuntimeError("it would quote a password")


def test_a_message_that_breaks_its_sender_keeps_no_other_waiting(settings, monkeypatch):
    now, went = timezone.now(), []

    def send(row):
        if row.person == "anna":
            breaks(row)
        went.append(row.person)

    monkeypatch.setattr(services, "import_string", lambda path: send)
    settings.HOLDFAST_CHANNELS = {"webhook": "x"}
    for name in ("anna", "bert"):
        services.queue(
            services.News(name, "x", "run:1", "s", "b"), [services.Reader(name, name, channel="webhook")], now
        )
    assert services.deliver_due(now) == 1
    assert went == ["bert"]
    row = Mail.objects.get(person="anna")
    assert (row.state, row.attempts, row.taken_until) == (S.QUEUED, 1, None)
    assert row.error == "The portal broke on it (RuntimeError). An administrator reads its log."
    assert row.next_at == now + services.FIRST_PAUSE


def test_a_clock_that_is_put_back_holds_no_message_up(catcher):
    """It was put off, or taken by a worker that died, when the clock was two days ahead."""
    now = timezone.now()
    ahead = now + timedelta(days=2)
    for name in ("waits", "taken"):
        services.queue(services.News(name, "x", "run:1", "s", "b"), [ANNA], ahead)
    Mail.objects.filter(key__startswith="taken").update(next_at=now, taken_until=ahead + services.TAKEN)
    assert services.send_due(now) == 2
    services.queue(services.News("later", "x", "run:1", "s", "b"), [ANNA], now)
    Mail.objects.filter(key__startswith="later").update(next_at=now + timedelta(minutes=50))
    assert services.send_due(now) == 0, "a pause is a pause"


def lose(number, at, person="anna", channel="mail", address=""):
    reader = services.Reader(person, address, "No address is known.", channel)
    services.queue(services.News(f"n{number}", "x", "run:1", "s", "b"), [reader], at)


def test_what_was_lost_is_lost_until_a_later_one_arrives_at_the_same_place(catcher):
    now = timezone.now()
    lose(1, now)
    lose(2, now, "bert")
    assert services.lost().count() == 2
    later = now + timedelta(days=90)
    services.queue(NEWS, [ANNA], later)
    assert services.lost().count() == 2, "it is not there yet"
    assert services.send_due(later) == 1
    assert [row.person for row in services.lost()] == ["bert"]
    assert Mail.objects.get(person="anna", state=S.FAILED).settled_at == later
    assert services.done_with("mail", now, later) == 1
    assert not services.lost().exists()


def test_a_message_that_is_lost_again_is_lost(catcher):
    now = timezone.now()
    services.queue(NEWS, [ANNA], now)
    catcher.fault = "refuse"
    services.send_due(now)
    services.done_with("mail", now, now)
    row = Mail.objects.get()
    assert services.again(row.pk, "operator1", now)
    services.send_due(now)
    assert services.lost().get().pk == row.pk


def test_what_ended_long_ago_goes_and_what_is_not_done_with_stays(catcher):
    now = timezone.now()
    services.queue(NEWS, [ANNA], now)
    services.send_due(now)
    lose(1, now, "bert")
    lose(2, now, "carl")
    Mail.objects.filter(person="carl").update(settled_at=now)
    services.queue(services.News("waits", "x", "run:1", "s", "b"), [services.Reader("dora", "d@bank.example")], now)
    assert services.prune(now) == 0
    assert services.prune(now + timedelta(seconds=1)) == 2
    assert sorted(Mail.objects.values_list("person", "state")) == [("bert", S.FAILED), ("dora", S.QUEUED)]


def test_the_api_tries_a_lost_message_again(client):
    services.queue(NEWS, [ANNA, Reader("bert", "", "No address is known.")], timezone.now())
    lost = Mail.objects.get(person="anna")
    Mail.objects.filter(pk=lost.pk).update(state=S.FAILED, error="The server says 550.")
    client.force_login(person("judge", role="auditor"))
    assert client.post(f"/api/v1/mail/{lost.pk}/again/").status_code == 403
    client.force_login(person("op1"))
    assert client.post("/api/v1/mail/999999/again/").status_code == 404
    given = client.post(f"/api/v1/mail/{lost.pk}/again/")
    assert (given.status_code, given.json()["state"]) == (202, "queued")
    assert client.post(f"/api/v1/mail/{lost.pk}/again/").status_code == 409
    assert client.post(f"/api/v1/mail/{Mail.objects.get(person='bert').pk}/again/").status_code == 409
    assert Record.objects.get(kind="mail.again").actor == "op1"
