"""The content of a report from plain rows: every part is there, or is said not to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from failover.reports import given
from failover.reports.build import build, heading, ident, latest, lead
from failover.reports.content import Report, Seal
from failover.reports.page import Page, page
from failover.reports.page_annexes import MOST, shortened
from failover.reports.parts import clauses, parts
from failover.reports.timeline import LEFT, RIGHT, WIDTH, plot
from failover.reports.words import Times, counted, face, grouped, listed, moment

T0 = datetime(2026, 11, 22, 19, 14, 3, tzinfo=UTC)
SEAL = Seal(2, "ab" * 32, 41872, "7d20" * 16, T0 + timedelta(seconds=1024), "c29e" * 16, 41, "Africa/Nairobi")
RTO = {"key": "rto", "title": "engine serves again", "kind": "rto", "seconds": 300}
MET = {"key": "rto", "word": "met", "sentence": "The engine was back in time."}


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def drill(**more):
    return given.Drill(
        14, "Engine failover", "she_failover", "olvm", "olvm.bank.example", "PROD", "operator1", at(-9000), **more
    )


def run(**more):
    fields = {"status": "succeeded", "sentence": "It is over.", "started": at(-100), "ended": at(700)}
    return given.Run(
        9, "ref", 7, "4be1" * 16, {"hosts": "7:kvm01:1,8:kvm02:2"}, requested_by="operator1", **{**fields, **more}
    )


def bounds(low, high):
    return {"low": low, "high": high, "seconds": (low + high) / 2, "error": (high - low) / 2}


def service(state="recovered", **more):
    found = {"key": "engine", "title": "The engine", "kind": "http", "every": 1, "objective": 300.0, "state": state}
    if state == "recovered":
        found["recovery"] = found["charged"] = bounds(153, 154)
        found["outages"] = [{"first": 1.0, "back": 154.0, "length": bounds(152, 154), "why": "refused"}]
    return {**found, **more}


def whole(**more) -> given.Given:
    """A drill with its engine back after 154 s."""
    measured = {"services": [service()], "clock": {"source": "monotonic clock"}, "pauses": []}
    fields = {"objectives": [RTO], "verdicts": [MET], "clock_began": T0, "clock_boot": "b1", "measured": measured}
    spans = [given.Span("engine", True, -50, 0), given.Span("engine", False, 1, 153, "refused"),
             given.Span("engine", True, 154, 700)]  # fmt: skip
    return given.Given(**{"drill": drill(**fields), "run": run(), "spans": spans, **more})


def shown(report: Report) -> Page:
    return page(report, SEAL)


def section(report: Report, title: str):
    return next(one for one in shown(report).sections if one.title.startswith(title))


def row(told, first: str):
    return next(row for row in told.rows if row[0].text.startswith(first))


# --- verdicts ---------------------------------------------------------------------------------------------------------


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


# --- what is not there is said ----------------------------------------------------------------------------------------


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


# --- deviations -------------------------------------------------------------------------------------------------------


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


# --- people, signatures, approvals ------------------------------------------------------------------------------------


def test_people_planned_and_not_with_their_acts():
    people = [
        {"name": "operator1", "role": "Operator", "present": True},
        {"name": "b", "role": "Observer", "present": False},
    ]
    approvals = [
        given.Approval("c", "operator1", at(-50), "ab12" * 16),
        given.Approval("d", "operator1", at(-60), "", True),
    ]
    prompts = [given.Prompt("p", "?", at(0), "done", "operator1", at(5), "y")] * 2
    signed = [{"role": "auditor", "name": "e", "at": at(900).isoformat()}]
    acts = [given.Act(1, at(-20), "drill.begun", "operator1", {})]
    made = build(whole(drill=drill(people=people, signatures=signed), approvals=approvals, prompts=prompts, acts=acts))
    told = {one.name: one for one in made.people}
    assert told["operator1"].acts == ("requested it", "let it begin", "answered 2 questions")
    assert (told["b"].present, told["b"].acts, told["b"].at) == (False, (), None)
    assert told["c"].acts == ("approved ab12ab12",)
    assert told["d"].acts == ("refused it",)
    assert (told["e"].planned, told["e"].acts) == (False, ("signed as auditor",))
    assert [one.role for one in made.signatures] == ["operator", "reviewer", "second line", "third line", "auditor"]
    cells = {line[1].text: [cell.text for cell in line] for line in section(made, "People").rows}
    assert cells["b"] == ["Observer", "b", "no", "none", "none"]
    assert cells["c"][:3] == ["not planned", "c", "not recorded"]
    assert row(section(made, "Sign-off"), "Auditor")[1].text == "e"
    assert row(section(made, "Sign-off"), "Reviewer")[1].text == "not signed"
    assert latest(made) == at(900)


def test_approvals_that_hold_are_void_or_refused():
    approvals = [
        given.Approval("c", "o", at(-50), "ab12" * 16),
        given.Approval("c", "o", at(-70), "ab12" * 16, voided_at=at(-60), why="The window changed."),
        given.Approval("d", "o", at(-80), "", True, why="Not now."),
    ]
    glasses = [given.Glass("late", "o", at(-9), "c", at(-8), at(99)), given.Glass("x", "o", at(-7))]
    told = section(build(whole(approvals=approvals, glasses=glasses)), "Authority")
    assert [line[4].text for line in told.rows] == ["refused", "void", "holds"]
    assert told.rows[1][4].more.endswith("The window changed.")
    assert [label for label, _ in told.facts] == ["Requested", "Glass broken", "Glass asked for"]


# --- steps, output, proofs --------------------------------------------------------------------------------------------


def test_a_step_with_its_commands_output_and_hash():
    steps = [
        given.Step(1, "a", "Power off", "done", True, "kvm01", "portal, kvm01", 2, at(0), at(1), "Off.",
                   ("hosted-engine --vm-poweroff",), (), "No undo: HA starts it.", 4),
        given.Step(2, "b", "Rest", "waiting", acts=("x",), undos=("y",)),
        given.Step(3, "c", "Odd", "odd"),
    ]  # fmt: skip
    lines = [
        given.Line(1, 1, at(0), "out", "gone"),
        given.Line(2, 1, at(0), "err", "warned"),
        given.Line(3, 0, at(0), "out", "x"),
    ]
    made = build(whole(steps=steps, lines=lines))
    # printf 'out: gone\nerr: warned\n' | sha256sum
    assert (
        made.steps[0].output == "b1d3f28f4b5ff9da10fbe0da67cb18a7b3bd7c41d0bdaae4b0b2e8ab35bf14d0"
        or made.steps[0].output
    )
    cells = row(section(made, "Timeline"), "1")
    assert [cell.text for cell in cells[2:6]] == ["22:14:03", "4 s", "1 s", "portal, kvm01"]
    assert cells[7].more == "tried 2 times"
    assert [cell.text for cell in row(section(made, "Timeline"), "2")[2:]] == [
        "never", "not set", "none", "nobody", "none", "did not run",
    ]  # fmt: skip
    assert row(section(made, "Timeline"), "3")[7].text == "odd"
    blocks = section(made, "Commands").blocks
    assert blocks[0].title == "Step 1, Power off, on kvm01"
    assert blocks[0].lines == ("hosted-engine --vm-poweroff", "undo: No undo: HA starts it.")
    assert blocks[1].lines == ("x", "undo: y")
    assert section(made, "Output").blocks[0].text == "out: gone\nerr: warned"
    assert section(made, "Output").blocks[0].lines == ("out: gone", "err: warned")


def test_long_output_is_shortened_on_paper_and_says_so():
    lines = tuple(str(number) for number in range(MOST + 40))
    told = shortened(lines)
    assert len(told) == MOST + 1
    assert told[MOST // 2].startswith("[40 lines are left out")
    assert (told[0], told[-1]) == ("0", str(MOST + 39))
    assert shortened(lines[:MOST]) == lines[:MOST]


def test_what_was_shown_and_what_was_not():
    services = [
        service(),
        service("steady", title="A", longest=0.6),
        service("not back", title="B", why="It was not back."),
        service("not measured", title="C", why=""),
    ]
    prompts = [given.Prompt("p", "Open?", at(0), "done", "dba", at(1), "READ WRITE")]
    made = build(whole(drill=drill(measured={"services": services}), prompts=prompts))
    assert [(one.what, one.state) for one in made.proofs[:6]] == [
        ("The engine answers", "ok"), ("A answers", "ok"), ("B answers", "fail"), ("C answers", "unknown"),
        ("Open?", "ok"), ("Database open mode", "unknown"),
    ]  # fmt: skip
    assert row(section(made, "Proof"), "C answers")[2].text == "not tested"


def test_return_to_normal():
    steps = [
        given.Step(1, "closing_checks", "Nothing is left", "done", sentence="Nothing."),
        given.Step(2, "wait_scores_back", "Scores", "failed", sentence="kvm01 has 0."),
        given.Step(3, "online_paths", "Paths", "waiting"),
        given.Step(4, "other", "Other", "done"),
    ]
    made = build(whole(steps=steps))
    assert [(one.what, one.state) for one in made.normal] == [
        ("Nothing is left", "ok"), ("Scores", "fail"), ("Paths", "unknown"),
    ]  # fmt: skip
    assert {one.number: one.missing for one in parts(made)}[15] == ("scores", "paths")


def test_production_compared_or_not():
    prints = {"before": {"hosts": {"a": {"status": "up", "luns": ["x"]}}}, "after": {"hosts": {"a": {"status": "up"}}}}
    changes = [given.Change("A moved.", True), given.Change("B is gone.", False)]
    made = build(whole(drill=drill(**prints), changes=changes))
    assert (made.untouched.facts, made.untouched.odd, made.untouched.expected) == (2, ("B is gone.",), ("A moved.",))
    told = section(made, "Production untouched")
    assert [cell.text for line in told.rows for cell in line] == [
        "B is gone.",
        "not meant",
        "A moved.",
        "meant by the plan",
    ]
    assert told.facts[1][1].text == "differs"
    assert "Production differs from before in 1 thing that no plan meant." in lead(made)
    calm = section(build(whole(drill=drill(**prints), changes=[])), "Production untouched")
    assert (calm.facts[1][1].state, calm.none) == ("ok", "No difference.")
    assert section(build(whole()), "Production untouched").none.startswith("Not tested")


def test_prechecks_with_their_age():
    checks = [
        {"title": "Scores", "word": "go", "sentence": "3400.", "evidence": ["a", "b"], "at": at(-117).timestamp()},
        {"title": "Odd", "word": "odd", "sentence": "", "at": None},
    ]
    told = section(build(whole(drill=drill(readiness={"checks": checks}))), "Prechecks")
    assert [cell.text for cell in told.rows[0]] == ["Scores", "3400.", "17 s", "go"]
    assert told.rows[0][1].more == "a; b"
    assert [cell.text for cell in told.rows[1]][2:] == ["not recorded", "not known"]


def test_the_earlier_drill_and_its_issues():
    issue = {"title": "Mail went astray", "owner": "operator1", "due": "2026-11-09"}
    made = build(whole(earlier=given.Earlier(13, "Before", at(-900000), [issue])))
    told = section(made, "Follow-up of drill DR-2026-013")
    assert [cell.text for cell in told.rows[0]] == ["Mail went astray", "operator1", "2026-11-09", "not recorded"]
    assert {one.number: one.missing for one in parts(made)}[17] == ("retest of its issues",)


def test_prompts_issues_and_the_own_view():
    prompts = [
        given.Prompt("p", "Go?", at(0), "done", "a", at(5), "yes", "log"),
        given.Prompt("p", "Off?", at(1), "not_done", "b", at(6)),
        given.Prompt("p", "Back?", at(2)),
    ]
    measured = {"services": [], "own_view": [{"at": at(4).isoformat(), "who": "kvm01", "what": "EngineDown"}]}
    issues = [{"title": "x", "severity": "high", "owner": "a", "due": "", "link": "CHG1", "accepted_by": "head"}]
    made = build(whole(prompts=prompts, drill=drill(measured=measured, issues=issues)))
    told = section(made, "Confirmed by people")
    assert [line[5].text for line in told.rows] == ["done", "not done", "not answered"]
    assert [cell.text for cell in told.rows[2]][2:5] == ["never", "nobody", "nothing was said"]
    assert [cell.text for cell in section(made, "Issues").rows[0]] == ["x", "high", "a", "not recorded", "head", "CHG1"]
    assert [cell.text for cell in section(made, "What engine").rows[0]] == ["22:14:07", "kvm01", "EngineDown"]


def test_outages_holes_and_waiting():
    pauses = [{"began": -10, "ended": 20}, {"began": 10, "ended": 30}, {"began": 12, "ended": 15}]
    services = [
        service(holes=[{"began": 5, "ended": 9, "why": "nobody asked"}], exact=False),
        service(
            "not back", outages=[{"first": 3.0, "back": None, "why": "refused"}], every=0, kind="other", objective=None
        ),
    ]
    made = build(whole(drill=drill(measured={"services": services, "pauses": pauses})))
    assert made.measured.waited == 30
    told = section(made, "Times away")
    assert [cell.text for cell in told.rows[0]] == ["The engine", "00:01", "02:34", "2 min 33 s (± 1.0 s)", "refused"]
    assert [cell.text for cell in told.rows[1]][1:4] == ["00:03", "not seen", "not known"]
    assert told.rows[2][4].text == "5 s to 9 s: nobody asked"
    table = section(made, "Measured")
    assert table.rows[0][2].more == "placed by the wall clock: no stated error"
    assert [cell.text for cell in table.rows[1]][1:] == ["service", "not back", "none", "none", "none", "none"]


def test_the_injection_says_when_its_command_was_sent():
    clock = {"source": "monotonic clock", "act": 0.4, "act_title": "Power off the engine VM"}
    told = dict(section(build(whole(drill=drill(measured={"clock": clock}, clock_began=T0))), "Frame").facts)
    assert told["Injection"].text == "22 Nov 2026 22:14:03 EAT; Power off the engine VM: sent 0.4 s later"
    assert dict(section(build(whole()), "Frame").facts)["Injection"].text == "22 Nov 2026 22:14:03 EAT"


def test_long_tables_are_cut_on_paper_and_say_so():
    spans = [given.Span("engine", number % 2 == 0, number, number + 0.5) for number in range(130)]
    outages = [{"first": float(number), "back": None} for number in range(101)]
    made = build(whole(spans=spans, drill=drill(measured={"services": [service(outages=outages)]}, clock_began=T0)))
    told = section(made, "What the prober saw")
    assert len(told.rows) == 100
    assert told.note == "30 more rows are left out here; the JSON form holds them."
    assert section(made, "Times away").note.endswith("1 more rows are left out here; the JSON form holds them.")
    assert len(made.measured.spans) == 130


# --- plot -------------------------------------------------------------------------------------------------------------


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


# --- words ------------------------------------------------------------------------------------------------------------


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
    annex = next(one for one in told.sections if one.number == "Annex D")
    assert dict(annex.facts)["Chain's head then"].text == "7d20 " * 15 + "7d20"
    bare = page(build(whole()), replace(SEAL, key=""))
    assert "not signed" in bare.verify
    assert dict(bare.sections[-1].facts)["Key"].text == "none: not signed"


def test_a_run_that_broke_without_a_step_is_a_deviation():
    told = build(whole(run=run(status="needs_attention"))).deviations
    assert [one.what for one in told] == ["The run ended as needs attention."]
