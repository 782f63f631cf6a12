"""A wall clock that is put forward or back ends a span: where it stood still or ran twice nothing is claimed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failover.availability.measured import History, measure
from failover.availability.watched import Rhythm, Rule, Span, State
from failover.catalog.stretches import Line, Tick

RULE = Rule(("service",), (Rhythm(0.0, 18.0),), 15.0)
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
    return measure(History("core-db", RULE, spans), 0.9999, START.timestamp(), end, end)


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


def test_answers_of_a_clock_that_was_ahead_do_not_speak_for_now():
    """It is put forward by an hour, back again, and the service stops answering."""
    began, ahead = START.timestamp(), START.timestamp() + 3600
    spans = (
        Span("service", State.UP, began, began + 60),
        Span("service", State.UP, ahead, ahead + 300),
        Span("service", State.DOWN, began + 65, began + 120, "refused"),
    )
    now = began + 122
    found = measure(History("core-db", RULE, spans), 0.9999, began, began + 7200, now)
    assert (found.down_now, found.watched, found.until.timestamp()) == (True, True, began + 120)
    silent = measure(History("core-db", RULE, spans), 0.9999, began, began + 7200, now + 600)
    assert not silent.watched


def test_a_span_of_the_future_that_is_reached_says_nothing_beyond_the_newest_answer():
    began = START.timestamp()
    ahead = Span("service", State.UP, began + 3600, began + 3900)
    down = Span("service", State.DOWN, began, began + 3650, "refused")
    found = measure(History("core-db", RULE, (ahead, down)), 0.9999, began, began + 7200, began + 3655)
    assert (found.down_now, found.up_s, found.spent_s) == (True, 0.0, 3650.0)


def test_an_answer_a_little_ahead_of_now_counts_until_now():
    began = START.timestamp()
    spans = (Span("service", State.DOWN, began, began + 60), Span("service", State.UP, began + 65, began + 300.5))
    found = measure(History("core-db", RULE, spans), 0.9999, began, began + 7200, began + 300)
    assert (found.up_s, found.until.timestamp()) == (235.0, began + 300)
    alone = measure(History("core-db", RULE, spans[1:]), 0.9999, began + 65, began + 7200, began + 300)
    assert alone.up_s == 235.0
