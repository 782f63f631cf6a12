"""The plot of a report, and its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.reports import given
from failover.reports.build import build, ident, latest
from failover.reports.page import page
from failover.reports.timeline import LEFT, RIGHT, WIDTH, plot
from failover.reports.words import Times, counted, face, grouped, listed, moment
from tests.failover.report_rows import SEAL, T0, at, bounds, drill, run, section, service, shown, whole

# --- plot


def test_the_bar_of_an_outage_is_where_the_seconds_are():
    made = plot(build(whole()))
    down = next(bar for bar in made.bars if bar.kind == "down")
    scale = (WIDTH - LEFT - RIGHT) / 330  # the objective of 300 s and a tenth
    assert down.x == pytest.approx(LEFT + 1 * scale, abs=0.02)
    assert down.width == pytest.approx(152 * scale, abs=0.02)
    assert next(rule for rule in made.rules if rule.dashed).x == pytest.approx(LEFT + 300 * scale, abs=0.02)
    assert [tick.text for tick in made.ticks] == ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]
    assert made.foot == made.bottom + 3


def test_there_is_no_plot_without_an_injection_or_a_service():
    assert plot(build(given.Given(drill(), run()))) is None
    assert plot(build(given.Given(drill(clock_began=T0), run()))) is None
    assert "no injection" in section(build(given.Given(drill(), run())), "Outages").none
    assert "No service was asked" in section(build(given.Given(drill(clock_began=T0), run())), "Outages").none


@pytest.mark.parametrize("objective", [None, 1.0, 150.0, 158.0, 300.0, 100000.0])
@pytest.mark.parametrize("back", [0.5, 154.0, 290.0, 90000.0])
def test_nothing_is_drawn_outside_and_no_words_overlap(objective, back):
    one = service(objective=objective, recovery=bounds(back - 0.4, back), title="A very long name of a service")
    spans = [given.Span("engine", None, 1, 2), given.Span("engine", True, 3, 1e6), given.Span("engine", True, -9, -5)]
    steps = [
        given.Step(1, "a", "Before", "done", began=at(-50), ended=at(-40)),
        given.Step(2, "b", "Act", "done", began=at(-1), ended=at(3), acts=("x",)),
        given.Step(3, "c", "Then", "done", began=at(3), ended=at(9)),
        given.Step(4, "d", "Late", "done", began=at(1e6), ended=at(1e6 + 1)),
        given.Step(5, "e", "Never", "waiting"),
    ]
    measured = {"services": [one, service("not back", key="b")]}
    made = plot(build(whole(drill=drill(measured=measured, clock_began=T0), spans=spans, steps=steps)))
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.01 for bar in made.bars)
    assert len([bar for bar in made.bars if bar.kind in ("act", "done")]) >= 1
    boxes = []
    for words in made.words:
        width = len(words.text) * 4.6
        left = words.x if words.anchor == "start" else words.x - width
        boxes.append((words.y, left, left + width, words.text))
        assert left > -1
        assert left + width <= WIDTH + 1, words
    for index, (y, left, right, text) in enumerate(boxes):
        for other_y, other_left, other_right, other in boxes[index + 1 :]:
            if abs(y - other_y) < 7:
                assert right <= other_left or other_right <= left, (text, other)


def test_a_service_that_never_fell_has_a_bar_and_no_words_of_its_own():
    measured = {"services": [service("steady", objective=None)]}
    made = plot(
        build(whole(drill=drill(measured=measured, clock_began=T0), spans=[given.Span("engine", True, -5, 25)]))
    )
    assert [bar.kind for bar in made.bars] == ["up"]
    assert [words.text for words in made.words] == ["The engine", "Steps", "injection"]


# --- words


def test_times_are_in_the_reports_zone():
    times = Times("Africa/Nairobi")
    assert times.full(T0) == "22 Nov 2026 22:14:03 EAT"
    assert (times.short(T0), times.clock(T0), times.day(T0)) == ("22 Nov 22:14:03", "22:14:03", "22 Nov 2026")
    assert (times.zone(T0), times.offset(T0)) == ("EAT", "UTC+03:00")
    assert {times.full(None), times.short(None), times.clock(None), times.day(None)} == {"not recorded"}


def test_words():
    assert moment("2026-11-22T19:14:03+00:00") == T0
    assert moment("2026-11-22T19:14:03") is None
    assert moment("soon") is None
    assert (face(154.4), face(3723), face(-5)) == ("02:34", "1:02:03", "00:00")
    assert (grouped("abcdef", 0), grouped("abcdef", 1), grouped("abcd", 3)) == ("abcd ef", "abcd …", "abcd")
    assert [counted(number, "deviation") for number in (0, 1, 2)] == ["no deviation", "1 deviation", "2 deviations"]
    assert (listed(["a", "b", "c"]), listed(["a"]), listed([])) == ("a, b and c", "a", "")
    assert ident(14, T0) == "DR-2026-014"
    assert latest(build(given.Given(drill(), run(ended=None)))) is None


def test_the_page_tells_how_to_verify():
    told = shown(build(whole()))
    assert told.corner == "DR-2026-014, version 2, no change number"
    assert told.foot == "Chain head 7d20 7d20 7d20 … 7d20, record 41,872"
    assert told.created == "2026-11-22T19:31:07Z"
    assert "holdfast manage evidence_export drill.json --subject drill:14" in told.commands
    annex = next(one for one in told.sections if one.number == "Annex E")
    assert dict(annex.facts)["Chain's head then"].text == "7d20 " * 15 + "7d20"
    bare = page(build(whole()), replace(SEAL, key=""))
    assert "not signed" in bare.verify
    assert dict(bare.sections[-1].facts)["Key"].text == "none: not signed"


def test_a_run_that_broke_without_a_step_is_a_deviation():
    told = build(whole(run=run(status="needs_attention"))).deviations
    assert [one.what for one in told] == ["The run ended as needs attention."]
