"""From what holds to messages in the outbox: each told once, held back, acknowledged, escalated, gathered, resolved."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from lab.smtp import Catcher
from lab.syslog import Collector
from lab.webhook import Listener
from portal.alerts import tasks
from portal.alerts.models import Alert, Asked, Notice, Receiver, Route, Silence
from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.rules.quieting import Quiet
from portal.alerts.services import acts, collect, counting, pages, routes, settings, telling
from portal.alerts.services.tick import LOCK, tick
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.outbox import services as outbox
from portal.outbox.models import Mail, RoleAddress

pytestmark = pytest.mark.django_db
MIN = timedelta(minutes=1)
KEY = Secret("a key of 16 letters")


def receiver(name="Operators", **more):
    given = {"channel": "mail", "address": f"{name.lower().replace(' ', '.')}@bank.example", **more}
    return Receiver.objects.create(name=name, **given)


def route(name, *to, **more):
    row = Route.objects.create(name=name, **more)
    row.receivers.set(to)
    return row


def messages():
    """kind and address of all messages, in order."""
    return [(row.kind, row.address) for row in Mail.objects.order_by("pk")]


def kinds(row):
    return [event.kind for event in pages.history(row)]


OPS = "operators@bank.example"


@pytest.fixture
def ops(said):
    made = receiver()
    route("everything", made)
    return made


def test_what_holds_is_told_once_and_its_end_once(ops, said, now):
    said.say(now)
    for step in range(4):
        assert tick(now + step * MIN) == []
    row = Alert.objects.get()
    assert messages() == [("alert.opened", OPS)]
    mail = Mail.objects.get()
    assert mail.subject == "[critical] ora_data02 lost a path."
    assert f"https://holdfast.bank.example/alerts/{row.pk}/" in mail.body
    assert mail.payload["alerts"][0]["subject"] == {"kind": "lun", "name": "ora_data02"}
    said.end()
    tick(now + 5 * MIN)
    tick(now + 9 * MIN)
    assert Alert.objects.get().resolved_at is None, "it must be gone for five minutes"
    tick(now + 10 * MIN)
    tick(now + 11 * MIN)
    row.refresh_from_db()
    assert row.resolved_at == now + 10 * MIN
    assert messages() == [("alert.opened", OPS), ("alert.resolved", OPS)]
    assert kinds(row) == ["opened", "told", "resolved"]
    records = Record.objects.filter(subject=f"alert:{row.pk}").order_by("number").values_list("kind", flat=True)
    assert list(records) == ["alert.opened", "alert.resolved"]
    said.say(now + 20 * MIN)
    tick(now + 20 * MIN)
    assert Alert.objects.count() == 2, "what comes back after its end is another alert"


def test_a_flap_is_one_alert(ops, said, now):
    for step in range(12):
        at = now + step * MIN
        said.say(at, since=at - 2 * MIN) if step % 2 == 0 else said.end()
        tick(at)
    row = Alert.objects.get()
    assert (row.repeats, len(messages())) == (5, 1)
    assert kinds(row).count("repeated") == 5


def test_what_has_not_lasted_is_not_told(ops, said, now):
    said.say(now, since=now - timedelta(seconds=59))
    tick(now)
    assert not Alert.objects.exists()
    tick(now + timedelta(seconds=1))
    assert Alert.objects.count() == 1


def test_what_came_and_went_unseen_is_told_with_its_end(ops, said, now):
    said.say(now, until=now - timedelta(seconds=30), since=now - 5 * MIN, calm=0.0)
    tick(now)
    assert messages() == [("alert.opened", OPS)]
    tick(now + MIN)
    said.end()
    tick(now + 2 * MIN)
    assert messages() == [("alert.opened", OPS), ("alert.resolved", OPS)]


def test_a_worker_that_dies_anywhere_loses_nothing_and_tells_nothing_twice(ops, said, now, monkeypatch):
    """Between each two writes of a round: the next round goes on from the rows."""
    said.say(now)

    class Died(BaseException):
        pass

    def die(*given, **named):
        raise Died

    for place, name in ((collect, "note"), (telling, "note"), (outbox, "queue")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, die)
            with pytest.raises(Died):
                tick(now)
    assert messages() == []
    tick(now + MIN)
    assert messages() == [("alert.opened", OPS)]
    assert Notice.objects.filter(sent_at=None).count() == 0
    collect.reconcile(said.SOURCE, said.alarms(None), now)
    assert Alert.objects.count() == 1


def test_killed_between_open_and_send_the_message_waits_in_the_outbox(ops, said, now, settings):
    said.say(now)
    tick(now)  # and here the worker dies, before anything was sent
    catcher = Catcher().start()
    try:
        settings.HOLDFAST_MAIL_URL = f"smtp://127.0.0.1:{catcher.port}?from=holdfast@bank.example"
        assert outbox.send_due(now + MIN) == 1
        tick(now + MIN)
        assert outbox.send_due(now + 2 * MIN) == 0
        assert [one["To"] for one in catcher.messages] == [OPS]
    finally:
        catcher.stop()


def test_a_graver_alert_is_told_again(ops, said, now):
    said.say(now, severity=Severity.WARNING)
    tick(now)
    row = Alert.objects.get()
    acts.acknowledge(row.pk, "anna", "I look", None, now)
    said.say(now, sentence="ora_data02 has no path.")
    tick(now + MIN)
    row.refresh_from_db()
    assert (row.severity, row.acknowledged_by, row.sentence) == ("critical", "", "ora_data02 has no path.")
    assert [kind for kind, _ in messages()] == ["alert.opened", "alert.raised"]
    said.say(now, severity=Severity.WARNING, sentence="ora_data02 has one path.")
    tick(now + 2 * MIN)
    row.refresh_from_db()
    assert (row.severity, row.sentence) == ("critical", "ora_data02 has one path.")


def test_an_acknowledgement_stops_the_escalation_until_it_runs_out(said, now):
    boss = receiver("Duty manager")
    route("on call", receiver(), escalate_after=10, escalate_to=boss)
    said.say(now)
    said.say(now, "other", sentence="Another one.")
    tick(now)
    first, second = Alert.objects.order_by("pk")
    acts.acknowledge(first.pk, "anna", "I look", now + 30 * MIN, now + 9 * MIN)
    tick(now + 9.9 * MIN)
    assert "alert.escalated" not in dict(messages())
    for step in (10, 11, 12):
        tick(now + step * MIN)
    assert messages()[2:] == [("alert.escalated", "duty.manager@bank.example")]
    assert kinds(second) == ["opened", "told", "escalated"]
    assert Record.objects.get(kind="alert.escalated").body["to"] == "Duty manager"
    tick(now + 30 * MIN)
    assert kinds(first) == ["opened", "told", "acknowledged", "lapsed", "told"]
    assert messages()[3:] == [("alert.lapsed", OPS)]
    tick(now + 40 * MIN)
    assert messages()[4:] == [("alert.escalated", "duty.manager@bank.example")]
    for key in ("lun:ora_data02:paths", "other"):
        said.end(key)
    for step in (41, 46, 47):
        tick(now + step * MIN)
    ends = [address for kind, address in messages() if kind == "alert.resolved"]
    assert sorted(ends) == ["duty.manager@bank.example"] * 2 + [OPS] * 2


def test_a_window_holds_warnings_back_and_lets_data_loss_through(ops, said, now):
    said.QUIETS.append(Quiet("olvm", "Global maintenance of olvm is active."))
    said.say(now)
    said.say(now, "loss", concern=Concern.DATA_LOSS, sentence="The copy is 2 h old.")
    said.say(now, "else", about=About("host", "kvm01", "olvm-dr", "DR"), sentence="kvm01 is away.")
    tick(now)
    tick(now + MIN)
    row = Alert.objects.get(key="lun:ora_data02:paths")
    assert row.held == "Global maintenance of olvm is active."
    assert kinds(row) == ["opened", "held"], "said once"
    assert sorted(mail.subject for mail in Mail.objects.all()) == [
        "[critical] kvm01 is away.", "[critical] ora_data02: The copy is 2 h old."
    ]  # fmt: skip
    said.QUIETS.clear()
    tick(now + 2 * MIN)
    assert kinds(row) == ["opened", "held", "told"]
    assert len(messages()) == 3
    said.QUIETS.append(Quiet("olvm", "Global maintenance of olvm is active."))
    said.say(now, "brief", sentence="kvm02 restarts.")
    tick(now + 3 * MIN)
    said.end("brief")
    tick(now + 4 * MIN)
    said.QUIETS.clear()
    tick(now + 5 * MIN)
    tick(now + 20 * MIN)
    brief = Alert.objects.get(key="brief")
    assert kinds(brief) == ["opened", "held", "resolved"], "over before the window ended: nobody is told of either"
    assert len(messages()) == 3


def test_an_escalation_waits_for_the_end_of_a_window(said, now):
    route("on call", receiver(), escalate_after=10, escalate_to=receiver("Boss"))
    said.say(now)
    tick(now)
    said.QUIETS.append(Quiet("olvm", "Global maintenance of olvm is active."))
    tick(now + 11 * MIN)
    assert len(messages()) == 1
    said.QUIETS.clear()
    tick(now + 12 * MIN)
    assert messages()[1:] == [("alert.escalated", "boss@bank.example")]


def test_a_window_that_cannot_be_asked_holds_nothing_back(ops, said, now, settings):
    settings.HOLDFAST_QUIET = ["tests.alerts.said_alarms.broken"]
    said.say(now)
    tick(now)
    assert len(messages()) == 1


def test_a_silence_holds_back_and_ends(ops, said, now):
    row = acts.silence(
        Silence(reason=" Switch  update ", least="info", kinds=["lun"], begins=now, until=now + 60 * MIN), "anna", now
    )
    said.say(now)
    said.say(now, "host", about=About("host", "kvm01", "olvm", "PROD"), sentence="kvm01 is away.")
    tick(now)
    assert len(messages()) == 1
    held = Alert.objects.get(key="lun:ora_data02:paths")
    assert "anna silences it until" in held.held
    assert "Switch update" in held.held
    acts.end_silence(row.pk, "bert", now + MIN)
    with pytest.raises(acts.Refused, match="over already"):
        acts.end_silence(row.pk, "bert", now + MIN)
    tick(now + 2 * MIN)
    assert len(messages()) == 2
    assert list(Record.objects.filter(subject=f"silence:{row.pk}").order_by("number").values_list("kind", "actor")) == [
        ("silence.made", "anna"), ("silence.ended", "bert")
    ]  # fmt: skip
    for begins, until, words in ((now, now, "end must lie ahead"), (now, now + timedelta(days=31), "30 days at most"),
                                 (now + 2 * MIN, now + MIN, "after its begin")):  # fmt: skip
        with pytest.raises(acts.Refused, match=words):
            acts.silence(Silence(reason="x", begins=begins, until=until), "anna", now)
    with pytest.raises(acts.Refused, match="needs a reason"):
        acts.silence(Silence(reason=" ", begins=now, until=now + MIN), "anna", now)


def test_many_at_once_are_one_message_to_each_receiver(said, now):
    siem = receiver("SIEM", channel="syslog", address="127.0.0.1:1")
    route("everything", receiver(), siem)
    for number in range(telling.STORM):
        said.say(now, f"lun{number}", sentence=f"lun{number} is away.")
    tick(now)
    assert len(messages()) == 2 * telling.STORM
    for number in range(40):
        said.say(now, f"more{number}", sentence=f"more{number} is away.")
    tick(now + MIN)
    assert sorted(messages()[2 * telling.STORM :]) == [("alert.digest", OPS), ("alert.digest", f"receiver:{siem.pk}")]
    assert Mail.objects.filter(kind="alert.digest").first().subject == "[critical] 40 alerts: ora_data02 and 39 more"
    row = Alert.objects.get(key="more39")
    assert [(one.to, one.what, one.word) for one in pages.told(row)] == [
        ("Operators", "opened", "queued"), ("SIEM", "opened", "queued")
    ]  # fmt: skip


def test_a_digest_gathers_until_its_time(said, now):
    route("night", receiver(), digest=30)
    said.say(now)
    tick(now)
    said.say(now, "second", sentence="Another one.")
    tick(now + 20 * MIN)
    row = Alert.objects.get(key="second")
    assert [one.word for one in pages.told(row)] == ["gathered for a digest"]
    said.end("second")
    tick(now + 21 * MIN)
    tick(now + 27 * MIN)
    assert messages() == []
    tick(now + 30 * MIN)
    assert messages() == [("alert.digest", OPS)]
    body = Mail.objects.get().body
    assert body.count("Another one.") == 2
    assert "Resolved: Another one." in body
    tick(now + 31 * MIN)
    assert len(messages()) == 1


def test_hours_of_a_route_are_waited_for(said, now):
    at = now.replace(hour=3, minute=0, second=0)
    route("day shift", receiver(), begins=time(8), ends=time(18), zone="UTC")
    said.say(at)
    tick(at)
    row = Alert.objects.get()
    assert row.held == "No route fits it now."
    said.say(at)
    tick(at.replace(hour=8))
    assert messages() == [("alert.opened", OPS)]


def test_a_route_without_receivers_keeps_it_silent_for_good(said, now):
    route("not interesting", position=1, kinds=["lun"])
    route("everything", receiver(), position=2)
    said.say(now)
    tick(now)
    tick(now + MIN)
    row = Alert.objects.get()
    assert row.held == "The route not interesting tells nobody of it."
    assert row.told_at is not None
    assert messages() == []


def test_without_any_route_critical_alerts_reach_operators_and_approvers(said, now):
    RoleAddress.objects.create(role="operator", address=OPS)
    said.say(now)
    said.say(now, "minor", severity=Severity.WARNING, sentence="Minor.")
    tick(now)
    lost = [(row.kind, row.person, row.state) for row in Mail.objects.order_by("person")]
    assert lost == [("alert.opened", "role approver", "failed"), ("alert.opened", "role operator", "queued")]
    told = [(one.to, one.route, one.word) for one in pages.told(Alert.objects.get(severity="critical"))]
    assert told == [
        ("Operators by e-mail: role operator", "no route is set", "queued"),
        ("Approvers by e-mail: role approver", "no route is set", "lost"),
    ]
    assert Alert.objects.get(key="minor").held == "No route fits it now."


def test_a_receiver_that_is_off_or_gone(ops, said, now):
    Receiver.objects.update(enabled=False)
    said.say(now)
    tick(now)
    row = Alert.objects.get()
    assert row.held == "The receivers of the route everything are switched off: switch one on."
    assert row.told_at is None
    Receiver.objects.update(enabled=True)
    said.say(now)
    tick(now)
    assert [kind for kind, _ in messages()] == ["alert.opened"], "it is told as soon as somebody can be"
    said.say(now, "second", sentence="Another one.")
    rules = routes.rules_of(now)
    collect.collect(now)
    telling.route(now, rules)
    settings.remove_receiver(ops, "anna")
    telling.flush(now)
    row = Alert.objects.get(key="second")
    assert kinds(row) == ["opened", "told", "untold"]
    assert [(one.to, one.word) for one in pages.told(row)] == [("a receiver that is gone", "nobody to tell")]


def test_an_escalation_to_a_receiver_that_is_gone_is_said(said, now):
    boss = receiver("Boss")
    made = route("on call", receiver(), escalate_after=10, escalate_to=boss)
    said.say(now)
    tick(now)
    made.escalate_after, made.escalate_to = 0, None
    settings.save_route(made, [Receiver.objects.get(name="Operators")], "admin1")
    settings.remove_receiver(boss, "admin1")
    for step in (11, 12):
        tick(now + step * MIN)
    assert kinds(Alert.objects.get()) == ["opened", "told", "untold"], "said once"
    assert "escalates to is gone" in Alert.objects.get().events.last().sentence


def test_a_receiver_that_is_off_is_not_tested(ops, said, now):
    Receiver.objects.update(enabled=False)
    with pytest.raises(acts.Refused, match="switched off: switch it on first"):
        acts.test(Receiver.objects.get(), "anna", now)
    assert messages() == []


def test_what_is_renamed_while_it_holds_is_routed_by_its_new_names(said, now):
    """A silence or route of the new name must meet it."""
    route("new", receiver(), engines=["olvm-prod"])
    said.say(now)
    tick(now)
    assert messages() == []
    said.say(now, about=About("lun", "ora_redo01", "olvm-prod", "PROD"), sentence="ora_redo01 lost a path.")
    tick(now + MIN)
    assert messages() == [("alert.opened", OPS)]
    row = Alert.objects.get()
    assert (row.subject, row.engine) == ("ora_redo01", "olvm-prod")


def test_a_source_that_breaks_resolves_nothing_and_is_an_alarm_itself(ops, said, now, settings):
    said.say(now)
    tick(now)
    settings.HOLDFAST_ALARMS = ["tests.alerts.said_alarms.broken", "portal.alerts.services.own.broken"]
    Alert.objects.update(source="tests.alerts.said_alarms.broken")
    for step in range(10):
        assert tick(now + step * MIN) == ["tests.alerts.said_alarms.broken"]
    assert Alert.objects.get(subject="ora_data02").resolved_at is None
    mine = Alert.objects.get(subject_kind="source")
    assert mine.severity == "critical"
    assert "The portal could not work it out (RuntimeError)" in mine.sentence
    assert "password" not in mine.sentence + Asked.objects.get(source="tests.alerts.said_alarms.broken").sentence
    settings.HOLDFAST_ALARMS = [said.SOURCE, "portal.alerts.services.own.broken"]
    Asked.objects.filter(source="tests.alerts.said_alarms.broken").update(failed_since=None)
    tick(now + 11 * MIN)
    mine.refresh_from_db()
    assert mine.resolved_at is not None


def test_sources_are_told_what_is_open_and_when_they_last_answered(ops, said, now):
    alarm = said.say(now)
    tick(now)
    tick(now + MIN)
    assert [(ask.after, dict(ask.open)) for ask in said.ASKED] == [(None, {}), (now, {alarm.key: alarm.since})]


def test_one_worker_looks_at_a_time(ops, said, now):
    import psycopg
    from django.db import connection

    given = connection.get_connection_params()
    said.say(now)
    with psycopg.connect(host=given.get("host"), port=given.get("port"), user=given.get("user"),
                         password=given.get("password"), dbname=given["dbname"], autocommit=True) as other:  # fmt: skip
        other.execute("select pg_advisory_lock(%s)", [LOCK])
        assert tick(now) == []
        assert not Alert.objects.exists()
        other.execute("select pg_advisory_unlock(%s)", [LOCK])
    tasks.look()
    assert Alert.objects.count() == 1


def test_what_does_not_end_by_itself_is_closed_by_a_person_and_stays_closed(ops, said, now):
    said.say(
        now, "run:7", concern=Concern.CONTROL, about=About("run", "run 7"), sentence="Run 7 needs attention.", calm=0.0
    )
    said.say(now)
    tick(now)
    run, lun = Alert.objects.get(key="run:7"), Alert.objects.get(key="lun:ora_data02:paths")
    with pytest.raises(acts.Refused, match="Say why"):
        acts.close(run.pk, "anna", " ", now)
    with pytest.raises(acts.Refused, match="ends when looks find") as caught:
        acts.close(lun.pk, "anna", "I am tired of it", now)
    assert caught.value.state
    acts.close(run.pk, "anna", "The host was put right by hand.", now + MIN)
    tick(now + 2 * MIN)
    assert Alert.objects.filter(key="run:7").count() == 1, "it holds on, and is done with"
    assert Record.objects.get(kind="alert.closed").actor == "anna"
    with pytest.raises(acts.Refused, match="is over since"):
        acts.acknowledge(run.pk, "anna", "", None, now)
    said.say(
        now,
        "run:7",
        concern=Concern.CONTROL,
        about=About("run", "run 7"),
        sentence="Again.",
        since=now + 3 * MIN,
        hold=0.0,
    )
    tick(now + 4 * MIN)
    assert Alert.objects.filter(key="run:7").count() == 2, "it came anew"


def test_an_acknowledgement_has_an_end_that_lies_ahead(ops, said, now):
    said.say(now)
    tick(now)
    for until in (now, now + timedelta(days=31)):
        with pytest.raises(acts.Refused, match="must lie ahead"):
            acts.acknowledge(Alert.objects.get().pk, "anna", "", until, now)
    row = acts.acknowledge(Alert.objects.get().pk, "anna", "two\nlines", now + 60 * MIN, now)
    assert row.note == "two lines"
    assert Record.objects.get(kind="alert.acknowledged").body["until"] == (now + 60 * MIN).isoformat()


def test_everything_that_is_not_mail_goes_out_over_its_channel(said, now):
    hook, room, log = Listener().start(), Listener().start(), Collector().start()
    try:
        route("everything",
              receiver("Bus", channel="webhook", url=Secret(hook.url), key=KEY),
              receiver("Room", channel="slack", url=Secret(room.url)),
              receiver("Teams", channel="teams", url=Secret(room.url)),
              receiver("SIEM", channel="syslog", address=log.address, transport="tcp"))  # fmt: skip
        said.say(now)
        tick(now)
        assert outbox.send_due(now) == 0
        assert outbox.deliver_due(now) == 4
        assert outbox.deliver_due(now) == 0
        (one,) = hook.heard
        assert one.document["event"] == "alert.opened"
        assert "receiver" not in one.document
        assert sorted("attachments" in each.document for each in room.heard) == [False, True]
        assert [line.priority for line in log.lines] == [16 * 8 + 2]
        assert f'alert="{Alert.objects.get().pk}"' in log.lines[0].data
        said.end()
        tick(now + MIN)
        tick(now + 6 * MIN)
        assert outbox.deliver_due(now + 6 * MIN) == 4
        assert [line.priority for line in log.lines] == [16 * 8 + 2, 16 * 8 + 5]
    finally:
        for each in (hook, room, log):
            each.stop()


def test_a_receiver_that_is_down_is_tried_again_then_lost_then_replayed_by_a_person(said, now, settings):
    hook = Listener(fault="down").start()
    settings.HOLDFAST_ALARMS = [said.SOURCE, "portal.alerts.services.own.undelivered"]
    try:
        bus = receiver("Bus", channel="webhook", url=Secret(hook.url), key=KEY)
        route("everything", bus, concerns=["storage"])
        said.say(now)
        tick(now)
        at = now
        while Mail.objects.get().state == "queued":
            outbox.deliver_due(at)
            at = Mail.objects.get().next_at
            outbox.send_due(at)
        mail = Mail.objects.get()
        assert (mail.state, mail.attempts, len(hook.heard)) == ("failed", hook.asked, 0)
        assert hook.asked > 90, "for all of its day"
        assert mail.error.endswith("worth nothing now. Bus answers HTTP 503: not now.")
        assert pages.receivers()[0].shape == "fail"
        assert counting.counts(at).lost == 1
        tick(at)
        mine = Alert.objects.get(key="undelivered:webhook")
        assert mine.sentence.startswith("1 message by webhook is not delivered")
        hook.fault = ""
        assert outbox.again(mail.pk, "anna", at)
        assert outbox.deliver_due(at) == 1
        assert len(hook.heard) == 1
        tick(at + MIN)
        mine.refresh_from_db()
        assert mine.resolved_at is not None
        assert pages.receivers()[0].shape == "ok"
    finally:
        hook.stop()


def test_a_receiver_that_asks_to_be_left_alone_is(said, now):
    hook = Listener(fault="busy", retry_after="900").start()
    try:
        route("everything", receiver("Bus", channel="webhook", url=Secret(hook.url), key=KEY))
        said.say(now)
        tick(now)
        outbox.deliver_due(now)
        assert Mail.objects.get().next_at == now + timedelta(seconds=900)
    finally:
        hook.stop()


def test_one_receiver_that_fails_is_asked_once_a_round_and_holds_up_nobody(said, now):
    bad, good = Listener(fault="down").start(), Listener().start()
    try:
        route("everything", receiver("Bad", channel="webhook", url=Secret(bad.url), key=KEY),
              receiver("Good", channel="webhook", url=Secret(good.url), key=KEY))  # fmt: skip
        for number in range(4):
            said.say(now, f"lun{number}", sentence=f"lun{number} is away.")
        tick(now)
        assert outbox.deliver_due(now) == 4
        assert (bad.asked, len(good.heard)) == (1, 4)
    finally:
        bad.stop()
        good.stop()


def test_many_messages_to_one_that_is_dead_do_not_starve_the_others(said, now):
    bad, good = Listener(fault="down").start(), Listener().start()
    try:
        dead, alive = (receiver(name, channel="webhook", url=Secret(hook.url), key=KEY)
                       for name, hook in (("Dead", bad), ("Alive", good)))  # fmt: skip
        to = [outbox.Reader(one.name, routes.who(one), channel="webhook") for one in (dead, alive)]
        for number in range(outbox.AT_ONCE + 1):
            outbox.queue(outbox.News(f"n{number}", "alert.test", "x", "Test", "Test."), to[:1], now)
        outbox.queue(outbox.News("last", "alert.test", "x", "Test", "Test."), to[1:], now + MIN)
        assert outbox.deliver_due(now + MIN) == 1
        assert (bad.asked, len(good.heard)) == (1, 1)
    finally:
        bad.stop()
        good.stop()


def test_a_message_to_nobody_is_refused_in_words(said, now):
    bus = receiver("Bus", channel="webhook", url=Secret("https://127.0.0.1:1/"), key=KEY)
    acts.test(bus, "anna", now)
    Receiver.objects.update(enabled=False)
    outbox.deliver_due(now)
    assert Mail.objects.get().error == "Bus is switched off, so nothing is sent."
    for change, words in (({"address": "receiver:99999"}, "The receiver was taken away"),
                          ({"address": "nonsense"}, "The receiver was taken away"),
                          ({"channel": "pigeon"}, "has no channel 'pigeon'")):  # fmt: skip
        Mail.objects.update(state="queued", ended_at=None, **change)
        outbox.deliver_due(now)
        assert words in Mail.objects.get().error


def test_a_secret_that_no_key_opens_is_said_and_tried_again(said, now, settings):
    from cryptography.fernet import Fernet

    bus = receiver("Bus", channel="webhook", url=Secret("https://127.0.0.1:1/"), key=KEY)
    acts.test(bus, "anna", now)
    settings.HOLDFAST_SEAL_KEYS = [Fernet.generate_key().decode()]
    outbox.deliver_due(now)
    row = Mail.objects.get()
    assert (row.state, "fits none of the keys" in row.error) == ("queued", True)
    assert pages.receivers()[0].where == "sealed with a key that is gone"


def test_measures_count_without_names(ops, said, now):
    said.say(now)
    said.say(now, "second", sentence="x", concern=Concern.CONTROL)
    tick(now)
    acts.acknowledge(Alert.objects.get(key="second").pk, "anna", "", None, now)
    found = {name: dict(values) for name, _, _, values in pages.measures(now)}
    assert found["holdfast_alerts_open"] == {
        ("critical", "storage", "yes"): 0.0, ("critical", "storage", "no"): 1.0,
        ("critical", "control", "yes"): 1.0, ("critical", "control", "no"): 0.0,
    }  # fmt: skip
    assert found["holdfast_messages_waiting"] == {("mail",): 2.0}
    assert found["holdfast_messages_undelivered"] == {}
    counts = counting.counts(now)
    assert (counts.open, counts.taken, counts.lost, counts.worst) == (1, 1, 0, "fail")


def test_secrets_of_receivers_are_known_so_that_no_run_prints_them(said, settings):
    from cryptography.fernet import Fernet

    from portal.alerts.services import secrets

    receiver("Bus", channel="webhook", url=Secret("https://bus.bank.example/T0SECRET"), key=KEY)
    assert {one.reveal() for one in secrets.known()} == {"https://bus.bank.example/T0SECRET", KEY.reveal()}
    settings.HOLDFAST_SEAL_KEYS = [Fernet.generate_key().decode()]
    assert list(secrets.known()) == []


def test_hundreds_at_once_and_keys_of_any_length(ops, said, now, django_assert_max_num_queries):
    for number in range(120):
        said.say(
            now, f"{'x' * 295}{number:08d}"[-400:] if number == 7 else f"lun{number}", sentence=f"lun{number} is away."
        )
    tick(now)
    assert Alert.objects.filter(resolved_at=None).count() == 120
    assert [kind for kind, _ in messages()] == ["alert.digest"]
    with django_assert_max_num_queries(40):
        tick(now + MIN)
    assert len(messages()) == 1


def test_what_two_sources_say_is_one_alert(ops, said, now, settings):
    settings.HOLDFAST_ALARMS = [said.SOURCE, "tests.alerts.said_alarms.again"]
    said.say(now)
    tick(now)
    tick(now + MIN)
    assert Alert.objects.get().source == said.SOURCE
    settings.HOLDFAST_ALARMS = ["tests.alerts.said_alarms.again"]
    tick(now + 2 * MIN)
    row = Alert.objects.get()
    assert (row.source, row.resolved_at) == ("tests.alerts.said_alarms.again", None), "the source has another name now"
    settings.HOLDFAST_ALARMS = []
    tick(now + 3 * MIN)
    assert kinds(row) == ["opened", "told", "resolved"]
    assert pages.history(row)[-1].sentence == "This release of the portal does not look at it."


def test_what_keeps_no_time_of_its_own_is_remembered_until_it_has_lasted(ops, said, now, settings):
    """A portal that was away finds much overdue at its start, and has put it right a moment later."""
    settings.HOLDFAST_ALARMS = ["tests.alerts.said_alarms.timeless"]
    said.say(now, hold=60.0)
    for seconds in (0, 30, 59):
        tick(now + timedelta(seconds=seconds))
    assert not Alert.objects.exists()
    said.end()
    tick(now + MIN)
    said.say(now, hold=60.0)
    tick(now + MIN)
    tick(now + 1.9 * MIN)
    assert not Alert.objects.exists(), "it began anew"
    tick(now + 2 * MIN)
    assert Alert.objects.get().since == now + MIN
    tick(now + 5 * MIN)
    assert (Alert.objects.get().repeats, len(messages())) == (0, 1)
