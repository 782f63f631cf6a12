"""Asking a change system for a change: one per key, whoever asks when, and after any crash it is looked for first."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from portal.alerts.rules.alarm import Ask
from portal.changes.alarms import alarms
from portal.changes.models import Change, Wish
from portal.changes.services import asking
from portal.changes.services.asking import WishRefused, settle_due
from portal.evidence.models import Record
from portal.kernel.change import ChangeBusy, ChangeRefused, ChangeUnreachable, ChangeWanted

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MARK = "m" * 32
NOW = timezone.now().replace(microsecond=0)
WANTED = ChangeWanted("Switch", "", "", "", NOW, NOW + HOUR, ("olvm",), "normal", MARK)
LOST = ChangeUnreachable("snow does not answer POST change: no whole answer came.", sent=True)
NO = ChangeRefused("snow refuses POST change: the CI is not known.")


def ask(system, wanted=WANTED):
    return asking.ask(system, wanted, "anna", timezone.now())


def kinds():
    rows = Record.objects.filter(kind__startswith="change.ask").order_by("number")
    return list(rows.values_list("kind", flat=True))


def later(seconds=200):
    """Whoever had the wish has it no longer."""
    Wish.objects.update(taken_until=timezone.now() - timedelta(seconds=seconds))


def lose(fake, monkeypatch):
    """It is made, and the answer is lost."""
    make = fake.create

    def made(wanted):
        make(wanted)
        raise LOST

    monkeypatch.setattr(fake, "create", made)


def test_two_at_one_time_ask_once(system, fake, monkeypatch):
    """The second comes while the first waits for the change system."""
    make, seen = fake.create, []

    def slow(wanted):
        with pytest.raises(WishRefused, match="being asked for") as caught:
            ask(system)
        seen.append(caught.value.wait)
        return make(wanted)

    monkeypatch.setattr(fake, "create", slow)
    made = ask(system)
    assert (len(fake.made), Change.objects.count(), seen[0] > 0) == (1, 1, True)
    assert ask(system).pk == made.pk, "the stored answer"
    assert kinds() == ["change.asking", "change.asked"]
    assert Wish.objects.get().change_id == made.pk


def test_a_lost_answer_is_looked_for_before_it_is_asked_for_again(system, fake, monkeypatch):
    lose(fake, monkeypatch)
    with pytest.raises(ChangeUnreachable):
        ask(system)
    wish = Wish.objects.get()
    assert (wish.state, "Whether it was made is not known" in wish.error) == ("unknown", True)
    with pytest.raises(WishRefused, match="ask again in"):
        ask(system)
    later()
    monkeypatch.setattr(fake, "create", None)
    assert ask(system).number == "CHG0000001"
    assert (Wish.objects.get().state, kinds()[-1]) == ("made", "change.asked")


@pytest.mark.parametrize("made", [False, True])
def test_a_process_that_died_leaves_a_wish_that_is_looked_for(system, fake, made):
    """Before anything went out, and after it was made."""
    given = {"wanted": asking.content(WANTED), "asked_at": timezone.now(), "taken_until": timezone.now() - HOUR}
    Wish.objects.create(system=system, mark=MARK, by="anna", **given)
    if made:
        fake.create(WANTED)
    assert ask(system).number == "CHG0000001"
    assert (len(fake.made), Wish.objects.get().state) == (1, "made")


def test_what_nobody_knows_of_settles_by_itself(system, fake, monkeypatch):
    lose(fake, monkeypatch)
    with pytest.raises(ChangeUnreachable):
        ask(system)
    assert settle_due(timezone.now()) == 0, "its answer may still be on its way"
    later()
    assert settle_due(timezone.now()) == 1
    assert (Wish.objects.get().state, Change.objects.get().number) == ("made", "CHG0000001")
    assert settle_due(timezone.now()) == 0


def test_what_was_not_made_is_said_and_not_made_unasked(system, fake):
    fake.errors["create"] = [LOST]
    with pytest.raises(ChangeUnreachable):
        ask(system)
    later()
    assert settle_due(timezone.now()) == 1
    assert (Wish.objects.get().state, fake.made) == ("not_made", {})
    assert ask(system).number == "CHG0000001"


def test_where_it_cannot_be_looked_for_it_is_not_asked_for_again(system, fake):
    """BMC without the question for a vendor's ticket."""
    fake.errors |= {"create": [LOST], "find": [NO, NO]}
    with pytest.raises(ChangeUnreachable):
        ask(system)
    later()
    with pytest.raises(ChangeRefused):
        ask(system)
    later()
    settle_due(timezone.now())
    assert (fake.made, Wish.objects.get().state) == ({}, "unknown")
    assert kinds().count("change.ask_failed") == 2, "the same again is no news"
    later()
    assert settle_due(timezone.now() + 3 * asking.WORTH) == 0


def test_a_refusal_is_known_and_the_same_key_may_ask_better(system, fake):
    fake.errors["create"] = [NO, ChangeBusy("snow is busy.", status=429)]
    for _ in range(2):
        with pytest.raises((ChangeRefused, ChangeBusy)):
            ask(system)
        assert Wish.objects.get().state == "not_made"
    better = ChangeWanted("Switch over", "", "", "", NOW, NOW + HOUR, (), "normal", MARK)
    assert ask(system, better).short == "Switch over"
    with pytest.raises(WishRefused, match="with other content") as caught:
        ask(system)
    assert caught.value.wait == 0


def test_a_connector_that_breaks_may_have_sent_it(system, fake, caplog):
    fake.errors["create"] = [ZeroDivisionError()]
    with pytest.raises(Exception, match="The portal itself broke"):
        ask(system)
    assert (Wish.objects.get().state, "broke" in caplog.text) == ("unknown", True)


def test_the_list_says_what_is_not_known(system, fake, people, client):
    fake.errors["create"] = [LOST]
    with pytest.raises(ChangeUnreachable):
        ask(system)
    client.force_login(User.objects.get(username="anna"), backend="portal.access.backend.PeopleBackend")
    (alarm,) = alarms(Ask(timezone.now()))
    assert (alarm.key, "nobody knows whether it was made" in alarm.sentence) == (
        f"change-wish:{Wish.objects.get().pk}", True,
    )  # fmt: skip
    page = " ".join(client.get("/changes/").content.decode().split())
    assert "Whether it was made is not known" in page
    told = client.get("/api/v1/change-wishes/?state=unknown").json()["results"]
    assert [(one["short"], one["by"]) for one in told] == [("Switch", "anna")]


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_ask_at_one_moment_make_one_change(system, fake):
    """Each in a thread with a connection of its own; both claim before either sends."""
    ready, outcomes = Barrier(2, timeout=60), []

    def press():
        try:
            ready.wait()
            outcomes.append(ask(system).number)
        except WishRefused:
            outcomes.append("come again")
        finally:
            connections.close_all()

    pressing = [Thread(target=press) for _ in range(2)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join(60)
    assert (len(fake.made), Wish.objects.count(), Change.objects.count()) == (1, 1, 1)
    assert set(outcomes) <= {"CHG0000001", "come again"}
    assert ("CHG0000001" in outcomes, len(outcomes)) == (True, 2)
