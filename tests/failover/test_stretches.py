"""Answers that come in any order become unbroken times in the order of their moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failover.catalog import stretches
from failover.catalog.stretches import Line, Tick

START = datetime(2026, 11, 22, 22, 14, tzinfo=UTC)


def at(seconds: float) -> Tick:
    return Tick(seconds, START + timedelta(seconds=seconds))


def told(line: Line) -> list[tuple]:
    return [(one.up, one.began.mono, one.last.mono, one.questions) for one in line.taken()]


def ask(line: Line, sent: float, came: float, up: bool | None, why: str = "") -> None:
    line.answered(line.asked(at(sent)), at(came), up, why)


def test_equal_answers_are_one_stretch_and_only_what_went_on_is_told_again():
    line = Line(hole=4.5)
    ask(line, 0.0, 0.1, True)
    ask(line, 0.5, 0.6, True)
    assert told(line) == [(True, 0.1, 0.6, 2)]
    assert told(line) == []
    ask(line, 1.0, 1.1, True)
    assert told(line) == [(True, 0.1, 1.1, 3)]


def test_an_answer_counts_when_it_came_and_a_failure_when_it_was_asked():
    line = Line(hole=4.5)
    ask(line, 0.0, 0.4, True)
    ask(line, 0.5, 3.5, False, "no answer in time")
    assert told(line) == [(True, 0.4, 0.4, 1), (False, 0.5, 0.5, 1)]


def test_answers_wait_for_older_questions():
    line = Line(hole=4.5)
    slow = line.asked(at(1.0))
    ask(line, 1.5, 1.6, True)
    assert told(line) == []
    assert line.waiting == 1
    line.answered(slow, at(4.0), False, "no answer in time")
    assert told(line) == [(False, 1.0, 1.0, 1), (True, 1.6, 1.6, 1)]


def test_questions_that_hang_in_parallel_make_one_stretch_with_its_true_rhythm():
    line = Line(hole=4.5)
    open_ones = [line.asked(at(n * 0.5)) for n in range(6)]
    for n, number in enumerate(open_ones):
        line.answered(number, at(n * 0.5 + 3), False, "no answer in time")
    (one,) = line.taken()
    assert (one.began.mono, one.last.mono, one.questions, one.widest) == (0.0, 2.5, 6, 0.5)


def test_a_hole_breaks_a_stretch_and_a_shorter_one_is_kept_as_the_widest():
    line = Line(hole=4.5)
    ask(line, 0.0, 0.0, True)
    ask(line, 4.0, 4.0, True)
    ask(line, 9.0, 9.0, True)
    found = line.taken()
    assert [(one.began.mono, one.last.mono, one.widest) for one in found] == [(0.0, 4.0, 4.0), (9.0, 9.0, 0.0)]


def test_reasons_are_kept_in_order_once_and_bounded():
    line = Line(hole=100)
    for n, why in enumerate(["nothing listens there", "HTTP 503", "nothing listens there", "x" * 300, ""]):
        ask(line, n, n, False, why)
    (one,) = line.taken()
    assert one.why.startswith("nothing listens there; then HTTP 503; then xxx")
    assert len(one.why) == 200


def test_what_tells_nothing_is_neither():
    line = Line(hole=4.5)
    ask(line, 0.0, 0.0, True)
    ask(line, 0.5, 0.5, None, "its certificate does not verify")
    ask(line, 1.0, 1.0, True)
    assert [row[0] for row in told(line)] == [True, None, True]


def test_stretches_that_nobody_takes_are_bounded(monkeypatch):
    monkeypatch.setattr(stretches, "MOST", 3)
    line = Line(hole=4.5)
    for n in range(8):
        ask(line, n, n, bool(n % 2))
    assert [row[1] for row in told(line)] == [5, 6, 7]
