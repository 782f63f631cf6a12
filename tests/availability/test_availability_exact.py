"""To the microsecond: amounts of real calendars against whole numbers, and cases that were worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.availability.budget import burn, burning, verdict
from failover.availability.corrected import Entry, Kind
from failover.availability.measured import History, Permit, measure
from failover.availability.periods import period
from failover.availability.watched import Rhythm, Rule, Span, State
from portal.kernel.outcome import Outcome
from tests.availability.seconds import corrected_at

NINES = 0.9999
RULE = Rule(("service",), (Rhythm(0.0, 18.0),), 15.0)
# leap February, months with a clock change both ways, in halves of an hour too, and a midnight that is left out
MONTHS = (("UTC", "2028-02-10"), ("Europe/Berlin", "2026-03-10"), ("Europe/Berlin", "2026-10-10"),
          ("Africa/Nairobi", "2026-11-10"), ("Australia/Lord_Howe", "2026-04-10"), ("Africa/Cairo", "2026-04-10"),
          ("America/New_York", "2026-11-10"))  # fmt: skip


def month(zone, day):
    return period("month", zone, datetime.fromisoformat(f"{day}T12:00:00+00:00"))


def micro(at):
    return round(at * 1e6)


@st.composite
def moments(draw, of):
    """A moment in or near a period, as the database holds it: to the microsecond."""
    length = int(of.seconds) * 1_000_000
    return (of.begins + timedelta(microseconds=draw(st.integers(-(10**9), length + 10**9)))).timestamp()


@st.composite
def stretch(draw, of):
    return tuple(sorted((draw(moments(of)), draw(moments(of)))))


@st.composite
def cases(draw):
    """A month with what was seen of it: rows of one part, one after the other, with gaps of both kinds between."""
    of = month(*draw(st.sampled_from(MONTHS)))
    at, spans = draw(moments(of)), []
    for _ in range(draw(st.integers(0, 12))):
        ends = at + draw(st.integers(0, 10**12)) / 1e6
        spans.append(Span("service", draw(st.sampled_from(list(State))), at, ends, "no answer"))
        at = ends + draw(st.one_of(st.integers(0, 40 * 10**6), st.integers(0, 10**12))) / 1e6
    permits = [Permit(*draw(stretch(of)), "window 1") for _ in range(draw(st.integers(0, 3)))]
    kinds = st.sampled_from(list(Kind))
    entries = [Entry(draw(kinds), *draw(stretch(of)), "fabric B") for _ in range(draw(st.integers(0, 4)))]
    return of, History("core-db", RULE, tuple(spans), tuple(permits), tuple(entries))


def counted(history, begins, until):
    """Microseconds of each state, from one edge to the next, as whole numbers."""
    edges = {begins, until}
    for one in (*history.spans, *history.permits, *history.entries):
        edges |= {each for each in (one.begins, one.ends) if begins < each < until}
    found = dict.fromkeys(("up", "planned", "unplanned", "unknown", "unwatched"), 0)
    for first, last in pairwise(sorted(edges)):
        state, planned = corrected_at(history, first)
        name = ("planned" if planned else "unplanned") if state == "down" else state or "unwatched"
        found[str(name)] += micro(last) - micro(first)
    return found


@settings(max_examples=200, deadline=None, derandomize=True)
@given(cases())
def test_the_amounts_of_a_month_are_exact_and_make_the_month(case):
    of, history = case
    begins, ends = of.begins.timestamp(), of.ends.timestamp()
    told = measure(history, NINES, begins, ends, ends + 1e8)
    count = counted(history, begins, ends)
    amounts = (told.up_s, told.down_planned_s, told.down_unplanned_s, told.unknown_s, told.not_watched_s)
    assert [micro(one) for one in amounts] == list(count.values())
    assert sum(map(micro, amounts)) == micro(of.seconds) == micro(told.elapsed_s)
    assert micro(sum(one.seconds for one in told.outages)) == count["planned"] + count["unplanned"]
    assert abs(told.budget_s - of.seconds * 1e-4) < 1e-6


@settings(max_examples=100, deadline=None, derandomize=True)
@given(cases())
def test_without_a_single_answer_nothing_is_up_whatever_people_enter(case):
    of, history = case
    blind = History(history.service, history.rule, (), history.permits, history.entries)
    told = measure(blind, NINES, of.begins.timestamp(), of.ends.timestamp(), of.ends.timestamp() + 1e8)
    assert told.up_s == 0
    assert told.ratio in (None, 0.0)
    assert verdict(told, of.name).word in ("No data", "Lost", "Not known")


@pytest.mark.parametrize(
    ("zone", "day", "budget"),
    [("UTC", "2028-02-10", 250.56), ("UTC", "2026-02-10", 241.92), ("UTC", "2026-11-10", 259.2),
     ("Europe/Berlin", "2026-03-10", 267.48), ("Europe/Berlin", "2026-10-10", 268.2),
     ("Australia/Lord_Howe", "2026-04-10", 259.38)],
)  # fmt: skip
def test_the_budget_is_of_the_time_that_passes(zone, day, budget):
    of = month(zone, day)
    found = measure(History("core-db", RULE), NINES, of.begins.timestamp(), of.ends.timestamp(), of.ends.timestamp())
    assert found.budget_s == budget


def test_99_99_percent_is_4_38_min_a_month_and_52_6_min_a_year():
    def minutes(days):
        return measure(History("core-db", RULE), NINES, 0.0, days * 86_400.0, 0.0).budget_s / 60

    assert round(minutes(30.4), 2) == 4.38
    assert round(minutes(365), 1) == round(minutes(365.25), 1) == 52.6


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def up_but(*downs, begins, ends):
    """Spans: up from begins to ends but for these times, each second of them asked."""
    edges, spans, last = sorted(downs), [], begins
    for first, end in edges:
        spans += [Span("service", State.UP, last, first), Span("service", State.DOWN, first, end, "refused")]
        last = end
    return (*spans, Span("service", State.UP, last, ends))


def test_a_budget_that_is_spent_to_the_last_is_kept():
    """259.2 s of a month of 30 days are 99.99 % exactly; a microsecond more is too much."""
    of = month("UTC", "2026-11-10")
    begins, ends = of.begins.timestamp(), of.ends.timestamp()
    for more, word in ((0.0, "Kept"), (1e-6, "Lost")):
        first = at("2026-11-05T10:00:00.123457")
        spans = up_but((first, first + 259.2 + more), begins=begins, ends=ends)
        assert verdict(measure(History("core-db", RULE, spans), NINES, begins, ends, ends + 9), "November").word == word


def test_an_outage_across_a_clock_change_and_the_edges_of_a_window_by_hand():
    """Berlin, 29 March 2026: at 02:00 it is 03:00. Down 01:50 to 03:10 there: 20 min. A window 03:00 to 03:05 makes
    5 min planned, of which a person takes back one."""
    of = month("Europe/Berlin", "2026-03-10")
    down = (at("2026-03-29T00:50:00"), at("2026-03-29T01:10:00"))
    permit = Permit(at("2026-03-29T01:00:00"), at("2026-03-29T01:05:00"), "Global maintenance")
    back = Entry(Kind.UNPLANNED, at("2026-03-29T01:03:00"), at("2026-03-29T01:04:00"))
    begins, ends = of.begins.timestamp(), of.ends.timestamp()
    history = History("core-db", RULE, up_but(down, begins=begins, ends=ends), (permit,), (back,))
    told = measure(history, NINES, begins, ends, ends + 9)
    assert (told.down_planned_s, told.down_unplanned_s) == (240.0, 960.0)
    assert [(one.planned, one.seconds) for one in told.outages] == [
        (False, 600.0), (True, 180.0), (False, 60.0), (True, 60.0), (False, 300.0)
    ]  # fmt: skip
    assert told.up_s == (31 * 24 - 1) * 3600 - 1200
    assert told.ratio == told.up_s / (told.up_s + 960)


def test_an_outage_over_midnight_of_the_month_there_is_shared_by_both_months():
    """Nairobi is three hours ahead: its December begins at 21:00 UTC."""
    before, later = month("Africa/Nairobi", "2026-11-10"), month("Africa/Nairobi", "2026-12-10")
    down = (at("2026-11-30T20:58:30"), at("2026-11-30T21:00:30"))
    spans = up_but(down, begins=before.begins.timestamp(), ends=later.ends.timestamp())
    told = [
        measure(History("core-db", RULE, spans), NINES, one.begins.timestamp(), one.ends.timestamp(), 2e9)
        for one in (before, later)
    ]
    assert [one.spent_s for one in told] == [90.0, 30.0]
    assert [one.outages[0].before for one in told] == [False, True]


@pytest.mark.parametrize(
    ("down", "back", "rates", "outcome"),
    [  # 99.99 %: a rate of 1 is 0.36 s an hour
        (5.184, 0.0, (14.4, 172.8), Outcome.FAIL), (5.183, 0.0, (14.397, 172.767), Outcome.OK),
        (5.184, 301.0, (14.4, 0.0), Outcome.OK), (12.96, 301.0, (36.0, 0.0), Outcome.WARN),
        (12.959, 301.0, (35.997, 0.0), Outcome.OK),
    ],
)  # fmt: skip
def test_burn_rates_by_hand(down, back, rates, outcome):
    """Fast: 14.4 times in 1 h and 5 min. Slow: 6 times in 6 h, which are 12.96 s, and 30 min."""
    now = at("2026-11-20T12:00:00")
    spans = up_but((now - down - back, now - back), begins=now - 86_400, ends=now)
    of = History("core-db", RULE, spans)
    found = tuple(burn(of, NINES, window, now).rate for window in (3600.0, 300.0))
    assert found == pytest.approx(rates, abs=1e-3)
    assert burning(of, NINES, now).outcome is outcome
