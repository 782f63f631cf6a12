"""A wall clock that is put forward or back ends a span: where it stood still or ran twice nothing is claimed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failover.availability.measured import History, measure
from failover.availability.watched import Rule, Span, State
from failover.catalog.stretches import Line, Tick

START = datetime(2026, 11, 26, 3, tzinfo=UTC)


def line(puts):
    """Answers every 5 s, all up; puts: second -> seconds by which the wall clock is put."""
    made, off = Line(18.0, 1.0), 0.0
    for second in range(0, 605, 5):
        off += puts.get(second, 0.0)
        tick = Tick(1000.0 + second, START + timedelta(seconds=second + off))
        made.answered(made.asked(tick), tick, True, "")
    return [(one.began.at, one.last.at) for one in made.taken()]


def told(found, minutes):
    spans = tuple(Span("service", State.UP, a.timestamp(), b.timestamp()) for a, b in found)
    end = START.timestamp() + minutes * 60
    return measure(History("core-db", Rule(("service",), 18.0, 33.0), spans), 0.9999, START.timestamp(), end, end)


def test_a_clock_that_runs_even_makes_one_span():
    assert line({}) == [(START, START + timedelta(seconds=600))]
    assert line({300: 0.5}) == [(START, START + timedelta(seconds=600.5))]


def test_an_hour_that_was_left_out_is_not_watched():
    found = line({300: 3600.0})
    assert len(found) == 2
    assert (told(found, 70).up_s, told(found, 70).not_watched_s) == (595.0, 3605.0)


def test_minutes_that_ran_twice_count_once():
    found = line({300: -120.0})
    assert [(a - START).total_seconds() for a, _ in found] == [0.0, 180.0]
    assert told(found, 8).up_s == 480.0


def test_steps_that_add_up_count_as_one():
    assert len(line(dict.fromkeys(range(100, 200, 5), 0.3))) > 1
