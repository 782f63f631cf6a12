"""Schedules over clock changes, blackouts and a portal that was away."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.catalog.schedule import Once, Schedule, Weekly, between, decide, missed, next_runs, problem

VIENNA = ZoneInfo("Europe/Vienna")
NIGHT = Schedule("30 2 * * *", "Europe/Vienna")


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def utc(moments):
    return [f"{one.astimezone(UTC):%m-%d %H:%M}" for one in moments]


def test_a_night_whose_hour_the_clock_skips_runs_right_after_the_gap():
    """2026-03-29 in Vienna: 02:00 becomes 03:00; 02:30 does not exist."""
    assert utc(next_runs(NIGHT, at("2026-03-28 00:00"), 3)) == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_a_night_whose_hour_comes_twice_runs_once():
    """2026-10-25 in Vienna: 03:00 becomes 02:00; 02:30 comes twice."""
    assert utc(next_runs(NIGHT, at("2026-10-24 12:00"), 2)) == ["10-25 00:30", "10-26 01:30"]
    for after in ("2026-10-25 00:31", "2026-10-25 01:10", "2026-10-25 01:31"):  # inside of and after the second 02:xx
        assert utc(next_runs(NIGHT, at(after), 1)) == ["10-26 01:30"]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_an_hourly_run_runs_every_real_hour(day, hours):
    begin = at(f"{day} 00:00", VIENNA)
    end = at(f"{day} 00:00", VIENNA) + timedelta(days=1)
    runs = between(Schedule("0 * * * *", "Europe/Vienna"), begin - timedelta(seconds=1), end - timedelta(seconds=1))
    assert len(runs) == hours
    assert {b.astimezone(UTC) - a.astimezone(UTC) for a, b in pairwise(runs)} == {timedelta(hours=1)}


def test_zones_differ():
    runs = [next_runs(Schedule("0 2 * * *", zone), at("2026-07-01 12:00"), 1) for zone in ("UTC", "Asia/Kolkata")]
    assert [utc(one) for one in runs] == [["07-02 02:00"], ["07-01 20:30"]]


def test_a_run_in_a_blackout_starts_when_it_ends():
    window = Weekly(frozenset({6}), time(22), time(4))  # Sunday night
    schedule = Schedule("0 2 * * *", "Europe/Vienna", (window,))
    assert utc(next_runs(schedule, at("2026-11-22 12:00"), 2)) == ["11-23 03:00", "11-24 01:00"]
    assert utc(next_runs(schedule, at("2026-11-23 01:30"), 1)) == ["11-23 03:00"]
    assert str(window) == "Sun 22:00 to 04:00"


def test_runs_held_up_by_one_window_start_once():
    upgrade = Once(at("2026-11-23 10:00"), at("2026-11-23 16:00"))
    schedule = Schedule("0 */2 * * *", "UTC", (upgrade,))
    assert utc(next_runs(schedule, at("2026-11-23 09:00"), 3)) == ["11-23 16:00", "11-23 18:00", "11-23 20:00"]
    assert str(upgrade) == "2026-11-23 10:00 to 2026-11-23 16:00 UTC"


def test_windows_that_follow_each_other_count_as_one():
    first, second = (
        Once(at("2026-11-23 10:00"), at("2026-11-23 12:00")),
        Once(at("2026-11-23 12:00"), at("2026-11-23 15:00")),
    )
    schedule = Schedule("0 11 * * *", "UTC", (second, first))
    assert utc(next_runs(schedule, at("2026-11-23 09:00"), 1)) == ["11-23 15:00"]
    assert utc(next_runs(schedule, at("2026-11-23 14:00"), 1)) == ["11-23 15:00"]


def test_a_day_long_window_ends_at_its_own_time():
    schedule = Schedule("0 2 * * *", "UTC", (Weekly(frozenset({2}), time(0), time(0)),))
    assert utc(next_runs(schedule, at("2026-11-24 12:00"), 2)) == ["11-26 00:00", "11-26 02:00"]


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (NIGHT, ""),
        (Schedule("30 2 * * *", "Europe/Wien"), "Europe/Wien is no time zone"),
        (Schedule("30 2 * * *", ""), "Nothing is no time zone"),
        (Schedule("30 2 * * *", "../../etc/passwd"), "is no time zone"),
        (Schedule("0 30 2 * * *", "UTC"), "five fields"),
        (Schedule("@daily", "UTC"), "five fields"),
        (Schedule("61 2 * * *", "UTC"), "cannot be used: Bad minute."),
        (Schedule("0 0 31 2 *", "UTC"), "cannot be used"),
        (Schedule("0 2 * * *", "UTC", (Weekly(frozenset(range(7)), time(0), time(0)),)), "never runs"),
    ],
)
def test_a_schedule_that_cannot_be_used_says_why(schedule, said):
    assert said in problem(schedule)
    assert bool(problem(schedule)) == bool(said)


def test_a_run_is_due():
    made = decide(NIGHT, at("2026-11-23 12:00"), at("2026-11-24 01:30:07"))
    assert (utc([made.run]), made.missed, made.sentence) == (
        ["11-24 01:30"], (), "The run of 2026-11-24 02:30 CET is due."
    )  # fmt: skip
    assert utc([made.next]) == ["11-25 01:30"]


def test_nothing_is_due():
    made = decide(NIGHT, at("2026-11-24 01:30"), at("2026-11-24 20:00"))
    assert (made.run, made.missed, made.sentence) == (None, (), "Nothing is due.")


def test_a_portal_that_was_away_catches_up_one_run_and_names_the_missed():
    made = decide(NIGHT, at("2026-11-20 12:00"), at("2026-11-24 05:00"))
    assert utc([made.run]) == ["11-24 01:30"]
    assert utc(made.missed) == ["11-21 01:30", "11-22 01:30", "11-23 01:30"]
    assert made.sentence == "The run of 2026-11-24 02:30 CET is caught up 3 h 30 min late."


def test_a_run_that_is_too_late_is_missed():
    made = decide(NIGHT, at("2026-11-23 12:00"), at("2026-11-24 13:31"))
    assert (made.run, utc(made.missed)) == (None, ["11-24 01:30"])
    assert made.sentence == "The run of 2026-11-24 02:30 CET is missed: more than 12 h passed."


def test_no_catching_up_still_allows_the_schedulers_own_delay():
    strict = Schedule("30 2 * * *", "Europe/Vienna", catch_up=timedelta(0))
    assert decide(strict, at("2026-11-23 12:00"), at("2026-11-24 01:34")).run
    assert not decide(strict, at("2026-11-23 12:00"), at("2026-11-24 01:36")).run


def test_an_overdue_run_does_not_start_inside_of_a_blackout():
    schedule = Schedule("0 2 * * *", "UTC", (Once(at("2026-11-24 03:00"), at("2026-11-24 06:00")),))
    held = decide(schedule, at("2026-11-22 12:00"), at("2026-11-24 04:00"))
    assert (held.run, utc(held.missed)) == (None, ["11-23 02:00"])
    after = decide(schedule, held.missed[-1], at("2026-11-24 06:00"))
    assert (utc([after.run]), after.missed) == (["11-24 02:00"], ())


def test_missed_runs_are_those_that_nothing_began_for():
    begun = [at("2026-11-21 01:31"), at("2026-11-23 09:00")]
    gone = missed(NIGHT, at("2026-11-20 12:00"), at("2026-11-24 12:00"), begun)
    assert utc(gone) == ["11-22 01:30", "11-24 01:30"]
    assert missed(NIGHT, at("2026-11-20 12:00"), at("2026-11-20 13:00"), begun) == ()


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(lambda one: one.replace(tzinfo=UTC))
zones = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
expressions = st.sampled_from(["30 2 * * *", "0 * * * *", "*/20 1-3 * * *", "15 2 * * SUN", "0 2 1 * *", "59 23 L * *"])
windows = st.lists(
    st.builds(Weekly, st.frozensets(st.integers(0, 6), max_size=5), st.builds(time, st.integers(0, 23)),
              st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))),
    max_size=2,
).map(tuple)  # fmt: skip


@given(moments, zones, expressions, windows)
def test_starts_rise_and_lie_in_no_window(after, zone, expression, blackouts):
    runs = next_runs(Schedule(expression, zone, blackouts), after, 6)
    moments = [one.astimezone(UTC) for one in (after, *runs)]
    assert moments == sorted(set(moments))
    assert not any(window.around(run) for window in blackouts for run in runs)


@given(moments, zones, expressions, windows, st.integers(0, 5))
def test_the_future_does_not_depend_on_when_it_is_asked_for(after, zone, expression, blackouts, skip):
    schedule = Schedule(expression, zone, blackouts)
    runs = next_runs(schedule, after, 8)
    assert next_runs(schedule, runs[skip], 2) == runs[skip + 1 : skip + 3]
