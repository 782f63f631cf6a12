"""Retention never takes the last proven archive, whatever the policy, the order, the failures or the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.catalog.retention import Entry, Generations, RecoveryWindow, Redundancy, Word, obsolete, report

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def entry(days_ago, hour=2, **more):
    taken = NOW.replace(hour=hour) - timedelta(days=days_ago)
    return Entry(f"{taken:%Y%m%dT%H%M%S}", taken, **more)


def words(entries, policy, minimum=1, now=NOW):
    return {line.key: line.word for line in report(entries, policy, now, minimum)}


def valid(entries, policy, minimum=1):
    found = words(entries, policy, minimum)
    return [round((NOW - one.taken) / timedelta(days=1)) for one in entries if found[one.key] is Word.VALID]


def test_redundancy_counts_only_what_is_done_and_proven():
    """The smell that facts/engine-backup.md 0.8 names: counting files deletes good ones."""
    entries = [entry(0, done=False), entry(1, done=False), entry(2, proven=False), entry(3), entry(4), entry(5)]
    lines = report(entries, Redundancy(2), NOW, 1)
    assert [line.word for line in lines] == [Word.NONE, Word.NONE, Word.VALID, Word.VALID, Word.VALID, Word.OBSOLETE]
    assert lines[3].why == "REDUNDANCY 2: number 1 of 2."
    assert obsolete(lines) == (entries[5].key,)


def test_a_recovery_window_keeps_the_one_before_it():
    assert valid([entry(day) for day in (0, 3, 6, 8, 12)], RecoveryWindow(7)) == [0, 3, 6, 8]


def test_a_recovery_window_keeps_the_last_one_when_backups_stopped():
    assert valid([entry(day) for day in (40, 50)], RecoveryWindow(7)) == [40]


@pytest.mark.parametrize("days", [800_000, 2_147_483_647])
def test_a_recovery_window_longer_than_the_calendar_keeps_everything(days):
    assert valid([entry(day) for day in (0, 3, 4000)], RecoveryWindow(days)) == [0, 3, 4000]


def test_generations():
    entries = [entry(day) for day in range(400)]
    kept = valid(entries, Generations(days=3, weeks=2, months=2, years=2))
    # days 25, 24, 23; weeks ending with the 25th and Sunday 22nd; October 31st; December 31st 2025
    assert kept == [0, 1, 2, 3, 25, 329]


def test_a_day_is_a_day_in_the_policys_zone():
    late = Entry("late", datetime(2026, 11, 24, 23, 30, tzinfo=UTC))  # the 25th in Vienna
    early = Entry("early", datetime(2026, 11, 25, 5, 0, tzinfo=UTC))
    assert words([late, early], Generations(9, 0, 0, zone="UTC")) == {"late": Word.VALID, "early": Word.VALID}
    assert words([late, early], Generations(9, 0, 0, zone="Europe/Vienna")) == {
        "late": Word.OBSOLETE, "early": Word.VALID
    }  # fmt: skip


def test_generations_without_backups_for_long_lose_nothing():
    assert valid([entry(day) for day in (900, 901)], Generations(days=7, weeks=0, months=0)) == [900, 901]


def test_minimum_redundancy_overrides_the_policy():
    assert valid([entry(day) for day in range(5)], Redundancy(1), minimum=3) == [0, 1, 2]
    lines = report([entry(day) for day in range(5)], Redundancy(1), NOW)
    assert lines[2].why == "REDUNDANCY 1: minimum redundancy is 3."


def test_a_hold_stays_and_says_why():
    held = entry(300, keep="audit 2026")
    lines = report([entry(0), held], Redundancy(1), NOW, 1)
    assert (lines[1].word, lines[1].why) == (Word.KEEP, "It is held: audit 2026.")


def test_nothing_goes_while_nothing_is_proven():
    entries = [entry(day, proven=False) for day in range(9)]
    assert set(words(entries, Redundancy(1)).values()) == {Word.VALID}


def test_unproven_archives_go_with_the_proven_ones_of_their_time():
    entries = [entry(0, proven=False), entry(1), entry(2, proven=False), entry(3)]
    assert list(words(entries, Redundancy(1)).values()) == [Word.VALID, Word.VALID, Word.OBSOLETE, Word.OBSOLETE]


@pytest.mark.parametrize("policy", [Redundancy(0), RecoveryWindow(0), Generations(0, 0, 0)])
def test_a_policy_that_keeps_nothing_is_refused(policy):
    with pytest.raises(ValueError, match="at least one"):
        report([entry(0)], policy, NOW)


entries_of = st.lists(
    st.tuples(st.integers(0, 800), st.integers(0, 23), st.booleans(), st.booleans(), st.sampled_from(["", "audit"])),
    max_size=40,
    unique_by=lambda row: row[:2],
).map(lambda rows: [entry(day, hour, done=done, proven=proven, keep=keep) for day, hour, done, proven, keep in rows])
policies = st.one_of(
    st.builds(Redundancy, st.integers(1, 9)),
    st.builds(RecoveryWindow, st.integers(1, 90)),
    st.builds(Generations, st.integers(1, 9), st.integers(0, 6), st.integers(0, 6), st.integers(0, 2)),
)


def gone(entries, policy, minimum, now=NOW):
    return set(obsolete(report(entries, policy, now, minimum)))


@given(entries_of, policies, st.integers(-1, 5))
def test_the_newest_proven_archives_never_go(entries, policy, minimum):
    proven = sorted((one for one in entries if one.done and one.proven), key=lambda one: one.taken, reverse=True)
    kept = {one.key for one in proven[: max(minimum, 1)]}
    assert not kept & gone(entries, policy, minimum)


@given(entries_of, policies, st.integers(1, 5))
def test_failed_and_held_entries_never_go(entries, policy, minimum):
    assert not {one.key for one in entries if not one.done or one.keep} & gone(entries, policy, minimum)


@given(entries_of, policies, st.integers(1, 5))
def test_deleting_twice_deletes_no_more(entries, policy, minimum):
    first = gone(entries, policy, minimum)
    assert gone([one for one in entries if one.key not in first], policy, minimum) == set()


@given(entries_of, policies, st.integers(1, 5), st.integers(0, 500))
def test_what_goes_stays_gone_as_time_passes(entries, policy, minimum, days):
    assert gone(entries, policy, minimum) <= gone(entries, policy, minimum, NOW + timedelta(days=days))


@given(entries_of, st.integers(1, 9), st.integers(0, 9), st.integers(1, 5))
def test_a_wider_policy_deletes_less(entries, count, more, minimum):
    assert gone(entries, Redundancy(count + more), minimum) <= gone(entries, Redundancy(count), minimum)
    assert gone(entries, RecoveryWindow(count + more), minimum) <= gone(entries, RecoveryWindow(count), minimum)
    wide, narrow = Generations(count + more, more, more), Generations(count, 0, 0)
    assert gone(entries, wide, minimum) <= gone(entries, narrow, minimum)


@given(entries_of, policies, st.integers(1, 5))
def test_a_failed_run_changes_nothing(entries, policy, minimum):
    failed = [entry(0, 23, done=False), *(replace(one) for one in entries)]
    assert gone(failed, policy, minimum) == gone(entries, policy, minimum)
