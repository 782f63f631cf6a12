"""Does every LUN survive the loss of any one element? What all live paths of a LUN share is a single point of
failure: an HBA, an array port, a fabric (facts/luns-and-tuning.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inventory.probes.judging.lun_paths import Pair, pairs, pairs_of
from inventory.probes.multipath import MultipathFacts
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import GRAVE, Outcome
from portal.kernel.probe import DeclaredPath


@dataclass(frozen=True)
class LunView:
    """One host's maps (probe multipath) and declared paths."""

    host: str
    facts: MultipathFacts
    declared: Mapping[str, tuple[DeclaredPath, ...]] | None


@dataclass(frozen=True)
class SharedPoint:
    """An element that all working paths of a LUN on a host share; element "" when no path works at all."""

    host: str
    wwid: str
    element: str


@dataclass(frozen=True)
class Part:
    """What one host adds to the answer, or all of them together. hosts: those whose paths are known; working of
    declared paths; shared: LUNs of a host that hang on one element, point the first of them; unknown: the first reason,
    in one sentence, why something is not known, "" for none; blind: for some LUN it is not known whether its paths run
    over two fabrics."""

    hosts: int
    working: int
    declared: int
    shared: int
    point: SharedPoint | None
    unknown: str
    blind: bool


def part(view: LunView) -> Part:
    """One host's part. Kept with its look (Look.brief), so it is as old as that look is."""
    if view.facts.source != "json":
        return Part(0, 0, 0, 0, None, unread(view.host), False)
    shared = _shared(view)
    working, total = _count(view)
    unknown = next(iter(_not_known(view)), "")
    return Part(1, working, total, len(shared), shared[0] if shared else None, unknown, _blind(view))


def unread(host: str, why: str = "") -> str:
    """Why nothing is known of a host's paths; why: what its look said."""
    return why or f"The LUN paths of {host} are not known now: see its look at multipath."


def answer(whole: Part) -> Answer:
    """All hosts in, answer out. Never Yes while a host's paths are not known, or a LUN is not declared."""
    unknown = whole.unknown or ("" if whole.hosts else "No host is watched.")
    one = whole.hosts == 1
    counted = (
        f"{whole.hosts} host{'' if one else 's'} see{'s' if one else ''} "
        f"{whole.working} of {whole.declared} declared paths."
    )
    if whole.point is not None:
        return Answer(Word.NO, Outcome.FAIL, f"{_shared_words(whole.point, whole.shared - 1)} {counted}")
    if unknown:
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, f"{unknown} {counted}")
    if whole.blind:
        words = "No LUN hangs on one HBA or array port, but which fabric a port is on is not known for every port."
        return Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, f"{counted} {words}")
    if whole.working != whole.declared:
        return Answer(Word.YES, Outcome.WARN, f"{counted} Every LUN still has two ways, but paths are missing.")
    return Answer(Word.YES, Outcome.OK, f"{counted} No LUN hangs on one HBA, array port or fabric.")


def proven(seen: Answer, proofs: Sequence[tuple[Outcome, str]]) -> Answer:
    """The answer with what the proofs of the estates say, which know cards, switches and controllers, too. What hosts
    see themselves stands when it is graver; without a proof it stands alone."""
    if not proofs:
        return seen
    outcome, sentence = min(proofs, key=lambda one: GRAVE.index(one[0]))
    if GRAVE.index(seen.outcome) < GRAVE.index(outcome):
        return seen
    word = {Outcome.FAIL: Word.NO, Outcome.UNKNOWN: Word.NOT_KNOWN}.get(outcome, Word.YES)
    return Answer(word, outcome, sentence)


def _shared_words(first: SharedPoint, others: int) -> str:
    more = f" and {others} more" if others else ""
    what = f"has only {first.element}" if first.element else "has no declared path that works"
    return f"LUN {first.wwid} on {first.host} {what}{more}."


def _not_known(view: LunView) -> list[str]:
    """Why this host's LUNs cannot be called safe."""
    if not view.declared:
        return [f"No path is declared for {view.host}: approve what a healthy look shows."]
    stray = [one.wwid for one in view.facts.maps if one.wwid not in view.declared]
    said = [f"{len(stray)} LUNs of {view.host} are not declared ({stray[0]}): approve their paths."] if stray else []
    plain = [wwid for wwid, paths in view.declared.items() if not all(all(pair) for pair in pairs(paths))]
    if plain:
        said.append(f"LUN {plain[0]} of {view.host} has paths without WWPNs, so what they share is not known.")
    return said


def _shared(view: LunView) -> list[SharedPoint]:
    seen = {one.wwid: pairs_of(one, "up") for one in view.facts.maps}
    fabrics = {hba.wwpn: hba.fabric for hba in view.facts.hbas}
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
    seen = {one.wwid: pairs_of(one, "up") for one in view.facts.maps}
    fabrics = {hba.wwpn: hba.fabric for hba in view.facts.hbas}
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


def _count(view: LunView) -> tuple[int, int]:
    """Declared paths that work, and all declared ones."""
    seen = {one.wwid: pairs_of(one, "up") for one in view.facts.maps}
    wanted = {wwid: pairs(paths) for wwid, paths in _declared(view)}
    working = sum(len(each & seen.get(wwid, set())) for wwid, each in wanted.items())
    return working, sum(map(len, wanted.values()))
