"""Planned starts: run once, tried again while something stands in the way, and named when none came."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from backups import tasks
from backups.models import Backup, Missed, Ping, Policy
from backups.services import due, take
from backups.services.schedule import outlook
from backups.services.tick import Round, tick
from portal.evidence.models import Record
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.fixtures_backups import HOUR, end

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SIX = datetime(2026, 11, 22, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def began(policy: Policy) -> list[tuple[str, datetime | None]]:
    return [(one.reason, one.due_at) for one in policy.backups.order_by("pk")]


def mark(policy: Policy) -> datetime:
    policy.refresh_from_db()
    return policy.decided_to


def test_a_planned_start_begins_one_backup(world):
    policy = world.policy(decided_to=SIX - HOUR)
    assert tick(SIX - MINUTE) == []
    assert began(policy) == []
    tick(SIX)
    tick(SIX + timedelta(seconds=5))
    assert began(policy) == [("scheduled", SIX)]
    run = Run.objects.get()
    assert (run.plan, run.target, run.requested_by) == ("backup_take", f"engine:{world.engine.pk}", "holdfast")
    assert policy.backups.get().run == run
    assert mark(policy) == SIX


def test_while_nothing_is_due_the_mark_follows_the_clock(world):
    policy = world.policy(decided_to=SIX + MINUTE)
    tick(SIX + HOUR)
    assert mark(policy) == SIX + HOUR
    policy.cron = "0 * * * *"
    policy.save()
    tick(SIX + HOUR + MINUTE)
    assert began(policy) == []
    assert not Missed.objects.exists()


def test_a_busy_engine_is_waited_for_and_the_start_comes_late(world):
    policy = world.policy(decided_to=SIX - MINUTE)
    run = world.occupy()
    for minutes in (0, 10, 20):
        tick(SIX + minutes * MINUTE)
    assert began(policy) == []
    assert f"Run {run.pk} (Engine restart, by anna)" in policy.obstacles.get().sentence
    assert "waits for its end" in outlook(policy, SIX + 20 * MINUTE).late
    assert not Record.objects.filter(kind="run.refused").exists()
    end(run, "succeeded")
    tick(SIX + 30 * MINUTE)
    assert began(policy) == [("scheduled", SIX)]
    assert not policy.obstacles.exists()


def test_an_engine_that_stays_busy_is_named_in_what_was_missed(world):
    policy = world.policy(decided_to=SIX - MINUTE)
    run = world.occupy()
    for minutes in range(0, 200, 15):
        tick(SIX + minutes * MINUTE)
    missed = policy.missed.get()
    assert missed.due_at == SIX
    assert f"Run {run.pk} (Engine restart, by anna) is running on olvm" in missed.sentence
    assert "planned for 2026-11-22 12:00 UTC" in missed.sentence
    assert mark(policy) >= SIX
    record = Record.objects.get(kind="backup.missed")
    assert (record.subject, record.body["due"]) == (f"policy:{policy.pk}", [SIX.isoformat()])


def test_a_run_that_had_the_engine_while_nobody_looked_is_named(world):
    """The last look was right before the start; a run came in between; the next look is too late."""
    policy = world.policy(decided_to=SIX - timedelta(seconds=30), catch_up=600)
    run = world.occupy()
    Run.objects.filter(pk=run.pk).update(created=SIX - timedelta(seconds=10), ended=SIX + HOUR, status="succeeded")
    tick(SIX + 2 * HOUR)
    words = f"Run {run.pk} (Engine restart, by anna) had olvm from 2026-11-22 05:59 UTC until 2026-11-22 07:00 UTC."
    assert words in policy.missed.get().sentence


def test_a_mark_that_somebody_else_moves_meanwhile_keeps_nothing(world, monkeypatch):
    policy = world.policy(decided_to=SIX - HOUR)
    real = take.start

    def and_somebody_moves_it(*given, **named):
        Policy.objects.filter(pk=policy.pk).update(decided_to=SIX)
        return real(*given, **named)

    monkeypatch.setattr(take, "start", and_somebody_moves_it)
    assert tick(SIX) == [f"policy {policy.pk}: start_due: RuntimeError"]
    assert began(policy) == []


def test_a_refusal_is_tried_again_less_and_less_often(world, monkeypatch):
    policy = world.policy(decided_to=SIX - MINUTE)
    asked = []

    def refuse(*given, **named):
        asked.append(named["key"])
        raise Refused("target", "No host key of the engine VM is pinned.")

    monkeypatch.setattr(take, "start", refuse)
    for seconds in range(0, 600, 15):
        tick(SIX + timedelta(seconds=seconds))
    assert len(asked) == 3  # at 0, 1 and 6 min
    assert len(set(asked)) == 1
    tick(SIX + 4 * HOUR)
    assert "No host key of the engine VM is pinned." in policy.missed.get().sentence


def test_a_portal_that_was_down_for_three_days_names_all_of_them_at_once(world):
    policy = world.policy(decided_to=SIX - MINUTE, heartbeat_url="http://127.0.0.1:9/x")
    back = SIX + 3 * DAY + 4 * HOUR
    tick(back)
    assert [one.due_at for one in policy.missed.order_by("due_at")] == [SIX + n * 6 * HOUR for n in range(13)]
    # the first was a minute after the last look, the others lie far behind it
    assert "Holdfast did not look at the schedule between 2026-11-22 05:59 UTC" in policy.missed.first().sentence
    assert began(policy) == []
    assert Record.objects.filter(kind="backup.missed").count() == 1
    assert [one.kind for one in policy.pings.all()] == ["fail"]
    tick(back + MINUTE)
    assert policy.missed.count() == 13
    assert Record.objects.filter(kind="backup.missed").count() == 1


def test_what_can_be_caught_up_is_caught_up_once(world):
    policy = world.policy(decided_to=SIX - MINUTE)
    tick(SIX + 2 * DAY + HOUR)
    assert began(policy) == [("scheduled", SIX + 2 * DAY)]
    assert policy.missed.count() == 8


def test_every_policy_has_its_own_fate(world):
    broken = world.policy(decided_to=SIX - HOUR, blackouts=[{"days": ["Monday"]}])
    worse = world.policy(decided_to=SIX - HOUR, engine=world.new_engine("second"), zone="Nowhere/Land")
    good = world.policy(decided_to=SIX - HOUR, engine=world.new_engine("third"))
    assert tick(SIX) == []
    assert began(good) == [("scheduled", SIX)]
    assert "cannot be read" in outlook(broken, SIX).late
    assert "Nowhere/Land is no time zone" in worse.obstacles.get().sentence
    broken.blackouts = []
    broken.save()
    tick(SIX + 2 * HOUR)
    assert began(broken) == [("scheduled", SIX)]
    assert not broken.obstacles.exists()


def test_a_policy_that_breaks_the_code_stops_no_other(world):
    bad = world.policy(decided_to=SIX - HOUR)
    good = world.policy(decided_to=SIX - HOUR, engine=world.new_engine("second"))
    real = due.start_due

    def start_due(policy, now):
        real(policy, now)
        if policy.pk == bad.pk:
            raise ZeroDivisionError

    assert tick(SIX, Round((start_due,), ())) == [f"policy {bad.pk}: start_due: ZeroDivisionError"]
    assert (began(bad), began(good)) == ([], [("scheduled", SIX)])
    assert mark(bad) == SIX - HOUR  # nothing of it was kept


def test_a_policy_that_was_switched_off_has_missed_nothing(world):
    policy = world.policy(decided_to=SIX - MINUTE, enabled=False)
    tick(SIX + DAY)
    policy.refresh_from_db()
    policy.enabled = True
    policy.save()
    tick(SIX + DAY + MINUTE)
    assert (began(policy), policy.missed.count()) == ([], 0)


def test_a_clock_that_jumps_ahead_and_back_begins_nothing_twice(world):
    policy = world.policy(decided_to=SIX - HOUR)
    tick(SIX)
    end(Run.objects.get(), "succeeded")
    tick(SIX + DAY + MINUTE)  # the clock is a day ahead
    assert began(policy) == [("scheduled", SIX), ("scheduled", SIX + DAY)]
    assert policy.missed.count() == 3
    end(Run.objects.first(), "succeeded")
    Run.objects.update(status="succeeded")
    tick(SIX + 2 * MINUTE)  # and is set right
    assert policy.missed.count() == 0  # they are not missed yet
    assert "The clock went back" in Record.objects.get(kind="backup.clock").body["sentence"]
    for hours in (6, 12, 18, 24, 30):
        tick(SIX + hours * HOUR)
        Run.objects.update(status="succeeded")
    starts = [due for _, due in began(policy)]
    assert sorted(starts) == [SIX + n * 6 * HOUR for n in range(6)]
    assert len(set(starts)) == len(starts)


def test_a_clock_that_steps_back_a_little_changes_nothing(world):
    policy = world.policy(decided_to=SIX - HOUR)
    tick(SIX)
    Run.objects.update(status="succeeded")
    for seconds in (-3, -1, 0, 2):
        tick(SIX + timedelta(seconds=seconds))
    assert began(policy) == [("scheduled", SIX)]
    assert mark(policy) == SIX


@pytest.mark.parametrize(
    ("zone", "cron", "day", "expected"),
    [
        # the clock skips 02:30: it runs right after the gap, once
        ("Europe/Vienna", "30 2 * * *", "2026-03-29", ["2026-03-29T01:00"]),
        # 02:30 comes twice: it runs once
        ("Europe/Vienna", "30 2 * * *", "2026-10-25", ["2026-10-25T00:30"]),
        # half an hour of daylight saving
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", ["2026-04-04T14:45"]),
        ("America/New_York", "30 1 * * *", "2026-11-01", ["2026-11-01T05:30"]),
    ],
)
def test_the_night_of_a_clock_change_has_each_start_once(world, zone, cron, day, expected):
    noon_before = datetime.fromisoformat(day).replace(tzinfo=UTC) - DAY / 2
    policy = world.policy(zone=zone, cron=cron, decided_to=noon_before)
    for minutes in range(0, 24 * 60, 15):
        for row in Policy.objects.all():
            due.start_due(row, noon_before + minutes * MINUTE)
        Run.objects.update(status="succeeded")
    assert [f"{due:%Y-%m-%dT%H:%M}" for _, due in began(policy)] == expected
    assert policy.missed.count() == 0


def test_a_blackout_holds_the_start_up_until_it_ends(world):
    night = {"days": [0, 1, 2, 3, 4, 5, 6], "begins": "05:00", "ends": "08:00"}
    policy = world.policy(decided_to=SIX - 2 * HOUR, blackouts=[night])
    for minutes in range(-5, 120, 25):
        tick(SIX + minutes * MINUTE)
        assert began(policy) == []
    tick(SIX + 2 * HOUR)
    assert began(policy) == [("scheduled", SIX + 2 * HOUR)]
    assert policy.missed.count() == 0


def test_an_overdue_start_waits_for_the_end_of_a_blackout_and_says_so(world):
    night = {"begins": "2026-11-22T06:01:00+00:00", "ends": "2026-11-22T07:00:00+00:00"}
    policy = world.policy(decided_to=SIX - MINUTE, blackouts=[night])
    run = world.occupy()
    tick(SIX)
    end(run, "succeeded")
    tick(SIX + 10 * MINUTE)
    assert began(policy) == []
    assert any("blackout" in one.sentence for one in policy.obstacles.all())
    tick(SIX + 61 * MINUTE)
    assert began(policy) == [("scheduled", SIX)]


@pytest.mark.parametrize("cause", ["file_changed", "database_down"])
def test_what_passes_is_tried_once_more_and_no_more(world, cause):
    policy = world.policy(cron="0 6 * * *", decided_to=SIX - HOUR)
    for n in range(12):
        tick(SIX + n * MINUTE)
        for run in Run.objects.filter(status="queued"):
            Backup.objects.filter(run=run).update(status="FAILED", cause=cause)
            Run.objects.filter(pk=run.pk).update(status="failed", ended=SIX + n * MINUTE)
    assert began(policy) == [("scheduled", SIX), ("retry", SIX)]
    assert policy.backups.first().asked_by == "holdfast"


def test_the_second_try_waits_for_the_end_of_a_blackout(world):
    window = {"begins": "2026-11-22T06:01:00Z", "ends": "2026-11-22T06:30:00Z"}
    policy = world.policy(cron="0 6 * * *", decided_to=SIX - HOUR, blackouts=[window])
    tick(SIX)
    Backup.objects.update(status="FAILED", cause="file_changed")
    Run.objects.update(status="failed", ended=SIX)
    tick(SIX + 10 * MINUTE)
    assert policy.backups.count() == 1
    tick(SIX + 31 * MINUTE)
    assert began(policy) == [("scheduled", SIX), ("retry", SIX)]


@pytest.mark.parametrize(
    "change",
    [{"cause": "wrong_password"}, {"reason": "person", "due_at": None}, {"reason": "change", "due_at": None}],
)
def test_nothing_else_is_tried_again(world, change):
    policy = world.policy(cron="0 6 * * *", decided_to=SIX - HOUR)
    tick(SIX)
    run = Run.objects.get()
    Backup.objects.update(**({"status": "FAILED", "cause": "file_changed"} | change))
    Run.objects.filter(pk=run.pk).update(status="failed", ended=SIX)
    for n in range(10):
        tick(SIX + n * MINUTE)
    assert policy.backups.count() == 1


def test_the_kinds_that_pass_are_those_of_the_catalogue(world):
    from backups.catalog.causes import classify
    from backups.catalog.output import read

    head = b"2026-11-22 09:21:21 1: Start of engine-backup mode backup scope all file /b log /l\n"
    passing = {
        b"Failed backing up x": b"tar: x: file changed as we read it",
        b"Failed notifying engine": b"psql: error: connection failed: Connection refused",
        b"Database engine backup failed": b"pg_dump: error: FATAL:  the database system is starting up",
        b"failed to backup x with sqlite3": b"Error: database is locked",
    }
    causes = [
        classify(read(b"", b"FATAL: " + fatal, 1, head + said + b"\n2026-11-22 09:21:21 1: FATAL: " + fatal), None)
        for fatal, said in passing.items()
    ]
    assert {cause.kind for cause in causes if cause.retry} == due.PASSING


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_begin_one_backup(world):
    policies = [world.policy(decided_to=SIX - HOUR, engine=world.new_engine(f"e{n}")) for n in range(4)]
    ready = threading.Barrier(4)
    broken = []

    def look():
        ready.wait()
        try:
            broken.extend(tick(SIX))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert [began(policy) for policy in policies] == [[("scheduled", SIX)]] * 4
    assert Run.objects.count() == 4


def test_a_schedule_that_nobody_looks_at_is_said(world):
    policy = world.policy(decided_to=SIX)
    assert outlook(policy, SIX + MINUTE).late == ""
    assert "Nobody has looked at this schedule since 2026-11-22 06:00 UTC" in outlook(policy, SIX + HOUR).late
    policy.enabled = False
    assert outlook(policy, SIX + HOUR) == outlook(policy, SIX)


def test_by_default_the_database_says_what_time_it_is(world):
    policy = world.policy(decided_to=timezone.now() - HOUR, cron="* * * * *", catch_up=0)
    tasks.tick()
    assert policy.backups.get().due_at > timezone.now() - 2 * MINUTE
    tasks.follow()
    tasks.send_heartbeats()
    assert Ping.objects.count() == 0
