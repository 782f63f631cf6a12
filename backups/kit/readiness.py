"""Is the kit fit for the day: one line per thing that the day needs, each with its age and one sentence.

ok: known, fresh, good. warn: stale, or good with a gap. fail: looked at, and what is needed is not there. unknown:
nobody could look. A later age limit never turns a failure into a warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backups.kit import readiness_archives, readiness_estate, readiness_hosts
from backups.kit.content import Kit
from backups.kit.line import USUAL, Limits, Line
from backups.kit.words import listed
from portal.kernel.outcome import Outcome, worst

Judge = Callable[[Kit, int, Limits], list[Line]]
JUDGES: tuple[Judge, ...] = (
    readiness_archives.latest,
    readiness_archives.previous,
    readiness_archives.opening,
    readiness_archives.appliance,
    readiness_estate.engine_vm,
    readiness_hosts.hosts,
    readiness_hosts.conf_files,
    readiness_hosts.releases,
    readiness_estate.networks,
    readiness_estate.storage,
    readiness_estate.spare,
    readiness_estate.vms,
    readiness_estate.maintenance,
    readiness_estate.delta,
    readiness_estate.drill,
    readiness_estate.contacts,
)


@dataclass(frozen=True)
class Verdict:
    """The kit's state, a headline of at most twelve words, and one sentence that says what to do first."""

    outcome: Outcome
    headline: str
    sentence: str


def lines(kit: Kit, now: int, limits: Limits = USUAL) -> tuple[Line, ...]:
    """Every line, in the order of the day. now: Unix seconds."""
    return tuple(line for judge in JUDGES for line in judge(kit, now, limits))


def verdict(found: tuple[Line, ...]) -> Verdict:
    """The worst line speaks for all."""
    outcome = worst(line.outcome for line in found)
    bad = [line for line in found if line.outcome is outcome]
    if outcome is Outcome.OK:
        return Verdict(outcome, "The kit is complete and fresh", f"{len(found)} of {len(found)} lines hold.")
    headline = {
        Outcome.WARN: "The kit works with gaps",
        Outcome.FAIL: "The kit is not fit for the day",
        Outcome.UNKNOWN: "Parts of the kit are not known",
    }[outcome]
    good = sum(line.outcome is Outcome.OK for line in found)
    others = f" Also look at: {listed(line.title for line in bad[1:])}." if bad[1:] else ""
    first = bad[0].sentence if bad else "Nothing was looked at."
    return Verdict(outcome, headline, f"{good} of {len(found)} lines hold. {first}{others}")
