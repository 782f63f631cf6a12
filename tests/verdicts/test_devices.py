"""What switches and arrays say of themselves."""

from __future__ import annotations

import pytest

from inventory.verdicts.devices import judge_array, judge_switch
from portal.kernel.san import Alarm, ArraySeen, Controller, Pool, SwitchSeen, Unit


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


@pytest.mark.parametrize(
    ("states", "outcome", "words"),
    [
        (("ok", "ok"), "ok", "All 3 power supplies and fans of SWA1 are ok."),
        (("ok", "absent"), "ok", "All 2 power supplies and fans of SWA1 are ok."),
        (("ok", "faulty"), "warn", "power supply 2 (faulty)"),
        (("", "ok"), "unknown", "power supply 1 (no state)"),
    ],
)
def test_power_supplies_and_fans(states, outcome, words):
    units = (*(Unit("power supply", n, state) for n, state in enumerate(states, 1)), Unit("fan", 1, "ok"))
    (one,) = [each for each in judge_switch("SWA1", switch(units=units)) if each.check == "hardware"]
    assert (one.outcome.value, words in one.sentence) == (outcome, True), one.sentence
    assert not [each for each in judge_switch("SWA1", switch()) if each.check == "hardware"], "nothing was told"


@pytest.mark.parametrize(
    ("health", "outcome"),
    [
        ({"switch": "healthy", "fan": "healthy"}, "ok"),
        ({"switch": "marginal", "missing-sfp": "marginal"}, "warn"),
        ({"switch": "down"}, "warn"),
        ({"switch": "healthy", "flash": "unmonitored"}, "ok"),
        ({"switch": "a new word"}, "warn"),
        ({"flash": "unmonitored"}, None),
        ({}, None),
    ],
)
def test_what_a_switchs_own_policy_says(health, outcome):
    found = [one for one in judge_switch("SWA1", switch(health=health)) if one.check == "health"]
    assert [one.outcome.value for one in found] == ([outcome] if outcome else [])
    if health.get("missing-sfp"):
        assert "(switch marginal, missing sfp marginal)" in found[0].sentence


@pytest.mark.parametrize(
    ("given", "outcome", "words"),
    [
        ({}, "ok", "Pool POOL0 of D is 25 % full."),
        ({"used": 79}, "ok", "79 %"),
        ({"used": 80}, "warn", "Pool POOL0 of D is 80 % full: when it is full, no LUN in it takes a write."),
        ({"used": 60, "threshold": 50}, "warn", "60 %"),
        ({"used": 96, "threshold": 99}, "fail", "96 %"),
        ({"used": 0, "threshold": 0}, "ok", "0 %"),
        ({"used": None}, "unknown", "How full pool POOL0 of D is, is not told."),
        ({"running": "16"}, "warn", "Pool POOL0 of D is being rebuilt, 25 % full"),
        ({"running": "28"}, "fail", "health code 1 and running code 28"),
        ({"health": "5"}, "fail", "health code 5"),
        ({"health": ""}, "unknown", "does not say how it is"),
    ],
)
def test_pools_of_an_array(given, outcome, words):
    pool = Pool(**{"ident": "0", "name": "POOL0", "health": "1", "running": "27", "used": 25, "threshold": 80, **given})
    (one,) = [each for each in judge_array("D", array(pools=(pool,))) if each.check == "pool"]
    assert (one.outcome.value, one.subject.key) == (outcome, "D pool POOL0")
    assert words in one.sentence
