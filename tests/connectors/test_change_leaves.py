"""JSON of change systems, taken apart: values, times, refusals, waits, marks; and the kernel's order of two sights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.connectors.change.https import address_problem
from portal.connectors.change.reading import leaves
from portal.connectors.change.reading.leaves import Unreadable
from portal.kernel.change import ChangeKey, ChangeSeen, Gate, newer


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        ("", ""),
        (" CHG1 ", "CHG1"),
        (3, "3"),
        (3.0, "3"),
        (-2.0, "-2"),
        (3.5, "3.5"),
        (True, "true"),
        (False, "false"),
        ([1], ""),
        ({"value": "x"}, ""),
        (float("inf"), "inf"),
        ("a\nb\u00a0c", "a b c"),
        ("allowed\u200b", "allowed\ufffd"),
        ("\ud800", "\ufffd"),
    ],
)
def test_a_leaf_as_text(value, told):
    assert leaves.text(value) == told


@pytest.mark.parametrize(
    ("value", "number"), [(7, 7), (7.0, 7), ("7", 7), ("-7", 0), ("", 0), ("x", 0), ("9" * 30, 0), (None, 0), ("٧", 0)]
)
def test_a_leaf_as_a_number(value, number):
    assert leaves.whole(value) == number


@pytest.mark.parametrize(
    "told",
    [
        "2026-12-05T20:00:00Z",
        "2026-12-05T20:00:00+00:00",
        "2026-12-05T20:00:00.000+0000",
        "2026-12-05T23:00:00.000+0300",
        "2026-12-05 22:00:00+02:00",
        1_796_500_800,
        "1796500800",
        1_796_500_800_000,
    ],
)
def test_a_time_with_its_zone(told):
    assert leaves.instant(told) == datetime(2026, 12, 5, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "told", ["2026-12-05T20:00:00", "soon", "2026-13-05T20:00:00Z", "05/12/2026", "17", "9999-12-31T23:59:59-23:59"]
)
def test_a_time_that_may_mean_anything_is_not_guessed(told):
    with pytest.raises(Unreadable):
        leaves.instant(told)


def test_no_time_is_none():
    assert leaves.instant(None) is None
    assert leaves.instant("") is None


def test_a_stamp_is_read_back():
    moment = datetime(2026, 12, 5, 23, 0, tzinfo=UTC)
    assert leaves.instant(leaves.stamp(moment)) == moment


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!DOCTYPE html><html><head><title>Log in</title>", 'titled "Log in"'),
        (b"<error/>", "a web page, not JSON"),
        (b'{"result": ', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe{", "no JSON"),
        (b"9" * 5000, "no JSON"),
    ],
)
def test_what_is_no_json(body, what):
    with pytest.raises(Unreadable, match=what):
        leaves.body_of(body)


def test_json_after_a_byte_order_mark():
    assert leaves.body_of(b'\xef\xbb\xbf {"a": 1}') == {"a": 1}


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_no_object_where_one_should_be(value):
    with pytest.raises(Unreadable, match="no object where it should be"):
        leaves.row(value, "it")


@pytest.mark.parametrize("value", [None, {}, "x", 3])
def test_no_list_where_one_should_be(value):
    with pytest.raises(Unreadable, match="no list where it should be"):
        leaves.rows(value, "it")


def test_a_list_of_other_things_is_no_list_of_objects():
    with pytest.raises(Unreadable, match="no object"):
        leaves.rows([{}, 1], "it")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"error": {"message": "No Record found", "detail": "Records matching query"}, "status": "failure"}',
            "No Record found / Records matching query",
        ),
        (
            b'{"errorMessages": ["Issue does not exist", "or not seen"], "errors": {}}',
            "Issue does not exist / or not seen",
        ),
        (
            b'{"errorMessages": [], "errors": {"summary": "You must specify a summary."}}',
            "summary: You must specify a summary",
        ),
        (
            b'[{"messageType": "ERROR", "messageText": "Authentication failed", "messageNumber": 623}]',
            "Authentication failed",
        ),
        (b'{"errors": [{"message": "bad"}, {"message": "worse"}]}', "bad / worse"),
        (b'{"type": "about:blank", "title": "Locked", "detail": "by another"}', "Locked / by another"),
        (
            b'{"error": "invalid_grant", "error_description": "The token has ended."}',
            "The token has ended / invalid_grant",
        ),
        (b"<html><title>502 Bad\n Gateway</title></html>", "502 Bad Gateway"),
        (b"<html>nothing</html>", ""),
        (b"", ""),
        (b'{"x": 1}', ""),
        (b"3", ""),
        (b'"plain words"', "plain words"),
        (b'{"error": {"error": {"error": {"error": {"error": {"error": "too deep"}}}}}}', ""),
        (b'{"message": "one\\ntwo\\u0000three\\u202e"}', "one two\ufffdthree\ufffd"),
    ],
)
def test_a_refusal_in_its_own_words(body, said):
    assert leaves.refusal(body) == said


def test_a_long_refusal_is_cut():
    assert len(leaves.refusal(b'{"message": "' + b"x" * 5000 + b'"}')) == leaves.LONGEST


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("99999999999", 86_400.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 -0000", 50.0),
    ],
)
def test_how_long_to_wait(header, wait):
    assert leaves.wait_of(header, 50.0) == wait


@pytest.mark.parametrize("mark", ["", "a b", "a^b", "a]", "a" * 101, "ä", "a\n"])
def test_what_is_no_mark(mark):
    with pytest.raises(ValueError, match="no mark"):
        leaves.tag(mark)


def test_a_mark_is_not_found_in_a_longer_one():
    assert leaves.tag("run:7/1") not in leaves.tag("run:7/12")


@pytest.mark.parametrize(
    ("word", "kind"),
    [("Standard", "standard"), (" normal ", "normal"), ("EMERGENCY", "emergency"), ("Expedited", ""), ("", "")],
)
def test_kinds(word, kind):
    assert leaves.kind_of(word) == kind


@pytest.mark.parametrize(
    "url",
    [
        "https://bank.service-now.com",
        "https://10.1.2.3:8443/api/itsm",
        "https://[fd00::1]:8443",
    ],
)
def test_where_a_change_system_can_be(url):
    assert address_problem(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bank.service-now.com",
        "http://bank.service-now.com",
        "ftp://bank.example",
        "https://",
        "https://user:pass@bank.example",
        "https://bank.example/?x=1",
        "https://bank.example/#x",
        "https://bank.example/a b",
        "https://bänk.example",
        "https://bank.example:99999",
        "https://bank.example:0",
        "https://[::1",
        "https://bank.example\r\nX: y",
    ],
)
def test_where_none_can_be(url):
    assert address_problem(url).endswith(".")


SEEN = ChangeSeen(ChangeKey("sn", "CHG1"), "Scheduled", Gate.ALLOWED, "It is approved.")
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("kept", "came", "takes"),
    [
        (None, SEEN, True),
        (replace(SEEN, sequence=5), replace(SEEN, sequence=6), True),
        (replace(SEEN, sequence=5), replace(SEEN, sequence=5), True),
        (replace(SEEN, sequence=6), replace(SEEN, sequence=5), False),
        (replace(SEEN, sequence=6, changed=EARLY), replace(SEEN, sequence=5, changed=LATE), False),
        (replace(SEEN, changed=EARLY), replace(SEEN, changed=LATE), True),
        (replace(SEEN, changed=LATE), replace(SEEN, changed=EARLY), False),
        (replace(SEEN, sequence=9), replace(SEEN, changed=EARLY), True),
        (SEEN, SEEN, True),
    ],
)
def test_newer_replaces_older_and_older_is_ignored(kept, came, takes):
    assert (newer(kept, came) is came) is takes
