"""Days of a year, states of a period, budget bars; read latency as states."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from failover.availability.drawn import FINE, bar, calendar, stretches
from failover.availability.measured import History, Permit, state_sets
from failover.availability.periods import days
from failover.availability.reads import Bucket, spans
from failover.availability.watched import Rhythm, Rule, Span, State

RULE = Rule(("service",), (Rhythm(0.0, 18.0),), 15.0)
FIRST = datetime(2026, 3, 28, tzinfo=UTC)
DAY = timedelta(days=1)


def at(hours):
    return FIRST.timestamp() + hours * 3600


def sets(*rows, permits=(), until=96.0):
    found = tuple(Span("service", State(state), at(begin), at(end)) for state, begin, end in rows)
    return state_sets(History("core-db", RULE, found, tuple(permits)), at(0), at(until))


def test_each_day_shows_the_gravest_of_its_states():
    ends, until = FIRST + timedelta(days=6), FIRST + timedelta(days=5)
    rows = [
        ("up", 0, 26), ("down", 26, 27), ("up", 27, 50), ("down", 50, 51), ("up", 51, 74), ("unknown", 74, 75),
        ("up", 75, 99), ("up", 101, 120),
    ]  # fmt: skip
    permit = Permit(at(49), at(52), "window")
    found = calendar(*sets(*rows, permits=[permit], until=120), days(FIRST, ends, "UTC"), FIRST, until)
    assert [one.state for one in found] == ["ok", "fail", "maintenance", "unknown", "unwatched", "blank"]
    assert [one.name for one in found][3:] == ["Unknown", "Not watched", "Blank"]
    assert found[0].words == "up all the time that it was watched"
    assert found[1].words == "1 h 0 min 0 s down"
    assert found[2].words == "1 h 0 min 0 s down as planned"
    assert found[3].words == "1 h 0 min 0 s not known"
    assert found[4].words == "2 h 0 min 0 s not watched"
    assert found[5].words == "nothing is promised of it"
    assert found[4].up == 22 * 3600


def test_a_day_of_23_hours_is_whole():
    begins = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Berlin of the day that loses an hour
    told = sets(("up", 0, 96))
    (day,) = calendar(*told, days(begins, begins + timedelta(hours=23), "Europe/Berlin"), FIRST, begins + DAY)
    assert (day.day.isoformat(), day.state, day.up) == ("2026-03-29", "ok", 23 * 3600)


def test_days_before_anything_was_promised_are_blank():
    told = sets(("up", 36, 60))
    edges = days(FIRST, FIRST + 3 * DAY, "UTC")
    found = calendar(*told, edges, FIRST + 1.5 * DAY, FIRST + 2.5 * DAY)
    assert [(one.state, one.up, one.unwatched) for one in found] == [
        ("blank", 0.0, 0.0),
        ("ok", 12 * 3600, 0.0),
        ("ok", 12 * 3600, 0.0),
    ]


def test_states_of_a_period_in_their_order():
    told = sets(
        ("up", 0, 10), ("down", 10, 12), ("up", 12, 20), ("unknown", 21, 22), permits=[Permit(at(11), at(13), "w")]
    )
    found = stretches(*told, FIRST, FIRST + timedelta(hours=24))
    assert [state for _, _, state, _ in found] == [
        "ok",
        "fail",
        "maintenance",
        "ok",
        "unwatched",
        "unknown",
        "unwatched",
    ]
    assert found[0][0] == FIRST
    assert found[-1][1] == FIRST + timedelta(hours=24)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))
    assert found[1][3] == "Down for 1 h 0 min 0 s from 28 Mar 10:00:00 UTC"
    assert stretches(*told, FIRST, FIRST) == []


def test_what_is_too_short_to_be_drawn_keeps_its_gravest_state():
    rows = []
    for number in range(1000):
        begin = number * 0.096
        rows += [("up", begin, begin + 0.09), ("down" if number == 500 else "unknown", begin + 0.09, begin + 0.096)]
    found = stretches(*sets(*rows), FIRST, FIRST + timedelta(hours=96))
    assert len(found) <= FINE + 1
    assert any(state == "fail" for _, _, state, _ in found)
    assert found[0][0] == FIRST
    assert abs((found[-1][1] - FIRST).total_seconds() - 96 * 3600) < 0.001


def test_a_budget_as_a_bar():
    half = bar(259.2, 129.6, 200.0)
    assert (half.spent_width, half.ahead_width, half.limit_x, half.over) == ("50.00%", "77.16%", "100.00%", False)
    lost = bar(100.0, 200.0, None)
    assert (lost.spent_width, lost.ahead_width, lost.limit_x, lost.over) == ("100.00%", "", "50.00%", True)


def most(milliseconds):
    return lambda _: milliseconds


def test_reads_are_judged_by_what_was_promised_at_their_time():
    hosts = {"kvm01": [Bucket(0, 1.5), Bucket(300, 1.5), Bucket(600, 1.5)]}
    found = spans(hosts, lambda at: 2.0 if at < 600 else 1.0, 300.0)
    assert [(one.state, one.begins, one.ends) for one in found] == [(State.UP, 0, 600.0), (State.DOWN, 600, 900.0)]


def test_reads_that_take_too_long_are_down_and_minutes_without_reads_have_no_state():
    hosts = {
        "kvm01": [Bucket(0, 0.4), Bucket(300, 0.5), Bucket(600, 2.5), Bucket(1500, 0.5)],
        "kvm02": [Bucket(0, 0.6), Bucket(300, 1.5), Bucket(600, 0.5)],
    }
    found = spans(hosts, most(1.0), 300.0)
    assert [(one.state, one.begins, one.ends) for one in found] == [
        (State.UP, 0, 300.0),
        (State.DOWN, 300, 900.0),
        (State.UP, 1500, 1800.0),
    ]
    assert found[1].why == "1.5 ms per read on kvm02; 2.5 ms per read on kvm01"


def test_reads_go_on_where_the_last_call_ended():
    known = spans({"kvm01": [Bucket(0, 0.4)]}, most(1.0), 300.0)[0]
    again = spans({"kvm01": [Bucket(0, 9.0), Bucket(300, 0.4), Bucket(600, 1.2)]}, most(1.0), 300.0, known)
    assert [(one.state, one.begins, one.ends) for one in again] == [(State.UP, 0, 600.0), (State.DOWN, 600, 900.0)]
    assert spans({}, most(1.0), 300.0, known) == [known]
    long = spans({"k": [Bucket(300 * n, 2 + n / 10) for n in range(20)]}, most(1.0), 300.0)
    assert len(long) == 1
    assert len(long[0].why) <= 200
