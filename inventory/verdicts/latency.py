"""The read-latency objective of a LUN over a window of time: how large a share of its reads went into samples that kept
the objective, with the number of reads, the window and the source beside it (facts/luns-and-tuning.md 2.3).

A sample is the mean of many reads, so a percentile here is one of sample means weighted by reads, and no percentile of
single reads: those only the database has (v$event_histogram_micro)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from portal.kernel.outcome import Outcome
from portal.kernel.words import span

SOURCE = "means of counted reads, /proc/diskstats"
QUANTILES = (0.50, 0.95, 0.99)


@dataclass(frozen=True)
class Sample:
    """Reads of one stretch of time that ended at `at` (Unix seconds), and the milliseconds spent in them."""

    at: float
    reads: int
    read_ms: float

    @property
    def mean(self) -> float:
        """Milliseconds per read; only where there are reads."""
        return self.read_ms / self.reads


@dataclass(frozen=True)
class Objective:
    """most: milliseconds per read; share: of the reads that must keep it; least: reads below which there is no data."""

    most: float = 1.0
    share: float = 0.99
    least: int = 1000


@dataclass(frozen=True)
class Slo:
    """The verdict. p50, p95, p99 and kept are None when there is no data. reads and samples: what was counted; window:
    seconds that were looked at."""

    outcome: Outcome
    sentence: str
    reads: int
    samples: int
    window: float
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    kept: float | None = None
    source: str = SOURCE

    @property
    def percent(self) -> float | None:
        """The share of reads that kept the objective, in per cent; None when there is no data."""
        return None if self.kept is None else 100 * self.kept


def quantiles(samples: Iterable[Sample], wanted: Sequence[float] = QUANTILES) -> tuple[float, ...]:
    """Quantiles of the sample means, each weighted by its reads; () when there are no reads."""
    ranked = sorted((one.mean, one.reads) for one in samples if one.reads > 0)
    total = sum(reads for _, reads in ranked)
    if not total:
        return ()
    passed = list(accumulate(reads for _, reads in ranked))
    return tuple(ranked[bisect_left(passed, part * total)][0] for part in wanted)


@dataclass(frozen=True)
class Counted:
    """What was counted in a window: reads, the samples they came in, how many reads were in samples that kept the
    objective, and the quantiles of the means, () without reads."""

    reads: int
    samples: int
    kept: int
    quantiles: tuple[float, ...]


def count(samples: Iterable[Sample], most: float) -> Counted:
    """most: milliseconds per read that a sample may have."""
    used = [one for one in samples if one.reads > 0]
    kept = sum(one.reads for one in used if one.mean <= most)
    return Counted(sum(one.reads for one in used), len(used), kept, quantiles(used))


def conclude(name: str, counted: Counted, window: float, objective: Objective | None = None) -> Slo:
    """name: of the LUN and its host, for the sentence. window: seconds that were counted."""
    goal = objective or Objective()
    reads, samples = counted.reads, counted.samples
    if reads < goal.least or not counted.quantiles:
        words = f"{name}: no data. {reads} reads in {span(window)}, {goal.least} are needed for a verdict ({SOURCE})."
        return Slo(Outcome.UNKNOWN, words, reads, samples, window)
    p50, p95, p99 = counted.quantiles
    kept = counted.kept / reads
    met = kept >= goal.share
    told = (
        f"{name}: {100 * kept:.4g} % of {reads} reads in {span(window)} were in samples of {goal.most:g} ms or less, "
        f"p50 {p50:.3g}, p95 {p95:.3g}, p99 {p99:.3g} ms over {samples} samples ({SOURCE})"
    )
    rest = "" if met else f"; the objective is {100 * goal.share:g} %. See array, fabric and load"
    return Slo(Outcome.OK if met else Outcome.WARN, f"{told}{rest}.", reads, samples, window, p50, p95, p99, kept)


def verdict(name: str, samples: Iterable[Sample], now: float, window: float, objective: Objective | None = None) -> Slo:
    """name: of the LUN and its host, for the sentence. now: Unix seconds; window: seconds back from now that count."""
    goal = objective or Objective()
    used = [one for one in samples if now - window < one.at <= now]
    return conclude(name, count(used, goal.most), window, goal)
