"""What the standing of a policy comes to: one outcome, a headline, and what to do, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backups.models import Backup
from backups.services.pages_standing import Standing
from inventory.templatetags.holdfast import local, span
from inventory.verdicts.answer import Word
from portal.kernel.outcome import Outcome, worst


@dataclass(frozen=True)
class Gap:
    """One thing that is not as decided. short: for a headline ("the copy at DR is late")."""

    outcome: Outcome
    short: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """word: could the engine be rebuilt from a backup? base: the headline without its gaps."""

    word: Word
    outcome: Outcome
    base: str
    gaps: tuple[Gap, ...]
    lead: str

    @property
    def headline(self) -> str:
        """At most the base and the worst gap, and how many more there are."""
        if not self.gaps:
            return self.base
        more = len(self.gaps) - 1
        return f"{self.base}; {self.gaps[0].short}" + (f", and {more} more" if more else "")

    @property
    def sentence(self) -> str:
        """The gaps in words, or what is well."""
        return " ".join([self.lead, *(gap.sentence for gap in self.gaps)]).strip()


def verdict(one: Standing, now: datetime) -> Verdict:
    """What a person must know of one policy now."""
    gaps = sorted(_gaps(one, now), key=lambda gap: -_gravity(gap.outcome))
    if one.proven is None:
        return _unproven(one, tuple(gaps))
    age = (now - one.proven.taken).total_seconds()
    base = f"Restorable to {moment(one.proven.taken, now)}"
    least = one.policy.minimum_redundancy
    lead = f"{counted(one.verified, 'proven backup')}, minimum {least}."
    if age > one.policy.rpo:
        over = f"{span(age)} would be lost, objective {span(one.policy.rpo)}."
        found = Gap(Outcome.FAIL, "later than the objective", over)
        return Verdict(Word.YES, Outcome.FAIL, base, (found, *gaps), lead)
    if one.verified < least:
        few = f"{one.verified} of at least {least} proven backups are held: take and rehearse more."
        gaps.append(Gap(Outcome.WARN, f"fewer than {least} proven backups", few))
    outcome = worst([Outcome.OK, *(gap.outcome for gap in gaps)])
    return Verdict(Word.YES, outcome, base, tuple(gaps), lead)


def _unproven(one: Standing, gaps: tuple[Gap, ...]) -> Verdict:
    if one.total == 0:
        bad = one.missed_since > 0
        outcome = Outcome.FAIL if bad else Outcome.UNKNOWN
        lead = f"Policy {one.policy.name} has taken no backup yet. Back up now, or wait for its next start."
        return Verdict(Word.NO if bad else Word.NOT_KNOWN, outcome, "No backup has been taken", gaps, lead)
    if one.done is None:
        newest = one.newest
        told = newest.sentence if newest else ""
        if newest is not None and newest.status == Backup.Status.STARTED:
            return Verdict(Word.NOT_KNOWN, Outcome.UNKNOWN, "The first backup is being taken", gaps, told)
        return Verdict(Word.NO, Outcome.FAIL, "No backup has ended as DONE", gaps, told)
    if one.done.proof == Backup.Proof.FAILED or one.done.whole is False:
        lead = f"{one.done.ident} is not whole, and no other backup is proven. Take a new one."
        return Verdict(Word.NO, Outcome.FAIL, "No backup is restorable", gaps, lead)
    lead = f"{counted(one.total, 'backup')} held; none has been restored in a rehearsal. Rehearse {one.done.ident}."
    return Verdict(Word.NOT_KNOWN, Outcome.UNKNOWN, "No backup is proven restorable", gaps, lead)


def _gaps(one: Standing, now: datetime) -> list[Gap]:
    found: list[Gap] = []
    newest = one.newest
    if newest is not None and newest.status == Backup.Status.FAILED:
        told = f"{newest.ident} failed: {newest.sentence} {newest.what_to_do}".strip()
        found.append(Gap(Outcome.WARN, "the newest backup failed", told))
    if one.done is not None and (one.done.whole is False or one.done.proof == Backup.Proof.FAILED):
        words = f"{one.done.ident} ended as DONE but its archive is not whole. Take a new one."
        found.append(Gap(Outcome.WARN, "the newest archive is not whole", words))
    if one.missed_since:
        last = one.missed[0]
        words = f"{counted(one.missed_since, 'planned start')} passed without a backup: {last.sentence}"
        found.append(Gap(Outcome.WARN, f"{counted(one.missed_since, 'start')} missed", words))
    age = (now - one.done.taken).total_seconds() if one.done else 0.0
    if age > one.policy.max_age:
        words = f"The newest backup is {span(age)} old, limit {span(one.policy.max_age)}. Back up now."
        found.append(Gap(Outcome.WARN, "the newest backup is old", words))
    return found + _late(one, now)


def _late(one: Standing, now: datetime) -> list[Gap]:
    """Copies that are later than their destination allows, once there is something to copy."""
    first = one.done
    found: list[Gap] = []
    for place in one.places if first else ():
        if not place.late(now):
            continue
        if place.newest is None:
            assert first is not None
            if one.total == 1 and (now - first.taken).total_seconds() <= place.late_after:
                continue  # the first backup is on its way
            words = f"{place.name} holds no copy, limit {span(place.late_after)}."
        else:
            old = span((now - place.newest).total_seconds())
            words = f"The newest copy at {place.name} is {old} old, limit {span(place.late_after)}."
        found.append(Gap(Outcome.WARN, f"the copy at {place.name} is late", f"{words} {place.problem}".strip()))
    return found


def _gravity(outcome: Outcome) -> int:
    return (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL).index(outcome)


def gravest(rows: Sequence[tuple[Standing, Verdict]]) -> tuple[Standing, Verdict]:
    """The policy that a person must see first; the earlier one of two that are equally grave."""
    return max(rows, key=lambda row: (_gravity(row[1].outcome), row[0].policy.enabled))


def moment(at: datetime, now: datetime) -> str:
    """06:00:04 today, 06:00:04 yesterday, 06:00:04 on 18 Nov."""
    there, here = local(at), local(now)
    days = (here.date() - there.date()).days
    words = {0: "today", 1: "yesterday"}.get(days) or f"on {there.day} {there:%b}"
    year = "" if there.year == here.year or days in (0, 1) else f" {there.year}"
    return f"{there:%H:%M:%S} {words}{year}"


def counted(value: int, noun: str) -> str:
    """1 backup, 2 backups."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"
