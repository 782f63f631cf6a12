"""The map of clauses: read from its file, held against a report; the field that is missing is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.reports.period import clauses, content
from failover.reports.period.fields import FAILOVER, FIELDS
from tests.failover.period_rows import DAY, MAP, MONTH, SCOPE, T0, aim, drill, issue, proof, rehearsal, report, slice_

GOOD = """
[[clause]]
id = "a"
source = "Rule"
clause = "1"
read = 2026-11-26
where = "a page"
secondary = true
asks = "Drill."
fields = ["drills.held"]
"""


def test_the_map_that_comes_along_covers_the_rules_of_the_facts():
    sources = " ".join(one.source for one in MAP)
    for name in ("DORA", "2024/1774", "FFIEC", "Basel", "PCI DSS", "ISO 22301", "CBK/PG/14", "Tanzania", "COBAC"):
        assert name in sources
    assert len({one.ident for one in MAP}) == len(MAP)
    assert all(one.mark == "[secondary source: compliance check needed]" for one in MAP if one.secondary)
    assert [one.ident for one in MAP if not one.mark] == ["ffiec-vii-e", "ffiec-vii-f", "ffiec-vii-k"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[clause", "is no TOML"),
        ("x = 1", "holds no"),
        (GOOD + GOOD, "The clause a stands twice"),
        (GOOD.replace('asks = "Drill."', ""), "Clause a of the map has no asks"),
        (GOOD.replace('id = "a"', 'id = " "'), "has no id"),
        (GOOD.replace("2026-11-26", '"yesterday"'), "no date in `read`"),
        (GOOD.replace("true", '"yes"'), "whether its source is secondary"),
        (GOOD.replace('["drills.held"]', "[]"), "names no fields"),
        (GOOD.replace("drills.held", "drills.held_well"), "asks for the field 'drills.held_well', which no report has"),
    ],
)
def test_a_map_that_cannot_be_used_says_which_clause_is_wrong(text, words):
    with pytest.raises(clauses.WrongMap, match=words):
        clauses.parse(text)


def missing(name, now=None, **more):
    return FIELDS[name].missing(report(slice_(**(now or {})), **more))


def test_an_estate_in_order_shows_every_field_but_those_that_the_portal_never_records():
    found = report()
    said = {name: one.missing(found) for name, one in FIELDS.items()}
    assert {name for name, words in said.items() if words} == {name for name in FIELDS if name.startswith("outside.")}
    assert all(words.endswith("not recorded by the portal") for name, words in said.items() if words)


LACKING = {
    "drills.dates": {"began": None},
    "drills.places": {"hosts": ()},
    "drills.scenario": {"scenario": ""},
    "drills.assumptions": {"assumptions": ""},
    "drills.objectives": {"objectives": ()},
    "drills.measured": {"objectives": (aim("not tested"),)},
    "drills.times": {"objectives": (aim(measured=None),)},
    "drills.people": {"lacking": ("People",)},
    "drills.authority": {"lacking": ("Authority",)},
    "drills.steps": {"steps": 0},
    "drills.service_proof": {"lacking": ("Proof that the service worked",)},
    "drills.untouched": {"untouched": None},
    "drills.normal": {"lacking": ("Return to normal",)},
    "drills.reviewed": {"roles": ("operator",)},
    "drills.second_line": {"roles": ("operator",)},
}


@pytest.mark.parametrize("name", LACKING)
def test_a_drill_that_lacks_something_is_named_and_only_that_field(name):
    rows = {"drills": (drill(3), drill(5, **LACKING[name]))}
    assert "DR-2026-005" in missing(name, rows)
    assert "DR-2026-003" not in missing(name, rows)
    other = {key for key in LACKING if missing(key, rows)}
    assert name in other
    assert other <= {name, "drills.times", "drills.reviewed", "drills.second_line"}
    assert missing(name, {"drills": ()}) == "no drill ended in the period"


def test_many_are_counted():
    rows = {"drills": tuple(drill(day, scenario="") for day in range(1, 7))}
    assert missing("drills.scenario", rows) == "no scenario in DR-2026-001, DR-2026-002, DR-2026-003 and 3 more"


def test_proofs_of_drills():
    never = (proof("failover", None, 95, None, True),)
    old = (proof("she_switchover", MONTH.ends - 400 * DAY, 500, 400, False),)
    assert missing("drills.within_year", proofs=never) == "not proven within a year: failover of olvm"
    assert "she_switchover of olvm" in missing("drills.within_year", proofs=old)
    assert missing("drills.within_year", proofs=()) == "nothing is planned to be proven by drills"
    assert missing("drills.not_overdue", proofs=never) == "overdue or never proven: failover of olvm"
    assert missing("drills.not_overdue", proofs=old) == ""
    assert missing("drills.not_overdue", proofs=(proof(late=False),)) != "", "what was never proven is not in time"
    paper, lately = {"drills": (drill(kind="tabletop"),)}, MONTH.ends - 300 * DAY
    assert "another host took the engine over" in missing("drills.switchover", paper, proven=())
    assert missing("drills.switchover", paper, proofs=(proof(FAILOVER, lately, 95, 300, True),)) == ""
    assert missing("drills.switchover", paper, proofs=never) != ""
    assert missing("drills.held", {"drills": ()}) == "no drill ended in the period"


def test_backups_as_clauses_ask_for_them():
    assert missing("backups.taken", {"backups": ()}) == "no backup of olvm"
    assert missing("backups.restored", {"rehearsals": ()}) == "no backup of olvm was restored in the period"
    assert missing("backups.restored", scope=replace(SCOPE, engines=())) == "no engine lies in the scope"
    bare = tuple(rehearsal(day, compared=False) for day in range(-1, 30))
    assert missing("backups.compared", {"rehearsals": bare}).startswith("no restored data of olvm was compared")
    assert "was not always within its RPO" in missing("backups.within_rpo", promises=())


def test_issues_as_clauses_ask_for_them():
    def of(name, **fields):
        return missing(name, issues=(issue(7, **fields),))

    assert of("issues.severity", severity="") == "no severity: IS-007"
    assert of("issues.owner", owner="") == "no owner: IS-007"
    assert of("issues.due", due="") == "no date: IS-007"
    assert of("issues.in_time", late=2) == "past its date: IS-007"
    assert of("issues.retest", retest="") == "no retest: IS-007"
    assert of("issues.retest", retest="", state="accepted") == ""
    assert of("issues.acceptance", state="accepted") == "no approver: IS-007"
    assert of("issues.acceptance", state="accepted", accepted_by="ap", accepted_why="Small.") == ""
    assert missing("issues.owner", issues=()) == ""


def test_the_rest():
    assert missing("redundancy.course", {"luns_began": ()}) == "no LUN was looked at in the period"
    assert missing("tuning.course", {"tuning_began": ()}) == "no Oracle VM was looked at in the period"
    assert missing("availability.measured", {"services": ()}) == "availability was not measured in this period"
    bare = content.Change("", "Enter", "kvm01", "op", T0, None, "done")
    assert missing("changes.numbered", {"changes": (bare,)}) == "no change number: kvm01"
    assert missing("report.distribution", distribution=()) == "nobody is named to receive the report"
    assert missing("report.comparison", before=None) == "the portal did not watch the period before"
    assert missing("evidence.signed", evidence=content.Evidence(0, 0, 0, 0, 0)) == "no record of the period is signed"


def test_unmet_clauses_stand_in_the_report_with_the_missing_field_named():
    found = {one.ident: one for one in report(slice_(drills=(drill(scenario=""),))).clauses}
    assert len(found) == len(MAP)
    one = found["ffiec-vii-f"]
    assert not one.met
    assert "drills.scenario: no scenario in DR-2026-003" in one.missing
    assert found["dora-11-6"].met
    assert found["dora-11-6"].missing == ()
