"""The sections of a report: people, approvals, steps, output, proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.reports import given
from failover.reports.build import build, latest, lead
from failover.reports.page_annexes import MOST, shortened
from failover.reports.parts import parts
from tests.failover.report_rows import T0, at, drill, row, run, section, service, whole

# --- people, signatures, approvals


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


# --- steps, output, proofs


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
    assert [cell.text for cell in told.rows[0]] == [
        "Mail went astray",
        "operator1",
        "2026-11-09",
        "not recorded",
        "not recorded",
    ]
    assert {one.number: one.missing for one in parts(made)}[17] == ("retest of 'Mail went astray'",)


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
    (noted,) = section(made, "Issues").rows
    assert [cell.text for cell in noted] == ["x", "high", "a", "not recorded", "not recorded", "not recorded"]
    assert (noted[0].more, noted[4].more) == ("CHG1", "risk accepted by head, as it was noted")
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


def test_what_was_ignored_is_a_deviation_and_no_verdict_stays_whole():
    steps = [
        given.Step(1, "a", "Watch", "ignored", sentence="It is slow.", ignored_by="berta", ignored_at=at(9),
                   ignored_why="It always is."),
        given.Step(2, "b", "Ask", "held", ended=at(10), sentence="Nobody."),
    ]  # fmt: skip
    made = build(whole(steps=steps))
    assert (made.verdict.state, made.verdict.words) == ("warn", "objective met, 1 failed step ignored")
    assert [(one.what, one.who) for one in made.deviations] == [
        ("Step 1 (Watch) was ignored: It always is. It had failed: It is slow.", "berta"),
        ("Step 2 (Ask) failed, and nobody decided on it. Nobody.", ""),
    ]
    timeline = section(made, "Timeline")
    assert [cells[-1].text for cells in timeline.rows][:2] == ["failed, ignored", "failed, not decided"]
    back = build(whole(steps=[replace(steps[0], name="wait_scores_back")]))
    assert [(one.state, one.sentence) for one in back.normal] == [("fail", "It is slow.")]
    failed = build(whole(run=run(status="failed"), steps=steps))
    assert (failed.verdict.state, failed.verdict.words) == ("fail", "a step failed, 1 failed step ignored")


def test_files_are_listed_by_name_size_and_hash():
    file = given.File("led.png", "image/png", 12345, "ab" * 32)
    prompts = [
        given.Prompt("p", "Dark?", at(0), "done", "a", at(5), "Yes.", file=file),
        given.Prompt("p", "Off?", at(1), until=at(61)),
    ]
    made = build(whole(prompts=prompts))
    annex = section(made, "Files attached")
    assert annex.number == "Annex D"
    assert [cell.text for cell in annex.rows[0]] == ["led.png", "image/png", "12,345", "a", "Dark?"]
    assert annex.rows[0][0].more == "sha256 " + " ".join(["abab"] * 16)
    told = section(made, "Confirmed by people")
    assert told.rows[0][4].more == "attached: led.png, 12,345 bytes (Annex D)"
    assert told.rows[1][2].more == "waited for until 22:15:04"
    assert section(build(whole()), "Files attached").none == "No file was attached."


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("she_failover", "a plan of this estate's own, live: unplanned failover of the engine VM, by power-off"),
        ("gone", "a plan of this estate's own"),
    ],
)
def test_a_composed_plan_says_what_it_is_like(kind, words):
    made = build(whole(drill=replace(drill(), plan="custom-x", kind=kind)))
    assert made.frame.kind == words
