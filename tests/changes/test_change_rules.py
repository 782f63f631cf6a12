"""What a change means for an act: every state, every edge of its window, what was moved, what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.changes.asked import Asked, looks_like, missing, moment, spelled
from portal.changes.gate import Need, decide
from portal.kernel.change import ChangeKey, ChangeSeen, Gate

NOW = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = ChangeKey("snow", "CHG0030004", "a" * 32)
SEEN = ChangeSeen(
    KEY, "Implement", Gate.ALLOWED, "Approved by the board.", "normal", NOW - HOUR, NOW + 4 * HOUR, ("oradb01",)
)
ASKED = Asked("CHG0030004", "snow", "a" * 32, ("ORADB01",), NOW - HOUR, NOW + 3 * HOUR, "normal")
NEED = Need(ASKED, ahead=600, back=120)


def test_an_approved_change_in_its_window_allows():
    found = decide(SEEN, "", NEED, NOW)
    assert (found.gate, found.lets, found.unread) == (Gate.ALLOWED, True, False)
    assert found.sentence == "CHG0030004 allows it: Approved by the board."


@pytest.mark.parametrize("gate", [Gate.AWAITING, Gate.PREVENTED, Gate.INVALID])
def test_what_the_system_says_is_what_holds(gate):
    found = decide(replace(SEEN, gate=gate, sentence="So it is."), "", NEED, NOW)
    assert (found.gate, found.lets, found.sentence) == (gate, False, "So it is.")


def test_what_is_not_known_prevents():
    away = decide(SEEN, "snow does not answer.", NEED, NOW)
    never = decide(None, "", NEED, NOW)
    assert [(one.gate, one.unread) for one in (away, never)] == [(Gate.PREVENTED, True)] * 2
    assert "cannot be read back, so nothing acts. snow does not answer." in away.sentence
    assert "not read back" in never.sentence


@pytest.mark.parametrize(
    ("seen", "asked", "words"),
    [
        ({"key": replace(KEY, sys_id="b" * 32)}, {}, "another change of that number"),
        ({"ci": ("web01",)}, {}, "covers web01, not ORADB01"),
        ({"begins": NOW}, {}, "was moved"),
        ({"ends": NOW + 2 * HOUR}, {}, "was moved"),
        ({"begins": NOW + 24 * HOUR, "ends": NOW + 28 * HOUR}, {}, "was moved"),
        ({"ends": NOW}, {"begins": None, "ends": None}, "ended at 2026-11-26 22:00 UTC"),
        ({}, {"ends": NOW - HOUR / 2}, "ended at 2026-11-26 21:30 UTC"),
    ],
)
def test_a_change_that_is_no_longer_what_was_asked_for_is_invalid(seen, asked, words):
    found = decide(replace(SEEN, **seen), "", replace(NEED, asked=replace(ASKED, **asked)), NOW)
    assert found.gate is Gate.INVALID
    assert words in found.sentence


@pytest.mark.parametrize(
    ("seen", "asked", "need", "words"),
    [
        ({"begins": None, "ends": None}, {"begins": None, "ends": None}, {}, "tells no planned end"),
        ({"begins": None, "ends": None}, {}, {}, "tells no planned end"),
        ({"ends": None}, {}, {}, "tells no planned end"),
        ({"begins": NOW + HOUR}, {"begins": None}, {}, "begins at 2026-11-26 23:00 UTC"),
        ({}, {"begins": NOW + HOUR}, {}, "begins at 2026-11-26 23:00 UTC"),
        ({}, {}, {"ahead": 3 * 3600}, "It takes about 3 h and its way back 2 min, which ends after the window"),
        ({}, {}, {"ahead": 3 * 3600 - 119}, "ends after the window"),
    ],
)
def test_without_time_nothing_begins(seen, asked, need, words):
    found = decide(replace(SEEN, **seen), "", replace(NEED, asked=replace(ASKED, **asked), **need), NOW)
    assert found.gate is Gate.PREVENTED
    assert words in found.sentence


def test_the_arithmetic_is_exact_and_counts_only_before_the_first_act():
    assert decide(SEEN, "", replace(NEED, ahead=3 * 3600 - 120), NOW).lets, "it ends with the window"
    assert decide(SEEN, "", replace(NEED, ahead=9 * 3600, begun=True), NOW).lets, "what is begun is not measured anew"


def test_a_change_that_was_extended_still_holds_what_was_asked_for():
    longer = replace(SEEN, begins=NOW - 3 * HOUR, ends=NOW + 9 * HOUR)
    assert decide(longer, "", NEED, NOW).lets
    assert not decide(longer, "", NEED, NOW + 3 * HOUR).lets, "the time that was agreed to is not longer by it"


def test_a_system_that_names_no_items_is_told_of_as_such():
    found = decide(replace(SEEN, ci=()), "", NEED, NOW)
    assert (found.lets, "names no item, so what it covers is not compared" in found.sentence) == (True, True)


def test_no_identity_and_no_window_asked_for_narrows_nothing():
    assert decide(SEEN, "", replace(NEED, asked=Asked("CHG0030004")), NOW).lets
    nameless = replace(SEEN, key=replace(KEY, sys_id=""))
    assert decide(nameless, "", replace(NEED, asked=replace(ASKED, sys_id="")), NOW).lets
    assert decide(replace(SEEN, begins=None), "", replace(NEED, asked=replace(ASKED, begins=None)), NOW).lets


def test_a_sys_id_that_nobody_confirms_prevents():
    nameless = replace(SEEN, key=replace(KEY, sys_id=""))
    found = decide(nameless, "", replace(NEED, asked=replace(ASKED, sys_id="a" * 32)), NOW)
    assert (found.gate, "tells no sys_id" in found.sentence) == (Gate.INVALID, True)


def test_what_is_asked_for_is_frozen_and_thawed_as_it_was():
    assert Asked.thawed(ASKED.content()) == ASKED
    assert Asked.thawed({}) == Asked()
    assert (Asked("CHG1").plain, ASKED.plain, Asked().plain) == (True, False, True)
    assert Asked.of(" CHG1 ") == Asked("CHG1")
    assert Asked.of(ASKED) is ASKED
    given = {"number": " CHG1", "ci": ["a", "a", " ", "b"], "window": None, "type": None}
    assert Asked.read(given) == Asked("CHG1", ci=("a", "b"))
    window = {"start": NOW, "end": NOW + HOUR}
    assert Asked.read({"number": "CHG1", "system": "snow", "window": window}).ends == NOW + HOUR
    assert (spelled(NOW), spelled(None), moment(""), moment(spelled(NOW))) == ("2026-11-26T22:00:00Z", "", None, NOW)
    known = [looks_like(number) for number in ("CHG0030004", "CRQ000000007", "OPS-101", "17", "chg1", "CHG1\n")]
    assert known == ["servicenow", "bmc", "jira", "", "", ""]
    assert missing(["a", "C"], ["A", "b"]) == ["C"]
