"""Months, quarters and years of a zone; days on which the clocks are put; leap years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.availability.periods import after, before, days, midnight, period

ZONES = ("UTC", "Africa/Nairobi", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kathmandu",
         "Pacific/Apia", "Australia/Lord_Howe", "America/New_York")  # fmt: skip
KINDS = ("month", "quarter", "year")
MOMENTS = st.datetimes(datetime(2001, 1, 3), datetime(2099, 12, 28), timezones=st.just(UTC))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(KINDS))
def test_every_moment_lies_in_exactly_one_period_and_they_follow_without_a_gap(at, zone, kind):
    one = period(kind, zone, at)
    assert one.begins <= at < one.ends
    assert before(one).ends == one.begins
    assert after(one).begins == one.ends
    assert period(kind, zone, one.begins) == period(kind, zone, one.ends - timedelta(microseconds=1)) == one
    assert one.begins.astimezone(ZoneInfo(zone)).day == 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(MOMENTS, st.sampled_from(ZONES))
def test_the_days_of_a_month_are_all_there_and_make_the_month(at, zone):
    one = period("month", zone, at)
    found = days(one.begins, one.ends, zone)
    assert found[0][1] == one.begins
    assert found[-1][2] == one.ends
    assert all(a[2] == b[1] for a, b in pairwise(found))
    assert sum((last - first).total_seconds() for _, first, last in found) == one.seconds
    skipped = 1 if zone == "Pacific/Apia" and one.name == "December 2011" else 0  # 30 December was left out there
    assert len(found) == (after(one).first - one.first).days - skipped


@pytest.mark.parametrize(
    ("kind", "zone", "day", "name", "hours"),
    [
        ("month", "UTC", "2024-02-15", "February 2024", 29 * 24),
        ("month", "UTC", "2026-02-15", "February 2026", 28 * 24),
        ("month", "Europe/Berlin", "2026-03-15", "March 2026", 31 * 24 - 1),
        ("month", "Europe/Berlin", "2026-10-15", "October 2026", 31 * 24 + 1),
        ("quarter", "Europe/Berlin", "2026-12-31", "Q4 2026", 92 * 24 + 1),
        ("quarter", "Africa/Nairobi", "2026-01-01", "Q1 2026", 90 * 24),
        ("year", "America/New_York", "2024-07-01", "2024", 366 * 24),
        ("year", "UTC", "2026-07-01", "2026", 365 * 24),
    ],
)
def test_lengths_are_those_that_pass(kind, zone, day, name, hours):
    one = period(kind, zone, datetime.fromisoformat(f"{day}T12:00:00+00:00"))
    assert (one.name, one.seconds) == (name, hours * 3600)


def test_the_error_budget_of_the_promise():
    """99.99 %: 4.38 min of an average month, 52.6 min of a year."""
    month = sum(period("month", "UTC", datetime(2025, m, 2, tzinfo=UTC)).seconds for m in range(1, 13)) / 12
    assert round(month * 1e-4 / 60, 2) == 4.38
    assert round(period("year", "UTC", datetime(2025, 6, 1, tzinfo=UTC)).seconds * 1e-4 / 60, 1) == 52.6


def test_a_midnight_that_the_clocks_leave_out_is_the_moment_at_which_they_do():
    assert midnight(date(2026, 4, 24), "Africa/Cairo") == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_a_stretch_within_one_day_is_that_day():
    begins = datetime(2026, 11, 26, 3, tzinfo=UTC)
    assert days(begins, begins + timedelta(hours=2), "UTC") == [
        (date(2026, 11, 26), begins, begins + timedelta(hours=2))
    ]
    assert days(begins, begins, "UTC") == []


def test_what_is_no_period_is_refused():
    with pytest.raises(KeyError):
        period("week", "UTC", datetime(2026, 1, 1, tzinfo=UTC))
