"""What each section of a period report comes to: nothing is good by default, and unseen time is the worst that it can
be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.reports.period import content, given
from failover.reports.period.fields import FIELDS
from tests.failover.period_rows import (
    DAY,
    HOUR,
    MONTH,
    SCOPE,
    T0,
    drill,
    issue,
    promise,
    rehearsal,
    report,
    service,
    slice_,
    turn,
    window,
)

WHOLE = int((MONTH.ends - MONTH.begins).total_seconds())
BUDGET = 259_200  # milliseconds


def come(of: content.Report, title: str) -> content.Judged:
    return next(one for one in of.sections if one.section == title)


@pytest.mark.parametrize(
    ("now", "more", "state", "words"),
    [
        ({"drills": (drill(state="fail"),)}, {}, "fail", "1 drill failed"),
        ({}, {"proven": ()}, "fail", "1 proof overdue"),
        ({"rehearsals": ()}, {}, "fail", "backups of olvm proven later than the RPO for 30 days"),
        ({"services": (service(unplanned=900_000),)}, {}, "fail", "error budget of Engine spent"),
        ({"drills": (drill(state="warn"),)}, {}, "warn", "1 drill not met in whole"),
        ({"drills": (drill(state="unknown"),)}, {}, "unknown", "1 drill not tested in whole"),
        ({"not_held": (content.NotHeld(T0, "Nobody approved it."),)}, {}, "warn", "1 planned drill not held"),
        ({}, {"issues": (issue(late=3),)}, "warn", "1 issue past its date"),
        ({}, {"issues": (issue(late=3), issue(2, late=1))}, "warn", "2 issues past their dates"),
        ({"luns": (turn(at=T0 + DAY, outcome="fail"),)}, {}, "warn", "1 LUN not redundant for a time"),
        ({"windows": (window(overdue=True),)}, {}, "warn", "1 window open past its deadline"),
        ({"since": T0 + DAY}, {}, "unknown", "the portal began to watch 24 h into the period"),
        ({"services": None}, {}, "unknown", "availability is not measured"),
        ({"tuning_began": (), "tuning": ()}, {}, "unknown", "no VM or host was looked at"),
        ({"luns_began": (), "luns": ()}, {}, "unknown", "no LUN was looked at"),
        ({}, {"promises": ()}, "unknown", "no RPO is set for olvm"),
        ({}, {"before": None}, "ok", "every objective is met, nothing is overdue"),
        ({}, {"scope": replace(SCOPE, engines=())}, "unknown", "nothing lies in the scope"),
        ({"drills": ()}, {}, "ok", "every objective is met, nothing is overdue"),
    ],
)
def test_the_verdict_is_the_gravest_of_its_sections(now, more, state, words):
    assert report(slice_(**now), **more).verdict == content.Verdict(state, words)


@pytest.mark.parametrize("since", [None, MONTH.ends, MONTH.ends + DAY])
def test_a_period_that_the_portal_did_not_watch_is_not_known_and_never_failed(since):
    bare = slice_(since=since, drills=(), rehearsals=(), luns_began=(), tuning_began=(), services=(), backups=())
    made = report(bare, proven=())
    assert made.verdict == content.Verdict("unknown", "the portal did not watch in this period")
    assert {one.state for one in made.sections} == {"unknown"}
    assert {one.unseen for one in made.sections} == {WHOLE}
    assert made.sections[0].todo
    assert (made.backups[0].over, made.backups[0].assumed, made.proofs[0].late, made.proofs[0].overdue) == (
        0,
        0,
        False,
        0,
    )
    assert FIELDS["backups.within_rpo"].missing(made) != ""
    assert FIELDS["drills.not_overdue"].missing(made) != ""


@pytest.mark.parametrize(
    ("unplanned", "unseen", "state"),
    [
        (0, 0, "ok"),
        (130_000, BUDGET - 130_000, "ok"),
        (130_000, BUDGET - 129_999, "unknown"),
        (BUDGET, 0, "ok"),
        (BUDGET + 1, 0, "fail"),
        (BUDGET + 1, 600_000, "fail"),
        (0, 30 * 86_400_000, "unknown"),
    ],
)
def test_an_objective_is_kept_when_it_is_kept_even_if_all_unseen_time_was_down(unplanned, unseen, state):
    ratio = None if unseen == 30 * 86_400_000 else 999_000
    made = report(slice_(services=(service(unplanned=unplanned, unknown=unseen, ratio=ratio),)))
    found = come(made, "Availability")
    assert (found.state, found.unseen) == (state, unseen // 1000)
    if state == "ok" and unseen:
        assert found.words.endswith("even if all unseen time was down")
    assert made.verdict.state == state


def test_a_year_is_kept_only_when_each_month_of_it_is():
    year = {"unplanned": 0, "whole": 12}
    lost = report(slice_(services=(service(**year, lost=2, unsure=1),)))
    assert lost.verdict == content.Verdict("fail", "error budget of Engine (in 2 of 12 calendar periods) spent")
    assert come(report(slice_(services=(service(**year, unsure=1),))), "Availability").state == "unknown"
    assert come(report(slice_(services=(service(**year),))), "Availability").state == "ok"


def test_a_second_that_nobody_saw_does_not_spoil_what_it_cannot_break():
    blink = (turn(at=T0 + DAY, outcome="unknown"), turn(at=T0 + DAY + HOUR / 3600))
    made = report(slice_(luns=blink, services=(service(unplanned=0, unwatched=1000),)))
    assert made.verdict.state == "ok"
    assert (come(made, "Redundancy of LUNs").unseen, come(made, "Availability").unseen) == (1, 1)


@pytest.mark.parametrize(("seconds", "state"), [(259, "ok"), (260, "unknown")])
def test_up_to_a_ten_thousandth_of_a_subject_may_be_unseen(seconds, state):
    blind = (turn(at=T0 + DAY, outcome="unknown"), turn(at=T0 + DAY + seconds * HOUR / 3600))
    found = come(report(slice_(luns=blind)), "Redundancy of LUNs")
    assert (found.state, found.unseen) == (state, seconds)
    if state == "unknown":
        assert found.words == "1 LUN not seen for up to 4 min"
        assert found.todo == ("ora_data01 was not always seen: find out why.",)


def test_what_is_less_grave_is_said_beside_what_is_graver():
    rows = (turn(at=T0 + DAY, outcome="unknown"), turn(at=T0 + 2 * DAY, outcome="fail"), turn(at=T0 + 3 * DAY))
    found = come(report(slice_(luns=rows)), "Redundancy of LUNs")
    assert found.words == "1 LUN not seen for up to 24 h and 1 LUN not redundant for a time"
    assert len(found.todo) == 2


def test_a_promise_is_judged_by_what_was_in_force_then():
    sparse = tuple(rehearsal(day) for day in range(-1, 30, 2))  # the newest is 49 h old at the most
    day = T0 + 10 * DAY
    strict = (promise(limit=72 * HOUR), promise(limit=36 * HOUR, since=day, first=False))
    one = report(slice_(rehearsals=sparse), promises=strict).backups[0]
    assert (one.rpo, one.assumed) == (36 * 3600, 0)
    assert one.over == 10 * 13 * 3600, "13 h before each of the ten rehearsals since then"
    lax = (promise(limit=36 * HOUR), promise(limit=72 * HOUR, since=T0, first=False))
    assert report(slice_(rehearsals=sparse), promises=lax).backups[0].over == 0


def test_what_was_promised_before_anything_was_kept_is_not_known():
    late = (promise(since=T0 + 5 * DAY, first=False),)
    made = report(promises=late)
    assert made.backups[0].assumed == 5 * 86_400
    found = come(made, "Backups proven")
    assert (found.state, found.unseen) == ("unknown", 5 * 86_400)
    assert found.words == "what was promised of backups of olvm is not kept for 5 days"
    said = [one.sentence for one in made.gaps if one.section == "Backups proven"]
    assert said == ["What was promised of olvm is not kept for 5 days: the first that is kept was taken for that time."]


def test_a_new_policy_has_one_rpo_of_time_for_its_first_proof():
    new = (promise(since=T0 + 10 * DAY),)
    late = report(slice_(rehearsals=(rehearsal(11),)), promises=new).backups[0].over
    assert late == int((19 * DAY + HOUR - 36 * HOUR).total_seconds()), "of a backup that was taken 1 h before its proof"
    none = report(slice_(rehearsals=()), promises=new).backups[0]
    assert none.over == int((20 * DAY - 36 * HOUR).total_seconds())
    off = (promise(since=T0 + 10 * DAY), promise(since=T0 + 11 * DAY, enabled=False, first=False))
    assert report(slice_(rehearsals=()), promises=off).backups[0].over == 0


def proofs_of(*promises, proven=(), **now):
    return report(slice_(**now), promises=(promise(), *promises), proven=proven).proofs


def drills(limit, **more):
    return promise("drill", limit, **{"plan": "she_failover", "proves": True, **more})


def test_overdue_is_counted_by_the_days_that_were_allowed_then():
    ended = given.Proven("olvm", "she_failover", True, T0 - 80 * DAY)
    (one,) = proofs_of(drills(95 * DAY), proven=(ended,))
    assert (one.late, one.overdue, one.allowed, one.days) == (True, 15 * 86_400, 95, 110)
    (one,) = proofs_of(drills(95 * DAY), drills(200 * DAY, since=T0 + 20 * DAY, first=False), proven=(ended,))
    assert (one.late, one.overdue, one.allowed) == (False, 5 * 86_400, 200)
    made = report(promises=(promise(), drills(95 * DAY)), proven=(ended, replace(ended, ended=T0 + 20 * DAY)))
    assert come(made, "Proofs due").words == "1 proof overdue for a time"
    assert made.proofs[0].overdue == 5 * 86_400


def test_what_was_never_proven_is_not_known_until_it_is_overdue():
    young = report(slice_(since=T0 - 30 * DAY), promises=(promise(), drills(95 * DAY)), proven=())
    assert come(young, "Proofs due").words == "1 proof not there yet"
    (one,) = proofs_of(drills(50 * DAY), since=T0 - 30 * DAY)
    assert (one.last, one.late, one.overdue) == (None, True, 10 * 86_400)


def test_plans_are_counted_while_their_schedule_is_in_force():
    plan = {"plan": "she_switchover", "proves": False, "key": "drill:2"}
    ended = given.Proven("olvm", "she_switchover", False, T0 - DAY)
    loss, one = proofs_of(drills(95 * DAY), drills(60 * DAY, **plan), proven=(ended,))
    assert (loss.what, one.what, one.late) == ("failover, by an unplanned loss", "she_switchover", False)
    off = drills(60 * DAY, since=T0 + DAY, enabled=False, first=False, **plan)
    assert len(proofs_of(drills(95 * DAY), drills(60 * DAY, **plan), off)) == 1
    unkept = proofs_of(drills(95 * DAY), drills(60 * DAY, **{**plan, "since": T0 + 2 * DAY, "first": False}))
    assert unkept[1].assumed == 2 * 86_400
    made = report(promises=(promise(), drills(60 * DAY, **{**plan, "since": T0 + 2 * DAY, "first": False})))
    assert "what was allowed for she_switchover is not kept for 2 days" in come(made, "Proofs due").words
    assert any(one.section == "Proofs due" for one in made.gaps)
    assert report(scope=replace(SCOPE, engines=())).proofs == ()


def test_what_is_to_be_done_stands_in_sentences():
    rows = slice_(
        drills=(drill(3, state="fail"), drill(5, state="fail"), drill(7, state="ok", plan="tabletop")),
        not_held=(content.NotHeld(T0, "x"), content.NotHeld(T0 + DAY, "y")),
        services=(
            service(unplanned=900_000, unwatched=60_000, outages=(content.Outage(T0, None, False, "", 9, False),)),
        ),
        rehearsals=(),
    )
    made = report(rows, issues=(issue(late=2), issue(2, owner="", late=0), issue(4, late=1)), proven=())
    todo = [sentence for one in made.sections for sentence in one.todo]
    assert todo == [
        "DR-2026-003 and DR-2026-005 met not every objective, and no later drill of the same plan in the period did:"
        " put right what failed and hold it again.",
        "olvm: failover, by an unplanned loss, was never proven; 95 days are allowed. Plan a drill.",
        "2 planned drills did not happen: plan them anew.",
        "IS-001 and IS-004 are past their dates: fix what is open, have it tested again, or have the risk accepted.",
        "IS-002 has no owner: name one.",
        "The newest proven backup of olvm was too old for a time: put right what failed, and rehearse more often than"
        " the RPO.",
        "Engine lost more than the budget: Times down has the outages; put right what each came from.",
        "1 outage has no cause: name it in the ledger.",
        "Engine was not always asked: see that the prober runs always.",
    ]
    healed = report(slice_(drills=(drill(3, state="fail"), drill(5))))
    assert come(healed, "Drills").todo == (), "a later drill of the same plan met every objective"
    bare = report(slice_(services=(), luns_began=()), promises=())
    said = [sentence for one in bare.sections for sentence in one.todo]
    assert "No policy in force promises an RPO for olvm: set one." in said
    assert "No LUN is looked at: declare the LUNs to be watched." in said
    assert "Nothing is promised of any service: set an objective for each that matters." in said
    assert [one.todo for one in report().sections] == [()] * 9
