"""A policy's columns as a schedule: every window that people can write, and one sentence for what they cannot."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backups.catalog.schedule import Once, Weekly
from backups.models import Missed
from backups.services.schedule import Unreadable, of, outlook, problem
from tests.fixtures_backups import HOUR

pytestmark = pytest.mark.django_db

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_columns_become_a_schedule(world):
    policy = world.policy(
        cron="15 */4 * * *",
        zone="Europe/Vienna",
        catch_up=7200,
        blackouts=[
            {"days": [5, 6], "begins": "22:00", "ends": "04:00"},
            {"begins": "2026-12-24T18:00", "ends": "2026-12-25T06:00"},
            {"begins": "2026-12-24T18:00:00+00:00", "ends": "2026-12-25T06:00:00Z"},
        ],
    )
    schedule = of(policy)
    assert (schedule.expression, schedule.zone, schedule.catch_up) == ("15 */4 * * *", "Europe/Vienna", 2 * HOUR)
    weekly, local, absolute = schedule.blackouts
    assert weekly == Weekly(frozenset({5, 6}), time(22), time(4))
    assert isinstance(local, Once)
    assert local.begins == datetime(2026, 12, 24, 18, tzinfo=VIENNA)
    assert isinstance(absolute, Once)
    assert absolute.begins == datetime(2026, 12, 24, 18, tzinfo=UTC)
    assert problem(policy) == ""


@pytest.mark.parametrize(
    "window",
    [
        "at night", None, [], 7, {}, {"days": []}, {"days": [0]}, {"days": [7], "begins": "22:00", "ends": "04:00"},
        {"days": ["0"], "begins": "22:00", "ends": "04:00"}, {"days": [True], "begins": "22:00", "ends": "04:00"},
        {"days": 3, "begins": "22:00", "ends": "04:00"}, {"days": [0], "begins": "25:00", "ends": "04:00"},
        {"days": [0], "begins": "22:00+01:00", "ends": "04:00"}, {"days": [0], "begins": 22, "ends": "04:00"},
        {"days": [[0]], "begins": "22:00", "ends": "04:00"}, {"begins": "2026-12-25T06:00"},
        {"begins": "2026-12-25T06:00", "ends": "2026-12-25T06:00"}, {"begins": "soon", "ends": "later"},
        {"begins": "2026-12-25T06:00", "ends": "2026-12-24T18:00Z"},
        {"begins": "0001-01-01T00:00+14:00", "ends": "9999-12-31T23:59"},
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_read_is_one_sentence(world, window):
    policy = world.policy(name="nightly", blackouts=[window])
    assert problem(policy).startswith("A blackout of nightly cannot be read (")
    assert "No backup is planned: A blackout of nightly" in outlook(policy, NOW).late


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"blackouts": {"days": [1]}}, "no list of windows"),
        ({"zone": ""}, "Nothing is no time zone"),
        ({"zone": "Europe"}, "Europe is no time zone"),
        ({"zone": "../etc/passwd"}, "is no time zone"),
        ({"cron": "every day"}, "five fields"),
        ({"cron": "61 * * * *"}, "cannot be used"),
        ({"cron": "0 0 30 2 *"}, "cannot be used"),
        ({"blackouts": [{"days": [0, 1, 2, 3, 4, 5, 6], "begins": "00:00", "ends": "00:00"}]}, "never runs"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_one_sentence(world, fields, said):
    policy = world.policy(**fields)
    assert said in problem(policy)
    with pytest.raises(Unreadable, match=said):
        of(policy)
    assert outlook(policy, NOW).next == ()


def test_the_outlook_names_what_comes_and_what_was_missed(world):
    policy = world.policy(zone="Europe/Vienna", decided_to=NOW)
    for days in (1, 13, 15):
        at = NOW - timedelta(days=days)
        Missed.objects.create(policy=policy, due_at=at, noticed_at=at, sentence="x")
    told = outlook(policy, NOW)
    assert [f"{at:%d %H:%M %Z}" for at in told.next] == [
        "22 12:00 CET",
        "22 18:00 CET",
        "23 00:00 CET",
        "23 06:00 CET",
        "23 12:00 CET",
    ]
    assert [row.due_at for row in told.missed] == [NOW - timedelta(days=1), NOW - timedelta(days=13)]
    assert told.late == ""


def test_a_start_that_has_not_begun_is_late(world):
    policy = world.policy(decided_to=NOW - 2 * HOUR)
    policy.cron = "0 9 * * *"
    from backups.services.obstacles import meet

    meet(policy, "take", "engine:1", "Run 7 has the engine.", NOW, wait=False)
    assert (
        outlook(policy, NOW).late == "The backup planned for 2026-11-22 09:00 UTC has not begun: Run 7 has the engine."
    )
    assert outlook(policy, NOW - HOUR + timedelta(minutes=4)).late == ""
