"""What the watcher is told, in which order, and that a watcher that cannot be reached holds nothing up."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from backups.models import Backup, Copy, Missed, Ping, Policy
from backups.services import heartbeat, take
from backups.services.tick import tick
from portal.runs.models import Run
from tests.fixtures_backups import HOUR, end
from tests.fixtures_watcher import UUID

pytestmark = [pytest.mark.django_db, pytest.mark.wire]


@pytest.fixture
def told(watcher):
    """What arrives, without the address."""
    return lambda: [(path.removeprefix(f"/ping/{UUID}") or "/", body) for _, path, body in watcher.told]


@pytest.fixture
def policy(world, watcher):
    return world.policy(heartbeat_url=watcher.url)


def test_a_backup_is_told_from_start_to_success(world, policy, told):
    run = take.start(policy, "anna")
    tick()
    assert heartbeat.send_all() == 1
    Backup.objects.update(status="DONE", whole=None)
    tick()
    assert heartbeat.send_all() == 0
    Backup.objects.update(whole=True)
    end(run, "succeeded")
    for _ in range(3):
        tick()
        heartbeat.send_all()
    assert told() == [("/start", ""), ("/", "")]
    policy.refresh_from_db()
    assert (policy.heartbeat_at is not None, policy.heartbeat_sentence) == (True, "")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"status": "FAILED", "sentence": "tmp is full.", "what_to_do": "Free it."}, "failed", "tmp is full. Free it."),
        ({"status": "DONE", "whole": False}, "succeeded", "its archive is not whole"),
        ({"status": "DONE", "whole": None}, "errored", "nobody verified its archive. It broke."),
    ],
)
def test_done_alone_is_no_success(world, policy, told, fields, status, said):
    run = take.start(policy, "anna")
    Backup.objects.update(**fields)
    end(run, status, "It broke.")
    tick()
    heartbeat.send_all()
    (first, _), (second, words) = told()
    assert (first, second, said in words) == ("/start", "/fail", True)


def test_missed_starts_are_one_word(world, policy, told):
    Policy.objects.update(decided_to=timezone.now() - timedelta(days=3), catch_up=0)
    tick()
    heartbeat.send_all()
    assert Missed.objects.count() > 10
    assert [path for path, _ in told()] == ["/fail"]
    assert "Holdfast did not look at the schedule" in told()[0][1]


def test_a_watcher_that_refuses_hears_all_in_order_later(world, policy, told, watcher):
    watcher.how = 500
    run = take.start(policy, "anna")
    Backup.objects.update(status="FAILED", sentence="No.")
    end(run, "failed")
    for _ in range(3):
        assert tick() == []
        assert heartbeat.send_all() == 0
    policy.refresh_from_db()
    assert "HTTP 500" in policy.heartbeat_sentence
    assert UUID not in policy.heartbeat_sentence
    assert told() == [("/start", "")] * 3
    watcher.how = 200
    assert heartbeat.send_all() == 2
    assert [path for path, _ in told()[3:]] == ["/start", "/fail"]
    policy.refresh_from_db()
    assert policy.heartbeat_sentence == ""


def test_what_is_too_old_is_not_told(world, policy, told, watcher):
    run = take.start(policy, "anna")
    tick()
    Ping.objects.update(made_at=timezone.now() - HOUR - timedelta(minutes=1))
    assert heartbeat.send_all() == 0
    assert Ping.objects.get().given_up_at is not None
    Backup.objects.update(status="DONE", whole=True)
    end(run, "succeeded", ago=2 * HOUR)
    Run.objects.update(created=timezone.now() - 3 * HOUR)
    tick()
    assert Ping.objects.count() == 1
    assert told() == []


def test_without_an_address_nothing_is_noted(world):
    take.start(world.policy(), "anna")
    tick()
    assert Ping.objects.count() == 0


def test_an_address_that_cannot_be_unsealed_is_said(world, policy, told):
    take.start(policy, "anna")
    tick()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE backups_policy SET heartbeat_url = 'gAAAAAnonsense'")
    assert heartbeat.send_all() == 0
    policy.refresh_from_db()
    assert "fits none of the keys" in policy.heartbeat_sentence


def test_the_address_is_in_no_log_and_no_row(world, policy, watcher, caplog):
    caplog.set_level(logging.DEBUG)
    watcher.how = 500
    take.start(policy, "anna")
    tick()
    heartbeat.send_all()
    assert UUID not in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(p)::text FROM backups_policy p")
        assert UUID not in str(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_a_watcher_that_hangs_holds_nothing_up_and_hears_each_word_once(world, policy, told, watcher, monkeypatch):
    monkeypatch.setattr(heartbeat, "ping", lambda *given: real(*given, timeout=1.0))
    from portal.connectors.heartbeat import ping as real

    watcher.how = "hang"
    run = take.start(policy, "anna")
    tick()
    results = []

    def send():
        results.append(heartbeat.send_all())
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    Backup.objects.update(status="DONE", whole=True)
    world.copy(run.backup, world.vault)
    end(run, "succeeded")
    assert tick() == []
    assert Copy.objects.count() == 1
    for thread in threads:
        thread.join()
    assert results == [0, 0]
    assert len(told()) <= 2
    watcher.ending.set()
    watcher.how = 200
    before = len(told())
    assert heartbeat.send_all() == 2
    assert [path for path, _ in told()[before:]] == ["/start", "/"]
