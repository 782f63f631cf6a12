"""Which LUN at the other site belongs to which here, by WWN, and how that differs from what was approved.

A DR LUN of HyperReplication has another WWN, so the DR engine needs its own disks; a drift in this map is the most
likely reason of a failed recovery (facts/san.md 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.verdicts.replication import Replicated
from inventory.verdicts.replication_pairs import Asked
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome

_TODO = "Correct the disks of the recovery engine, then approve the map anew."


@dataclass(frozen=True)
class Mirror:
    """A production LUN and its copy. Sizes in bytes, None when not told. confirmed: both arrays tell of the pair."""

    production: str
    copy: str
    production_name: str
    copy_name: str
    production_size: int | None
    copy_size: int | None
    group: str
    confirmed: bool


def mirrors(judged: Iterable[Replicated], production: str) -> tuple[Mirror, ...]:
    """The map from the array `production` (its serial number) to the others; pairs whose WWNs are not both known are
    left out: `drift` calls them unknown."""
    found = []
    for one in judged:
        here = next((end for end in one.pair.ends if end.serial == production), None)
        there = next((end for end in one.pair.ends if end.serial != production), None)
        if here and there and here.wwn and there.wwn:
            sizes = (here.size, there.size)
            names = (here.name, there.name)
            found.append(Mirror(here.wwn, there.wwn, *names, *sizes, one.group, len(one.pair.told) == 2))
    return tuple(sorted(found, key=lambda one: (one.production, one.copy)))


def silence(arrays: Iterable[Asked]) -> str:
    """Why the map may not be whole: the first array that was not read, or did not tell its pairs or LUNs; "" for none
    of them."""
    for one in arrays:
        if one.seen is None:
            return one.why or f"{one.name} was not read."
        why = next((one.seen.unread[part] for part in ("all", "pairs", "luns") if part in one.seen.unread), "")
        if why:
            return why
    return ""


def drift(approved: Mapping[str, str], now: Iterable[Mirror], silent: str = "") -> tuple[Finding, ...]:
    """One finding for each LUN that is approved or mirrored. approved: production WWN -> WWN of its copy. silent: as
    `silence` tells; "" when every array told its pairs: what is missing then is missing."""
    mirrored: dict[str, list[Mirror]] = {}
    for one in now:
        mirrored.setdefault(one.production, []).append(one)
    lost = [_lost(wwn, copy, silent) for wwn, copy in approved.items() if wwn not in mirrored]
    kept = [_kept(listed, approved.get(wwn)) for wwn, listed in mirrored.items()]
    return tuple(sorted((*lost, *kept), key=lambda one: one.subject))


def _finding(wwn: str, outcome: Outcome, sentence: str) -> Finding:
    return Finding("replication_map", outcome, Subject("lun", f"3{wwn}"), sentence)


def _lost(wwn: str, copy: str, silent: str) -> Finding:
    if silent:
        return _finding(wwn, Outcome.UNKNOWN, f"Whether LUN {wwn} still has its copy {copy} is not known. {silent}")
    return _finding(wwn, Outcome.FAIL, f"LUN {wwn} has lost its approved copy {copy}: no pair tells of it. {_TODO}")


def _kept(listed: list[Mirror], approved: str | None) -> Finding:
    one = listed[0]
    named = f"LUN {one.production_name} ({one.production})"
    copies = ", ".join(mirror.copy for mirror in listed)
    if approved is None:
        words = f"{named} has the copy {copies}, which nobody approved. Check it, then approve the map."
        return _finding(one.production, Outcome.WARN, words)
    if [mirror.copy for mirror in listed] != [approved]:
        return _finding(one.production, Outcome.FAIL, f"{named} has the copy {copies}; approved is {approved}. {_TODO}")
    if None not in (one.production_size, one.copy_size) and one.production_size != one.copy_size:
        words = (
            f"{named} has {one.production_size} bytes, its copy {approved} {one.copy_size}. Enlarge the smaller one."
        )
        return _finding(one.production, Outcome.FAIL, words)
    if not one.confirmed:
        words = f"{named} has its approved copy {approved}, as one array tells; the other does not confirm it."
        return _finding(one.production, Outcome.UNKNOWN, words)
    return _finding(one.production, Outcome.OK, f"{named} has its approved copy {approved}.")
