"""Budgets, burn rates and the sentences that are said of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.availability.budget import burn, burning, findings, percent, projected, promise, verdict
from failover.availability.corrected import Entry, Kind
from failover.availability.measured import History, Permit, measure
from failover.availability.watched import Rhythm, Rule, Span, State
from portal.kernel.outcome import Outcome

RULE = Rule(("service",), (Rhythm(0.0, 18.0),), 15.0)
NINES = 0.9999
DAY = 86_400.0
MONTH = 30 * DAY
BASE = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def history(*states, permits=(), entries=(), name="core-db"):
    """states: (state, seconds) one after the other from BASE on; None: nobody asked."""
    at, spans = BASE, []
    for state, seconds in states:
        if state is not None:
            spans.append(Span("service", State(state), at, at + seconds, "" if state == "up" else "no answer in time"))
        at += seconds
    return History(name, RULE, tuple(spans), tuple(permits), tuple(entries)), at


def told(*states, ends=BASE + MONTH, objective=NINES, now=None, **more):
    of, until = history(*states, **more)
    return measure(of, objective, BASE, ends, now if now is not None else until)


def test_the_budget_of_a_month_of_30_days_is_4_min_19_s():
    found = told(("up", DAY))
    assert found.budget_s == pytest.approx(259.2)
    assert (found.ratio, found.left_s, found.down_now) == (1.0, found.budget_s, False)


@pytest.mark.parametrize(
    ("states", "word", "outcome", "part"),
    [
        ((("up", MONTH),), "Kept", Outcome.OK, "kept its objective for November"),
        ((("up", MONTH - 500), ("down", 100), ("up", 400)), "Kept", Outcome.OK, "1 min 40 s of the 4 min 19.2 s"),
        ((("up", DAY), ("down", 100), ("up", 400)), "Within budget", Outcome.OK, "2 min 39.2 s are left"),
        ((("up", DAY), ("down", 220), ("up", 400)), "Nearly spent", Outcome.WARN, "39.2 s are left"),
        ((("up", DAY), ("down", 260), ("up", 400)), "Lost", Outcome.FAIL, "has lost its objective"),
        ((("up", DAY), (None, 300), ("up", 400)), "Not known", Outcome.UNKNOWN, "more was not seen than is left"),
        ((("up", DAY), ("unknown", 300), ("up", 400)), "Not known", Outcome.UNKNOWN, "5 min 0 s were not seen"),
        ((("up", DAY), (None, 200), ("up", 400)), "Within budget", Outcome.OK, "3 min 20 s were not seen"),
        ((("up", DAY), ("down", 260), (None, 9000), ("up", 4)), "Lost", Outcome.FAIL, "were not seen"),
        ((), "No data", Outcome.UNKNOWN, "was not watched in November"),
    ],
)
def test_the_verdict_on_a_period(states, word, outcome, part):
    found = verdict(told(*states), "November")
    assert (found.word, found.outcome) == (word, outcome)
    assert part in found.sentence


def test_planned_time_spends_nothing_and_a_correction_moves_it():
    begins = BASE + DAY
    permit = Permit(begins - 60, begins + 50, "Global maintenance of olvm, patches")
    states = (("up", DAY), ("down", 100), ("up", 400))
    found = told(*states, permits=[permit])
    assert (found.down_planned_s, found.down_unplanned_s) == (50.0, 50.0)
    assert [(one.planned, one.cause) for one in found.outages] == [
        (True, "Global maintenance of olvm, patches; no answer in time"),
        (False, "no answer in time"),
    ]
    undone = told(*states, permits=[permit], entries=[Entry(Kind.UNPLANNED, begins, begins + 20)])
    assert (undone.down_planned_s, undone.spent_s) == (30.0, 70.0)
    named = told(*states, entries=[Entry(Kind.CAUSE, begins, begins + 1, "SWB1 port 5")])
    assert [(one.cause, one.corrected) for one in named.outages] == [("SWB1 port 5", True)]
    added = told(*states, entries=[Entry(Kind.DOWN, begins - 300, begins - 200, "users could not log in")])
    assert [one.cause for one in added.outages] == ["users could not log in", "no answer in time"]
    assert told(*states, entries=[Entry(Kind.DOWN, begins, begins)]).spent_s == 100.0


def test_an_outage_that_goes_on_has_no_end_and_one_of_before_says_so():
    found = told(("up", DAY), ("down", 50))
    assert found.down_now
    assert found.outages[0].ends is None
    assert not told(("up", DAY), ("down", 50), now=BASE + DAY + 500).down_now  # nobody has asked since
    of, now = history(("up", DAY), ("down", 50), ("up", 100))
    second = measure(of, NINES, BASE + DAY + 20, BASE + MONTH, now)
    assert second.outages[0].before
    assert second.outages[0].seconds == 30.0
    cut = measure(of, NINES, BASE, BASE + DAY + 20, now)
    assert cut.outages[0].ends == datetime.fromtimestamp(BASE + DAY + 20, UTC)


def test_the_projection_goes_on_as_until_now():
    assert projected(told(("up", 3000.0))) is None
    found = told(("up", DAY - 10), ("down", 10))
    assert projected(found) == pytest.approx(10 + 10 / DAY * (MONTH - DAY))


def test_the_rate_of_an_outage_of_six_seconds_is_an_alarm_of_the_fast_kind():
    """99.99 %: 14.4 times in an hour are 5.2 s."""
    of, now = history(("up", 6 * 3600.0), ("down", 6), ("up", 60))
    assert burn(of, NINES, 3600.0, now).rate == pytest.approx(6 / 3600 / 1e-4, rel=1e-3)
    said = burning(of, NINES, now)
    assert said.outcome is Outcome.FAIL
    assert said.sentence.startswith("core-db was down 6 s of the last 1 h, 16.7 times as fast as 99.99 % allows (200 ")
    later, now = history(("up", 6 * 3600.0), ("down", 6), ("up", 301))
    assert burning(later, NINES, now).outcome is Outcome.OK  # of the fast window nothing is left: it ends soon after


def test_a_slow_burn_is_a_warning():
    of, now = history(*(("up", 590.0), ("down", 0.6)) * 40, ("up", 10.0))
    assert burning(of, NINES, now).outcome is Outcome.WARN
    assert burning(of, 0.99, now).outcome is Outcome.OK


def test_the_rate_of_time_that_nobody_saw_is_not_known():
    of, now = history(("up", DAY), (None, 220), ("up", 80))
    assert burning(of, NINES, now).outcome is Outcome.UNKNOWN
    assert burn(of, NINES, 300.0, now).rate is None


def test_a_short_window_that_burns_is_not_calm_because_the_long_one_is_not_known():
    of, now = history(("up", 7 * 3600.0), (None, 3300), ("up", 250), ("down", 40), ("up", 10))
    assert burn(of, NINES, 3600.0, now).rate is None
    found = burning(of, NINES, now)
    assert (found.outcome, found.word) == (Outcome.UNKNOWN, "Not known")
    assert "too little of the last 1 h or 5 min was seen, and what was seen burns" in found.sentence
    calm, now = history(("up", 7 * 3600.0), (None, 3300), ("up", 300))
    assert burning(calm, NINES, now).outcome is Outcome.OK


def said(*states, silent="", now=None, **more):
    of, until = history(*states, **more)
    at = now if now is not None else until
    found = findings("core-db", measure(of, NINES, BASE, BASE + MONTH, at), "November", burning(of, NINES, at), silent)
    assert {str(one.subject) for one in found} == {"service:core-db"}
    return {one.check: (one.outcome, one.sentence) for one in found}


def test_findings_of_a_service_that_answers():
    found = said(("up", DAY))
    assert {outcome for outcome, _ in found.values()} == {Outcome.OK}
    assert found["answers"][1] == "core-db answers."
    assert said(("up", DAY), (None, 3000), ("up", 4000.0))["budget"] == (
        Outcome.OK,
        "core-db was down 0 s of the 4 min 19.2 s of its budget in the part of November that was watched; "
        "50 min 0 s were not seen.",
    )
    assert said(("unknown", 400))["budget"][0] is Outcome.UNKNOWN


def test_a_service_that_is_asked_and_tells_nothing_is_unknown():
    found = said(("up", DAY), ("unknown", 30))
    assert found["answers"] == (
        Outcome.UNKNOWN,
        "core-db is asked, and nothing can be told of it: no answer in time.",
    )
    assert said(("up", DAY), ("unknown", 30), ("up", 5))["answers"][0] is Outcome.OK
    bare = History("core-db", RULE, (Span("service", State.UNKNOWN, BASE, BASE + 50),))
    assert measure(bare, NINES, BASE, BASE + MONTH, BASE + 50).unsure == "its answer tells nothing"


def test_findings_of_an_outage():
    found = said(("up", DAY), ("down", 300))
    assert [found[check][0] for check in ("answers", "budget", "burn_rate")] == [Outcome.FAIL] * 3
    assert found["answers"][1].startswith("core-db does not answer since 02 Nov 2026 00:00:00 UTC: no answer in time.")
    planned = said(("up", DAY), ("down", 300), permits=[Permit(BASE, BASE + MONTH, "drill 7, failover")])
    assert planned["answers"] == (
        Outcome.OK,
        "core-db is down, as planned: drill 7, failover; no answer in time.",
    )
    assert planned["budget"][0] is planned["burn_rate"][0] is Outcome.OK


def test_findings_of_a_service_that_nobody_asks():
    found = said(("up", DAY), now=BASE + DAY + 40)
    assert {outcome for outcome, _ in found.values()} == {Outcome.UNKNOWN}
    assert "Look at the process drill_prober." in found["answers"][1]
    gone = said(("up", DAY), silent="core-db is no longer declared.")
    assert gone["budget"] == (Outcome.UNKNOWN, "core-db is no longer declared.")
    bare = said(("up", DAY), ("down", 5))
    assert bare["answers"][0] is Outcome.FAIL


def test_a_cause_that_is_not_known_is_left_out():
    of = History("core-db", RULE, (Span("service", State.DOWN, BASE, BASE + 50),))
    at = BASE + 50
    found = findings("core-db", measure(of, NINES, BASE, BASE + MONTH, at), "November", burning(of, NINES, at))
    assert found[0].sentence.startswith("core-db does not answer since 01 Nov 2026 00:00:00 UTC. See ")


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(None, "no data"), (1.0, "100.0000 %"), (0.9999999, "99.9999 %"), (0.9999, "99.9900 %"), (0.0, "0.0000 %")],
)
def test_a_share_is_cut_off_and_never_rounded_up(ratio, words):
    assert percent(ratio) == words


def test_the_objective_in_words():
    assert [promise(one) for one in (0.9999, 0.999, 0.995, 0.9)] == ["99.99 %", "99.9 %", "99.5 %", "90 %"]


def test_a_part_that_stops_answering_is_named():
    rule = Rule(("health", "api"), (Rhythm(0.0, 18.0),), 15.0)
    spans = (
        Span("health", State.UP, BASE, BASE + 300),
        Span("api", State.UP, BASE, BASE + 100),
        Span("api", State.DOWN, BASE + 105, BASE + 200, "HTTP 503"),
        Span("api", State.UP, BASE + 205, BASE + 300),
    )
    found = measure(History("Engine", rule, spans), NINES, BASE, BASE + 300, BASE + 300)
    assert [(one.seconds, one.cause) for one in found.outages] == [(105.0, "api: HTTP 503")]
    alone = measure(History("Engine", rule, spans[:1]), NINES, BASE, BASE + 300, BASE + 300)
    assert (alone.ratio, alone.not_watched_s, alone.watched) == (None, 300.0, False)
    assert (
        measure(History("Engine", Rule((), (Rhythm(0.0, 1.0),), 0.0), spans), NINES, BASE, BASE + 9, BASE + 9).ratio
        is None
    )
    assert timedelta(seconds=alone.elapsed_s) == timedelta(seconds=300)
