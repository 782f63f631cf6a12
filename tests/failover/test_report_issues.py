"""What became of the issues that a drill found, in its own report: state, retest, the follow-up of the drill before;
the published form of its JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from django.core.management import call_command
from django.utils import timezone

from failover.models import Drill, Issue
from failover.reports import given
from failover.reports.build import build
from failover.reports.parts import parts
from failover.reports.schema import schema
from failover.services import issues, report, report_file
from tests.failover import report_scenes as scenes
from tests.failover.report_rows import at, row, section, whole

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "schema" / "drill-report.json"
SCENES = (scenes.met, scenes.not_met, scenes.aborted, scenes.paper, scenes.empty)


def kept(ident="IS-001", **more):
    return given.Issue(**{"ident": ident, "title": f"Title of {ident}", "severity": "high", "state": "open", **more})


def retest(pk=99, **more):
    return given.Retest(pk, "Again", at(900000), **more)


def told(*found, **more):
    return section(build(whole(issues=found, **more)), "Issues")


def test_an_issue_stands_with_its_state_and_the_drill_that_tested_it_again():
    shown = told(
        kept(),
        kept("IS-002", state="fixed", fixed="Key was made.", retest=retest()),
        kept("IS-003", state="closed", closed="Seen to work.", retest=retest(ended=at(910000), met=True)),
        kept("IS-004", retest=retest(ended=at(910000), met=False)),
        kept("IS-005", state="accepted", accepted_by="ap", accepted_until="2027-01-01", accepted_why="Small."),
    )
    states = [(each[4].text, each[4].more) for each in shown.rows]
    assert states == [
        ("open", ""),
        ("fixed, to be tested again", "Key was made."),
        ("closed", "Seen to work."),
        ("open", ""),
        ("risk accepted", "accepted by ap until 2027-01-01: Small."),
    ]
    tested = [(each[5].text, each[5].state, each[5].more) for each in shown.rows]
    name = f"DR-{at(900000):%Y}-099"
    assert tested == [
        ("no retest linked", "", ""),
        ("not ended", "waiting", name),
        ("objectives met", "ok", name),
        ("not met in whole", "fail", name),
        ("no retest linked", "", ""),
    ]
    assert row(shown, "Title of IS-003")[0].more == "IS-003"
    assert "another version" in shown.note


def test_what_is_followed_stands_in_place_of_the_notes():
    drill = whole().drill
    note = {"title": "Title of IS-001", "severity": "low", "accepted_by": "head"}
    made = build(whole(issues=(kept(),), drill=given.Drill(**{**vars(drill), "issues": [note]})))
    assert [(one.ident, one.severity, one.accepted_by) for one in made.issues] == [("IS-001", "high", "head")]
    old = build(whole(drill=given.Drill(**{**vars(drill), "issues": [note]})))
    assert [(one.ident, one.severity, one.state) for one in old.issues] == [("", "low", "")]


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (kept(), ("retest of IS-001",)),
        (kept(state="fixed"), ("retest of IS-001",)),
        (kept(state="closed"), ()),
        (kept(state="accepted", accepted_by="ap"), ()),
        (kept(retest=retest()), ()),
    ],
)
def test_the_follow_up_names_what_nobody_tested_again(found, missing):
    made = build(whole(earlier=given.Earlier(13, "Before", at(-900000), (), (found,))))
    assert {one.number: one.missing for one in parts(made)}[17] == missing


def test_the_drill_that_tests_it_again_is_named_as_this_one():
    here = given.Retest(whole().drill.pk, "This", at(0), at(900), True)
    made = build(whole(earlier=given.Earlier(13, "Before", at(-900000), (), (kept(retest=here),))))
    cell = section(made, "Follow-up of drill DR-2026-013").rows[0][4]
    assert (cell.text, cell.state) == ("objectives met", "ok")
    assert cell.more.endswith(", this drill")


@pytest.mark.django_db
def test_a_later_act_is_another_version_and_the_same_rows_the_same_bytes():
    drill = scenes.met()
    before = Drill.objects.exclude(pk=drill.pk).get()
    # the earlier drill's issue, tested again by this one
    Issue.objects.create(
        drill=before, title="Mail", severity="low", raised_by="x", raised_at=at(-800000), changed_at=at(-800000),
        retest=drill,
    )  # fmt: skip
    found = issues.note("operator1", {"title": "No key for the hosts.", "severity": "high"}, drill)
    first = report.make(drill.pk, "operator1")
    former = first.report.former
    assert former is not None
    assert [(each.title, each.retest.here if each.retest else None) for each in former.issues] == [("Mail", True)]
    assert report_file.json_file(report.make(drill.pk, "auditor1")).raw == report_file.json_file(first).raw
    issues.fix(found.pk, "operator1", "It was made.")
    later = scenes.met()
    Drill.objects.filter(pk=later.pk).update(requested_at=timezone.now() + timedelta(hours=1))
    issues.link_retest(found.pk, "operator1", later.pk)
    second = report.make(drill.pk, "operator1")
    assert (first.seal.version, second.seal.version) == (1, 2)
    (one,) = second.report.issues
    assert (one.ident, one.state, one.fixed) == (f"IS-{found.pk:03d}", "fixed", "It was made.")
    assert one.retest is not None
    assert (one.retest.ident.endswith(f"{later.pk:03d}"), one.retest.here) == (True, False)


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES)
def test_the_json_is_as_published(scene, capsys):
    call_command("report_schema", "drill")
    published = json.loads(PUBLISHED.read_text("utf-8"))
    assert json.loads(capsys.readouterr().out) == published == schema(), "manage.py report_schema drill writes it anew"
    judge = jsonschema.Draft202012Validator(published)
    drill = scene()
    issues.note("operator1", {"title": "x", "severity": "low", "due": "2030-01-01"}, drill)
    document = json.loads(report_file.json_file(report.make(drill.pk, "operator1")).raw)
    assert [f"{list(error.path)}: {error.message}" for error in judge.iter_errors(document)] == []
    document["content"]["issues"][0]["state"] = "forgotten"
    assert len(list(judge.iter_errors(document))) == 1
