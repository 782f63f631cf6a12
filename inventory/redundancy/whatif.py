"""What-if: these elements die together. Which LUNs and VMs lose everything, which lose their redundancy, what
remains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.redundancy.elements import Element
from inventory.redundancy.estate import Use
from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import common, numbers
from inventory.redundancy.layers import HostLun, HostSide
from inventory.redundancy.summary import Proof
from inventory.redundancy.wires import Wire


@dataclass(frozen=True)
class Remains:
    """One LUN on one host afterwards. before, after: pairs. points: what is then a single point of failure. bits: the
    pairs that are left, as the host numbers them."""

    cell: HostLun
    before: int
    after: int
    points: tuple[Element, ...]
    bits: int = 0


@dataclass(frozen=True)
class WhatIf:
    """removed: what is taken away. dead: all that dies with it, by declared power and places. strange: elements that
    nothing runs over, so that nothing is known of them. hosts_gone: hosts that die themselves. lost: LUNs without a
    path, those on hosts that are gone, too; weakened: LUNs that then hang on one element and did not before; remains:
    every LUN that is hit or not. vms_lost: those that no host can serve any more; vms_hit: those that lose a LUN where
    they run, or on some host. unknown: LUNs of which it is not known, since not everything was read."""

    removed: tuple[Element, ...]
    strange: tuple[Element, ...]
    lost: tuple[Remains, ...]
    weakened: tuple[Remains, ...]
    remains: Mapping[tuple[str, str], Remains]
    vms_lost: tuple[str, ...]
    vms_hit: tuple[str, ...]
    unknown: tuple[HostLun, ...]
    sentence: str
    dead: frozenset[Element] = frozenset()
    hosts_gone: tuple[str, ...] = ()

    @property
    def cut_off(self) -> tuple[Remains, ...]:
        """LUNs without a path on hosts that are still there: what a dead host cannot use says nothing of a LUN."""
        return tuple(one for one in self.lost if one.cell.host not in self.hosts_gone)


def what_if(proof: Proof, removed: Iterable[Element], layer: Layer = Layer.LIVE) -> WhatIf:
    """Takes elements away from a proof. A domain takes its members, a container its parts."""
    gone = tuple(dict.fromkeys(removed))
    elements = proof.san.wires.elements
    dying = proof.estate.declared.power.dies_with(gone)
    declared = proof.estate.declared.power.causes
    strange = tuple(one for one in gone if not elements.known(one) and one not in declared)
    dead = 0
    for one in dying:
        dead |= elements.bit(one) if elements.known(one) else 0
    islands = [routes.parts(dead) for routes in proof.san.wires.routes]
    left = {name: _left(side, dead, islands, layer, proof) for name, side in proof.sides.items()}
    known: dict[tuple[str, int, int], tuple[Element, ...]] = {}
    remains = {key: _remains(proof, cell, layer, left[cell.host], known) for key, cell in proof.cells.items()}
    lost = tuple(one for one in remains.values() if one.before and not one.after)
    weakened = tuple(one for one in remains.values() if one.after and one.points and not _points(one, layer))
    vms_lost, vms_hit = _vms(proof.estate.uses, remains)
    unknown = tuple(cell for cell in proof.cells.values() if cell.layers[layer].why)
    away = tuple(name for name, bits in proof.san.wires.hosts.items() if bits & dead)
    cut = tuple(one for one in lost if one.cell.host not in away)
    sentence = _sentence(proof, gone, away, cut, weakened, vms_lost, vms_hit)
    return WhatIf(gone, strange, lost, weakened, remains, vms_lost, vms_hit, unknown, sentence, dying, away)


def _points(one: Remains, layer: Layer) -> tuple[Element, ...]:
    return one.cell.layers[layer].points


def _left(side: HostSide, dead: int, islands: list[dict[str, int]], layer: Layer, proof: Proof) -> int:
    """The pairs of a host that still carry."""
    if proof.san.wires.hosts[side.host.name] & dead:
        return 0
    wires = side.pairs.designed if layer is Layer.DESIGNED else side.pairs.actual
    found = 0
    for n, wire in enumerate(wires):
        if wire is not None and not wire.fixed & dead and _routed(wire, islands):
            found |= 1 << n
    return found


def _routed(wire: Wire, islands: list[dict[str, int]]) -> bool:
    """Whether a route is left. Of a wire whose switches are not known nothing is taken away."""
    if not wire.begin or wire.place is None or wire.standing != "here":
        return True
    island = islands[wire.place.fabric]
    return wire.begin in island and island[wire.begin] == island.get(wire.end)


def _remains(
    proof: Proof, cell: HostLun, layer: Layer, left: int, known: dict[tuple[str, int, int], tuple[Element, ...]]
) -> Remains:
    judged = cell.layers[layer]
    bits = judged.bits & left
    ignored = proof.san.ignored(cell.host, cell.wwid)
    key = (cell.host, bits, ignored)
    if key not in known:
        side = proof.sides[cell.host].pairs
        wires = side.designed if layer is Layer.DESIGNED else side.actual
        shared = common(wire.needed for n in numbers(bits) if (wire := wires[n])) & ~ignored
        known[key] = proof.san.wires.elements.of(shared)
    return Remains(cell, judged.pairs, bits.bit_count(), known[key], bits)


def _vms(uses: Iterable[Use], remains: Mapping[tuple[str, str], Remains]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    lost, hit = [], []
    by_host: dict[str, dict[str, Remains]] = {}
    for (host, wwid), one in remains.items():
        by_host.setdefault(host, {})[wwid] = one
    for use in uses:
        hosts = by_host if use.hosts is None else {host: by_host.get(host, {}) for host in use.hosts}
        before = [host for host, luns in hosts.items() if _serves(use, luns, after=False)]
        after = [host for host in before if _serves(use, hosts[host], after=True)]
        if before and not after:
            lost.append(use.name)
        elif len(after) < len(before):
            hit.append(use.name)
    return tuple(lost), tuple(hit)


def _serves(use: Use, luns: Mapping[str, Remains], *, after: bool) -> bool:
    """Whether a host reaches all LUNs of a VM."""
    return all(wwid in luns and (luns[wwid].after if after else luns[wwid].before) for wwid in use.wwids)


def _sentence(
    proof: Proof,
    gone: tuple[Element, ...],
    away: tuple[str, ...],
    lost: tuple[Remains, ...],
    weakened: tuple[Remains, ...],
    vms_lost: tuple[str, ...],
    vms_hit: tuple[str, ...],
) -> str:
    names = " and ".join(map(proof.label, gone)) or "nothing"
    if not lost and not weakened and not away:
        return f"Without {names} every LUN keeps its redundancy."
    said = [f"Without {names}"]
    if away:
        more = f" and {len(away) - 3} more hosts" if len(away) > 3 else ""
        said.append(f"{', '.join(away[:3])}{more} {'is' if len(away) == 1 else 'are'} gone")
    if lost:
        said.append(f"{len(lost)} LUN{_s(lost)} on their hosts lose all paths")
    if weakened:
        said.append(f"{len(weakened)} LUN{_s(weakened)} on their hosts hang on one element")
    words = f"{said[0]} {' and '.join(said[1:])}."
    if vms_lost:
        words += f" {len(vms_lost)} VM{_s(vms_lost)} lose their disks on every host: {', '.join(vms_lost[:5])}."
    if vms_hit:
        words += f" {len(vms_hit)} VM{_s(vms_hit)} lose some host: {', '.join(vms_hit[:5])}."
    return words


def _s(things: tuple[object, ...]) -> str:
    return "" if len(things) == 1 else "s"
