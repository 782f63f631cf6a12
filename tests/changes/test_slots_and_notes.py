"""Pure: free times between busy ones, and the words that a change is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.catalog import noting
from failover.catalog.noting import Step
from failover.catalog.slots import Busy, Slot, free

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def busy(begin: float, end: float | None) -> Busy:
    return Busy("drill", "x", NOON + begin * HOUR, None if end is None else NOON + end * HOUR, 1)


@pytest.mark.parametrize(
    ("rows", "slots"),
    [
        ([], [(0, 10)]),
        ([busy(2, 3)], [(0, 2), (3, 10)]),
        ([busy(-5, 1), busy(9, 12)], [(1, 9)]),
        ([busy(1, 8), busy(2, 3)], [(0, 1), (8, 10)]),
        ([busy(5, 6), busy(1, 2)], [(0, 1), (2, 5), (6, 10)]),
        ([busy(0.5, 9.5)], []),
        ([busy(1, 2), busy(2.5, 9.5)], [(0, 1)]),
        ([busy(3, None)], [(0, 3)]),
        ([busy(-1, None)], []),
        ([busy(-3, 0), busy(10, 12)], [(0, 10)]),
        ([busy(0, 10)], []),
    ],
)
def test_free_times_are_what_lies_between_and_is_long_enough(rows, slots):
    found = free(rows, NOON, NOON + 10 * HOUR, HOUR)
    assert found == [Slot(NOON + a * HOUR, NOON + b * HOUR) for a, b in slots]


def step(position: int, mutating: bool, state: str = "done", **more) -> Step:
    given = {"title": f"Step {position}", "sentence": f"It is {position}.", "ended": NOON + position * HOUR}
    return Step(position, mutating=mutating, state=state, **{**given, **more})


PLAN = [
    step(1, False),
    step(2, False),
    step(3, True),
    step(4, False),
    step(5, True, "running"),
    step(6, False, "waiting"),
]


def test_a_group_begins_at_each_step_that_changes_something():
    assert [[one.position for one in group.steps] for group in noting.groups(PLAN)] == [[1, 2], [3, 4], [5, 6]]
    assert [group.over for group in noting.groups(PLAN)] == [True, True, False]
    assert noting.groups([]) == []


def test_what_was_said_is_not_said_again():
    assert [one.position for one in noting.unsaid(PLAN, 0)] == [1, 2, 3, 4]
    assert [one.position for one in noting.unsaid(PLAN, 2)] == [3, 4]
    assert noting.unsaid(PLAN, 4) == ()
    ended = [step(1, True, "failed"), step(2, True, "skipped"), step(3, False, "skipped")]
    assert [one.position for one in noting.unsaid(ended, 0)] == [1], "what the run never came to is no news"


def test_a_note_says_when_and_what():
    told = noting.unsaid(PLAN, 0)
    assert noting.group_note(told, 6) == "2026-11-26 16:00:00 UTC. Steps 1 to 4 of 6. Step 4: It is 4."
    one = (step(3, True, "undo_failed", ended=None),)
    assert noting.group_note(one, 6) == "Step 3 of 6. Step 3: undo failed. It is 3."


def test_begin_and_end_say_who_and_how():
    said = noting.start_note("Failover", "olvm", 7, "asked for by anna", NOON, "req-1")
    assert (
        said
        == "2026-11-26 12:00:00 UTC. Holdfast began Failover on olvm (run 7, asked for by anna). Correlation id req-1."
    )
    assert "Correlation" not in noting.start_note("Failover", "olvm", 7, "x", NOON, "")
    said = noting.end_note("Failover", "rolled_back", "It is undone.", NOON, NOON + 2 * HOUR)
    assert said == "2026-11-26 14:00:00 UTC. Failover ended after 2 h: rolled back. It is undone."
    assert "ended: aborted." in noting.end_note("Failover", "aborted", "", None, NOON)


@pytest.mark.parametrize(
    ("status", "ignored", "verdicts", "code"),
    [
        ("succeeded", False, [], "successful"),
        ("succeeded", False, ["met"], "successful"),
        ("succeeded", True, ["met"], "successful_issues"),
        ("succeeded", False, ["met", "not met"], "successful_issues"),
        ("succeeded", False, ["not tested"], "successful_issues"),
        ("rolled_back", False, [], "unsuccessful"),
        ("aborted", False, ["met"], "unsuccessful"),
    ],
)
def test_only_what_held_whole_is_called_successful(status, ignored, verdicts, code):
    assert noting.code(status, ignored, verdicts) == code
