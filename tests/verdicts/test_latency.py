"""The latency objective of a LUN."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.verdicts.latency import Objective, Sample, quantiles, verdict

NOW = 1_795_000_000.0
HOUR = 3600.0


def sample(ago: float, reads: int, mean: float) -> Sample:
    return Sample(NOW - ago, reads, reads * mean)


def test_the_objective_is_kept_and_the_numbers_stand_beside_it():
    found = verdict("ora_data01 on kvm01", [sample(n * 300, 1000, 0.4) for n in range(12)], NOW, HOUR)
    assert (str(found.outcome), found.reads, found.samples, found.window) == ("ok", 12_000, 12, HOUR)
    assert (found.p50, found.p99, found.kept) == (pytest.approx(0.4), pytest.approx(0.4), 1.0)
    assert found.sentence == (
        "ora_data01 on kvm01: 100 % of 12000 reads in 1 h were in samples of 1 ms or less, p50 0.4, p95 0.4, p99 0.4 "
        "ms over 12 samples (means of counted reads, /proc/diskstats)."
    )


def test_one_slow_sample_of_many_reads_breaks_it():
    found = verdict("L", [sample(0, 9000, 0.4), sample(300, 1000, 2.0)], NOW, HOUR)
    assert (str(found.outcome), found.kept, found.p50, found.p95) == (
        "warn",
        0.9,
        pytest.approx(0.4),
        pytest.approx(2.0),
    )
    assert "the objective is 99 %" in found.sentence
    assert (
        str(verdict("L", [sample(0, 9000, 0.4), sample(300, 1000, 2.0)], NOW, HOUR, Objective(share=0.9)).outcome)
        == "ok"
    )


def test_too_few_reads_are_no_data_and_never_zero():
    found = verdict("L", [sample(0, 999, 0.1), Sample(NOW, 0, 0.0)], NOW, HOUR)
    assert (str(found.outcome), found.p50, found.kept) == ("unknown", None, None)
    assert found.sentence.startswith("L: no data. 999 reads in 1 h, 1000 are needed")
    assert str(verdict("L", [], NOW, HOUR).outcome) == "unknown"


def test_only_the_window_counts():
    old, future, now = sample(HOUR, 5000, 9.0), sample(-1, 5000, 9.0), sample(10, 5000, 0.5)
    assert verdict("L", [old, future, now], NOW, HOUR).reads == 5000


def test_no_reads_have_no_quantile():
    assert quantiles([]) == ()
    assert quantiles([Sample(NOW, 0, 0.0)]) == ()


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0.01, 50.0)), min_size=1, max_size=30), st.floats(0.01, 1.0))
def test_a_quantile_is_a_mean_that_was_seen_and_enough_reads_lie_below(pairs, part):
    samples = [Sample(NOW, reads, reads * mean) for reads, mean in pairs]
    (found,) = quantiles(samples, (part,))
    means = [one.mean for one in samples]
    assert found in means
    total = sum(one.reads for one in samples)
    assert sum(one.reads for one in samples if one.mean <= found) >= part * total
    assert sum(one.reads for one in samples if one.mean < found) < part * total
