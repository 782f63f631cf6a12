"""What is said of a policy: the worst first, one sentence each, and never green without a proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.verdicts.facts import Aims, Brief, Facts, Place
from backups.verdicts.policy import verdict
from backups.verdicts.rebuild import answer
from backups.verdicts.words import counted, moment, size
from inventory.verdicts.answer import Word
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

EAT = ZoneInfo("Africa/Nairobi")
NOW = datetime(2026, 11, 22, 10, 14, 32, tzinfo=EAT)
HOUR = timedelta(hours=1)
SIX = datetime(2026, 11, 22, 3, 0, 4, tzinfo=UTC)  # 06:00:04 EAT
MIB = 1024**2
AIMS = Aims(rpo=24 * 3600, max_age=26 * 3600, min_size=MIB, minimum=3, rehearse_every=0)


def brief(taken: datetime = SIX, **fields) -> Brief:
    values = {"ident": "20261122T060004", "size": 412 * MIB, "whole": True, "proof": "proven"}
    return Brief(taken=taken, **(values | fields))


def facts(**fields) -> Facts:
    """A policy about which there is nothing to say."""
    good = Facts(
        name="nightly", now=NOW, enabled=True, aims=AIMS, newest=brief(), done=brief(), proven=brief(), proven_count=54,
        total=61, failed=0, missed_count=0, missed=(), places=(Place("DR", 24 * 3600, SIX),), rehearsed_at=SIX,
        next_due=NOW.replace(hour=12, minute=0, second=0), looked_at=NOW,
    )  # fmt: skip
    return replace(good, **fields)


def test_nothing_to_say():
    told = verdict(facts())
    assert (told.word, told.outcome, told.lines) == (Word.YES, Outcome.OK, ())
    assert told.title == "Restorable to 06:00:04 today"
    assert told.sentence == "54 proven backups, minimum 3."


def test_the_picture():
    late = Place("DR", 24 * 3600, NOW - 28 * HOUR - timedelta(minutes=14), "store-dr has no space left: free 2 GiB.")
    told = verdict(facts(places=(Place("PROD", 24 * 3600, SIX), late)))
    assert told.title == "Restorable to 06:00:04 today; the copy at DR is late"
    assert told.sentence == (
        "54 proven backups, minimum 3. The newest copy at DR is 28 h 14 min old, limit 24 h. "
        "store-dr has no space left: free 2 GiB."
    )
    assert told.outcome is Outcome.WARN
    clock = told.clock
    assert (clock.taken, clock.now, clock.objective, clock.lost) == (SIX, NOW, 86_400, 4 * 3600 + 14 * 60 + 28)
    assert clock.next_due == NOW.replace(hour=12, minute=0, second=0)


FAILED = brief(NOW - HOUR, ident="20261122T090000", status="FAILED", sentence="tmp is full.", what_to_do="Free 2 GiB.")


@pytest.mark.parametrize(
    ("fields", "outcome", "short", "said"),
    [
        ({"enabled": False}, "warn", "it is switched off", "no backup is planned"),
        ({"schedule_problem": "Mars is no time zone."}, "fail", "no backup is planned", "Mars is no time zone."),
        ({"looked_at": NOW - HOUR}, "fail", "nobody looks at the schedule", "09:14:32 today. Start Holdfast's beat"),
        ({"proven": brief(NOW - 25 * HOUR)}, "fail", "that is later than the objective", "25 h would be lost"),
        ({"proven": brief(NOW + HOUR)}, "unknown", "clocks disagree", "1 h from now. Compare the clocks"),
        ({"newest": FAILED, "failed": 1}, "warn", "the newest backup failed", "T090000. tmp is full. Free 2 GiB."),
        ({"newest": FAILED, "failed": 4}, "warn", "the newest backup failed", "4 backups failed in a row"),
        ({"done": brief(whole=False)}, "warn", "the newest archive is not whole", "take a new one"),
        ({"done": brief(proof="failed")}, "warn", "the newest backup does not come back", "could not be restored"),
        ({"done": brief(size=300)}, "warn", "the newest archive is too small", "has 300 B, at least 1 MiB"),
        ({"done": brief(NOW - 27 * HOUR)}, "warn", "the newest backup is old", "27 h old, limit 26 h. Back up now."),
        ({"missed_count": 2, "missed": ("No backup began.",)}, "warn", "2 starts missed", "last one. No backup began."),
        ({"missed_count": 1}, "warn", "1 start missed", "1 planned start passed without a backup since the last one."),
        ({"places": ()}, "warn", "no copy is elsewhere", "vault alone"),
        ({"places": (Place("DR", 3600, None),)}, "warn", "the copy at DR is late", "DR holds no copy, limit 1 h."),
        ({"proven_count": 2}, "warn", "fewer than 3 proven backups", "2 of at least 3"),
        ({"rehearsed_at": NOW - 33 * HOUR}, "warn", "the rehearsal is late", "01:14:32 yesterday, 33 h ago"),
        ({"obstacles": ("Run 7 has the engine.",)}, "warn", "something waits", "Run 7 has the engine."),
        (
            {"unheard": NOW - HOUR, "heartbeat": "It answers with HTTP 500."},
            "warn", "the watcher outside is not told", "since 09:14:32 today. It answers with HTTP 500.",
        ),
    ],
)  # fmt: skip
def test_each_thing_is_one_line(fields, outcome, short, said):
    told = verdict(facts(**fields))
    assert [(line.outcome, line.short) for line in told.lines] == [(outcome, short)]
    assert said in told.lines[0].sentence
    assert told.outcome == outcome
    assert told.word is Word.YES
    assert told.title.startswith("Restorable to ")
    assert told.title.endswith(f"; {short}")


@pytest.mark.parametrize(
    "fields",
    [
        {"proven": brief(NOW + timedelta(seconds=30))},
        {"done": brief(size=None)},
        {"rehearsed_at": NOW - 31 * HOUR},
        {"rehearsed_at": None},
        {"unheard": NOW - timedelta(minutes=4), "heartbeat": "HTTP 500."},
        {"unheard": NOW - HOUR},
        {"heartbeat": "HTTP 500."},
        {"places": (Place("DR", 86_400, None),), "total": 1},
        {"done": None, "newest": None, "places": ()},
    ],
)
def test_what_is_no_news(fields):
    assert verdict(facts(**fields)).lines == ()


def test_the_first_backup_has_time_to_get_to_its_places_and_no_more():
    first = brief(NOW - 2 * HOUR)
    told = verdict(facts(places=(Place("DR", 3600, None),), total=1, done=first, newest=first))
    assert [line.short for line in told.lines] == ["the copy at DR is late"]


def test_the_gravest_comes_first():
    told = verdict(
        facts(places=(), obstacles=("Waits.",), proven=brief(NOW + HOUR), looked_at=NOW - HOUR, missed_count=1)
    )
    assert [line.outcome for line in told.lines] == ["fail", "unknown", "warn", "warn", "warn"]
    assert told.title.endswith("; nobody looks at the schedule, and 4 more")
    assert told.outcome is Outcome.FAIL


STARTED = brief(status="STARTED", whole=None, proof="none")
NONE = {"total": 0, "done": None, "newest": None}
FIRST = {"total": 1, "done": None, "newest": STARTED}


@pytest.mark.parametrize(
    ("fields", "word", "outcome", "base", "said"),
    [
        (NONE, "Not known", "unknown", "No backup has been taken", "12:00:00 today"),
        (NONE | {"next_due": None}, "Not known", "unknown", "No backup has been taken", "give it a schedule"),
        (NONE | {"missed_count": 1}, "No", "fail", "No backup has been taken", "one was due"),
        (FIRST, "Not known", "unknown", "The first backup is being taken", "before it is proven"),
        (FIRST | {"failed": 1}, "No", "fail", "No backup has ended as DONE", "nothing to restore"),
        (FIRST | {"newest": FAILED}, "No", "fail", "No backup has ended as DONE", "tmp is full."),
        (FIRST | {"newest": None}, "No", "fail", "No backup has ended as DONE", "Back up now."),
        ({"done": brief(whole=False, proof="none")}, "No", "fail", "No backup is restorable", "Take a new one."),
        ({"done": brief(proof="failed")}, "No", "fail", "No backup is restorable", "Take a new one."),
        ({"done": brief(proof="none")}, "Not known", "unknown", "No backup is proven restorable", "Rehearse 20261122"),
        ({"done": brief(proof="proven")}, "Not known", "unknown", "No backup is proven restorable", "held. Rehearse"),
    ],
)  # fmt: skip
def test_what_is_not_proven_is_never_a_yes(fields, word, outcome, base, said):
    told = verdict(facts(**({"proven": None, "proven_count": 0} | fields)))
    assert (told.word, told.outcome, told.base) == (word, outcome, base)
    assert said in told.sentence
    assert (told.clock.taken, told.clock.lost) == (None, None)


briefs = st.none() | st.builds(
    brief,
    st.floats(-30, 400).map(lambda hours: NOW - hours * HOUR),
    status=st.sampled_from(["STARTED", "DONE", "FAILED"]),
    whole=st.sampled_from([None, True, False]),
    proof=st.sampled_from(["none", "proven", "failed", "unknown"]),
    size=st.none() | st.integers(0, 10**12),
)
worlds = st.builds(
    facts,
    enabled=st.booleans(), newest=briefs, done=briefs, proven=briefs, proven_count=st.integers(0, 9),
    total=st.integers(0, 99), failed=st.integers(0, 5), missed_count=st.integers(0, 9),
    places=st.lists(st.builds(Place, st.just("DR"), st.just(3600.0), st.none() | st.just(SIX)), max_size=2).map(tuple),
    rehearsed_at=st.none() | st.just(SIX), obstacles=st.lists(st.just("It waits."), max_size=2).map(tuple),
    looked_at=st.sampled_from([NOW, NOW - HOUR]),
)  # fmt: skip


@given(worlds)
def test_green_means_proven_in_time_and_nothing_else_to_say(one):
    told = verdict(one)
    grave = {"ok": 0, "warn": 1, "unknown": 2, "fail": 3}
    outcomes = [grave[line.outcome] for line in told.lines]
    assert outcomes == sorted(outcomes, reverse=True)
    assert grave[told.outcome] >= max(outcomes, default=0)
    assert (told.word is Word.YES) == (one.proven is not None)
    if told.outcome is Outcome.OK:
        assert one.proven is not None
        assert (NOW - one.proven.taken).total_seconds() <= one.aims.rpo
        assert one.enabled
        assert one.places or one.done is None
    assert all(line.sentence.endswith((".", "?")) for line in told.lines)


def test_the_overview_asks_the_policy_that_is_worst_off():
    late = facts(name="slow", proven=brief(NOW - 30 * HOUR))
    none = facts(name="new", proven=None, total=0, done=None, newest=None)
    off = facts(name="old", enabled=False, proven=None, total=0, done=None, newest=None)
    assert answer([]).word is Word.NOT_KNOWN
    assert answer([facts()]).sentence == "The newest backup that is proven restorable is of 06:00:04 today."
    told = answer([facts(), late])
    assert (told.word, told.outcome) == (Word.YES, Outcome.FAIL)
    assert told.sentence.startswith(
        "slow: The newest backup that is proven restorable is of 04:14:32 yesterday. 30 h would"
    )
    assert answer([none, late, facts()]).word is Word.NOT_KNOWN
    assert answer([off, facts()]).outcome is Outcome.OK
    told = answer([off])
    assert (told.word, told.outcome) == (Word.NOT_KNOWN, Outcome.UNKNOWN)
    assert "is switched off" in told.sentence


def test_words():
    spans = [-5, 0, 59, 60, 3599, 3600, 3660, 48 * 3600 - 1, 48 * 3600, 10**6]
    told = ["0 s", "0 s", "59 s", "1 min", "59 min", "1 h", "1 h 1 min", "47 h 59 min", "2 days", "11 days"]
    assert [span(one) for one in spans] == told
    assert [size(one) for one in (0, 1023, 1024, 1536 * MIB, 5 * 1024**5)] == [
        "0 B",
        "1023 B",
        "1 KiB",
        "1.5 GiB",
        "5120 TiB",
    ]
    days = [moment(SIX - timedelta(days=n), NOW) for n in (0, 1, 2, 400)]
    assert days == ["06:00:04 today", "06:00:04 yesterday", "06:00:04 on 20 Nov", "06:00:04 on 18 Oct 2025"]
    assert [counted(n, "backup") for n in (0, 1, 1200)] == ["0 backups", "1 backup", "1,200 backups"]
