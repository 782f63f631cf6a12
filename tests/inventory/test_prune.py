"""What is pruned, and what must stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session

from inventory.models import Capture, Engine, EngineEvent, Host, Look, Rollup, Site, Transition
from inventory.services import prune as pruning
from inventory.services.prune import KEPT, Pruned, prune

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
OLD, YOUNG = NOW - KEPT - timedelta(minutes=5), NOW - KEPT + timedelta(minutes=5)


@pytest.fixture
def look():
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(site=site, name="engine", url="https://127.0.0.1/x", username="u", password="p")
    host = Host.objects.create(engine=engine, uuid="h1", name="kvm01", address="127.0.1.1")
    return Look.objects.create(engine=engine, host=host, probe="ha_state", due_at=NOW)


def rollup(look, bucket):
    return Rollup.objects.create(look=look, series="s", bucket=bucket, count=1, low=1, high=1, total=1, last=1)


def event(look, number, at):
    return EngineEvent.objects.create(engine=look.engine, number=number, at=at, code=1, severity="normal")


def capture(name, at):
    return Capture.objects.create(sha256=name, sections={}, taken_at=at)


def test_old_rollups_go_in_batches_and_young_ones_stay(look, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)
    for minutes in range(5):
        rollup(look, OLD - timedelta(minutes=minutes * 5))
    young = rollup(look, YOUNG)
    assert prune(NOW).rollups == 5
    assert list(Rollup.objects.all()) == [young]


def test_one_call_removes_no_more_than_its_share(look, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)
    monkeypatch.setattr(pruning, "BATCHES", 2)
    for minutes in range(5):
        rollup(look, OLD - timedelta(minutes=minutes * 5))
    assert (prune(NOW).rollups, prune(NOW).rollups, prune(NOW).rollups) == (4, 1, 0)


def test_old_events_go_but_the_one_that_the_next_sync_goes_on_from(look):
    event(look, 1, OLD)
    last, young = event(look, 2, OLD), event(look, 3, YOUNG)
    Engine.objects.update(last_event_id=2)
    assert prune(NOW).events == 1
    assert set(EngineEvent.objects.all()) == {last, young}


def test_an_answer_stays_as_long_as_the_history_points_to_it(look):
    capture("lonely", OLD)
    fresh, held = capture("fresh", YOUNG), capture("held", OLD)
    Transition.objects.create(
        at=OLD, engine=look.engine, host=look.host, probe="ha_state", check_name="agent", subject_kind="host",
        subject_key="kvm01", to_outcome="ok", sentence="s", capture=held,
    )  # fmt: skip
    assert prune(NOW).captures == 1
    assert set(Capture.objects.all()) == {fresh, held}
    assert Transition.objects.count() == 1


def test_ended_sessions_go(look):
    Session.objects.create(session_key="old", session_data="", expire_date=NOW - timedelta(seconds=1))
    Session.objects.create(session_key="new", session_data="", expire_date=NOW + timedelta(hours=1))
    assert prune(NOW) == Pruned(rollups=0, events=0, captures=0, sessions=1)
    assert Session.objects.get().session_key == "new"
