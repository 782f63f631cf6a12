"""Reading changes back, binding acts to them, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.changes.asked import Asked
from portal.changes.gate import Need
from portal.changes.models import Change, ChangeSystem
from portal.changes.services import BindRefused, asking, bind, decided, fresh, in_charge, lifting, look, note, systems
from portal.changes.services.looking import ask_clashes, keep, look_due, soon, wake
from portal.changes.services.opening import known_secrets
from portal.changes.services.pruning import prune
from portal.evidence.models import Record
from portal.kernel.change import ChangeRefused, ChangeUnreachable, ChangeWanted, Gate

pytestmark = pytest.mark.django_db
AWAY = ChangeUnreachable("snow does not answer: nothing listens there.")


def bound(number="CHG1", **more) -> Change:
    found = bind(Asked(number, **more), "PROD", "anna", timezone.now())
    assert found is not None
    return found


def kinds(subject="change:snow/CHG1"):
    return list(Record.objects.filter(subject=subject).order_by("number").values_list("kind", flat=True))


def test_a_number_is_one_row_and_nobody_is_asked_for_it(system, fake):
    assert bound().pk == bound().pk == bound("snow:CHG1").pk
    assert (fake.reads, Change.objects.count()) == (0, 1)
    assert bind(Asked(), "PROD", "anna", timezone.now()) is None


def test_without_a_change_system_a_number_is_text(db):
    assert bind(Asked("CHG1"), "PROD", "anna", timezone.now()) is None
    assert bind(Asked("CHG1", "snow"), "PROD", "anna", timezone.now()) is None


def test_what_cannot_be_meant_is_refused_in_words(system):
    other = ChangeSystem.objects.create(name="jira", kind="jira", url="https://j", sites=["DR"])
    assert [row.name for row in in_charge("DR")] == ["jira", "snow"]
    assert [row.name for row in in_charge("PROD")] == ["snow"]
    for asked, site, words in (
        (Asked(sys_id="x"), "PROD", "named by its number"),
        (Asked("CHG1", "jira"), "PROD", "jira is not in charge"),
        (Asked("X1"), "DR", "name one of jira, snow"),
        (Asked("C" * 81), "PROD", "at most 80"),
    ):
        with pytest.raises(BindRefused, match=words):
            bind(asked, site, "anna", timezone.now())
    told = {number: bind(Asked(number), "DR", "anna", timezone.now()).system.name for number in ("CHG1", "OPS-7")}
    assert told == {"CHG1": "snow", "OPS-7": "jira"}, "a number is known by its look"
    ChangeSystem.objects.exclude(pk=other.pk).update(sites=["DR"])
    with pytest.raises(BindRefused, match="not in charge of PROD"):
        bind(Asked("CHG1", "snow"), "PROD", "anna", timezone.now())


def test_a_system_that_is_switched_off_stays_in_charge_and_prevents(system, fake):
    fake.put("CHG1")
    ChangeSystem.objects.update(enabled=False, sites=["Prod"])
    assert [row.name for row in in_charge("PROD")] == ["snow"], "upper and lower case are one"
    found = fresh(bound().pk, Need(Asked("CHG1")), timezone.now())
    assert (found.gate, "switched off" in found.sentence) == (Gate.PREVENTED, True)


def test_what_is_read_back_is_kept_and_its_turns_are_on_record(system, fake):
    fake.put("CHG1", Gate.AWAITING)
    row = look(bound().pk)
    assert (row.gate, row.ci, row.error, row.sys_id) == ("awaiting", ["olvm"], "", "id-CHG1")
    look(row.pk)
    assert kinds() == ["change.seen"], "the same again is no news"
    fake.put("CHG1", Gate.ALLOWED)
    row = look(row.pk)
    assert (row.gate, kinds()) == ("allowed", ["change.seen", "change.seen"])
    assert look(bound("CHG404").pk).gate == "invalid"


def test_within_seconds_nobody_is_asked_again(system, fake):
    fake.put("CHG1")
    row = bound()
    look(row.pk)
    look(row.pk, within=60)
    assert fake.reads == 1
    Change.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
    look(row.pk, within=60)
    Change.objects.update(seen_at=timezone.now() + timedelta(seconds=600))
    look(row.pk, within=60)
    assert fake.reads == 3, "a clock that went back makes no answer fresh"


def test_an_answer_is_as_old_as_its_question(system, fake, monkeypatch):
    """It took a minute, so what was seen may have changed since."""
    row = bound()
    seen, asked = fake.put("CHG1"), timezone.now() - timedelta(seconds=61)
    keep(row, seen, asked)
    assert Change.objects.get().tried_at > asked
    look(row.pk, within=60)
    assert fake.reads == 1
    fake.error = AWAY
    look(row.pk)
    Change.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    assert (look(row.pk, within=60).error, fake.reads) == (str(AWAY), 2), "a failure is as old as its end"


def test_the_seconds_that_an_answer_takes_count(system, fake, monkeypatch):
    """The window ends while the change system thinks."""
    fake.put("CHG1", ends=timezone.now() + timedelta(seconds=5))
    clock = iter([0.0, 6.0])
    monkeypatch.setattr("portal.changes.services.deciding.time.monotonic", lambda: next(clock))
    found = fresh(bound().pk, Need(Asked("CHG1")), timezone.now())
    assert (found.gate, "ended at" in found.sentence) == (Gate.INVALID, True)


def test_a_system_that_is_away_leaves_what_was_known_and_prevents(system, fake):
    fake.put("CHG1")
    row = look(bound().pk)
    fake.error = AWAY
    row = look(row.pk)
    assert (row.gate, row.error, bool(row.failing_since)) == ("allowed", str(AWAY), True)
    system.refresh_from_db()
    assert (system.error, bool(system.failing_since)) == (str(AWAY), True)
    found = fresh(row.pk, Need(Asked("CHG1")), timezone.now())
    assert (found.gate, found.unread) == (Gate.PREVENTED, True)
    fake.error = None
    row = look(row.pk)
    system.refresh_from_db()
    assert (row.error, row.failing_since, system.error, system.failing_since) == ("", None, "", None)
    ChangeSystem.objects.update(enabled=False)
    assert "switched off" in look(row.pk).error


def test_a_connector_that_breaks_prevents_like_one_that_is_away(system, fake, caplog):
    fake.errors["read"] = [ZeroDivisionError()]
    row = look(bound().pk)
    assert "The portal itself broke" in row.error
    assert "broke" in caplog.text


def test_an_older_answer_opens_no_gate_and_may_shut_one(system, fake):
    fake.put("CHG1", Gate.PREVENTED, sequence=9)
    row = look(bound().pk)
    for sequence, gate, kept in (
        (5, Gate.ALLOWED, "prevented"),
        (30, Gate.ALLOWED, "allowed"),
        (2, Gate.INVALID, "invalid"),
    ):
        fake.put("CHG1", gate, sequence=sequence)
        assert look(row.pk).gate == kept


def test_a_slow_answer_that_was_asked_for_earlier_opens_no_gate(system, fake):
    """The one that was asked for later came first, and said no."""
    opened = fake.put("CHG1", sequence=0)
    fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.", sequence=0)
    row = look(bound().pk)
    keep(row, opened, row.seen_at - timedelta(seconds=5))
    kept = Change.objects.get()
    assert (kept.gate, kept.seen_at) == ("invalid", row.seen_at)
    keep(row, opened, row.seen_at - timedelta(hours=1))
    assert Change.objects.get().gate == "allowed", "a clock that went back makes no answer old"


def test_pages_call_nothing_known_that_was_read_back_long_ago(system, fake):
    fake.put("CHG1")
    row = look(bound().pk)
    need, now = Need(Asked("CHG1")), timezone.now()
    assert decided(row, need, now).lets
    old = decided(row, need, now + timedelta(minutes=11))
    assert (old.lets, old.unread) == (False, True)


def test_the_tick_asks_what_is_due_and_settles_by_itself(system, fake):
    fake.put("CHG1", Gate.AWAITING)
    row = bound()
    now = timezone.now()
    assert (look_due(now), look_due(now)) == (1, 0)
    row.refresh_from_db()
    assert timedelta(seconds=30) < row.look_at - now < timedelta(seconds=90)
    soon(row.pk, now)
    assert look_due(timezone.now()) == 1
    fake.put("CHG1", Gate.INVALID, begins=now - timedelta(days=9), ends=now - timedelta(days=8))
    assert look(row.pk).look_at is None, "what is long over is asked for no more"
    fake.put("CHG1", Gate.ALLOWED, ends=now + timedelta(days=1))
    Change.objects.update(look_at=None, ends=None)
    assert wake(now) == 1
    fake.put("CHG1", Gate.PREVENTED)
    assert look(row.pk).look_at > now + timedelta(minutes=10)


def test_a_system_that_is_silent_is_asked_once_a_tick(system, fake):
    fake.error = AWAY
    for number in range(5):
        bound(f"CHG{number}")
    assert look_due(timezone.now()) == 1
    assert fake.reads == 1


def test_a_callback_that_comes_while_it_is_read_causes_another_read(system, fake, monkeypatch):
    fake.put("CHG1", Gate.AWAITING)
    row = bound()
    answer = fake.read

    def meanwhile(key):
        soon(row.pk, timezone.now())
        return answer(key)

    monkeypatch.setattr(fake, "read", meanwhile)
    assert look(row.pk).look_at <= timezone.now()


def test_what_clashes_there_is_kept(system, fake):
    fake.put("CHG1")
    fake.clash = ("CHG7 works on olvm from 20:00.",)
    row = look(bound().pk)
    ask_clashes(row.pk)
    row.refresh_from_db()
    assert (row.clashes, bool(row.clashes_at)) == (["CHG7 works on olvm from 20:00."], True)
    fake.error = AWAY
    ask_clashes(row.pk)
    row.refresh_from_db()
    assert row.clashes, "what is not told changes nothing"


def wanted(mark="m1"):
    now = timezone.now()
    return ChangeWanted("Drill", "", "", "", now, now + timedelta(hours=4), ("olvm",), "normal", mark)


def test_a_change_is_asked_for_once_per_mark(system, fake):
    fake.errors["create"] = [AWAY]
    with pytest.raises(ChangeUnreachable):
        asking.ask(system, wanted(), "anna", timezone.now())
    one = asking.ask(system, wanted(), "anna", timezone.now())
    two = asking.ask(system, wanted(), "anna", timezone.now())
    assert (one.pk, one.gate, one.short, len(fake.made)) == (two.pk, "awaiting", "Drill", 1)
    assert "change.asked" in kinds(f"change:snow/{one.number}")


def test_a_connection_is_tried_by_a_change_that_is_not_there(system, fake):
    assert systems.try_it(system, "dora", timezone.now())[0]
    fake.put(systems.PROBE)
    good, sentence = systems.try_it(system, "dora", timezone.now())
    assert (good, "should not be there" in sentence) == (False, True)
    fake.error = ChangeRefused("snow takes no login.")
    assert systems.try_it(system, "dora", timezone.now()) == (False, "snow takes no login.")
    system.refresh_from_db()
    assert system.error == "snow takes no login."


def test_an_edit_of_what_somebody_else_edited_is_refused(system):
    mine, theirs = ChangeSystem.objects.get(), ChangeSystem.objects.get()
    systems.save(theirs, "dora", ["url"], theirs.version)
    with pytest.raises(systems.Stale, match="version 2, yours is of 1"):
        systems.save(mine, "dora", ["url"], mine.version)
    fresh_key = systems.rotate(system.pk, "dora", timezone.now()).reveal()
    row = ChangeSystem.objects.get()
    assert (row.signing_key.reveal(), bool(row.former_key), row.version) == (fresh_key, True, 3)
    assert systems.drop_former(row.pk, "dora")
    assert not systems.drop_former(row.pk, "dora")
    told = str([record.body for record in Record.objects.all()])
    assert fresh_key not in told
    assert {secret.reveal() for secret in known_secrets()} == {fresh_key, "a-password-of-tests"}


def test_two_people_lift_a_gate_for_four_hours(system, people):
    now = timezone.now()
    with pytest.raises(lifting.LiftRefused, match="at least 20"):
        lifting.ask(system, "anna", "short", now)
    with pytest.raises(lifting.LiftRefused, match="Nobody has asked"):
        lifting.confirm(system, "berta", now)
    lifting.ask(system, "anna", "The change system burns and HA is away.", now)
    for by, words in (("ANNA", "another person"), ("carl", "no second person"), ("nobody", "no second person")):
        with pytest.raises(lifting.LiftRefused, match=words):
            lifting.confirm(system, by, now)
    with pytest.raises(lifting.LiftRefused, match="asked for already"):
        lifting.ask(system, "carl", "The change system burns and HA is away.", now)
    lifting.confirm(system, "berta", now)
    assert lifting.lifted(system.pk, now)
    assert lifting.lifted(system.pk, now + timedelta(hours=5)) is None


def test_a_system_that_is_away_holds_no_other_system_up(system, fake):
    """However many of its changes are due."""
    other = ChangeSystem.objects.create(name="jira", kind="jira", url="https://j")
    now, long = timezone.now(), timezone.now() - timedelta(hours=1)
    for number in range(25):
        given = {"asked_by": "anna", "asked_at": long, "look_at": long}
        Change.objects.create(system=system, number=f"CHG{number}", mark=f"m{number}", **given)
    Change.objects.create(system=other, number="OPS-1", mark="j", asked_by="anna", asked_at=long, look_at=now)
    fake.errors["read"] = [AWAY]
    assert (look_due(now), fake.reads) == (1, 1)
    assert (look_due(now), fake.reads) == (1, 2)
    assert Change.objects.get(system=other).seen_at is not None


def test_a_clock_that_went_back_holds_no_look_up(system, fake):
    bound()
    Change.objects.update(look_at=timezone.now() + timedelta(days=1))
    assert look_due(timezone.now()) == 1


def test_another_record_of_the_number_is_not_older_than_the_former_one(system, fake):
    """As after a copy of the instance: it counts its changes anew."""
    fake.put("CHG1", Gate.PREVENTED, sequence=90)
    row = look(bound().pk)
    seen = fake.put("CHG1", Gate.ALLOWED, sequence=3)
    assert look(row.pk).gate == "prevented"
    fake.changes["CHG1"], fake.strict = replace(seen, key=replace(seen.key, sys_id="id-new")), False
    row = look(row.pk)
    assert (row.gate, row.sys_id) == ("allowed", "id-new")


def test_a_number_that_is_no_change_is_forgotten(system, fake):
    fake.put("CHG1")
    for number in ("CHG1", "CHG404", "CHG405"):
        look(bound(number).pk)
    note(Change.objects.get(number="CHG405"), "run:1:one", "run:1", "one", timezone.now())
    prune(timezone.now())
    assert Change.objects.count() == 3
    prune(timezone.now() + timedelta(days=31))
    assert sorted(Change.objects.values_list("number", flat=True)) == ["CHG1", "CHG405"]
