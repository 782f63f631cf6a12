"""Does every LUN survive the loss of any one element? What all live paths of a LUN share is a single point of
failure: an HBA, an array port, a fabric (facts/luns-and-tuning.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inventory.probes import multipath
from inventory.probes.judging.lun_paths import Pair, pairs, pairs_of
from inventory.probes.multipath import MultipathFacts
from inventory.verdicts.answer import Answer, Word
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import Outcome
from portal.kernel.probe import DeclaredPath


@dataclass(frozen=True)
class LunView:
    """One host's maps (probe multipath) and declared paths. age in seconds, None: never looked; why_not: one sentence
    why there are no facts."""

    host: str
    age_seconds: float | None
    facts: MultipathFacts | None
    declared: Mapping[str, tuple[DeclaredPath, ...]] | None
    why_not: str = ""


@dataclass(frozen=True)
class SharedPoint:
    """An element that all working paths of a LUN on a host share; element "" when no path works at all."""

    host: str
    wwid: str
    element: str


@dataclass(frozen=True)
class LunVerdict:
    """The answer; declared paths that work, of all; what is shared; why it is not known, one sentence each."""

    answer: Answer
    working: int
    declared: int
    hosts: int
    shared: tuple[SharedPoint, ...]
    unknown: tuple[str, ...]
    blind: bool = False  # for some LUN it is not known whether its paths run over two fabrics


def judge(views: Sequence[LunView]) -> LunVerdict:
    """All hosts in, verdict out. Never Yes while a host is stale or unread, or a LUN is not declared."""
    unknown = tuple(words for view in views for words in _not_known(view))
    read = [view for view in views if _fresh(view)]
    shared = tuple(point for view in read for point in _shared(view))
    working, total = _count(read)
    blind = any(_blind(view) for view in read)
    return _verdict(shared, unknown, working, total, len(read), blind)


def combine(parts: Sequence[LunVerdict]) -> LunVerdict:
    """Verdicts about single hosts as one about all of them: judge(views) == combine([judge([view]) for each])."""
    return _verdict(
        tuple(point for part in parts for point in part.shared),
        tuple(words for part in parts for words in part.unknown),
        sum(part.working for part in parts),
        sum(part.declared for part in parts),
        sum(part.hosts for part in parts),
        any(part.blind for part in parts),
    )


def _verdict(
    shared: tuple[SharedPoint, ...], unknown: tuple[str, ...], working: int, total: int, hosts: int, blind: bool
) -> LunVerdict:
    if not hosts and not unknown:
        unknown = ("No host is watched.",)
    counted = (
        f"{hosts} host{'' if hosts == 1 else 's'} see{'s' if hosts == 1 else ''} {working} of {total} declared paths."
    )
    answer = _answer(shared, unknown, counted, working == total, blind)
    return LunVerdict(answer, working, total, hosts, shared, unknown, blind)


def _fresh(view: LunView) -> bool:
    fresh = view.age_seconds is not None and not is_stale(view.age_seconds, multipath.PROBE.every)
    return fresh and view.facts is not None and view.facts.source == "json"


def _not_known(view: LunView) -> list[str]:
    """Why this host's LUNs cannot be called safe."""
    if not _fresh(view):
        return [view.why_not or f"The LUN paths of {view.host} are not known now: see its look at multipath."]
    if not view.declared:
        return [f"No path is declared for {view.host}: approve what a healthy look shows."]
    stray = [one.wwid for one in (view.facts.maps if view.facts else ()) if one.wwid not in view.declared]
    said = [f"{len(stray)} LUNs of {view.host} are not declared ({stray[0]}): approve their paths."] if stray else []
    plain = [wwid for wwid, paths in view.declared.items() if not all(all(pair) for pair in pairs(paths))]
    if plain:
        said.append(f"LUN {plain[0]} of {view.host} has paths without WWPNs, so what they share is not known.")
    return said


def _shared(view: LunView) -> list[SharedPoint]:
    facts = view.facts
    seen = {one.wwid: pairs_of(one, "up") for one in (facts.maps if facts else ())}
    fabrics = {hba.wwpn: hba.fabric for hba in (facts.hbas if facts else ())}
    found = []
    for wwid, paths in (view.declared or {}).items():
        live = seen.get(wwid, set()) & pairs(paths)
        if not live:
            found.append(SharedPoint(view.host, wwid, ""))
            continue
        if not all(all(pair) for pair in live):
            continue  # told by _not_known
        common = set.intersection(*(_elements(pair, fabrics) for pair in live))
        if common:
            found.append(SharedPoint(view.host, wwid, sorted(common)[0]))
    return found


def _blind(view: LunView) -> bool:
    """Is there a LUN whose working paths are not known to run over two fabrics nor over one?"""
    facts = view.facts
    seen = {one.wwid: pairs_of(one, "up") for one in (facts.maps if facts else ())}
    fabrics = {hba.wwpn: hba.fabric for hba in (facts.hbas if facts else ())}
    spans = (
        {fabrics.get(hba, "") for hba, _ in pairs(paths) & seen.get(wwid, set())} for wwid, paths in _declared(view)
    )
    return any("" in span and len(span) < 3 for span in spans)


def _declared(view: LunView) -> Iterable[tuple[str, tuple[DeclaredPath, ...]]]:
    return (view.declared or {}).items()


def _elements(pair: Pair, fabrics: Mapping[str, str]) -> set[str]:
    """What a path needs."""
    hba, target = pair
    fabric = fabrics.get(hba, "")
    return {f"HBA {hba}", f"array port {target}"} | ({f"fabric {fabric}"} if fabric else set())


def _count(read: Sequence[LunView]) -> tuple[int, int]:
    working = total = 0
    for view in read:
        seen = {one.wwid: pairs_of(one, "up") for one in (view.facts.maps if view.facts else ())}
        for wwid, paths in (view.declared or {}).items():
            wanted = pairs(paths)
            total += len(wanted)
            working += len(wanted & seen.get(wwid, set()))
    return working, total


def _answer(
    shared: tuple[SharedPoint, ...], unknown: tuple[str, ...], counted: str, whole: bool, blind: bool
) -> Answer:
    if shared:
        first = shared[0]
        what = f"has only {first.element}" if first.element else "has no declared path that works"
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        words = f"LUN {first.wwid} on {first.host} {what}{more}. {counted}"
        return Answer(Word.NO, Outcome.FAIL, words)
    if unknown:
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, f"{unknown[0]} {counted}")
    if blind:
        words = "No LUN hangs on one HBA or array port, but which fabric a port is on is not known for every port."
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, f"{counted} {words}")
    if not whole:
        return Answer(Word.YES, Outcome.WARN, f"{counted} Every LUN still has two ways, but paths are missing.")
    return Answer(Word.YES, Outcome.OK, f"{counted} No LUN hangs on one HBA, array port or fabric.")
