"""What one host says must not cost another its look: answers that no column holds, and clocks that jump."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from inventory.models import Capture, Engine, Finding, Host, Look, Site, Transition
from inventory.probes import PROBES
from inventory.services import looks, record, sweep, upkeep
from inventory.services.looks import Result
from portal.kernel.finding import Finding as Said
from portal.kernel.finding import Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output
from portal.kernel.probe import Declared

pytestmark = pytest.mark.django_db
NUL, LONE = "kvm\0evil", "kvm\ud800evil"


@pytest.fixture
def pair():
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(site=site, name="engine", url="https://127.0.0.1/x", username="u", password="p")
    now = timezone.now()
    hosts = [
        Host.objects.create(engine=engine, uuid=name, name=name, address="127.0.1.1", he_configured=True)
        for name in ("kvm01", "kvm02")
    ]
    return [Look.objects.create(engine=engine, host=host, probe="ha_state", due_at=now) for host in hosts]


def result(look, *, at=None, words="agent active", key="kvm", **changed):
    said = (Said("agent", Outcome.OK, Subject("host", key), words),)
    made = Result(look.pk, Look.State.READ, at or timezone.now(), 12, "", {"n": 1}, said, {}, {"x": {}}, "a")
    return replace(made, **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"facts": {"name": NUL}},
        {"facts": {"name": LONE}},
        {"facts": {"n": math.nan}},
        {"words": NUL},
        {"words": LONE},
        {"key": "3" * 400},
        {"took_ms": 2**40},
        {"state": Look.State.UNREADABLE, "sentence": NUL, "findings": ()},
        {"sections": {"x": {"stdout": NUL}}, "sha256": "c"},
        {"findings": (Said("agent", Outcome.OK, Subject("host", "kvm"), "twice"),) * 2},
        {"numbers": {"s" * 61: 1.0}},
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_stored_is_unknown_and_costs_no_other_host(pair, changed):
    hostile, innocent = pair
    before = timezone.now() - timedelta(seconds=3)
    record.record([result(hostile, at=before), result(innocent, at=before)])
    record.record([result(hostile, **changed), result(innocent, words="agent still active", sha256="b")])
    assert Finding.objects.get(look=innocent).sentence == "agent still active"
    hostile.refresh_from_db()
    assert hostile.state == Look.State.UNREADABLE
    assert hostile.sentence.startswith("kvm01: ")
    assert Finding.objects.get(look=hostile).outcome == "unknown"


def test_a_host_whose_clock_says_infinity_is_still_read(pair):
    strange = Output(b"", b"", 0, took=math.inf)
    probe = PROBES["ha_state"]
    answers = dict.fromkeys(probe.commands, strange)
    read = looks.read(probe, pair[0].pk, answers, Declared(name="kvm01", checked_at=timezone.now().timestamp()))
    record.record([read])
    pair[0].refresh_from_db()
    assert pair[0].at is not None


def test_a_flood_is_not_stored_whole(pair):
    probe = PROBES["ha_state"]
    flood = Output(b"x" * 4_000_000, b"y" * 4_000_000, 0, truncated=True)
    answers = dict.fromkeys(probe.commands, flood)
    record.record([looks.read(probe, pair[0].pk, answers, Declared(name="kvm01", checked_at=time.time()))])
    pair[0].refresh_from_db()
    stored = next(iter(pair[0].sections.values()))
    assert stored["truncated"]
    assert len(stored["stdout"]) == len(stored["stderr"]) == looks.CUT


def test_what_was_seen_while_the_database_was_away_is_recorded_later(pair, monkeypatch):
    sweep.eyes().results.put([result(pair[0])])
    with monkeypatch.context() as away:
        away.setattr(sweep, "record", _away)
        with pytest.raises(OperationalError):
            sweep.sweep(patience=1, probes=())
    assert sweep.sweep(patience=1, probes=()).recorded == 1
    assert Finding.objects.get().sentence == "agent active"


def _away(batch):
    raise OperationalError("the connection is lost")


def test_a_host_id_that_no_column_holds_is_not_learnt_and_stops_nobody_from_learning(pair):
    upkeep.learn(
        [result(pair[0], facts={"configured_host_id": 70_000}), result(pair[1], facts={"configured_host_id": 2})]
    )
    assert list(Host.objects.order_by("name").values_list("he_host_id", flat=True)) == [None, 2]


@pytest.mark.parametrize(("outcome", "minutes"), [(Outcome.FAIL, 0.5), (Outcome.UNKNOWN, 0.5), (Outcome.OK, 5)])
def test_a_slow_look_that_found_something_is_repeated_soon(pair, outcome, minutes):
    """Otherwise its alarm would stand for minutes after the fault is mended."""
    now = timezone.now()
    Look.objects.update(due_at=now + timedelta(minutes=5))
    found = Said("text_paths", outcome, Subject("host", "kvm01"), "16 of 32 paths are up.")
    upkeep.learn([replace(result(pair[0]), findings=(found,))])
    due = Look.objects.get(pk=pair[0].pk).due_at
    assert abs((due - now).total_seconds() - minutes * 60) < 5
    assert Look.objects.get(pk=pair[1].pk).due_at == now + timedelta(minutes=5)


def test_a_clock_that_went_back_stops_no_look(pair):
    ahead = timezone.now() + timedelta(hours=1)
    record.record([result(pair[0], at=ahead)])
    Look.objects.update(due_at=ahead)
    now = timezone.now()
    assert {look.pk for look in looks.claim(now, ["ha_state"])} == {look.pk for look in pair}
    assert looks.claim(now, ["ha_state"]) == []
    record.record([result(pair[0], at=now, words="after the jump", sha256="b")])
    pair[0].refresh_from_db()
    assert pair[0].at == now
    assert Finding.objects.get().sentence == "after the jump"


def test_the_history_of_an_outage_shows_no_older_answer_as_its_evidence(pair):
    record.record([result(pair[0], at=timezone.now() - timedelta(seconds=3))])
    record.record([Result(pair[0].pk, Look.State.UNANSWERED, timezone.now(), 0, "kvm01 is silent.")])
    assert Transition.objects.order_by("-pk").first().capture is None
    assert Capture.objects.count() == 1


def test_facts_of_an_older_release_are_replaced_though_the_answer_is_the_same(pair):
    record.record([result(pair[0], at=timezone.now() - timedelta(seconds=3), facts={"old": 1})])
    record.record([result(pair[0], facts={"old": 1, "new": 2})])
    pair[0].refresh_from_db()
    assert pair[0].facts == {"old": 1, "new": 2}


@pytest.mark.django_db(transaction=True)
def test_a_look_that_is_recorded_while_it_is_found_too_old_stays_known(pair):
    record.record([result(pair[0], at=timezone.now() - timedelta(minutes=5))])
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("update inventory_look set at = now() where id = %s", [pair[0].pk])
        later = threading.Timer(0.4, other.connection.commit)
        later.start()
        record.expire(timezone.now())
        later.join()
    other.close()
    assert Finding.objects.get().outcome == "ok"
