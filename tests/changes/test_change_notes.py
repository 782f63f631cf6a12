"""What is owed to a change: in order, at least once, refused for good, tried again by a person, never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.alerts.rules.alarm import Ask
from portal.changes.alarms import alarms
from portal.changes.asked import Asked
from portal.changes.models import Change, ChangeNote, ChangeSystem
from portal.changes.services import Result, attach, bind, close, delivering, lifting, look, note
from portal.changes.services.delivering import again, again_from, deliver_due, drop
from portal.changes.services.queueing import queued, undelivered
from portal.evidence.models import Record
from portal.kernel.change import ChangeBusy, ChangeGarbled, ChangeHeld, ChangeLogin, ChangeRefused, ChangeUnreachable

pytestmark = pytest.mark.django_db
RIGHT = ChangeHeld("snow does not permit a work note to this account.", status=403)
NO = ChangeRefused("snow does not permit a work note in this state.", detail="Data Policy Exception")
AWAY = ChangeUnreachable("snow does not answer.")


@pytest.fixture
def change(system, fake):
    fake.put("CHG1")
    return bind(Asked("CHG1"), "PROD", "anna", timezone.now())


def tell(change, *words):
    for word in words:
        assert note(change, f"run:1:{word}", "run:1", word, timezone.now())


def states(change):
    return list(change.notes.order_by("sequence").values_list("state", flat=True))


def texts(fake):
    return [text for _, text, _ in fake.notes]


def kinds():
    return list(Record.objects.filter(kind__startswith="change.note").order_by("number").values_list("kind", flat=True))


def test_each_is_queued_once_and_numbered_without_gaps(change):
    tell(change, "one", "two")
    assert not note(change, "run:1:one", "run:1", "other words", timezone.now())
    assert [(row.sequence, row.text) for row in change.notes.order_by("sequence")] == [(1, "one"), (2, "two")]
    assert queued(change.pk, ["run:1:one", "run:1:three"]) == {"run:1:one"}


def test_no_secret_and_no_novel_goes_out(change):
    words = "password=hunter2222 and token: abcdef Authorization: Bearer zzz " + "x" * 2000
    note(change, "run:1:long", "run:1", words, timezone.now())
    text = change.notes.get().text
    assert "hunter" not in text
    assert "abcdef" not in text
    assert "zzz" not in text
    assert len(text) <= 1000


def test_they_arrive_in_order_and_once(change, fake):
    tell(change, "one", "two", "three")
    assert deliver_due(timezone.now()) == 3
    assert deliver_due(timezone.now()) == 0
    assert texts(fake) == ["one", "two", "three"]
    assert states(change) == ["delivered"] * 3
    assert kinds() == ["change.note_delivered"] * 3


def test_a_flood_comes_in_pieces(change, fake):
    tell(change, *(f"n{number}" for number in range(25)))
    assert [deliver_due(timezone.now()) for _ in range(4)] == [10, 10, 5, 0]


def test_while_it_is_away_nothing_overtakes_and_the_pauses_grow(change, fake):
    tell(change, "one", "two")
    fake.error = AWAY
    now = timezone.now()
    pauses = []
    for _ in range(4):
        assert deliver_due(now) == 0
        row = change.notes.get(sequence=1)
        pauses.append((row.next_at - now).total_seconds())
        assert deliver_due(now) == 0, "not before its time"
        now = row.next_at
    assert pauses == [10, 20, 40, 80]
    assert change.notes.get(sequence=2).attempts == 0
    assert undelivered(change.pk) == 1
    fake.error = None
    assert deliver_due(now) == 2
    assert texts(fake) == ["one", "two"]


def test_it_waits_as_long_as_the_system_wants(change, fake):
    tell(change, "one")
    fake.errors["note"] = [ChangeBusy("snow is busy.", wait=120.0)]
    now = timezone.now()
    deliver_due(now)
    assert change.notes.get().next_at == now + timedelta(seconds=120)


def test_what_is_refused_is_seen_holds_up_nothing_and_is_tried_again_by_a_person(change, fake):
    tell(change, "one", "two")
    fake.errors["note"] = [NO]
    assert deliver_due(timezone.now()) == 1
    row = change.notes.get(sequence=1)
    assert (states(change), row.error) == (["dead", "delivered"], f"{NO} Data Policy Exception")
    assert (undelivered(change.pk), kinds()[0]) == (1, "change.note_dead")
    assert again(row.pk, "anna", timezone.now())
    assert not again(row.pk, "anna", timezone.now())
    assert deliver_due(timezone.now()) == 1
    assert (states(change), texts(fake)) == (["delivered", "delivered"], ["two", "one"])
    assert Record.objects.get(kind="change.note_again").actor == "anna"


def test_a_login_that_fails_loses_nothing_and_is_not_tried_for_every_change(change, fake):
    fake.put("CHG2")
    other = bind(Asked("CHG2"), "PROD", "anna", timezone.now())
    tell(change, "one", "two")
    note(other, "run:2:one", "run:2", "three", timezone.now())
    fake.errors["note"] = [ChangeLogin("snow does not take the login.", status=401)]
    now = timezone.now()
    assert deliver_due(now) == 0
    assert set(ChangeNote.objects.values_list("state", "next_at")) == {("queued", now + delivering.FIRST_PAUSE)}
    assert (change.notes.get(sequence=1).error, other.notes.get().attempts) == ("snow does not take the login.", 0)
    assert deliver_due(now + delivering.FIRST_PAUSE) == 3
    assert texts(fake) == ["one", "two", "three"]


def test_a_right_that_is_missing_holds_the_note_and_nothing_else(change, fake):
    tell(change, "one", "two")
    result = Result(timezone.now(), timezone.now(), "successful", "Done.")
    close(change, "run:1:close", "run:1", result, timezone.now())
    fake.errors["note"] = [RIGHT]
    now = timezone.now()
    assert deliver_due(now) == 1
    assert (states(change), texts(fake), fake.closed) == (["held", "delivered", "queued"], ["two"], [])
    row = change.notes.get(sequence=1)
    assert (row.error, row.next_at, kinds()[0]) == (str(RIGHT), now + delivering.HELD_PAUSE, "change.note_held")
    fake.errors["note"] = [RIGHT]
    now = row.next_at
    assert deliver_due(now) == 0
    assert kinds().count("change.note_held") == 1, "the same again each hour is no news"
    assert (change.notes.get(sequence=1).ended_at, undelivered(change.pk)) == (row.ended_at, 2)
    assert deliver_due(now + delivering.HELD_PAUSE) == 2, "the right is given: the note, then the close"
    assert (states(change), texts(fake), len(fake.closed)) == (["delivered"] * 3, ["two", "one"], 1)


def test_what_is_held_is_tried_at_once_by_a_person_and_given_up_by_one(change, fake):
    tell(change, "one", "two")
    fake.errors["note"] = [RIGHT, RIGHT]
    deliver_due(timezone.now())
    one, two = change.notes.order_by("sequence")
    assert again_from(change.pk, 2, "anna", timezone.now()) == 1
    assert (deliver_due(timezone.now()), texts(fake)) == (1, ["two"])
    assert drop(one.pk, "anna", timezone.now())
    assert states(change) == ["dropped", "delivered"]
    assert two.pk


def test_what_is_held_for_a_week_waits_for_a_person_with_all_that_it_says(change, fake):
    attach(change, "run:1:pdf", "run:1", "drill-1.pdf", "application/pdf", b"%PDF", timezone.now())
    fake.errors["attach"] = [RIGHT, RIGHT]
    deliver_due(timezone.now())
    deliver_due(timezone.now() + delivering.WORTH)
    row = change.notes.get()
    assert (row.state, bytes(row.content)) == ("dead", b"%PDF")
    assert again(row.pk, "anna", timezone.now())
    assert (deliver_due(timezone.now()), len(fake.files)) == (1, 1)


def test_a_system_that_is_away_for_a_weekend_loses_nothing(change, fake):
    """More tries than a broken connector gets."""
    tell(change, "one")
    fake.error = AWAY
    now = timezone.now()
    for _ in range(delivering.TRIES + 20):
        deliver_due(now)
        now = change.notes.get().next_at
    assert states(change) == ["queued"]
    fake.error = ChangeGarbled("snow answers with a page.")
    deliver_due(now)
    assert states(change) == ["dead"], "nonsense is not asked for so often"


def test_a_clock_that_goes_back_holds_nothing_up(change, fake):
    tell(change, "one")
    ChangeNote.objects.update(
        next_at=timezone.now() + timedelta(days=1), taken_until=timezone.now() + timedelta(days=1)
    )
    assert deliver_due(timezone.now()) == 1


def test_where_nothing_listens_one_note_is_tried_and_not_one_of_each_change(change, fake):
    fake.put("CHG2")
    other = bind(Asked("CHG2"), "PROD", "anna", timezone.now())
    tell(change, "one")
    note(other, "run:2:one", "run:2", "two", timezone.now())
    now = timezone.now()
    fake.errors["note"] = [AWAY]
    assert deliver_due(now) == 0
    assert sorted(ChangeNote.objects.values_list("attempts", flat=True)) == [0, 1]
    fake.errors["note"] = [ChangeUnreachable("snow is slow.", sent=True)]
    assert deliver_due(now + delivering.FIRST_PAUSE) == 1, "one that is slow with one file is there for the others"


def test_all_from_a_sequence_on_are_tried_again(change, fake):
    tell(change, "one", "two", "three")
    fake.errors["note"] = [NO, NO, AWAY]
    deliver_due(timezone.now())
    assert states(change) == ["dead", "dead", "queued"]
    assert again_from(change.pk, 2, "anna", timezone.now()) == 2
    deliver_due(timezone.now())
    assert (states(change), texts(fake)) == (["dead", "delivered", "delivered"], ["two", "three"])
    assert again_from(change.pk, 1, "anna", timezone.now()) == 1


def test_an_answer_that_is_lost_means_the_same_mark_again(change, fake, monkeypatch):
    tell(change, "one")
    send = fake.note

    def lost(*given):
        send(*given)
        raise AWAY

    monkeypatch.setattr(fake, "note", lost)
    deliver_due(timezone.now())
    monkeypatch.setattr(fake, "note", send)
    deliver_due(timezone.now() + timedelta(seconds=60))
    assert (texts(fake), change.notes.get().attempts) == (["one"], 2)


def test_a_worker_that_died_with_one_in_its_hands_holds_it_up_for_minutes_only(change, fake):
    tell(change, "one")
    now = timezone.now()
    ChangeNote.objects.update(taken_until=now + delivering.TAKEN)
    assert deliver_due(now) == 0
    assert deliver_due(now + delivering.TAKEN + timedelta(seconds=1)) == 1


def test_it_gives_up_by_itself_after_a_week(change, fake):
    tell(change, "one")
    fake.error = AWAY
    deliver_due(timezone.now() + timedelta(days=8))
    assert states(change) == ["dead"]


def test_a_connector_that_breaks_is_no_end(change, fake, caplog):
    tell(change, "one")
    fake.errors["note"] = [ZeroDivisionError()]
    deliver_due(timezone.now())
    assert (states(change), "The portal itself broke" in change.notes.get().error) == (["queued"], True)


def test_files_go_whole_and_are_not_kept_twice(change, fake):
    assert attach(change, "run:1:report.pdf", "run:1", "drill-1.pdf", "application/pdf", b"%PDF", timezone.now())
    deliver_due(timezone.now())
    row = change.notes.get()
    assert fake.files == [("CHG1", "drill-1.pdf", b"%PDF")]
    assert (bytes(row.content), len(row.sha256)) == (b"", 64)


def test_a_change_is_not_closed_over_what_is_missing(change, fake):
    now = timezone.now()
    result = Result(now - timedelta(minutes=9), now, "successful", "All steps are done.")
    tell(change, "one")
    assert close(change, "run:1:close", "run:1", result, now)
    assert not close(change, "run:1:close", "run:1", result, now)
    fake.errors["note"] = [NO]
    deliver_due(timezone.now())
    assert (states(change), fake.closed) == (["dead", "queued"], [])
    assert "waits for what is not delivered" in change.notes.get(sequence=2).error
    again(change.notes.get(sequence=1).pk, "anna", timezone.now())
    assert deliver_due(timezone.now()) == 2
    assert (texts(fake), fake.closed[0][:2]) == (["one"], ("CHG1", "successful"))
    assert Change.objects.get().closed_by_us


def test_what_is_given_up_lets_it_be_closed(change, fake):
    now = timezone.now()
    tell(change, "one")
    close(change, "run:1:close", "run:1", Result(now, now, "unsuccessful", "No."), now)
    fake.errors["note"] = [NO]
    deliver_due(timezone.now())
    row = change.notes.get(sequence=1)
    assert drop(row.pk, "anna", timezone.now())
    assert not drop(row.pk, "anna", timezone.now())
    deliver_due(timezone.now())
    assert (states(change), fake.closed[0][1]) == (["dropped", "delivered"], "unsuccessful")


def test_a_system_that_is_switched_off_is_told_nothing(change, fake):
    tell(change, "one")
    ChangeSystem.objects.update(enabled=False)
    assert deliver_due(timezone.now()) == 0


def test_what_is_wrong_with_changes_is_an_alarm(change, fake, people):
    now = timezone.now()
    assert list(alarms(Ask(now))) == []
    tell(change, "one", "two")
    fake.errors["note"] = [NO, NO]
    deliver_due(timezone.now())
    fake.error = AWAY
    look(change.pk)
    lifting.ask(change.system, "anna", "The change system burns and HA is away.", now)
    lifting.confirm(change.system, "berta", now)
    found = {one.key: one for one in alarms(Ask(timezone.now()))}
    assert set(found) == {"change:snow/CHG1:undelivered", "change-system:snow", "change-system:snow:lifted"}
    ChangeNote.objects.filter(sequence=2).update(state="held", error="It lacks the right.")
    held = {one.key: one.sentence for one in alarms(Ask(timezone.now()))}["change:snow/CHG1:held"]
    assert held == "1 note is held for CHG1 of snow and tried each hour. It says: It lacks the right."
    assert found["change:snow/CHG1:undelivered"].sentence.startswith("2 notes are not delivered to CHG1 of snow")
    assert found["change-system:snow"].hold == 120
    assert found["change-system:snow:lifted"].severity == "critical"
