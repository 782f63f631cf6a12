"""What the proof gives out, summed up per LUN, VM, host, array and element, each with one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from inventory.redundancy import words
from inventory.redundancy.elements import SHARED, Element, Kind
from inventory.redundancy.estate import Estate, Pair, Use
from inventory.redundancy.evidence import Layer, San
from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.judge import numbers
from inventory.redundancy.layers import HostLun, HostSide
from portal.kernel.outcome import Outcome, worst

Cells = Mapping[tuple[str, str], HostLun]

OWN = (Kind.HOST, Kind.ARRAY)  # their loss is not counted against their own LUNs (see San.ignored)


@dataclass(frozen=True)
class Summary:
    """One LUN, VM, storage domain, host, array or the estate. cells: what it is summed up from. first: it carries the
    engine."""

    name: str
    key: str
    outcome: Outcome
    sentence: str
    cells: tuple[HostLun, ...]
    first: bool = False


@dataclass(frozen=True)
class ElementSummary:
    """What dies with one element. cuts: the (host, LUN) that lose every path; hit: how many lose some."""

    element: Element
    label: str
    cuts: tuple[HostLun, ...]
    hit: int
    sentence: str


@dataclass(frozen=True)
class Proof:
    """Everything proven. cells: (host, WWID) -> verdict. elements: those whose loss cuts a LUN first. sides and san:
    what what-if works on."""

    estate: Estate
    cells: Mapping[tuple[str, str], HostLun]
    luns: tuple[Summary, ...]
    vms: tuple[Summary, ...]
    hosts: tuple[Summary, ...]
    arrays: tuple[Summary, ...]
    elements: tuple[ElementSummary, ...]
    whole: Summary
    san: San
    sides: Mapping[str, HostSide]

    @property
    def fabrics(self) -> tuple[Fabric, ...]:
        """The fabrics as they were found."""
        return self.san.fabrics

    def label(self, element: Element) -> str:
        """Words for an element."""
        return self.san.wires.elements.label(element)

    def pairs(self, cell: HostLun, layer: Layer = Layer.LIVE) -> tuple[Pair, ...]:
        """The (HBA, target) pairs that are live in a layer."""
        every = self.sides[cell.host].pairs.pairs
        return tuple(every[n] for n in numbers(cell.layers[layer].bits))

    def runs_over(self, host: str, pair: Pair, layer: Layer = Layer.LIVE) -> tuple[Element, ...]:
        """The elements that a pair cannot do without."""
        side = self.sides[host].pairs
        wires = side.designed if layer is Layer.DESIGNED else side.actual
        wire = wires[side.number[pair]]
        return self.san.wires.elements.of(wire.needed) if wire else ()


def summed_up(estate: Estate, san: San, sides: Mapping[str, HostSide], cells: Cells) -> Proof:
    """All verdicts in, everything that pages ask for out."""
    label = san.wires.elements.label
    every = tuple(cells.values())
    by_lun, by_host = _grouped(every, lambda one: one.wwid), _grouped(every, lambda one: one.host)
    first = {wwid for use in estate.uses if use.hosted_engine for wwid in use.wwids}
    luns = [
        _summary(mine[0].name, wwid, mine, words.some(mine, label, "hosts"), first=wwid in first)
        for wwid, mine in by_lun.items()
    ]
    hosts = [_of(name, name, by_host.get(name, ()), label) for name in sides]
    arrays = [
        _of(
            array.name,
            array.serial,
            [one for one in every if array.serial in san.mappings.homes.get(one.wwid, ())],
            label,
        )
        for array in estate.arrays
    ]
    uses = [_used(use, estate, cells, by_lun, label) for use in estate.uses]
    whole = _summary("estate", "estate", every, words.estate(every, label, estate.missing))
    if estate.missing:
        whole = replace(whole, outcome=worst((whole.outcome, Outcome.UNKNOWN)))
    return Proof(
        estate,
        cells,
        _sorted(luns),
        _sorted(uses),
        _sorted(hosts),
        _sorted(arrays),
        _elements(san, sides, every),
        whole,
        san,
        sides,
    )


def _grouped(cells: Iterable[HostLun], key: Callable[[HostLun], str]) -> dict[str, list[HostLun]]:
    found: dict[str, list[HostLun]] = {}
    for one in cells:
        found.setdefault(key(one), []).append(one)
    return found


def _summary(name: str, key: str, cells: Sequence[HostLun], sentence: str, *, first: bool = False) -> Summary:
    return Summary(name, key, worst({one.outcome for one in cells}), sentence, tuple(cells), first)


def _of(name: str, key: str, cells: Sequence[HostLun], label: words.Label) -> Summary:
    return _summary(name, key, cells, words.some(cells, label, "LUNs"))


def _used(use: Use, estate: Estate, cells: Cells, by_lun: Mapping[str, list[HostLun]], label: words.Label) -> Summary:
    """A VM or domain. A LUN that no host has is a failure; a host that is not watched makes it unknown."""
    if use.hosts is None:
        mine = [one for wwid in use.wwids for one in by_lun.get(wwid, ())]
    else:
        mine = [cells[host, wwid] for host in use.hosts for wwid in use.wwids if (host, wwid) in cells]
    found = replace(_of(use.name, use.name, mine, label), first=use.hosted_engine)
    nowhere = [wwid for wwid in use.wwids if wwid not in by_lun]
    watched = {host.name for host in estate.hosts}
    strange = [host for host in use.hosts or () if host not in watched]
    if nowhere:
        words_ = f"No host has LUN {nowhere[0]} of {use.name}: see its mapping and zoning."
        return replace(found, outcome=Outcome.FAIL, sentence=words_)
    if strange and found.outcome is not Outcome.FAIL:
        words_ = f"{use.name} may run on {strange[0]}, whose paths are not known: watch that host."
        return replace(found, outcome=Outcome.UNKNOWN, sentence=words_)
    return found


def _sorted(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """What carries the engine first, then the worst."""
    return tuple(sorted(summaries, key=lambda one: (not one.first, words.RANK[one.outcome])))


def _elements(san: San, sides: Mapping[str, HostSide], cells: Sequence[HostLun]) -> tuple[ElementSummary, ...]:
    """Every element that a live pair runs over, and every one whose loss cuts a LUN first."""
    elements = san.wires.elements
    cuts: dict[Element, list[HostLun]] = {}
    alike: Counter[tuple[str, int]] = Counter()
    for one in cells:
        alike[one.host, one.live.bits] += 1
        for point in one.live.points:
            cuts.setdefault(point, []).append(one)
    hit: Counter[Element] = Counter()
    for (host, bits), count in alike.items():
        union = san.wires.hosts[host] if bits else 0
        for n in numbers(bits):
            wire = sides[host].pairs.actual[n]
            union |= wire.needed if wire else 0
        for element in elements.of(union):
            hit[element] += count
    found = [
        ElementSummary(one, elements.label(one), tuple(cuts.get(one, ())), count, "") for one, count in hit.items()
    ]
    found.sort(key=lambda one: (-len(one.cuts), -one.hit))
    return tuple(replace(one, sentence=_dies(san, one)) for one in found)


def _dies(san: San, one: ElementSummary) -> str:
    if one.element.kind in SHARED:
        bit = san.wires.elements.bit(one.element)
        taken = [sum(bool(mask & bit) for mask in kind.values()) for kind in (san.wires.hosts, san.wires.arrays)]
        return words.domain(one.label, taken[0], taken[1], one.cuts, one.hit)
    if one.element.kind in OWN and not one.cuts:
        return words.own(one.label, one.element.kind is Kind.ARRAY)
    return words.element(one.label, one.cuts, one.hit)
