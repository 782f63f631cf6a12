"""What came out of a drill, what is missing, what went another way: from plain rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.reports import given
from failover.reports.build import build, heading, lead
from failover.reports.parts import clauses, parts
from failover.reports.timeline import plot
from tests.failover.report_rows import RTO, T0, at, drill, row, run, section, service, shown, whole

# --- verdicts


def test_the_heading_says_what_came_out():
    assert heading(build(whole())) == "Engine failover: objective met, no deviation"


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        (("met", "met"), "ok", "objectives met"),
        (("met", "not met"), "fail", "1 of 2 objectives not met"),
        (("not tested", "not met"), "fail", "1 of 2 objectives not met"),
        (("met", "not tested"), "unknown", "1 of 2 objectives not tested"),
        (("met", "gibberish"), "unknown", "1 of 2 objectives not tested"),
        (("not tested",), "unknown", "objective not tested"),
        ((), "unknown", "no objective was fixed"),
    ],
)
def test_met_needs_every_objective(words, state, said):
    objectives = [{**RTO, "key": str(index)} for index, _ in enumerate(words)]
    verdicts = [{"key": str(index), "word": word, "sentence": "."} for index, word in enumerate(words)]
    told = build(given.Given(drill(objectives=objectives, verdicts=verdicts), run())).verdict
    assert (told.state, told.words) == (state, said)


@pytest.mark.parametrize("status", ["aborted", "failed", "rolled_back", "errored", "needs_attention"])
def test_a_run_that_did_not_succeed_is_never_met(status):
    told = build(whole(run=run(status=status))).verdict
    assert told.state != "ok"
    assert "met" not in told.words


def test_an_objective_without_a_verdict_is_not_tested():
    made = build(given.Given(drill(objectives=[RTO, {"key": "x", "kind": "rpo"}]), run()))
    assert [one.word for one in made.objectives] == ["not tested", "not tested"]
    cells = row(section(made, "Objectives"), "RTO")
    assert [cell.text for cell in cells[2:]] == ["not measured", "not recorded", "not tested"]
    assert cells[4].state == "unknown"
    assert "Not tested: engine serves again, x." in lead(made)


def test_figures_stand_with_their_error():
    cells = row(section(build(whole()), "Objectives"), "RTO")
    assert [cell.text for cell in cells] == [
        "RTO, engine serves again", "5 min 0 s", "2 min 33.5 s ± 0.5 s", "web page, every 1 s", "met",
    ]  # fmt: skip


def test_a_service_that_never_fell_and_the_age_of_a_backup_are_figures():
    objectives = [RTO, {"key": "rpo", "title": "management", "kind": "rpo", "seconds": 86400}]
    measured = {"services": [service("steady", longest=0.6)], "backup": {"name": "b", "age": 3600.0}}
    made = build(whole(drill=drill(objectives=objectives, measured=measured, clock_began=T0)))
    assert [one.measured for one in made.objectives] == ["never away", "1 h 0 min 0 s"]


# --- what is not there is said


def test_a_bare_drill_says_of_every_part_what_it_lacks():
    made = build(given.Given(drill(), run(started=None, ended=None)))
    for one in shown(made).sections:
        assert one.rows or one.facts or one.blocks or one.none, one.title
        assert not [cell for line in one.rows for cell in line if not cell.text.strip() and one.name != "signs"]
        assert not [label for label, cell in one.facts if not cell.text.strip()]
    words = {one.number: one.word for one in parts(made)}
    assert len(words) == 20
    assert {number for number, word in words.items() if word == "not recorded"} == {6, 7, 9, 10, 12, 14, 15, 18}
    assert words[13] == words[20] == "partly recorded"


def test_each_part_names_what_is_missing():
    missing = {one.number: one.missing for one in parts(build(whole()))}
    assert missing[2] == ()
    assert missing[6] == ("RPO", "MTPD")
    assert missing[8] == ("change number", "window", "approval")
    assert missing[12] == ()
    assert "transaction marker" in missing[13]
    assert missing[18] == ()


def test_an_rpo_without_a_backup_leaves_part_12_open():
    made = build(
        whole(drill=drill(objectives=[{"key": "rpo", "kind": "rpo", "seconds": 5}], measured={"services": [service()]}))
    )
    assert {one.number: one.missing for one in parts(made)}[12] == ("age of a proven backup",)


def test_one_missing_field_marks_the_clauses_that_need_it():
    full = {one.clause.source: one.missing for one in clauses(parts(build(whole())))}
    issue = given.Given(**{**vars(whole()), "drill": replace(whole().drill, issues=[{"title": "x", "owner": "a"}])})
    lacking = {one.clause.source: one.missing for one in clauses(parts(build(issue)))}
    assert 16 not in full["FFIEC BCM VII.K"]
    assert 16 in lacking["FFIEC BCM VII.K"]
    assert 16 in lacking["ISO 22301 8.5"]
    assert lacking["FFIEC BCM VII.E"] == full["FFIEC BCM VII.E"]
    cells = row(section(build(issue), "Clauses"), "FFIEC BCM VII.K")
    assert cells[3].text.startswith("lacking in")


def test_a_clause_whose_parts_are_whole_is_shown():
    objectives = [{**RTO, "kind": kind, "key": kind} for kind in ("rto", "rpo", "mtpd")]
    people = [{"name": "a", "role": "Operator", "present": True}]
    measured = {"services": [service()], "backup": {"name": "b", "age": 1.0}}
    made = build(whole(drill=drill(objectives=objectives, people=people, measured=measured, clock_began=T0)))
    assert row(section(made, "Clauses"), "FFIEC BCM VII.E")[3].text == "all parts recorded"


# --- deviations


def test_deviations_in_the_order_of_time():
    steps = [
        given.Step(1, "a", "Look", "done", began=at(0), ended=at(1)),
        given.Step(2, "b", "Act", "failed", began=at(1), ended=at(9), sentence="kvm01 does not answer."),
        given.Step(3, "c", "Skip", "skipped", ended=at(10)),
        given.Step(4, "d", "Undone", "undone", began=at(2), ended=at(12)),
        given.Step(5, "e", "Kept", "undo_failed", began=at(2), ended=at(13)),
        given.Step(6, "f", "Hangs", "running", began=at(14)),
        given.Step(7, "g", "Rest", "waiting"),
    ]
    acts = [
        given.Act(1, at(3), "run.held", "operator2", {"sentence": "Held by operator2."}),
        given.Act(2, at(4), "run.abort_asked", "operator2", {"sentence": "It is aborted.", "reason": "no window"}),
        given.Act(3, at(5), "run.recovered", "portal", {}),
        given.Act(4, at(6), "drill.begun", "operator1", {}),
        given.Act(5, at(7), "run.retried", "operator1", {}),
    ]
    prompts = [
        given.Prompt("p", "Is it dark?", at(20), "not_done", "operator1", at(30), "No."),
        given.Prompt("p", "Who knows?", at(21)),
    ]
    glasses = [
        given.Glass("late", "operator1", at(-9), "approver1", at(-8), at(99)),
        given.Glass("x", "operator1", at(-7)),
    ]
    changes = [given.Change("VM a was up, and is down.", False), given.Change("VM b moved.", True)]
    outside = drill(window_begins=at(-1), window_ends=at(600))
    told = build(given.Given(outside, run(), steps, (), (), glasses, prompts, (), acts, changes)).deviations
    assert [one.what for one in told] == [
        "It began before its window.",
        "Glass was broken: the calendar's gates were lifted. Reason: late",
        "Held by operator2.",
        "It is aborted. Reason: no window",
        "Another worker took the run over: the one before had gone.",
        "run.retried",
        "Step 2 (Act) failed. kvm01 does not answer.",
        "Step 3 (Skip) was skipped.",
        "Step 4 (Undone) was undone.",
        "Step 5 (Kept) could not be undone.",
        "Step 6 (Hangs) has no end.",
        "Never answered: Who knows?",
        "Not done as asked: Is it dark? Seen: No.",
        "Step 7 did not run.",
        "It ended after its window.",
        "VM a was up, and is down.",
    ]
    assert told[1].who == "operator1, approver1"


@pytest.mark.parametrize(
    ("idle", "said"), [((2, 3, 4), "Steps 2 to 4 did not run."), ((2, 4), "Steps 2, 4 did not run.")]
)
def test_steps_that_never_ran_are_one_deviation(idle, said):
    steps = [given.Step(n, "s", "S", "waiting" if n in idle else "done", began=at(n), ended=at(n)) for n in range(1, 5)]
    assert [one.what for one in build(whole(steps=steps)).deviations] == [said]


def test_a_service_that_nobody_asked_was_not_shown_to_have_been_there():
    measured = {"services": [service("not measured", why="Nobody asked.")]}
    made = build(whole(drill=drill(objectives=[RTO], measured=measured, clock_began=T0), spans=()))
    assert section(made, "Times away").none == "Not tested: The engine."
    assert {one.number: (one.word, one.missing) for one in parts(made)}[12] == (
        "not recorded",
        ("measurement of The engine",),
    )
    bars = plot(made).bars
    assert [(bar.kind, bar.title) for bar in bars] == [("unknown", "not known. Nobody asked.")]


def test_a_run_that_was_approved_as_a_run_says_by_whom():
    told = section(build(whole(run=run(approved_by="bert", approved_at=at(-60)))), "Authority")
    assert dict(told.facts)["Run approved"].text == "bert, 22 Nov 2026 22:13:03 EAT"
