"""The audit log as a feed: overlap, reset, redaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.connectors.engine import Cursor
from portal.connectors.engine import events as feeding
from portal.connectors.engine.events import events, feed, redact
from portal.connectors.engine.shapes import Event
from portal.connectors.engine.xml import Unreadable

BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Log:
    """An audit log that answers as the engine does: newest first, `from` exclusive, `max` cuts the oldest and is the
    size of a page. busy: events that are added before each answer. filtered: the account sees a part only."""

    def __init__(self, numbers, began=BEGAN, busy=0, filtered=False):
        self.began, self.busy, self.filtered = began, busy, filtered
        self.rows = [self.row(n) for n in numbers]
        self.queries = []

    def row(self, number):
        return Event(number, self.began + timedelta(seconds=number), 30, "normal", "x", "", "", "")

    def __call__(self, query):
        self.queries.append(dict(query))
        newest = max((row.number for row in self.rows), default=0)
        self.rows += [self.row(newest + one) for one in range(1, self.busy + 1)]
        rows = sorted((row for row in self.rows if row.number > int(query.get("from", 0))), key=lambda row: -row.number)
        most = int(query.get("max", len(rows)))
        page = 1 if self.filtered else int(query.get("search", "page 1").removeprefix("page "))
        return tuple(rows[(page - 1) * most : page * most])

    def at(self, number):
        return Cursor(number, BEGAN + timedelta(seconds=number))


def test_the_first_reading_brings_the_latest_and_a_cursor():
    log = Log(range(1, 2001))
    seen = feed(log, Cursor())
    assert (len(seen.rows), seen.cursor, seen.reset) == (500, log.at(2000), False)
    assert log.queries == [{"max": "500"}]


def test_going_on_overlaps_so_that_late_rows_are_not_lost():
    log = Log(range(1, 1001))
    seen = feed(log, log.at(990))
    assert (seen.cursor.number, seen.reset) == (1000, False)
    assert {row.number for row in seen.rows} == set(range(791, 1001))
    assert log.queries == [{"from": "790", "max": "1000"}]


def test_a_backlog_is_read_page_by_page():
    log = Log(range(1, 3701))
    seen = feed(log, log.at(1000))
    assert ({row.number for row in seen.rows}, seen.cursor) == (set(range(801, 3701)), log.at(3700))
    first = {"from": "800", "max": "1000"}
    assert log.queries == [first, {**first, "search": "page 2"}, {**first, "search": "page 3"}]


def test_what_comes_while_pages_are_read_pushes_no_event_out():
    log = Log(range(1, 3701), busy=7)
    seen = feed(log, log.at(1000))
    assert {row.number for row in seen.rows} >= set(range(801, 3701))
    assert len({row.number for row in seen.rows}) == len(seen.rows)


def test_an_account_whose_pages_are_all_the_same_is_not_asked_for_ever():
    log = Log(range(1, 3701), filtered=True)
    assert feed(log, log.at(1000)).cursor == log.at(3700)
    assert len(log.queries) == 2


def test_an_engine_that_never_ends_is_left(monkeypatch):
    monkeypatch.setattr(feeding, "PAGE", 10)
    monkeypatch.setattr(feeding, "PAGES", 5)
    log = Log(range(1, 1001))
    seen = feed(log, log.at(500))
    assert (len(log.queries), len(seen.rows), seen.cursor) == (5, 50, log.at(1000))


def test_nothing_new_keeps_the_cursor():
    log = Log(range(1, 51))
    assert feed(log, log.at(50)).cursor == log.at(50)
    assert log.queries == [{"from": "0", "max": "1000"}]


def test_an_engine_that_counts_below_the_cursor_was_restored():
    log = Log(range(1, 301))
    seen = feed(log, log.at(5000))
    assert (seen.reset, seen.cursor.number) == (True, 300)
    assert {row.number for row in seen.rows} == set(range(1, 301))
    assert log.queries == [{"from": "4800", "max": "1000"}, {"max": "1"}, {"max": "500"}]


def test_a_little_below_the_cursor_is_a_restore_too():
    log = Log(range(1, 96))
    assert feed(log, log.at(100)).reset is True


def test_a_restored_engine_that_has_passed_the_cursor_is_known_by_the_time():
    log = Log(range(1, 201), began=BEGAN + timedelta(hours=1))
    seen = feed(log, log.at(100))
    assert (seen.reset, seen.cursor.number) == (True, 200)


def test_an_event_that_was_cleaned_away_is_no_restore():
    log = Log([*range(1, 50), 51])
    seen = feed(log, log.at(50))
    assert (seen.reset, seen.cursor.number) == (False, 51)


def test_an_empty_log_keeps_the_cursor():
    seen = feed(Log([]), Cursor(700, BEGAN))
    assert (seen.rows, seen.cursor, seen.reset) == ((), Cursor(700, BEGAN), False)


@pytest.mark.parametrize(
    "secret",
    [
        "User admin@internal-authz connecting from '10.1.2.3' using session 'kR7h/x+9AbCdEfGhIjKlMn==' logged in.",
        "User a@b connected from '10.1.2.3' using session 'kR7h/x+9AbCdEfGhIjKlMn==' logged out.",
        "Session ID: kR7h/x+9AbCdEfGhIjKlMn== ended",
        'closed session "kR7h/x+9AbCdEfGhIjKlMn=="',
    ],
)
def test_session_ids_are_not_kept(secret):
    kept = redact(secret)
    assert "kR7h" not in kept
    assert "AbCdEf" not in kept
    assert "***" in kept
    assert kept.startswith(secret[:6])


@pytest.mark.parametrize(
    "plain", ["Host olvm01 is in session with nobody.", "Faulty multipath paths on host olvm01 on devices: [3634]"]
)
def test_other_words_stay(plain):
    assert redact(plain) == plain


def body(*rows):
    return ("<events>" + "".join(rows) + "</events>").encode()


def event(number="7", time="2026-11-22T11:54:35.229+03:00", more=""):
    return f"<event id='{number}'><code>30</code><severity>normal</severity><time>{time}</time>{more}</event>"


def test_events_are_read_in_utc_with_their_references():
    (seen,) = events(body(event(more="<host id='h'/><vm id='v'/><correlation_id>c</correlation_id>")))
    assert seen == Event(7, datetime(2026, 11, 22, 8, 54, 35, 229000, UTC), 30, "normal", "", "c", "h", "v")


def test_a_placeholder_host_without_id_is_none():
    assert events(body(event(more="<host><name>Unavailable</name></host>")))[0].host_uuid == ""


def test_an_event_without_a_key_does_not_stop_the_feed():
    seen = events(body(event("seven"), event("8", "yesterday"), event("9")))
    assert [one.number for one in seen] == [9]


def test_what_is_no_event_list_is_refused():
    with pytest.raises(Unreadable):
        events(b"<hosts/>")
