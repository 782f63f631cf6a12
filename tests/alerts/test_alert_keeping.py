"""What stays and what goes: alerts of lost messages until they are dealt with, what is over for as long as is set, what
people have closed for as long as it holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from failover.services.alarms import alarms as of_failover
from inventory.models import Engine, Site
from portal.alerts import tasks
from portal.alerts.models import Alert, Asked, Event, Notice, Receiver, Silence
from portal.alerts.rules.alarm import About, Ask, Concern
from portal.alerts.services import acts, collect, counting, own, pages, routes, telling
from portal.alerts.services.prune import LINES, Pruned, prune
from portal.alerts.services.tick import tick
from portal.evidence.models import Record
from portal.outbox import services as outbox
from portal.outbox.models import Mail
from tests.alerts.test_alert_service import MIN, OPS, kinds, messages, receiver, route

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SOURCE = "portal.alerts.services.own.undelivered"
KEY = "undelivered:mail"


@pytest.fixture
def mine(said, settings):
    settings.HOLDFAST_ALARMS = [SOURCE]


def lose(number, at, person="anna"):
    reader = outbox.Reader(person, "", "No address is known.")
    outbox.queue(outbox.News(f"n{number}", "x", "run:1", "s", "b"), [reader], at)


def arrive(at, person="anna"):
    """A message that the server has taken."""
    outbox.queue(outbox.News(f"ok{person}", "x", "run:1", "s", "b"), [outbox.Reader(person, "a@bank.example")], at)
    outbox._end(Mail.objects.get(key__startswith=f"ok{person}"), Mail.State.SENT, "", at)


def test_lost_messages_are_one_alarm_per_channel_whatever_their_age(mine, now):
    for number in range(3):
        lose(number, now)
    tick(now)
    row = Alert.objects.get()
    assert row.sentence.startswith("3 messages by mail are not delivered")
    for days in (8, 100, 900):
        tick(now + days * DAY)
        row.refresh_from_db()
        assert row.resolved_at is None
        assert counting.counts(now + days * DAY).lost == 3


def test_it_ends_when_a_later_message_arrives(mine, now):
    lose(1, now)
    lose(2, now, "bert")
    tick(now)
    arrive(now + DAY)
    tick(now + DAY)
    row = Alert.objects.get()
    assert (row.resolved_at, row.sentence[:27]) == (None, "1 message by mail is not de")
    arrive(now + 2 * DAY, "bert")
    tick(now + 2 * DAY)
    row.refresh_from_db()
    assert (row.resolved_at, row.closed_by) == (now + 2 * DAY, "")
    assert counting.counts(now + 2 * DAY).lost == 0


def test_it_ends_when_a_person_closes_it_and_comes_back_with_the_next_one(mine, now):
    lose(1, now)
    tick(now)
    acts.close(Alert.objects.get().pk, "operator1", "The mailbox is gone, as it should be.", now + MIN)
    tick(now + 2 * MIN)
    assert Alert.objects.count() == 1
    assert counting.counts(now).lost == 0
    lose(2, now + DAY)
    tick(now + DAY)
    again = Alert.objects.get(resolved_at=None)
    assert again.sentence.startswith("1 message by mail is not delivered"), "what was closed is not counted again"


def test_a_channel_that_is_down_is_known_before_a_message_is_lost(mine, now):
    outbox.queue(outbox.News("n", "x", "run:1", "s", "b"), [outbox.Reader("anna", "a@bank.example")], now)
    Mail.objects.update(error="The mail server 127.0.0.1:25 did not take it: the connection ended.")
    tick(now + 9 * MIN)
    assert not Alert.objects.exists()
    tick(now + 10 * MIN)
    row = Alert.objects.get()
    assert row.key == "late:mail"
    assert row.sentence.startswith("1 message by mail is waiting since ")
    assert row.sentence.endswith("did not take it: the connection ended.")
    Mail.objects.update(error="")
    assert "look at the workers" in next(own.undelivered(Ask(now + DAY))).sentence
    Mail.objects.update(state="sent")
    tick(now + 11 * MIN)
    row.refresh_from_db()
    assert row.resolved_at == now + 11 * MIN


def test_what_keeps_no_time_of_its_own_stays_closed_while_it_holds(said, now, settings):
    """Failover that was never proven: it is known since it was noticed, and each asking is no news."""
    settings.HOLDFAST_ALARMS = ["tests.alerts.said_alarms.timeless"]
    said.say(now, hold=0.0, calm=0.0, concern=Concern.PROOF)
    tick(now)
    acts.close(Alert.objects.get().pk, "anna", "The drill is planned for March.", now + MIN)
    for step in range(2, 6):
        tick(now + step * MIN)
    assert Alert.objects.count() == 1
    said.end()
    tick(now + 6 * MIN)
    said.say(now, hold=0.0, calm=0.0, concern=Concern.PROOF)
    tick(now + 7 * MIN)
    assert Alert.objects.count() == 2, "it was over, and came anew"


def test_failover_that_was_never_proven_can_be_closed(said, now, settings):
    Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm", url="https://e/ovirt-engine/api", username="u", password="p"
    )
    assert [one.key for one in of_failover(Ask(now))] == ["unproven:olvm"]
    settings.HOLDFAST_ALARMS = ["failover.services.alarms.alarms"]
    tick(now)
    acts.close(Alert.objects.get().pk, "anna", "The drill is planned for March.", now + MIN)
    tick(now + 2 * MIN)
    tick(now + 3 * MIN)
    assert Alert.objects.count() == 1


def test_a_source_that_this_release_does_not_have_breaks_nothing(said, now, settings):
    settings.HOLDFAST_ALARMS = ["portal.alerts.services.own.broken"]
    Asked.objects.create(source="gone.for.good", failed_since=now - DAY, sentence="It broke.")
    assert tick(now) == []
    assert not Alert.objects.exists()
    prune(now)
    assert list(Asked.objects.values_list("source", flat=True)) == settings.HOLDFAST_ALARMS


def over(said, now, key="lun:ora_data02:paths", **more):
    """An alert that was told and is over."""
    said.say(now, key, calm=0.0, **more)
    tick(now)
    said.end(key)
    tick(now + MIN)
    return Alert.objects.get(key=key)


def test_what_is_over_for_long_goes_after_its_history_is_evidence(said, now):
    route("everything", receiver())
    gone = over(said, now)
    said.say(now, "open", sentence="Another one.")
    tick(now + 2 * MIN)
    Mail.objects.update(state="sent", ended_at=now)
    keeps = Silence(reason="Switch update", begins=now, until=now + DAY)
    acts.silence(keeps, "anna", now)
    assert prune(now + 400 * DAY + MIN / 2) == Pruned(0, 3, 0)
    later = now + 402 * DAY
    assert prune(later) == Pruned(1, 0, 1)
    assert [row.key for row in Alert.objects.all()] == ["open"], "however old"
    assert not Event.objects.filter(alert=gone.pk).exists()
    assert not Notice.objects.filter(alert=gone.pk).exists()
    body = Record.objects.get(kind="alert.removed", subject=f"alert:{gone.pk}").body
    assert [line[1] for line in body["history"]] == ["opened", "told", "resolved"]
    who = f"receiver:{Receiver.objects.get().pk}"
    assert [line[:3] for line in body["told"]] == [[what, who, "everything"] for what in ("opened", "resolved")]
    assert (body["sentence"], body["left_out"]) == ("ora_data02 lost a path.", 0)
    last = Record.objects.filter(kind="alerts.pruned").order_by("-number")[0].body
    assert (last["alerts"], last["silences"]) == (1, 1)
    count = Record.objects.count()
    assert prune(later) == Pruned(0, 0, 0)
    assert Record.objects.count() == count, "nothing removed, nothing said"


def test_nothing_goes_that_the_evidence_does_not_take(said, now, monkeypatch):
    row = over(said, now)

    def refuse(*given):
        raise RuntimeError("the chain is closed")

    monkeypatch.setattr("portal.alerts.services.prune.evidence.append", refuse)
    with pytest.raises(RuntimeError, match="chain is closed"):
        prune(now + 500 * DAY)
    assert Alert.objects.get().pk == row.pk


def test_a_long_history_is_cut_in_the_record_and_says_so(said, now):
    row = over(said, now)
    Event.objects.bulk_create(Event(alert=row, at=now, kind="repeated") for _ in range(LINES + 5))
    prune(now + 500 * DAY)
    body = Record.objects.get(kind="alert.removed").body
    assert (len(body["history"]), body["left_out"]) == (LINES, 8)


def test_what_a_person_closed_stays_for_as_long_as_it_holds(said, now, settings):
    said.say(now, "run:7", concern=Concern.CONTROL, about=About("run", "run 7"), sentence="Run 7 broke.", calm=0.0)
    tick(now)
    acts.close(Alert.objects.get().pk, "anna", "It was put right by hand.", now)
    later = now + 500 * DAY
    assert prune(later).alerts == 0
    tick(later)
    assert Alert.objects.count() == 1, "still closed"
    settings.HOLDFAST_ALARMS = [said.SOURCE, "tests.alerts.said_alarms.broken"]
    said.end("run:7")
    assert prune(later).alerts == 0, "one source does not answer: nobody knows"
    settings.HOLDFAST_ALARMS = [said.SOURCE]
    tasks.prune()
    assert Alert.objects.count() == 1, "it is not old enough by the real clock"
    assert prune(later).alerts == 1


def test_the_age_is_set_and_has_a_floor(said, now, settings):
    over(said, now)
    settings.HOLDFAST_ALERT_DAYS = 1
    assert prune(now + 59 * DAY).alerts == 0
    assert prune(now + 61 * DAY).alerts == 1


def test_what_comes_back_a_thousand_times_has_no_thousand_lines(said, now, monkeypatch):
    monkeypatch.setattr(collect, "EACH", 4)
    monkeypatch.setattr(collect, "SOME", 10)
    for step in range(2 * 16):
        said.say(now, calm=9e9) if step % 2 == 0 else said.end()
        collect.collect(now + step * MIN)
    row = Alert.objects.get()
    assert (row.repeats, kinds(row).count("repeated")) == (15, 4 + 1)
    assert [one.sentence for one in pages.history(row)][-1].startswith("It has come back 10 times; now: ora_data02")


def test_a_mail_receiver_that_was_switched_off_since_gets_no_digest(said, now):
    route("night", receiver(), digest=30)
    said.say(now)
    tick(now)
    Receiver.objects.update(enabled=False)
    tick(now + 30 * MIN)
    assert messages() == []
    assert kinds(Alert.objects.get()) == ["opened", "told", "untold"]


def test_a_clock_that_is_put_back_holds_no_notice_up(said, now):
    route("everything", receiver())
    ahead = now + 3 * DAY
    said.say(ahead)
    collect.collect(ahead)
    telling.route(ahead, routes.rules_of(ahead))  # and here the worker dies, and the clock is put right
    tick(now)
    assert messages() == [("alert.opened", OPS)]
