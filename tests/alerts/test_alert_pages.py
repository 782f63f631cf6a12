"""The pages and the API of alerts: what they show, who may do what, and that no secret comes out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from portal.access.services.people import add_person
from portal.alerts.models import Alert, Receiver, Route, Silence
from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.rules.quieting import Quiet
from portal.alerts.services import pages
from portal.alerts.services.tick import tick
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.outbox.models import Mail

pytestmark = pytest.mark.django_db
MIN = timedelta(minutes=1)
URL, KEY = "https://bus.bank.example/hooks/T0SECRET", "a key of 16 letters"


def client_of(role):
    client = Client()
    client.force_login(add_person(f"{role}1", role, Secret("correct horse battery"), by="test", demo=True))
    return client


@pytest.fixture
def open_alert(said, now):
    said.say(now)
    tick(now)
    return Alert.objects.get()


def text(answer):
    assert answer.status_code == 200, answer.content
    return " ".join(answer.content.decode().split())


def test_an_empty_list_says_when_one_opens(said):
    page = text(client_of("viewer").get("/alerts/"))
    assert "No alert is open" in page
    assert "One opens when a check fails for a minute" in page
    assert "Silence…" not in page
    assert "alert-count" not in page


def test_the_list_filters_by_its_address(open_alert, said, now):
    said.say(now, "run:7", concern=Concern.CONTROL, severity=Severity.WARNING, about=About("run", "run 7"),
             sentence="Run 7 needs attention.")  # fmt: skip
    tick(now)
    client = client_of("operator")
    page = text(client.get("/alerts/"))
    assert "2 alerts that nobody has acknowledged" in page
    assert page.index("ora_data02 lost a path.") < page.index("Run 7 needs attention.")
    assert '<b>2</b><span class="words"> alerts</span>' in page
    for query, shown in (("severity=warning", "Run 7"), ("concern=storage", "ora_data02"), ("kind=run", "Run 7"),
                         ("q=NEEDS", "Run 7"), ("engine=olvm&site=PROD", "ora_data02"), ("subject=run+7", "Run 7"),
                         ("state=unacknowledged&severity=critical", "ora_data02")):  # fmt: skip
        page = text(client.get(f"/alerts/?{query}"))
        assert ("Run 7 needs attention." in page, "ora_data02 lost a path." in page) == (
            shown == "Run 7",
            shown != "Run 7",
        )
    assert "No alert matches" in text(client.get("/alerts/?state=resolved&page=x"))
    assert "No alert matches" in text(client.get("/alerts/?q=nothing&page=2"))


def test_long_lists_have_pages(said, now):
    for number in range(pages.SIZE + 1):
        said.say(now, f"lun{number}", sentence=f"lun{number} is away.")
    tick(now)
    client = client_of("viewer")
    first, second = text(client.get("/alerts/?state=open")), text(client.get("/alerts/?state=open&page=2"))
    assert "?state=open&amp;page=2" in first
    assert "?state=open&amp;page=1" in second
    assert (first.count("is away."), second.count("is away.")) == (pages.SIZE, 1)


def test_an_alert_has_its_history_and_is_acknowledged(open_alert, said, now):
    client = client_of("operator")
    url = f"/alerts/{open_alert.pk}/"
    page = text(client.get(url))
    for words in ("Critical: ora_data02", "What happened", "opened", "Approvers by e-mail", "no route is set", "lost",
                  'href="/luns/1/"', "Acknowledge this alert"):  # fmt: skip
        assert words in page, words
    assert "Close this alert" not in page
    assert client.post(f"{url}acknowledge/", {"words": "I look", "hours": "4"}).status_code == 302
    open_alert.refresh_from_db()
    assert (open_alert.acknowledged_by, open_alert.note) == ("operator1", "I look")
    page = text(client.get(url))
    assert "operator1 until" in page
    assert "acknowledged" in page
    assert "Every open alert is acknowledged, 1 in all" in text(client.get("/alerts/"))
    client.post(f"{url}acknowledge/", {"words": "x", "hours": "7"})
    open_alert.refresh_from_db()
    assert open_alert.note == "I look", "there is no such choice"
    said.end()
    tick(now + MIN)
    assert "it is over when that lasts" in text(client.get(url))
    tick(now + 6 * MIN)
    page = text(client.get(url))
    assert "Acknowledge this alert" not in page
    assert "It holds no longer." in page
    page = text(client.post(f"{url}acknowledge/", {"words": "late", "hours": ""}, follow=True))
    assert "is over since" in page
    assert client.get("/alerts/99999/").status_code == 404


def test_what_only_a_person_can_end_is_closed(said, now):
    said.say(now, "run:7", concern=Concern.CONTROL, about=About("run", "run 7"), sentence="Run 7 broke.")
    tick(now)
    client, url = client_of("approver"), f"/alerts/{Alert.objects.get().pk}/"
    assert "Close this alert" in text(client.get(url))
    assert "Say why nothing is left to do." in text(client.post(f"{url}close/", {"words": ""}, follow=True))
    assert "It is closed." in text(client.post(f"{url}close/", {"words": "Put right by hand."}, follow=True))
    page = text(client.get(url))
    assert "closed by approver1" in page
    assert "Put right by hand." in page
    assert "Closed" in text(client.get("/alerts/"))


def test_silences_and_windows_stand_below_the_list(open_alert, said, now):
    client = client_of("operator")
    page = text(client.get(f"/alerts/silences/new/?alert={open_alert.pk}"))
    assert 'value="ora_data02"' in page
    assert 'value="storage" id="id_concerns_2" checked' in page or "checked" in page
    assert text(client.get("/alerts/silences/new/?alert=x"))
    bad = client.post("/alerts/silences/new/", {"least": "info", "hours": "4", "reason": ""})
    assert bad.status_code == 422
    given = {
        "least": "warning",
        "hours": "4",
        "reason": "Switch update",
        "engines": "olvm, olvm-dr ,olvm",
        "subject": "ora_*",
    }
    assert client.post("/alerts/silences/new/", given).status_code == 302
    row = Silence.objects.get()
    assert (row.by, row.engines, row.until - row.begins) == ("operator1", ["olvm", "olvm-dr"], timedelta(hours=4))
    said.QUIETS.append(Quiet("olvm", "Global maintenance of olvm is active until noon.", "kvm01"))
    page = text(client.get("/alerts/"))
    assert "warning and above; engine olvm, olvm-dr; named ora_*: Switch update" in page
    assert "Global maintenance of olvm is active until noon." in page
    assert "kvm01 alone" in page
    assert client.post(f"/alerts/silences/{row.pk}/end/").status_code == 302
    assert "nobody has made a silence" not in text(client.get("/alerts/"))
    assert "It is over already." in text(client.post(f"/alerts/silences/{row.pk}/end/", follow=True))
    long = {**given, "engines": "x" * 81}
    assert "No name has more than 80 characters." in client.post("/alerts/silences/new/", long).content.decode()


def test_a_source_that_does_not_answer_is_seen(open_alert, said, now, settings):
    settings.HOLDFAST_ALARMS = ["tests.alerts.said_alarms.broken"]
    tick(now)
    page = text(client_of("viewer").get("/alerts/"))
    assert "A source of alarms does not answer" in page
    assert "RuntimeError" in page


WEBHOOK = {"name": "Bus", "channel": "webhook", "new_url": URL, "new_key": KEY, "transport": "tls", "facility": "16",
           "resolved": "on", "enabled": "on"}  # fmt: skip


def test_an_administrator_adds_a_receiver_and_its_secrets_never_come_back(said, now):
    client = client_of("admin")
    assert "No receiver." in text(client.get("/alerts/receivers/"))
    bad = client.post(
        "/alerts/receivers/new/", {**WEBHOOK, "new_key": "short", "new_url": "http://bus.bank.example/T0SECRET"}
    )
    assert bad.status_code == 422
    page = bad.content.decode()
    assert "needs a key of 16 characters" in page
    assert "only https is taken" in page
    assert "T0SECRET" not in page
    assert client.post("/alerts/receivers/new/", WEBHOOK).status_code == 302
    row = Receiver.objects.get()
    assert (row.url.reveal(), row.key.reveal(), bool(row.old_key)) == (URL, KEY, False)
    url = f"/alerts/receivers/{row.pk}/"
    for page in (text(client.get("/alerts/receivers/")), text(client.get(url))):
        assert "T0SECRET" not in page
        assert KEY not in page
    assert "bus.bank.example" in text(client.get("/alerts/receivers/"))
    change = {**WEBHOOK, "new_url": "", "new_key": "another key of 16 letters", "name": "The bus"}
    assert client.post(url, change).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.key.reveal(), row.old_key.reveal()) == ("The bus", "another key of 16 letters", KEY)
    assert row.url.reveal() == URL
    assert "It signs with two keys." in text(client.get(url))
    assert client.post(url, {**change, "new_key": "", "drop_old": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.key.reveal(), bool(row.old_key)) == ("another key of 16 letters", False)
    told = [str(record.body) for record in Record.objects.filter(subject=f"receiver:{row.pk}")]
    assert len(told) == 3
    assert not any(word in one for one in told for word in ("T0SECRET", KEY, "another key"))


def test_the_test_button_queues_one_message_and_shows_what_became_of_it(said, now):
    client = client_of("admin")
    row = Receiver.objects.create(name="Ops", channel="mail", address="ops@bank.example")
    assert "never told" in text(client.get("/alerts/receivers/"))
    page = text(client.post(f"/alerts/receivers/{row.pk}/test/", follow=True))
    assert "A test to Ops is queued." in page
    mail = Mail.objects.get()
    assert (mail.kind, mail.address, mail.subject.startswith("[info] Test: Ops")) == (
        "alert.test",
        "ops@bank.example",
        True,
    )
    Mail.objects.update(state="failed", error="The mail server says 550.", ended_at=now)
    page = text(client.get("/alerts/receivers/"))
    assert "1 of 1 receivers lost the newest message" in page
    assert "The mail server says 550." in page
    assert Record.objects.get(kind="receiver.tested").actor == "admin1"


def test_an_administrator_makes_routes_and_asks_who_would_be_told(said, now):
    client = client_of("admin")
    ops = Receiver.objects.create(name="Ops", channel="mail", role="operator")
    boss = Receiver.objects.create(name="Boss", channel="mail", address="boss@bank.example")
    assert "No route is in use" in text(client.get("/alerts/routes/"))
    given = {"name": "On call", "position": "10", "least": "critical", "concerns": ["storage"], "days": ["0", "4"],
             "begins": "00:00", "ends": "00:00", "zone": "Asia/Kuwait", "receivers": [str(ops.pk)], "digest": "0",
             "escalate_after": "15", "escalate_to": str(boss.pk), "enabled": "on"}  # fmt: skip
    bad = client.post("/alerts/routes/new/", {**given, "zone": "Mars", "escalate_to": ""})
    assert bad.status_code == 422
    assert "There is no time zone" in bad.content.decode()
    assert "both a time and a receiver" in bad.content.decode()
    assert client.post("/alerts/routes/new/", given).status_code == 302
    row = Route.objects.get()
    assert (row.days, row.escalate_to, list(row.receivers.all())) == ([0, 4], boss, [ops])
    page = text(client.get("/alerts/routes/"))
    assert "critical; storage; Mon, Fri, Asia/Kuwait" in page
    assert "Boss after 15 min" in page
    assert client.post(f"/alerts/routes/{row.pk}/", {**given, "days": [], "concerns": []}).status_code == 302
    page = text(client.get("/alerts/routes/?severity=critical&concern=storage"))
    assert 'Ops <span class="meta">by On call</span>' in page
    assert "No route fits it now." in text(client.get("/alerts/routes/?severity=warning&concern=storage"))
    assert "Choose a severity" in text(client.get("/alerts/routes/?severity=loud"))
    assert "The route On call escalates to it" in text(client.post(f"/alerts/receivers/{boss.pk}/remove/", follow=True))
    assert client.post(f"/alerts/routes/{row.pk}/remove/").status_code == 302
    assert client.post(f"/alerts/receivers/{boss.pk}/remove/").status_code == 302
    assert (Route.objects.count(), Receiver.objects.count()) == (0, 1)
    kinds = Record.objects.filter(subject__startswith="route:").order_by("number").values_list("kind", flat=True)
    assert list(kinds) == ["route.added", "route.changed", "route.removed"]
    assert text(client.get("/alerts/routes/new/"))


@pytest.mark.parametrize(
    ("channel", "more", "words"),
    [
        ("mail", {}, "Give either a role or one address."),
        ("mail", {"role": "operator", "address": "a@b"}, "Give either a role or one address."),
        ("mail", {"address": "no address"}, "This is no e-mail address."),
        ("syslog", {"address": "siem"}, "The address is no host:port"),
        ("slack", {}, "Without its address nothing can be sent there."),
        ("teams", {"new_url": "https://x/a b"}, "holds signs that no URL has"),
        ("syslog", {"address": "siem:6514", "ca_pem": "none"}, "This is no certificate in PEM."),
        ("syslog", {"address": "siem:6514", "facility": "24"}, "24"),
        (
            "syslog",
            {"address": "siem:6514", "pin_pem": "-----BEGIN CERTIFICATE-----"},
            "This is no certificate in PEM.",
        ),
    ],
)
def test_what_a_channel_cannot_do_without(said, channel, more, words):
    client = client_of("admin")
    given = {"name": "X", "channel": channel, "transport": "tls", "facility": "16", **more}
    answer = client.post("/alerts/receivers/new/", given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Receiver.objects.exists()


def test_only_those_who_may_act_and_every_refusal_is_on_record(open_alert):
    viewer, operator = client_of("viewer"), client_of("operator")
    url = f"/alerts/{open_alert.pk}/"
    assert "Acknowledge this alert" not in text(viewer.get(url))
    for client, path in ((viewer, f"{url}acknowledge/"), (viewer, f"{url}close/"), (viewer, "/alerts/silences/new/"),
                         (operator, "/alerts/receivers/new/"), (operator, "/alerts/routes/new/")):  # fmt: skip
        before = Record.objects.filter(kind="access.denied").count()
        assert client.post(path, {}).status_code == 403
        assert Record.objects.filter(kind="access.denied").count() == before + 1
    open_alert.refresh_from_db()
    assert open_alert.acknowledged_by == ""


def test_the_api_of_alerts(open_alert, said, now):
    client = client_of("operator")
    (row,) = client.get("/api/v1/alerts/?open=true&severity=critical").json()["results"]
    assert (row["subject"], row["resolved_at"], row["acknowledged_by"]) == ("ora_data02", None, "")
    assert client.get("/api/v1/alerts/?open=false").json()["results"] == []
    assert client.get("/api/v1/alerts/?open=maybe").status_code == 400
    assert client.get("/api/v1/alerts/?severity=loud").status_code == 400
    url = f"/api/v1/alerts/{open_alert.pk}/"
    whole = client.get(url).json()
    assert [event["kind"] for event in whole["events"]] == ["opened", "told"]
    assert [one["state"] for one in whole["told"]] == ["lost", "lost"]
    until = (now + 60 * MIN).isoformat()
    given = client.post(f"{url}acknowledge/", {"note": "I look", "until": until}, content_type="application/json")
    assert (given.status_code, given.json()["acknowledged_by"]) == (200, "operator1")
    past = client.post(f"{url}acknowledge/", {"until": now.isoformat()}, content_type="application/json")
    assert past.status_code == 422
    refused = client.post(f"{url}close/", {"note": "x"}, content_type="application/json")
    assert (refused.status_code, "ends when looks find" in refused.json()["detail"]) == (409, True)
    assert client.post(f"{url}close/", {}, content_type="application/json").status_code == 400
    assert client_of("viewer").post(f"{url}acknowledge/", {}, content_type="application/json").status_code == 403


def test_the_api_of_silences(said, now):
    client = client_of("operator")
    wish = {"reason": "Switch update", "least": "info", "subject": "ora_*", "until": (now + 60 * MIN).isoformat()}
    made = client.post("/api/v1/silences/", wish, content_type="application/json")
    assert (made.status_code, made.json()["by"], made.json()["concerns"]) == (201, "operator1", [])
    late = client.post("/api/v1/silences/", {**wish, "until": now.isoformat()}, content_type="application/json")
    assert late.status_code == 422
    odd = client.post("/api/v1/silences/", {**wish, "concerns": ["weather"]}, content_type="application/json")
    assert odd.status_code == 400
    url = f"/api/v1/silences/{made.json()['id']}/end/"
    assert client.post(url).json()["ended_by"] == "operator1"
    assert client.post(url).status_code == 409
    assert client_of("viewer").post("/api/v1/silences/", wish, content_type="application/json").status_code == 403
    assert len(client.get("/api/v1/silences/").json()["results"]) == 1


def test_the_api_of_receivers_and_routes_gives_no_secret_out(said, now):
    client = client_of("admin")
    wish = {"name": "Bus", "channel": "webhook", "url": URL, "key": KEY}
    made = client.post("/api/v1/alert-receivers/", wish, content_type="application/json")
    assert made.status_code == 201, made.content
    assert (made.json()["shown"], made.json()["signs_with"]) == ("bus.bank.example", 1)
    url = f"/api/v1/alert-receivers/{made.json()['id']}/"
    changed = client.patch(url, {"key": "another key of 16 letters"}, content_type="application/json")
    assert changed.json()["signs_with"] == 2
    assert client.patch(url, {"drop_old_key": True}, content_type="application/json").json()["signs_with"] == 1
    assert client.patch(url, {"channel": "mail"}, content_type="application/json").status_code == 400
    short = client.post("/api/v1/alert-receivers/", {**wish, "name": "B", "key": "x"}, content_type="application/json")
    assert (short.status_code, "key" in short.json()["errors"]) == (400, True)
    assert client.post(f"{url}test/").status_code == 202
    assert Mail.objects.get().channel == "webhook"
    for answer in (made, changed, client.get(url), client.get("/api/v1/alert-receivers/"), client.get("/api/v1/mail/")):
        assert "T0SECRET" not in answer.content.decode()
        assert KEY not in answer.content.decode()
    pk = made.json()["id"]
    wish = {"name": "All", "receivers": [pk], "escalate_after": 5, "escalate_to": pk}
    route = client.post("/api/v1/alert-routes/", wish, content_type="application/json")
    assert route.status_code == 201, route.content
    at = f"/api/v1/alert-routes/{route.json()['id']}/"
    bad = client.patch(at, {"zone": "Mars"}, content_type="application/json")
    assert "There is no time zone" in bad.json()["errors"]["zone"][0]
    kept = client.patch(at, {"digest": 30}, content_type="application/json").json()
    assert (kept["receivers"], kept["digest"]) == ([pk], 30)
    asked = client.get("/api/v1/alert-routes/preview/?severity=critical&concern=control").json()
    assert asked == {"told": [{"receiver": "Bus", "route": "All"}], "why": ""}
    assert client.get("/api/v1/alert-routes/preview/").status_code == 400
    assert client.delete(url).status_code == 409
    assert client.delete(at).status_code == 204
    assert client.delete(url).status_code == 204
    assert client_of("operator").get("/api/v1/alert-receivers/").status_code == 403


def test_the_metrics_count_alerts(open_alert, client):
    body = client.get("/metrics").content.decode()
    assert 'holdfast_alerts_open{acknowledged="no",concern="storage",severity="critical"} 1.0' in body
    assert 'holdfast_messages_undelivered{channel="mail"} 2.0' in body


def test_what_the_forms_cannot_offer_the_api_refuses_too(said):
    client = client_of("admin")
    for path, wish, field in (
        ("alert-receivers", {"name": "X", "channel": "mail", "role": "king"}, "role"),
        ("alert-receivers", {"name": "X", "channel": "syslog", "address": "siem:6514", "facility": 24}, "facility"),
        ("alert-receivers", {"name": "X", "channel": "slack"}, "url"),
        ("alert-routes", {"name": "X", "days": [7]}, "days"),
        ("alert-routes", {"name": "X", "digest": 1441}, "digest"),
        ("alert-routes", {"name": "X", "escalate_after": 1441, "escalate_to": None}, "escalate_after"),
        ("alert-routes", {"name": "X", "concerns": ["weather"]}, "concerns"),
    ):
        answer = client.post(f"/api/v1/{path}/", wish, content_type="application/json")
        assert (answer.status_code, field in answer.json()["errors"]) == (400, True), (path, wish, answer.content)
    assert not Receiver.objects.exists()
    assert not Route.objects.exists()


def test_a_certificate_is_taken(said, tmp_path):
    from lab.tls import identity

    wish = {"name": "SIEM", "channel": "syslog", "address": "siem:6514", "transport": "tls", "facility": "16",
            "ca_pem": identity(tmp_path).ca_pem}  # fmt: skip
    assert client_of("admin").post("/alerts/receivers/new/", wish).status_code == 302
    assert Receiver.objects.get().ca_pem.startswith("-----BEGIN CERTIFICATE-----")


def test_the_portal_names_its_rows_in_words(open_alert, said, now):
    receiver = Receiver.objects.create(name="Ops", channel="mail", address="ops@bank.example")
    route = Route.objects.create(name="All")
    silence = Silence.objects.create(reason="Switch update", by="anna", begins=now, until=now + MIN)
    assert [str(one) for one in (receiver, route, silence)] == ["Ops", "All", "Switch update"]
    assert str(open_alert) == "critical ora_data02: ora_data02 lost a path."
    assert str(open_alert.notices.order_by("who").first()) == "opened to role:approver"
    assert str(open_alert.events.first()) == "opened: ora_data02 lost a path."
    assert "critical" in text(client_of("admin").get("/admin/alerts/alert/"))


def test_a_header_counts_also_where_nothing_was_looked_at(open_alert):
    assert '<b>1</b><span class="words"> alert</span>' in text(client_of("viewer").get("/alerts/"))
