"""Who is told: filters, hours, order, going on; by tables and by comparison with a plain reading of the rules."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.alerts.rules import routing, timing
from portal.alerts.rules.alarm import About, Concern, Severity
from portal.alerts.rules.quieting import HELD, Hush, Quiet, covers, held_back, silences
from portal.alerts.rules.routing import Filter, Rule, Spoken, matches, stops, tellings
from portal.alerts.rules.timing import Hours, within, zone_problem

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)  # a Thursday
LUN = About("lun", "ora_data01", "olvm", "PROD")
HOST = About("host", "kvm01", "olvm-dr", "DR")
RUN = About("run", "run 7")
ABOUTS = (LUN, HOST, RUN)
SPOKEN = [Spoken(*each) for each in itertools.product(Severity, Concern, ABOUTS)]

FILTERS = [
    Filter(),
    Filter(least=Severity.WARNING),
    Filter(least=Severity.CRITICAL),
    Filter(concerns=("data-loss",)),
    Filter(concerns=("storage", "availability")),
    Filter(engines=("olvm",)),
    Filter(sites=("DR", "PROD")),
    Filter(kinds=("host", "run")),
    Filter(name="ora_*"),
    Filter(name="KVM0?"),
    Filter(least=Severity.WARNING, concerns=("control",), kinds=("run",)),
]


def meant(wanted, spoken):
    """The same by a plain reading, one question after the other."""
    ranks = {"info": 0, "warning": 1, "critical": 2}
    if ranks[spoken.severity] < ranks[wanted.least]:
        return False
    for value, names in ((spoken.concern, wanted.concerns), (spoken.about.engine, wanted.engines),
                         (spoken.about.site, wanted.sites), (spoken.about.kind, wanted.kinds)):  # fmt: skip
        if names and value not in names:
            return False
    name = spoken.about.name.lower()
    return {
        "": True,
        "ora_*": name.startswith("ora_"),
        "KVM0?": name.startswith("kvm0") and len(name) == 5,
    }[wanted.name]


@pytest.mark.parametrize("wanted", FILTERS, ids=routing.words)
def test_a_filter_means_what_it_says(wanted):
    found = [one for one in SPOKEN if matches(wanted, one)]
    assert found == [one for one in SPOKEN if meant(wanted, one)]
    assert 0 < len(found) <= len(SPOKEN)


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda one: f"{one.severity}-{one.concern}-{one.about.kind}")
def test_the_first_rule_that_fits_decides(spoken):
    for first, second in itertools.product(FILTERS, FILTERS):
        for goes_on in (False, True):
            rules = (
                Rule("one", first, receivers=("a", "b"), goes_on=goes_on),
                Rule("two", second, receivers=("b", "c")),
            )
            wanted = {}
            if meant(first, spoken):
                wanted |= {"a": "one", "b": "one"}
            if meant(second, spoken) and (goes_on or not wanted):
                wanted = {"b": "two", "c": "two"} | wanted
            found = {one.receiver: one.rule.name for one in tellings(rules, spoken, NOON)}
            assert found == wanted


def test_each_receiver_is_told_once_and_in_the_order_of_the_rules():
    rules = [Rule(f"r{n}", receivers=("x", f"y{n}"), goes_on=True) for n in range(3)]
    assert [one.receiver for one in tellings(rules, SPOKEN[0], NOON)] == ["x", "y0", "y1", "y2"]


def test_a_rule_without_receivers_keeps_it_silent():
    rules = (Rule("hush", Filter(kinds=("lun",))), Rule("all", receivers=("a",)))
    lun, host = (Spoken(Severity.CRITICAL, Concern.STORAGE, about) for about in (LUN, HOST))
    assert tellings(rules, lun, NOON) == ()
    assert stops(rules, lun, NOON) is rules[0]
    assert stops(rules, host, NOON) is None
    assert stops((Rule("on", goes_on=True),), lun, NOON) is None
    assert [one.receiver for one in tellings(rules, host, NOON)] == ["a"]


def test_receivers_that_are_switched_off_are_no_wish_for_silence():
    off, hush = Rule("off", off=True), Rule("hush")
    said = SPOKEN[0]
    assert stops((off, hush), said, NOON) is off
    on = Rule("on and off", off=True, goes_on=True)
    assert stops((on, hush), said, NOON) is on
    assert stops((Rule("on", goes_on=True), hush), said, NOON) is hush


def test_words_of_a_rule():
    rule = Rule("x", Filter(Severity.CRITICAL, ("storage", "data-loss"), ("olvm",), ("DR",), ("lun",), "ora_*"),
                Hours((0, 1, 2, 3, 4), time(8), time(17), "Asia/Kuwait"))  # fmt: skip
    assert routing.said(rule) == (
        "critical; data-loss, storage; engine olvm; site DR; lun; named ora_*; Mon to Fri, 08:00 to 17:00 Asia/Kuwait"
    )
    assert routing.said(Rule("y")) == "every severity; always"
    assert routing.said(Rule("z", Filter(Severity.WARNING), Hours((5, 6)))) == "warning and above; Sat, Sun, UTC"
    assert timing.words(Hours((), time(22), time(6), "UTC")) == "every day, 22:00 to 06:00 UTC"


WEEK = [NOON.replace(hour=0) + timedelta(minutes=30 * step) for step in range(48 * 7)]
HOURS = [
    Hours(),
    Hours((), time(8), time(17)),
    Hours((0, 1, 2, 3, 4), time(8), time(17), "Asia/Kuwait"),
    Hours((4, 5), time(22), time(6)),
    Hours((6,), time(0), time(0)),
    Hours((3,), time(20), time(0), "America/New_York"),
    Hours((0,), time(6), time(6), "Europe/Berlin"),
]


def open_at(hours, now):
    """By stepping back to the begin of each shift of the last two days."""
    there = now.astimezone(ZoneInfo(hours.zone))
    for back in (0, 1):
        day = there.date() - timedelta(days=back)
        if hours.days and day.weekday() not in hours.days:
            continue
        begin = datetime.combine(day, hours.begins, there.tzinfo)
        end = datetime.combine(day, hours.ends, there.tzinfo)
        if end <= begin:
            end += timedelta(days=1)
        if begin <= there < end:
            return True
    return False


@pytest.mark.parametrize("hours", HOURS, ids=timing.words)
def test_hours_over_a_whole_week(hours):
    assert [within(hours, at) for at in WEEK] == [open_at(hours, at) for at in WEEK]


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_began():
    friday = Hours((4,), time(22), time(6), "Asia/Kuwait")
    kuwait = ZoneInfo("Asia/Kuwait")
    assert within(friday, datetime(2026, 11, 28, 5, 59, tzinfo=kuwait))  # Saturday morning
    assert not within(friday, datetime(2026, 11, 28, 6, 0, tzinfo=kuwait))
    assert not within(friday, datetime(2026, 11, 27, 5, 59, tzinfo=kuwait))  # Friday morning: Thursday's shift
    assert within(friday, datetime(2026, 11, 27, 22, 0, tzinfo=kuwait))


def test_a_clock_change_takes_nothing_away_and_a_zone_that_is_gone_lets_pass():
    night = Hours((), time(1), time(3), "Europe/Berlin")
    for at, wanted in (("2026-10-25T00:30", True), ("2026-10-25T01:30", True), ("2026-10-25T02:00", False)):
        assert within(night, datetime.fromisoformat(f"{at}:00+00:00")) is wanted  # both times that 02:30 comes
    assert within(Hours((), time(1), time(2), "Mars/Olympus"), NOON)
    assert "no time zone" in zone_problem("Mars/Olympus")
    assert "no time zone" in zone_problem("../etc/passwd")
    assert zone_problem("Asia/Kuwait") == ""


QUIET = Quiet("olvm", "Global maintenance of olvm is active.")
OF_HOST = Quiet("olvm-dr", "Local maintenance of kvm01 is active.", "kvm01")


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda one: f"{one.severity}-{one.concern}-{one.about.kind}")
def test_an_approved_window_holds_back_what_people_cause_and_nothing_else(spoken):
    caused = spoken.concern in (Concern.AVAILABILITY, Concern.STORAGE, Concern.CONFIGURATION)
    assert covers(QUIET, spoken) is (caused and spoken.about is LUN)
    assert covers(OF_HOST, spoken) is (caused and spoken.about is HOST)
    assert (spoken.concern in HELD) is caused
    other = Quiet("olvm-dr", "Local maintenance of kvm02 is active.", "kvm02")
    assert not covers(other, spoken)
    said = held_back(spoken, (QUIET, OF_HOST), (), NOON)
    assert said == ("" if not caused or spoken.about is RUN else QUIET.sentence if spoken.about is LUN
                    else OF_HOST.sentence)  # fmt: skip


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda one: f"{one.severity}-{one.concern}-{one.about.kind}")
@pytest.mark.parametrize("wanted", FILTERS, ids=routing.words)
def test_a_silence_holds_back_what_it_names_but_data_loss_only_by_name(spoken, wanted):
    hush = Hush(wanted, NOON, NOON + HOUR, "anna silences it.")
    loss = spoken.concern == "data-loss"
    expected = meant(wanted, spoken) and (not loss or "data-loss" in wanted.concerns)
    assert silences(hush, spoken, NOON) is expected
    assert held_back(spoken, (), (hush,), NOON) == ("anna silences it." if expected else "")
    assert not silences(hush, spoken, NOON - HOUR)
    assert not silences(hush, spoken, NOON + HOUR), "its end is not part of it"
