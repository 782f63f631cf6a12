"""What the picture is made of: the proof, what is known besides it, and what the reader has taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from inventory.redundancy.elements import Element
from inventory.redundancy.evidence import Layer
from inventory.redundancy.fabrics import Fabric, fabrics
from inventory.redundancy.layers import HostLun
from inventory.redundancy.summary import Proof
from inventory.redundancy.whatif import Remains, WhatIf
from portal.kernel.san import ArraySeen, SwitchSeen


@dataclass(frozen=True)
class Place:
    """Where a thing has its page, and where it stands. site "": nobody declared it."""

    url: str = ""
    site: str = ""


@dataclass(frozen=True)
class Around:
    """What the proof does not know. home: the site of the engine, and of every host. devices, hosts, vms: by name;
    luns: by WWID. past: what devices said last that say nothing now, only to draw them where they stood."""

    home: str
    devices: Mapping[str, Place] = field(default_factory=dict)
    hosts: Mapping[str, Place] = field(default_factory=dict)
    vms: Mapping[str, Place] = field(default_factory=dict)
    luns: Mapping[str, Place] = field(default_factory=dict)
    past: tuple[SwitchSeen | ArraySeen, ...] = ()
    dark: Mapping[str, str] = field(default_factory=dict)  # WWN of a switch or serial of an array -> why
    names: Mapping[str, str] = field(default_factory=dict)  # WWN or serial -> the name that people declared


@dataclass(frozen=True)
class Plug:
    """Where a WWPN is plugged in. port: the number of the switch's port, "?" when not known; wwn: of that port."""

    rail: int
    switch: str
    port: str
    wwn: str = ""


Toggle = Callable[[Element], str]


class Scene:
    """Answers for compose. toggle: element -> the link that takes it away, or back."""

    def __init__(
        self, proof: Proof, around: Around, layer: Layer = Layer.LIVE, what: WhatIf | None = None, toggle: Toggle = str
    ) -> None:
        self.proof, self.around, self.layer, self.what, self.toggle = proof, around, layer, what, toggle
        old = [one for one in around.past if isinstance(one, SwitchSeen)]
        every = fabrics((*proof.estate.switches, *old))
        self.fabrics = tuple(sorted(every, key=lambda one: one.name))
        self.switches = {one.wwn: one for one in (*old, *proof.estate.switches)}
        stale = [one for one in around.past if isinstance(one, ArraySeen)]
        self.arrays = {one.serial: one for one in (*stale, *proof.estate.arrays)}
        self.cuts = {one.element: one for one in proof.elements if one.cuts}
        self.removed = what.dead | frozenset(what.removed) if what else frozenset()
        self._rails = {wwn: n for n, fabric in enumerate(self.fabrics) for wwn in fabric.switches}
        self._plugs = self._plugged()
        self.carries = self._carried()

    # --- paths ------------------------------------------------------------------------------------------------------
    def remains(self, cell: HostLun) -> Remains | None:
        """What the reader's loss leaves of a LUN; None when nothing is taken away."""
        return self.what.remains.get((cell.host, cell.wwid)) if self.what else None

    def left(self, cell: HostLun) -> int:
        """How many paths a LUN has on a host, after what is taken away."""
        after = self.remains(cell)
        return cell.layers[self.layer].pairs if after is None else after.after

    def _carried(self) -> Counter[str]:
        """WWPN -> how many paths run over it."""
        found: Counter[str] = Counter()
        kinds: Counter[tuple[str, int]] = Counter()
        for cell in self.proof.cells.values():
            after = self.remains(cell)
            kinds[cell.host, cell.layers[self.layer].bits if after is None else after.bits] += 1
        for (host, bits), count in kinds.items():
            for n, pair in enumerate(self.proof.sides[host].pairs.pairs):
                if bits >> n & 1:
                    found[pair[0]] += count
                    found[pair[1]] += count
        return found

    # --- places -----------------------------------------------------------------------------------------------------
    def _plugged(self) -> dict[str, Plug]:
        found: dict[str, Plug] = {}
        for rail, fabric in enumerate(self.fabrics):
            for wwpn, login in fabric.logins.items():
                owner, port = fabric.ports.get(login.fabric_port, ("", None))
                number = "?" if port is None else str(port.number)
                found[wwpn] = Plug(rail, owner or fabric.switch_of(login), number, login.fabric_port)
            for owner, port in fabric.ports.values():
                for wwpn in port.neighbors if port.kind not in ("E", "EX", "VE") else ():
                    found.setdefault(wwpn, Plug(rail, owner, str(port.number), port.wwn))
        self._declared(found)
        return found

    def _declared(self, found: dict[str, Plug]) -> None:
        """Ports that nobody tells of stand where their cable is declared."""
        ends = {wwn: (n, *end) for n, fabric in enumerate(self.fabrics) for wwn, end in fabric.ports.items()}
        for wwpn, port_wwn in self.proof.estate.declared.cabling.items():
            if wwpn not in found and port_wwn in ends:
                rail, owner, port = ends[port_wwn]
                found[wwpn] = Plug(rail, owner, str(port.number), port_wwn)

    def plug(self, wwpn: str) -> Plug | None:
        """Where a port is plugged in, or belongs: as told, else as zoned or declared; None: nobody knows."""
        if wwpn not in self._plugs:
            place = self.proof.san.places.actual(wwpn)
            if place is not None and place.fabric >= 0:
                members = self.proof.fabrics[place.fabric].switches
                switch = place.switch or min(members)
                self._plugs[wwpn] = Plug(self._rails[switch], switch, "?")
        return self._plugs.get(wwpn)

    def rail(self, switch: str) -> int:
        """The number of a switch's fabric."""
        return self._rails[switch]

    def live_fabric(self, rail: int) -> Fabric | None:
        """The fabric as switches that answer tell it; None when none of it answers."""
        return next((one for one in self.proof.fabrics if one.switches & self.fabrics[rail].switches), None)

    def name(self, key: str, told: str) -> str:
        """The name that people declared, else what the device calls itself, else its number."""
        return self.around.names.get(key) or told or key

    # --- what is taken away -----------------------------------------------------------------------------------------
    def gone(self, *elements: Element) -> bool:
        """Whether the reader took one of these away, or a domain that holds one."""
        return bool(self.removed) and any(one in self.removed or self._within(one) for one in elements)

    def _within(self, element: Element) -> bool:
        known = self.proof.san.wires.elements
        return known.known(element) and any(one in self.removed for one in known.of(known.mask(element)))

    def is_cut(self, element: Element) -> bool:
        """Whether its loss alone cuts a LUN off."""
        return element in self.cuts
