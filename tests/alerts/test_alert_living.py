"""How an alert lives: every state against every alarm, and every way to be interrupted."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.alerts.rules.living import Move, Standing, acknowledged, escalates, move

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
W, C = Severity.WARNING, Severity.CRITICAL


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def alarm(since=100, severity=W, sentence="It is so.", hold=60.0, calm=300.0, until=None, came=None):
    return Alarm(
        "k", severity, Concern.STORAGE, About("lun", "ora"), sentence, ago(since), hold=hold, calm=calm,
        until=None if until is None else ago(until), came=None if came is None else ago(came),
    )  # fmt: skip


def standing(severity=W, sentence="It is so.", again=100, calm=300.0, calm_since=None):
    return Standing(severity, sentence, ago(again), calm, None if calm_since is None else ago(calm_since))


@pytest.mark.parametrize(
    ("held", "given", "wanted"),
    [
        (None, None, Move.NONE),
        (None, alarm(59), Move.NONE),
        (None, alarm(60), Move.OPEN),
        (None, alarm(0, hold=0), Move.OPEN),
        (None, alarm(-30), Move.OPEN),  # a clock was put back: it holds all the same
        (None, alarm(500, until=450), Move.NONE),  # too short to be told, and over
        (None, alarm(500, until=400), Move.OPEN),  # nobody was told while it held
        (standing(), alarm(), Move.NONE),
        (standing(), alarm(sentence="It is worse."), Move.SAY),
        (standing(), alarm(severity=C), Move.RAISE),
        (standing(severity=C), alarm(severity=W), Move.NONE),  # what was grave stays grave until it is over
        (standing(severity=C), alarm(severity=W, sentence="x"), Move.SAY),
        (standing(), alarm(50), Move.REPEAT),  # it went and came between two looks
        (standing(), alarm(100, came=10), Move.REPEAT),
        (standing(again=10), alarm(100, came=10), Move.NONE),
        (standing(), None, Move.CALM),
        (standing(calm=0), None, Move.RESOLVE),
        (standing(calm_since=299), None, Move.NONE),
        (standing(calm_since=300), None, Move.RESOLVE),
        (standing(calm_since=-10), None, Move.RESOLVE),  # of a clock that was put back
        (standing(calm_since=100), alarm(), Move.REPEAT),
        (standing(calm_since=100), alarm(severity=C), Move.REPEAT),  # and raised at the next look
        (standing(), alarm(until=10), Move.CALM),
        (standing(calm_since=300), alarm(until=10), Move.RESOLVE),
    ],
)
def test_one_move(held, given, wanted):
    assert move(held, given, NOW) is wanted


def after(held, given, now):
    """The rows after one look, as the service writes them: a standing or None, and what was done."""
    step = move(held, given, now)
    if step is Move.NONE:
        return held, step
    if step is Move.RESOLVE:
        return None, step
    if step is Move.CALM:
        return Standing(held.severity, held.sentence, held.again, held.calm, now), step
    severity = held.severity if held and step is not Move.RAISE else given.severity
    return Standing(severity, given.sentence, given.again if step is not Move.SAY else held.again, 300.0, None), step


@pytest.mark.parametrize("pattern", ["".join(bits) for bits in itertools.product("xo", repeat=8)])
def test_whatever_comes_and_goes_is_opened_once_as_long_as_it_does_not_stay_away(pattern):
    """x: it holds at this look, o: it does not; a look each minute. Looks that die change nothing: see below."""
    held, steps, since = None, [], None
    for minute, sign in enumerate(pattern):
        now = NOW + timedelta(minutes=minute)
        since = (since or now) if sign == "x" else None
        given = Alarm("k", W, Concern.STORAGE, About("lun", "o"), "s", since, hold=0, calm=300) if since else None
        held, step = after(held, given, now)
        steps.append(step)
        # whoever died after writing makes no second move from the same rows
        assert move(held, given, now) in (Move.NONE, Move.REPEAT if step is Move.NONE and given else Move.NONE)
    away = max((len(run) for run in pattern.strip("o").split("x")), default=0)
    assert steps.count(Move.OPEN) == (0 if "x" not in pattern else 1 if away < 6 else 2)
    assert steps.count(Move.RESOLVE) <= 1


def test_acknowledged_until_its_time_is_over():
    assert not acknowledged("", None, NOW)
    assert acknowledged("anna", None, NOW)
    assert acknowledged("anna", NOW + timedelta(seconds=1), NOW)
    assert not acknowledged("anna", NOW, NOW)


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize(("due", "over"), [(None, False), (0, True), (10, True), (-1, False)])
def test_the_next_one_is_told_when_nobody_took_it_on(taken, back, due, over):
    at = None if due is None else ago(due)
    assert escalates(at, taken, back, NOW) is (over and not taken and not back)


def test_what_keeps_no_time_of_its_own_began_when_it_was_noticed():
    ask = Ask(NOW, open={"known": ago(500)})
    assert (ask.since("known"), ask.since("new")) == (ago(500), NOW)
    assert [one.rank for one in Severity] == [0, 1, 2]
