"""One drill as a period report has it."""

from __future__ import annotations

from dataclasses import replace

from failover.reports.build import build
from failover.reports.given import Step
from failover.reports.period.drilled import told
from tests.failover.report_rows import MET, RTO, at, drill, run, service, whole

RPO = {"key": "rpo", "title": "management data", "kind": "rpo", "seconds": 86_400}
BACKUP = {"name": "20261122T120000", "age": 18_000.5}


def of(given, kind="she_failover"):
    return told(build(given), 14, kind, given.drill.measured or {})


def test_a_drill_is_told_with_its_figures():
    one = of(whole())
    assert (one.ident, one.pk, one.kind, one.plan) == ("DR-2026-014", 14, "she_failover", "she_failover")
    (rto,) = one.objectives
    assert (rto.limit, rto.measured, rto.error, rto.word) == (300_000, 153_500, 500, "met")
    assert (one.proven, one.verdict.state, one.untouched) == (True, "ok", None)
    assert one.hosts == ("kvm01", "kvm02")
    assert "People" in one.lacking
    assert one.ended == at(700)


def test_an_age_is_measured_in_milliseconds_and_has_no_error():
    fields = {"objectives": [RTO, RPO], "verdicts": [MET], "measured": {"services": [], "backup": BACKUP}}
    _, rpo = of(whole(drill=drill(**fields))).objectives
    assert (rpo.limit, rpo.measured, rpo.error, rpo.word) == (86_400_000, 18_000_500, None, "not tested")


def test_what_was_not_measured_has_no_figure():
    away = {"services": [service("not back")]}
    for measured in (None, {}, away):
        (rto,) = of(whole(drill=drill(objectives=[{**RTO, "seconds": None}], measured=measured))).objectives
        assert (rto.limit, rto.measured, rto.error) == (None, None, None)


def test_steps_that_were_ignored_and_what_differs_are_counted():
    steps = (
        Step(1, "a", "A", "done"),
        Step(2, "b", "B", "ignored", ignored_by="op", ignored_at=at(5), ignored_why="x"),
    )
    one = of(replace(whole(), steps=steps, changes=()))
    assert (one.steps, one.ignored, one.proven) == (2, 1, False)
    assert len(one.deviations) == 1
    assert of(replace(whole(), run=run(status="failed"))).verdict.state == "fail"
