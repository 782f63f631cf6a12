"""Recording looks: transitions only, unknown when nobody could look, nothing lost, nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from inventory.models import Capture, Engine, Finding, Host, Look, Rollup, Site, Transition
from inventory.services import looks, record
from inventory.services.looks import Result, claim, every, present
from portal.kernel.finding import Finding as Said
from portal.kernel.finding import Subject
from portal.kernel.freshness import allowed_age
from portal.kernel.outcome import Outcome

pytestmark = pytest.mark.django_db
T0 = datetime(2025, 11, 22, 7, 0, tzinfo=UTC)


@pytest.fixture
def look():
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(site=site, name="engine", url="https://127.0.0.1/x", username="u", password="p")
    host = Host.objects.create(engine=engine, uuid="h1", name="kvm01", address="127.0.1.1", he_configured=True)
    return Look.objects.create(engine=engine, host=host, probe="ha_state", due_at=T0)


def said(outcome=Outcome.OK, words="agent active", check="agent"):
    return Said(check, outcome, Subject("host", "kvm01"), words)


def result(look, at, *findings, state=Look.State.READ, sentence="", sha="a", numbers=None):
    return Result(look.pk, state, at, 12, sentence, {"n": 1}, tuple(findings), numbers or {}, {"x": {}}, sha)


def test_the_first_look_makes_a_transition_and_keeps_the_raw_answer(look):
    assert record.record([result(look, T0, said())]) == 1
    transition = Transition.objects.get()
    assert (transition.from_outcome, transition.to_outcome, transition.capture.sha256) == ("", "ok", "a")
    look.refresh_from_db()
    assert (look.state, look.at, look.answered_at, look.facts) == ("read", T0, T0, {"n": 1})


def test_the_same_answer_again_writes_no_history(look):
    record.record([result(look, T0, said())])
    later = T0 + timedelta(seconds=3)
    assert record.record([result(look, later, said())]) == 0
    assert (Transition.objects.count(), Capture.objects.count(), Finding.objects.count()) == (1, 1, 1)
    look.refresh_from_db()
    assert look.at == later
    assert Finding.objects.get().since == T0


def test_another_sentence_is_shown_but_is_no_transition(look):
    record.record([result(look, T0, said(words="score 3000"))])
    assert record.record([result(look, T0 + timedelta(seconds=3), said(words="score 2990"), sha="b")]) == 0
    assert Finding.objects.get().sentence == "score 2990"


def test_an_unanswered_look_turns_every_finding_unknown_and_keeps_the_last_facts(look):
    record.record([result(look, T0, said(), said(check="broker"))])
    gone = Result(look.pk, Look.State.UNANSWERED, T0 + timedelta(seconds=3), 2000, "kvm01 answers nothing.")
    assert record.record([gone]) == 2
    assert {f.outcome for f in Finding.objects.all()} == {"unknown"}
    assert all("kvm01 answers nothing." in f.sentence for f in Finding.objects.all())
    look.refresh_from_db()
    assert (look.state, look.facts, look.answered_at) == ("unanswered", {"n": 1}, T0)


def test_the_same_answer_after_an_outage_brings_the_findings_back(look):
    record.record([result(look, T0, said())])
    record.record([Result(look.pk, Look.State.UNANSWERED, T0 + timedelta(seconds=3), 0, "silent")])
    assert record.record([result(look, T0 + timedelta(seconds=6), said())]) == 1
    assert Finding.objects.get().outcome == "ok"


def test_a_straggler_does_not_overwrite_what_is_newer(look):
    record.record([result(look, T0 + timedelta(seconds=9), said(Outcome.FAIL, "agent inactive"), sha="b")])
    assert record.record([result(look, T0, said())]) == 0
    assert Finding.objects.get().outcome == "fail"


def test_two_results_of_one_look_in_a_batch_count_once(look):
    record.record([result(look, T0 + timedelta(seconds=3), said(Outcome.WARN)), result(look, T0, said())])
    assert Finding.objects.get().outcome == "warn"


def test_a_finding_that_is_no_longer_made_leaves_a_line_in_the_history(look):
    record.record([result(look, T0, said(), said(check="broker"))])
    record.record([result(look, T0 + timedelta(seconds=3), said(), sha="b")])
    assert Finding.objects.count() == 1
    assert Transition.objects.filter(check_name="broker", to_outcome="unknown").count() == 1


def test_numbers_go_to_five_minute_buckets(look):
    for seconds, score in ((0, 3400), (10, 2400), (299, 3000), (300, 3400)):
        record.record([result(look, T0 + timedelta(seconds=seconds), said(), numbers={"score": score})])
    first, second = Rollup.objects.order_by("bucket")
    assert (first.count, first.low, first.high, first.total, first.last) == (3, 2400, 3400, 8800, 3000)
    assert (second.count, second.last) == (1, 3400)


def test_an_old_look_is_unknown_at_read_time_and_later_in_the_history(look):
    record.record([result(look, T0, said())])
    finding = Finding.objects.select_related("look__host", "look__engine").get()
    assert present(finding, T0 + timedelta(seconds=10))[0] is Outcome.OK
    outcome, sentence = present(finding, T0 + timedelta(seconds=60))
    assert outcome is Outcome.UNKNOWN
    assert "kvm01 was last looked at by ha_state at" in sentence
    assert record.expire(T0 + timedelta(seconds=10)) == 0
    assert record.expire(T0 + timedelta(seconds=60)) == 1
    assert record.expire(T0 + timedelta(seconds=65)) == 0
    assert Transition.objects.order_by("-pk").first().to_outcome == "unknown"


def test_a_time_in_which_nobody_looked_is_unknown_in_the_history(look):
    record.record([result(look, T0, said())])
    later = T0 + timedelta(hours=2)
    assert record.record([result(look, later, said())]) == 2
    blind, back = Transition.objects.order_by("pk")[1:]
    assert (blind.from_outcome, blind.to_outcome, blind.capture) == ("ok", "unknown", None)
    assert T0 < blind.at < T0 + timedelta(minutes=1)
    assert "kvm01 was not looked at by ha_state until" in blind.sentence
    assert (back.from_outcome, back.to_outcome, back.at) == ("unknown", "ok", later)
    assert (Finding.objects.get().outcome, Finding.objects.get().since) == ("ok", later)


def test_a_blind_time_that_was_written_down_is_not_written_twice(look):
    record.record([result(look, T0, said())])
    record.expire(T0 + timedelta(minutes=1))
    assert record.record([result(look, T0 + timedelta(hours=2), said())]) == 1


def test_a_time_that_is_noticed_days_later_is_unknown_from_its_beginning(look):
    record.record([result(look, T0, said())])
    assert record.expire(T0 + timedelta(days=3)) == 1
    blind = Transition.objects.order_by("-pk").first()
    ended = T0 + timedelta(seconds=allowed_age(every("ha_state")))
    assert (blind.to_outcome, blind.at, Finding.objects.get().since) == ("unknown", ended, ended)


def test_a_look_of_the_future_is_unknown_from_when_that_is_noticed(look):
    record.record([result(look, T0, said())])
    before = T0 - timedelta(hours=1)
    assert record.expire(before) == 0
    now = timezone.now()
    Look.objects.update(at=now + timedelta(hours=1))
    assert record._expired(look.pk, now) == 1
    assert Transition.objects.order_by("-pk").first().at == now


def test_a_clock_that_jumped_back_makes_a_look_unknown(look):
    record.record([result(look, T0, said())])
    finding = Finding.objects.select_related("look__host", "look__engine").get()
    assert present(finding, T0 - timedelta(hours=1))[0] is Outcome.UNKNOWN


def test_a_due_look_is_claimed_once(look):
    now = timezone.now()
    Look.objects.update(due_at=now - timedelta(seconds=1))
    assert [one.pk for one in claim(now, ["ha_state"])] == [look.pk]
    assert claim(now, ["ha_state"]) == []
    assert claim(now + timedelta(seconds=looks.every("ha_state") + 1), ["ha_state"]) != []
    Engine.objects.update(watched=False)
    assert claim(now + timedelta(minutes=5), ["ha_state"]) == []
