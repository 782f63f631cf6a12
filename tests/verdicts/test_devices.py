"""What switches and arrays say of themselves."""

from __future__ import annotations

import pytest

from inventory.verdicts.devices import judge_array, judge_switch
from portal.kernel.san import Alarm, ArraySeen, Controller, SwitchSeen


def switch(**given):
    return SwitchSeen(**{"wwn": "1000c4f57c01a000", "name": "SWA1", "source": "rest", "state": "online", **given})


def array(**given):
    return ArraySeen(**{"serial": "21", "name": "DORADO", "health": "1", "running": "1", **given})


def said(findings):
    return {(one.check, one.subject.key): one.outcome.value for one in findings}


@pytest.mark.parametrize(
    ("state", "outcome"), [("online", "ok"), ("offline", "fail"), ("testing", "fail"), ("", "unknown")]
)
def test_a_switch_is_ok_only_when_it_says_online(state, outcome):
    assert said(judge_switch("SWA1", switch(state=state)))[("state", "SWA1")] == outcome


def test_what_could_not_be_read_is_unknown_part_by_part():
    found = judge_switch("SWA1", switch(unread={"zoning": "SWA1 answers 503: ask again later."}))
    assert said(found)[("read", "SWA1 zoning")] == "unknown"
    assert ("read", "SWA1") not in said(found)
    assert said(judge_switch("SWA1", switch()))[("read", "SWA1")] == "ok"


@pytest.mark.parametrize(("days", "warned"), [(None, False), (90, False), (14, True), (0, True)])
def test_a_password_that_expires_soon_is_told(days, warned):
    assert (("account", "SWA1") in said(judge_switch("SWA1", switch(password_days=days)))) is warned


@pytest.mark.parametrize(
    ("health", "running", "outcome"),
    [
        ("1", "1", "ok"),
        ("1", "27", "ok"),
        ("2", "1", "fail"),
        ("1", "51", "fail"),
        ("", "1", "unknown"),
        ("1", "", "unknown"),
    ],
)
def test_an_array_is_ok_only_by_codes_that_are_known(health, running, outcome):
    assert said(judge_array("D", array(health=health, running=running)))[("state", "D")] == outcome


def test_controllers_are_judged_together():
    good, bad = Controller("0A", health="1", running="27"), Controller("0B", health="2", running="")
    assert said(judge_array("D", array(controllers=(good,))))[("controllers", "D")] == "ok"
    (found,) = [one for one in judge_array("D", array(controllers=(good, bad))) if one.check == "controllers"]
    assert (found.outcome.value, "0B (health 2, running -)" in found.sentence) == ("fail", True)
    assert ("controllers", "D") not in said(judge_array("D", array()))


def test_alarms_by_level():
    alarms = (
        Alarm("1", "for your information", 2, None),
        Alarm("2", "a fan is slow", 3, None, suggestion="Replace it."),
        Alarm("3", "a disk is lost", 5, None, description="Disk 7."),
        Alarm("4", "", None, None),
    )
    found = said(judge_array("D", array(alarms=alarms)))
    assert {key: value for key, value in found.items() if key[0] == "alarm"} == {
        ("alarm", "D 2"): "warn",
        ("alarm", "D 3"): "fail",
        ("alarm", "D 4"): "fail",
    }


@pytest.mark.parametrize(
    ("offset", "words"), [(300.0, "300 s ahead of"), (-90.0, "90 s behind"), (5.0, ""), (None, "")]
)
def test_a_clock_that_is_wrong_is_told(offset, words):
    told = [one.sentence for one in judge_array("D", array(offset=offset)) if one.check == "clock"]
    assert (words in told[0]) if words else told == []
