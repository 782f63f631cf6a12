"""From spans to outages, recovery and verdicts: every figure is between two things that were seen."""

from __future__ import annotations

import itertools
import random

import pytest

from failover.verdicts.measure import Bounds, Pause, Span, measure, outages
from failover.verdicts.objectives import duration, figure, loss, recovery

HOLE = 4.5
BEFORE = Span(True, -60.0, -0.2, 0.5)


def down(began, last, why="nothing listens there", **more):
    return Span(False, began, last, 0.5, why, **more)


def up(began, last=600.0, **more):
    return Span(True, began, last, 0.5, **more)


PLAIN = [BEFORE, down(0.3, 150.3), up(150.8)]


def judged(spans, seconds, must_fall=False, pauses=(), end=600.0, name="The engine"):
    return recovery(name, seconds, measure(spans, HOLE, pauses, end), must_fall)


def test_one_outage():
    seen = measure(PLAIN, HOLE, end=600.0)
    assert seen.state == "recovered"
    assert seen.recovery == Bounds(150.3, 150.8)
    assert seen.recovery.seconds == pytest.approx(150.55)
    assert seen.recovery.error == pytest.approx(0.25)
    assert seen.detection == Bounds(0.0, 0.3)
    (one,) = seen.outages
    assert (one.length.low, one.length.high) == (pytest.approx(150.0), pytest.approx(151.0))
    assert seen.holes == ()
    said = judged(PLAIN, 300)
    assert said.word == "met"
    assert said.sentence == (
        "The engine was back 2 min 30.6 s (± 0.3 s) after the injection; the objective is 5 min 0 s."
    )


@pytest.mark.parametrize(("seconds", "word"), [(150.8, "met"), (150.7, "not met"), (150.2, "not met"), (300, "met")])
def test_an_objective_inside_the_error_is_not_met(seconds, word):
    said = judged(PLAIN, seconds)
    assert said.word == word
    assert ("within the error" in said.sentence) is (150.3 <= seconds < 150.8)


def test_the_last_of_several_outages_ends_the_recovery():
    spans = [BEFORE, down(0.3, 20.0), up(20.5, 30.0), down(30.5, 90.0), up(90.5)]
    seen = measure(spans, HOLE, end=600.0)
    assert len(seen.outages) == 2
    assert seen.recovery == Bounds(90.0, 90.5)
    assert "It was away 2 times until then." in judged(spans, 300).sentence


def test_down_before_the_injection_is_not_tested():
    seen = judged([Span(False, -10, 30.0, 0.5, "HTTP 503"), up(30.5)], 300)
    assert seen.word == "not tested"
    assert "did not answer before the injection already: HTTP 503" in seen.sentence
    early = [Span(True, -99, -50), Span(False, -49.5, -20.0, why="HTTP 503"), up(-19.5, -0.1), *PLAIN[1:]]
    assert judged(early, 300).word == "met"  # it had come back in time


def test_never_back():
    spans = [BEFORE, down(0.3, 400.0)]
    seen = measure(spans, HOLE, end=400.0)
    assert (seen.state, seen.recovery, seen.outages[0].length) == ("not back", None, None)
    assert judged(spans, 300, end=400.0).word == "not met"
    early = judged(spans, 500, end=400.0)
    assert (early.word, "had not passed" in early.sentence) == ("not tested", True)
    paused = judged(spans, 300, pauses=[Pause(10.0, 160.0, "Is the power off?")], end=400.0)
    assert paused.word == "not tested"


def test_a_hole_in_the_middle_of_an_outage_is_told_and_changes_nothing():
    spans = [BEFORE, down(0.3, 40.0), down(60.0, 150.3), up(150.8)]
    seen = measure(spans, HOLE, end=600.0)
    assert seen.recovery == Bounds(150.3, 150.8)
    assert len(seen.outages) == 1
    said = judged(spans, 300)
    assert said.word == "met"
    assert said.sentence.endswith("From 40 s to 1 min 0 s nothing is known: nobody asked.")


def test_a_hole_at_the_return_widens_the_figure_and_an_objective_in_it_is_not_tested():
    spans = [BEFORE, down(0.3, 100.0), up(200.0)]
    assert measure(spans, HOLE, end=600.0).recovery == Bounds(100.0, 200.0)
    assert judged(spans, 250).word == "met"
    assert judged(spans, 150).word == "not tested"
    assert judged(spans, 90).word == "not met"


def test_a_hole_over_the_injection_hides_a_short_outage():
    spans = [Span(True, -60, -10, 0.5), up(30.0)]
    seen = measure(spans, HOLE, end=600.0)
    assert (seen.state, seen.longest) == ("steady", 40.0)
    assert judged(spans, 30).word == "not tested"
    assert judged(spans, 60).word == "met"


def test_the_reason_of_a_hole_is_what_the_questions_met():
    spans = [BEFORE, Span(None, 1.0, 20.0, 0.5, "the portal has no way out (ENETUNREACH)"), up(20.5)]
    (hole,) = measure(spans, HOLE, end=600.0).holes
    assert hole.why == "the portal has no way out (ENETUNREACH)"


def test_a_service_that_never_stopped():
    spans = [Span(True, -60, 600.0, 1.1)]
    said = judged(spans, 5, name="oradb01")
    assert said.word == "met"
    assert said.sentence == (
        "oradb01 never stopped answering; the longest time between two answers was 1.1 s, the objective is 5 s."
    )
    assert judged(spans, 1).word == "not tested"
    assert judged(spans, 300, must_fall=True).word == "not tested"


def test_the_longest_silence_is_seen_between_spans_too():
    seen = measure([Span(True, -60, 10.0, 0.5), up(13.0), Span(True, -90, -70, 4.0)], HOLE, end=602.0)
    assert (seen.state, seen.longest) == ("steady", 3.0)


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ([], "Nobody asked."),
        ([Span(None, -5, 100, why="its certificate does not verify")], "told nothing: its certificate does not verify"),
        ([down(3.0, 100.0), up(100.5)], "Nobody asked before the injection."),
        ([BEFORE], "Nobody asked after the injection."),
    ],
)
def test_not_measured_says_why_and_is_never_met(spans, why):
    said = judged(spans, 10_000)
    assert said.word == "not tested"
    assert why in said.sentence
    assert said.sentence.startswith("The recovery of the engine was not measured.")


def test_a_prober_that_dies_right_after_the_return_has_proven_nothing():
    assert judged([BEFORE, down(0.3, 150.3), up(150.8, 153.0)], 300).word == "not tested"
    late = judged([BEFORE, down(0.3, 150.3), up(150.8, 200.0)], 300)
    assert late.word == "met"
    assert "From 3 min 20 s to 10 min 0 s nothing is known: nobody asked." in late.sentence


def test_what_waited_for_people_is_shown_and_not_charged():
    pauses = [Pause(10.0, 70.0, "Is the power off?"), Pause(40.0, 80.0, "Is it on?"), Pause(-50.0, -5.0, "Go?")]
    seen = measure(PLAIN, HOLE, pauses, 600.0)
    assert seen.paused == 70.0
    assert seen.charged == Bounds(pytest.approx(80.3), pytest.approx(80.8))
    said = judged(PLAIN, 100, pauses=pauses)
    assert said.word == "met"
    assert "of which 1 min 10 s waited for people and 1 min 20.6 s (± 0.3 s) are charged" in said.sentence


def test_spans_of_another_boot_are_shown_and_prove_nothing():
    spans = [BEFORE, down(0.3, 40.0), down(90.0, 150.3, exact=False), up(150.8, exact=False)]
    said = judged(spans, 300)
    assert said.word == "not tested"
    assert "wall clock" in said.sentence
    steady = [Span(True, -60, 600.0, exact=False)]
    assert judged(steady, 300).word == "not tested"
    assert judged([BEFORE, down(0.3, 400.0, exact=False)], 300, end=400.0).word == "not tested"


def test_two_probers_that_overlap_are_not_two_outages():
    spans = [BEFORE, Span(True, -3.0, 0.1), down(0.3, 20.2), down(19.0, 150.3), up(150.8), up(152.0, 610.0)]
    seen = measure(spans, HOLE, end=610.0)
    assert len(seen.outages) == 1
    assert seen.recovery == Bounds(150.3, 150.8)
    crossed = outages([Span(True, 0, 12.0), down(11.5, 14.0), up(13.8, 20.0)])
    assert all(one.length.low >= 0 and one.length.high >= one.length.low - 1e-9 for one in crossed)


def test_a_true_outage_is_always_within_the_bounds():
    """Random outages seen by questions at a random rhythm: the truth is never outside what is said."""
    luck = random.Random(4)
    for _ in range(300):
        every, began, lasted = luck.uniform(0.1, 2), luck.uniform(0, 3), luck.uniform(0.1, 60)
        phase = luck.uniform(0, every)
        moments = [-5 + phase + n * every for n in range(int(100 / every))]
        spans = []
        for is_up, group in itertools.groupby(moments, key=lambda at: not began <= at < began + lasted):
            found = list(group)
            spans.append(Span(is_up, found[0], found[-1], every, "HTTP 503"))
        seen = measure(spans, 3 + 3 * every)
        if seen.state == "steady":
            assert lasted <= seen.longest + 1e-9
            continue
        (one,) = seen.outages
        assert one.length.low - 1e-9 <= lasted <= one.length.high + 1e-9
        assert abs(one.length.seconds - lasted) <= every + 1e-9
        assert abs(seen.recovery.seconds - (began + lasted)) <= every / 2 + 1e-9


def test_the_loss_of_data_is_the_age_of_the_last_proven_backup():
    assert loss(86400, 3600.0, "20261122T180003").word == "met"
    assert loss(1800, 3600.0, "20261122T180003").sentence == (
        "The last proven backup, 20261122T180003, was 1 h 0 min 0 s old at the injection; the objective is 30 min 0 s."
    )
    assert loss(1800, 3600.0, "x").word == "not met"
    assert loss(86400, None).word == "not tested"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.04, "0 s"), (51.24, "51.2 s"), (59.96, "1 min 0 s"), (3840, "1 h 4 min 0 s"), (-5.5, "-5.5 s")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_a_figure_never_claims_to_be_exact():
    assert figure(Bounds(10.0, 10.0)) == "10 s (± 0.1 s)"
