"""Sets of moments, states, corrections and amounts against a count of single seconds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from failover.availability.corrected import Entry, Kind
from failover.availability.intervals import clip, intersect, length, subtract, union
from failover.availability.measured import History, Permit, measure
from failover.availability.watched import Rhythm, Rule, Span, State, is_watched, known_until, seen
from tests.availability.seconds import counted, state_at

END = 120
MANY = settings(max_examples=150, deadline=None, derandomize=True)


def moment(most=END):
    return st.integers(0, most)


@st.composite
def interval(draw, most=END):
    begin, end = sorted((draw(moment(most)), draw(moment(most))))
    return (float(begin), float(end))


def as_seconds(moments):
    return {second for begin, end in moments for second in range(int(begin), int(end))}


@MANY
@given(st.lists(interval(), max_size=8), st.lists(interval(), max_size=8), interval())
def test_sets_of_moments(one, other, cut):
    a, b = union(one), union(other)
    sa, sb = as_seconds(one), as_seconds(other)
    assert as_seconds(a) == sa
    assert as_seconds(union(a, b)) == sa | sb
    assert as_seconds(intersect(a, b)) == sa & sb
    assert as_seconds(subtract(a, b)) == sa - sb
    assert as_seconds(clip(a, *cut)) == sa & as_seconds([cut])
    assert length(a) == len(sa)
    for each in (a, intersect(a, b), subtract(a, b)):
        assert all(begin < end for begin, end in each)
        assert all(before[1] < after[0] for before, after in pairwise(union(each)))


@st.composite
def spans(draw, parts):
    """Spans of each part one after the other, as one prober writes them, sometimes over each other, as after a
    clock that was put back."""
    found = []
    for part in parts:
        at = draw(moment(20))
        for _ in range(draw(st.integers(0, 6))):
            ends = at + draw(st.integers(0, 30))
            found.append(Span(part, draw(st.sampled_from(list(State))), float(at), float(ends), "no answer"))
            at = ends + draw(st.integers(-8, 14))
            at = max(0, at)
    return tuple(found)


@st.composite
def rhythms(draw):
    """The first one from the beginning, others in between."""
    since = sorted({0, *draw(st.lists(moment(), max_size=3))})
    return tuple(Rhythm(float(at), float(draw(st.integers(0, 10)))) for at in since)


@st.composite
def histories(draw):
    parts = draw(st.sampled_from([("service",), ("health", "api")]))
    kinds = st.sampled_from(list(Kind))
    permits = tuple(Permit(*each, "window 1") for each in draw(st.lists(interval(), max_size=3)))
    entries = tuple(Entry(draw(kinds), *each, "fabric B") for each in draw(st.lists(interval(), max_size=5)))
    rule = Rule(parts, draw(rhythms()), float(draw(st.integers(0, 30))))
    return History("core-db", rule, draw(spans(parts)), permits, entries)


@MANY
@given(histories(), interval(), moment(150))
def test_amounts_are_those_of_single_seconds(history, asked, now):
    begins, ends = asked
    told = measure(history, 0.999, begins, ends, float(now))
    until = told.until.timestamp()
    if until != int(until):
        return
    count = counted(history, int(begins), int(until))
    assert told.up_s == count["up"]
    assert told.down_planned_s == count["planned"]
    assert told.down_unplanned_s == told.spent_s == count["unplanned"]
    assert told.unknown_s == count["unknown"]
    assert told.not_watched_s == count["unwatched"]
    assert sum(count.values()) == told.elapsed_s == until - begins
    known = count["up"] + count["unplanned"]
    assert told.ratio == (count["up"] / known if known else None)
    assert begins <= until <= max(begins, min(ends, now))


@MANY
@given(histories(), moment(150))
def test_outages_are_the_time_down_and_touch_only_where_their_kind_changes(history, now):
    told = measure(history, 0.999, 0.0, float(END), float(now))
    assert sum(one.seconds for one in told.outages) == told.down_planned_s + told.down_unplanned_s
    for before, after in pairwise(told.outages):
        assert before.ends is not None
        assert before.ends < after.begins or (before.ends == after.begins and before.planned != after.planned)
    assert [one.begins for one in told.outages] == sorted(one.begins for one in told.outages)


@MANY
@given(histories(), moment(150))
def test_time_that_nobody_saw_is_never_up_whatever_is_entered(history, now):
    """The invariant of the page: up is only what was seen up, or seen down and taken back by two people."""
    whole = seen(history.spans, history.rule)
    until = int(known_until(whole, history.rule, float(now)))
    bare = History(history.service, history.rule, history.spans)
    told, as_seen = (measure(each, 0.999, 0.0, float(max(until, 0)), float(now)) for each in (history, bare))
    unseen = sum(state_at(history, second) in (None, "unknown") for second in range(max(until, 0)))
    assert told.up_s <= max(until, 0) - unseen
    taken_back = any(one.kind is Kind.UP for one in history.entries)
    assert taken_back or told.up_s <= as_seen.up_s


@MANY
@given(histories(), st.lists(moment(), min_size=1, max_size=4))
def test_periods_that_follow_each_other_add_up_to_the_whole(history, cuts):
    edges = sorted({0, END, *cuts})
    late = 1e6  # nothing is cut off at its end
    whole = measure(history, 0.999, 0.0, float(END), late)
    parts = [measure(history, 0.999, float(a), float(b), late) for a, b in pairwise(edges)]
    for name in ("up_s", "down_planned_s", "down_unplanned_s", "unknown_s", "not_watched_s"):
        assert sum(getattr(one, name) for one in parts) == getattr(whole, name), name
    assert abs(sum(one.budget_s for one in parts) - whole.budget_s) < 1e-6


@MANY
@given(histories(), moment(150))
def test_what_is_told_ends_with_the_newest_answer_while_it_is_watched(history, now):
    whole = seen(history.spans, history.rule)
    until = known_until(whole, history.rule, float(now))
    assert until == (min(whole.last, now) if is_watched(whole, history.rule, float(now)) else now)


@MANY
@given(histories(), moment(), st.integers(1, 600))
def test_a_rhythm_that_is_changed_today_changes_no_day_before(history, today, hole):
    """Whatever it is changed to: what was told of the time before stays, to the second."""
    before = [one for one in history.rule.rhythms if one.since < today] or [Rhythm(0.0, 5.0)]
    rule = replace(history.rule, rhythms=tuple(before))
    edited = replace(rule, rhythms=(*before, Rhythm(float(today), float(hole))))
    known = replace(history, spans=tuple(one for one in history.spans if one.ends <= today))
    now, later = (replace(known, rule=each) for each in (rule, edited))
    for end in (float(today), 1e6):
        assert measure(now, 0.999, 0.0, float(today), end) == measure(later, 0.999, 0.0, float(today), end)


@MANY
@given(histories(), moment(END - 1), st.integers(1, 600))
def test_a_rhythm_never_lengthens_the_patience_with_an_answer_of_before(history, at, hole):
    edited = replace(history.rule, rhythms=(*history.rule.rhythms, Rhythm(float(END), float(hole))))
    assert edited.due(float(at)) <= history.rule.due(float(at))
    assert edited.due(float(END)) == END + hole


def test_a_gap_is_judged_by_the_rhythm_of_its_time():
    """Asked every 5 s (18 s are a gap), from second 1000 on every 60 s (183 s are one)."""
    rule = Rule(("service",), (Rhythm(0.0, 18.0), Rhythm(1000.0, 183.0)), 15.0)

    def up(*edges):
        return History("core-db", rule, tuple(Span("service", State.UP, *each) for each in edges))

    old = measure(up((0.0, 500.0), (600.0, 900.0)), 0.9999, 0.0, 900.0, 2000.0)
    assert (old.up_s, old.not_watched_s) == (800.0, 100.0)
    new = measure(up((1000.0, 1200.0), (1300.0, 1500.0)), 0.9999, 1000.0, 1500.0, 2000.0)
    assert (new.up_s, new.not_watched_s) == (500.0, 0.0)
    across = measure(up((0.0, 990.0), (1060.0, 1500.0)), 0.9999, 0.0, 1500.0, 2000.0)
    assert (across.up_s, across.not_watched_s) == (1430.0, 70.0)
    assert measure(up((0.0, 990.0)), 0.9999, 0.0, 1100.0, 1100.0).watched is False


def test_a_rhythm_that_is_made_faster_leaves_the_time_that_it_needs_to_begin():
    rule = Rule(("service",), (Rhythm(0.0, 183.0), Rhythm(1000.0, 18.0)), 15.0)
    assert [rule.due(at) for at in (800.0, 950.0, 999.0, 1000.0)] == [983.0, 1018.0, 1018.0, 1018.0]
