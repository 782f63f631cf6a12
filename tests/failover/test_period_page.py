"""The layout of a period report: sections, plots, tables, words; the same facts as CSV; the published schema."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest

from failover.reports.period import content, plots, schema
from failover.reports.period.facts import rows
from failover.reports.period.layout import MOST, Table, columns, text
from failover.reports.period.span import Kind, before, holding
from failover.reports.timeline import Words
from portal.evidence.canonical import plain
from portal.kernel import facts
from tests.failover.period_rows import (
    DAY,
    HOUR,
    MONTH,
    SCOPE,
    SEAL,
    T0,
    aim,
    drill,
    issue,
    proof,
    report,
    section,
    service,
    shown,
    slice_,
    turn,
    window,
    words,
)
from tests.failover.test_period_build import report as _report

TOP = Path(__file__).resolve().parents[2]
TITLES = [
    "Summary",
    "Comparison",
    "Drills",
    "Drills in detail",
    "Proofs due",
    "Planned drills not held",
    "Issues",
    "Backups proven",
    "Redundancy of LUNs",
    "Tuning",
    "Availability",
    "Maintenance",
    "Changes",
    "Waivers",
    "Clauses",
    "What is missing",
    "Evidence",
]


def test_every_section_is_there_in_its_order_even_when_nothing_happened():
    bare = slice_(
        drills=(), backups=(), rehearsals=(), luns_began=(), tuning_began=(), services=None, windows=(), changes=()
    )
    empty = report(bare, proofs=(), issues=(), before=None, distribution=())
    for one in (report(), empty):
        assert [each.title for each in shown(one).sections] == TITLES
    told = shown(empty)
    assert words(told, "Drills").strip() == "No drill ended in this period."
    assert "Nothing is known, so nothing is drawn." in words(told, "Redundancy of LUNs")
    assert "No LUN was looked at in this period." in words(told, "Redundancy of LUNs"), "said in its place"
    assert "Availability is not measured in this period." in words(told, "Availability")
    assert "Not measured in this period." in words(told, "Availability")
    assert "nobody is named" in words(told, "Evidence")
    for title in TITLES:
        assert words(told, title).strip(), f"{title} says nothing"


def test_the_head_says_what_when_and_how_it_went():
    told = shown(report(slice_(drills=(drill(state="fail"),))))
    assert told.heading == "Monthly, November 2026"
    assert (told.under, told.state) == ("1 drill failed", "fail")
    assert told.corner == "RP-001-20261101, version 2"
    assert told.made == "Made 1 Dec 2026 06:00:00 EAT"
    assert told.foot == "Chain head 7d20 7d20 7d20 … 7d20, record 41,872"
    assert told.commands[0] == "python3 holdfast_verify.py RP-001-20261101-v2.json holdfast.pub"
    assert "Key c29e" in told.verify
    assert "not signed" in shown(report(), key="").verify
    assert "none: not signed" in words(shown(report(), key=""), "Evidence")
    assert words(shown(report()), "Evidence").startswith("100 to 900: 801")
    assert shown(report(), language="de").made == "Made 01.12.2026 06:00:00 EAT"


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (SCOPE, "the whole estate"),
        (replace(SCOPE, kind="site", name="PROD"), "site PROD"),
        (replace(SCOPE, kind="engine", name="olvm"), "engine olvm"),
    ],
)
def test_the_scope_in_words(scope, told):
    facts = dict(shown(report(scope=scope)).cover)
    assert facts["Scope"].text == told
    assert facts["For"].text == "role auditor"
    assert facts["Signed"].text.startswith("Ed25519 key c29e")


def row(of, title, first, table=0):
    return next(one for one in section(of, title).tables[table].rows if one[0].text.strip().startswith(first))


def test_figures_stand_beside_those_of_the_period_before_and_worse_ones_are_marked():
    worse = slice_(drills=(drill(objectives=(aim(measured=200_000),)),), not_held=(content.NotHeld(T0, "Nobody."),))
    told = shown(report(worse))
    assert [cell.text for cell in row(told, "Comparison", "Longest recovery")][1:] == [
        "3\xa0min\xa020\xa0s",
        "2\xa0min\xa031.2\xa0s",
        "+48.8\xa0s",
    ]
    assert row(told, "Comparison", "Longest recovery")[3].state == "warn"
    assert row(told, "Comparison", "Planned drills")[3].text == "+1"
    assert row(told, "Comparison", "Backups taken")[3].text == "the same"
    alone = shown(report(before=None))
    assert row(alone, "Comparison", "Backups taken")[2].text == "no data"
    assert row(alone, "Comparison", "Backups taken")[3].text == ""
    blind = shown(report(slice_(services=None)))
    assert row(blind, "Comparison", "Least availability")[1].text == "not measured in this period"
    better = shown(report(slice_(drills=(drill(objectives=(aim(measured=100_000),)),))))
    assert (
        row(better, "Comparison", "Longest recovery")[3].text[0],
        row(better, "Comparison", "Longest recovery")[3].state,
    ) == ("−", "")


def test_a_drill_is_told_with_its_objectives_and_what_is_not_whole():
    odd = drill(
        5,
        state="warn",
        objectives=(aim("not tested", None, limit=None, error=None, sentence="Nobody asked."), aim()),
        deviations=("Step 4 was retried.",),
        untouched=False,
        change="",
        approved_by="",
        scenario="",
        people=(),
        roles=(),
        began=None,
        ended=None,
        announced=False,
        lacking=("People",),
        hosts=(),
    )
    told = shown(report(slice_(drills=(drill(), odd, drill(7, untouched=None, objectives=())))))
    said = words(told, "Drills in detail")
    for part in (
        "no change number; asked for by op, approved by nobody",
        "not announced",
        "differs from before",
        "nobody has signed",
        "begin not recorded to end not recorded",
        "Step 4 was retried.",
        "no figure",
        "Nobody asked.",
        "not compared",
        "No objective was fixed.",
        "site PROD, olvm: kvm01 and kvm02",
        "nothing is missing",
        "2\xa0min\xa031.2\xa0s ± 0.5\xa0s",
    ):
        assert part in said, part
    assert row(told, "Drills", "DR-2026-005")[3].text == "1 of 2"
    pairs = section(told, "Drills in detail").items[0].pairs
    assert [label for label, _ in pairs[0]] == ["Plan", "Scenario"]
    assert [one for pair in pairs for one in pair] == list(section(told, "Drills in detail").items[0].facts)
    assert row(told, "Drills", "DR-2026-005")[5].more == "1 deviation"
    (plot,) = section(told, "Drills").plots
    assert [bar.kind for bar in plot.bars] == ["ok", "ok"]


def test_bars_stand_against_one_line_and_long_ones_are_cut():
    (made,) = plots.against(
        "x", [plots.Against("n" * 60, 900, 300, "long", "fail"), plots.Against("s", 150, 300, "s", "ok")], ()
    )
    long, short = made.bars
    line = max(one.x for one in made.rules)
    assert short.x + short.width < line < long.x + long.width <= made.width
    assert long.width == pytest.approx(4 * short.width, abs=0.1)
    assert made.words[0].text.endswith("…")
    many = plots.against("x", [plots.Against("n", 1, 3, "w", "ok")] * 90, ())
    assert [len(each.bars) for each in many] == [30, 30, 30], "on several pages, and none is left out"


def test_proofs_and_issues_in_words():
    proofs = (
        proof("failover", None, 95, None, True),
        proof("she_switchover", MONTH.ends - 3 * DAY, 60, 3, False),
    )
    issues = (
        issue(1, late=1, retest="", retest_words=""),
        issue(2, state="closed", owner="", due="", drill="", severity="low"),
        issue(3, state="accepted", accepted_by="ap", accepted_until="2027-01-01", accepted_why="Small."),
        issue(4, state="accepted", accepted_by="ap", accepted_why="Small.", severity="critical"),
    )
    told = shown(report(slice_(not_held=(content.NotHeld(T0, "Nobody approved it."),)), proofs=proofs, issues=issues))
    assert row(told, "Proofs due", "failover")[2].text == "never"
    assert row(told, "Proofs due", "she_switchover")[2].text == "28 Nov 2026, 3 days before the end"
    assert row(told, "Issues", "IS-001")[5].text == "open, 1 day late"
    assert row(told, "Issues", "IS-001")[5].more == "no retest linked"
    assert [cell.text for cell in row(told, "Issues", "IS-002")][3:5] == ["nobody", "no date"]
    assert "by ap until 1 Jan 2027: Small." in row(told, "Issues", "IS-003")[5].more
    assert "until no date" in row(told, "Issues", "IS-004")[5].more
    assert "Nobody approved it." in words(told, "Planned drills not held")


def test_backups_with_their_ages_and_troubles():
    told = shown(report(slice_(rehearsals=())))
    (engine,) = section(told, "Backups proven").tables[0].rows
    assert (engine[6].text, engine[6].state, engine[6].more) == (
        "at some time none",
        "fail",
        "RPO 36 h; older for 30 days",
    )
    assert engine[7].text == "none"
    good = section(shown(report(promises=())), "Backups proven").tables[0].rows[0]
    assert (good[6].text, good[6].more, good[7].text, good[7].more) == (
        "25 h",
        "no RPO is set",
        "3 min",
        "longest 3 min",
    )
    assert section(shown(report(slice_(backups=()))), "Backups proven").plots == ()


def test_columns_are_shares_and_holes_are_hatched():
    rows_ = (turn(at=T0 + DAY), turn(at=T0 + 2 * DAY, outcome="warn"), turn(at=T0 + 3 * DAY, outcome="fail"))
    told = shown(report(slice_(luns_began=(), luns=rows_)))
    (plot,) = section(told, "Redundancy of LUNs").plots
    assert [bar.kind for bar in plot.bars][:4] == ["unknown", "ok", "warn", "fail"]
    assert {bar.height for bar in plot.bars} == {plots.TALL}
    assert words(told, "Redundancy of LUNs").count("lun1 is fail.") == 1
    none = plots.stacks("x", [plots.Stack("a", (("ok", 0),)), plots.Stack("b", (("ok", 2), ("fail", 1)))], (), "4", 4)
    assert [round(bar.height) for bar in none.bars] == [48, 24], "amounts, and nothing where there is none"


def test_subjects_that_were_alike_all_along_are_one_row():
    lost = [
        each for n in range(6) for each in (turn(f"l{n}", T0), turn(f"l{n}", T0 + DAY, "warn", sentence=f"l{n} lost."))
    ]
    fine = [turn(f"f{n}", T0) for n in range(5)]
    told = shown(report(slice_(luns_began=(), luns=(*lost, *fine, turn("x", T0 + HOUR)))))
    rows_ = section(told, "Redundancy of LUNs").tables[0].rows
    assert [one[0].text for one in rows_] == ["6 alike", "5 alike", "x"]
    assert (rows_[0][6].text, rows_[0][6].more) == ("l0 lost. (2 Nov 2026 00:00)", "so do l1, l2, l3, l4, l5")
    assert (rows_[1][6].text, rows_[1][6].more) == ("f0: always ok", "so do f1, f2, f3, f4")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_period_is_drawn_and_named(kind):
    span = holding(kind, "Europe/Vienna", T0 + 40 * DAY)
    told = shown(_report(slice_(span=span, services=(service(),)), before=slice_(span=before(span))))
    for title in ("Redundancy of LUNs", "Backups proven", "Availability"):
        for plot in section(told, title).plots:
            assert all(bar.x >= 0 and bar.x + bar.width <= plot.width + 0.1 for bar in plot.bars)
            assert all(isinstance(one, Words) and one.text for one in plot.words)


def test_availability_shows_what_was_planned_and_what_is_not_known():
    outages = (
        content.Outage(T0 - HOUR, T0 + HOUR, False, "", 3600, False),
        content.Outage(T0 + DAY, T0 + DAY + HOUR, True, "window", 3600, True),
        content.Outage(MONTH.ends - HOUR, None, False, "refused", 3600, False),
    )
    blind = (content.Blind(T0 + 5 * DAY, T0 + 6 * DAY),)
    told = shown(
        report(
            slice_(
                services=(
                    service(outages=outages, blind=blind, unwatched=86_400_000),
                    service(name="Db", ratio=None, outages=()),
                )
            ),
            scope=replace(SCOPE, engines=("olvm", "other")),
            promises=(),
        )
    )
    (plot,) = section(told, "Availability").plots
    assert sorted({bar.kind for bar in plot.bars}) == ["fail", "ok", "unknown", "warn"]
    table, downs = section(told, "Availability").tables
    assert [one[7].text for one in table.rows] == ["not known", "not known"], "a day is more than the budget"
    assert table.rows[0][0].more == "olvm", "among several engines"
    assert [one[3].text for one in downs.rows] == ["no", "planned", "no"]
    assert [one[4].text for one in downs.rows] == ["not known", "window", "refused"]
    assert downs.rows[1][4].more == "corrected by a person"
    over = section(shown(report(slice_(services=(service(unplanned=900_000),)))), "Availability").tables[0].rows[0]
    assert (over[7].text, over[7].more) == ("not kept", "")
    year = section(shown(report(slice_(services=(service(whole=12, lost=2),)))), "Availability").tables[0].rows[0]
    assert (year[7].text, year[7].more) == ("not kept", "10 of 12 kept")


def test_maintenance_changes_waivers():
    rows_ = slice_(
        windows=(window(), window(owner="", change="", entered=None, ended=None, overdue=True)),
        changes=(content.Change("", "Enter", "kvm01", "op", T0, None, "failed"),),
        waivers=(
            content.Waiver("broken glass", "Drill", "Urgent", "op", "ap", T0, T0 + HOUR, ""),
            content.Waiver("ignored step", "Step", "Known", "op", "", T0, None, ""),
            content.Waiver("accepted risk", "Console", "Small", "op", "ap", T0, None, "2026-12-01"),
        ),
    )
    told = shown(report(rows_))
    odd = section(told, "Maintenance").tables[0].rows[1]
    assert [cell.text for cell in odd[1:]] == [
        "never entered",
        "still open",
        "1 h",
        "nobody",
        "none",
        "passed",
    ]
    assert section(told, "Changes").tables[0].rows[0][0].state == "warn"
    waivers = section(told, "Waivers").tables[0].rows
    assert [one[3].more for one in waivers] == ["and ap", "no second person", "and ap"]
    assert [one[4].more for one in waivers] == ["until 1 Nov 2026 01:00", "", "until 1 Dec 2026"]


def test_paper_leaves_out_what_is_too_much_and_says_how_much():
    table = Table(columns("A 20"), ((text("x"),),) * (MOST + 3))
    assert (len(table.shown), table.left) == (MOST, 3)
    assert text("").text == "not recorded"


def test_widths_of_columns_fill_the_page():
    for one in shown(report()).sections:
        for table in (*one.tables, *(each for item in one.items for each in item.tables)):
            assert sum(column.width for column in table.columns) == 20, one.title
            assert all(len(row_) == len(table.columns) for row_ in table.rows), one.title


def test_every_fact_is_a_line_of_the_csv_and_no_line_is_a_formula():
    bad = drill(title="=cmd()", scenario="+1", deviations=("@x",), untouched=None)
    found = list(rows(report(slice_(drills=(bad,)))))
    assert found[0] == ("section", "item", "field", "value")
    told = {(section_, item, field): value for section_, item, field, value in found[1:]}
    assert told["drills", "1 DR-2026-003", "title"] == "'=cmd()"
    assert told["drills", "1 DR-2026-003", "scenario"] == "'+1"
    assert told["drills", "1 DR-2026-003", "deviations 1"] == "'@x"
    assert told["drills", "1 DR-2026-003", "untouched"] == "not known"
    assert told["drills", "1 DR-2026-003", "announced"] == "yes"
    assert told["drills", "1 DR-2026-003 / objectives 1 engine serves again", "measured"] == "151200"
    assert told["period", "", "begins"] == "2026-10-31T21:00:00Z"
    assert told["windows", "1 olvm", "overdue"] == "no"
    assert told["scope", "", "engines 1"] == "olvm"
    assert len(told) == len(found) - 1, "no two facts have one name"


def document(of):
    return {"format": content.FORMAT, "content": plain(asdict(of)), "made": plain(asdict(SEAL))}


def test_the_json_form_is_as_the_published_schema_says():
    published = json.loads((TOP / "docs" / "schema" / "period-report.json").read_text("utf-8"))
    assert published == schema.schema(), "write it anew: manage.py report_schema > docs/schema/period-report.json"
    jsonschema.Draft202012Validator.check_schema(published)
    judge = jsonschema.Draft202012Validator(published)
    for one in (report(), report(slice_(services=None, drills=()), before=None, issues=())):
        assert [error.message for error in judge.iter_errors(document(one))] == []
    broken = document(report())
    broken["content"]["verdict"]["state"] = "green"
    broken["content"]["drills"][0].pop("untouched")
    assert len(list(judge.iter_errors(broken))) == 2


def test_what_was_stored_is_read_back_as_it_was():
    made = report()
    assert facts.load(content.Report, json.loads(json.dumps(plain(asdict(made))))) == made
    assert facts.load(content.Seal, json.loads(json.dumps(plain(asdict(SEAL))))) == SEAL
