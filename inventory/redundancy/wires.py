"""What one pair of initiator and target needs: both ends, and what every route between them shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from inventory.redundancy.elements import Element, Elements, Kind
from inventory.redundancy.estate import HbaPort, HostSeen
from inventory.redundancy.fabrics import Cable, Fabric
from inventory.redundancy.places import Place
from inventory.redundancy.routes import Routes
from portal.kernel.san import ArrayPort, ArraySeen, SwitchPort

At = Callable[[str], Place | None]


@dataclass(frozen=True)
class Wire:
    """needed: what kills the pair. fixed: without the routes. sure: what kills it whatever was not read. place: of the
    end that is known. standing: here; maybe, when the way was not read; lost, when an end is nowhere. why: what is not
    known of it, "" when all is."""

    needed: int
    fixed: int
    sure: int
    place: Place | None
    standing: Literal["here", "maybe", "lost"] = "here"
    begin: str = ""
    end: str = ""
    why: str = ""


@dataclass(frozen=True)
class Target:
    """A port of an array that was read."""

    array: ArraySeen
    port: ArrayPort


class Wires:
    """Knows the elements of every end. Elements are numbered and named here and nowhere else."""

    def __init__(self, elements: Elements, fabrics: tuple[Fabric, ...], arrays: Iterable[ArraySeen]) -> None:
        self.elements = elements
        self.fabrics = fabrics
        self.targets = {port.wwpn: Target(array, port) for array in arrays for port in array.ports}
        self.hosts: dict[str, int] = {}
        self.arrays: dict[str, int] = {}
        self._ends: dict[str, tuple[int, str]] = {}
        self._fabrics = [self._fabric(fabric) for fabric in fabrics]
        self.routes = [self._routes(fabric) for fabric in fabrics]
        for array in arrays:
            self.arrays[array.serial] = elements.mask(_array(elements, array))
        for wwpn, target in self.targets.items():
            self._ends[wwpn] = self._target(target)

    def host(self, host: HostSeen) -> None:
        """Numbers a host, its cards and its HBA ports."""
        self.hosts[host.name] = self.elements.mask(Element(Kind.HOST, host.name))
        self.elements.call(Element(Kind.HOST, host.name), host.name)
        for hba in host.hbas:
            self._ends[hba.wwpn] = self._hba(host, hba)

    def _hba(self, host: HostSeen, hba: HbaPort) -> tuple[int, str]:
        call, card = self.elements.call, hba.card.split(".")[0]
        found = self.elements.mask(call(Element(Kind.HBA, hba.wwpn), f"HBA port {hba.wwpn} of {host.name}"))
        if not card:
            return found, f"The card of HBA port {hba.wwpn} of {host.name} is not known."
        label = f"card {card} of {host.name}"
        return found | self.elements.mask(call(Element(Kind.CARD, f"{host.name}/{card}"), label)), ""

    def _target(self, target: Target) -> tuple[int, str]:
        call, array, port = self.elements.call, target.array, target.port
        label = f"port {port.location or port.wwpn} of {array.name}"
        parts = [call(Element(Kind.ARRAY_PORT, port.wwpn), label), Element(Kind.ARRAY, array.serial)]
        if port.module:
            module = Element(Kind.MODULE, f"{array.serial}/{port.module}")
            parts.append(call(module, f"I/O module {port.module} of {array.name}"))
        if port.controller:
            controller = Element(Kind.CONTROLLER, f"{array.serial}/{port.controller}")
            parts.append(call(controller, f"controller {port.controller} of {array.name}"))
        why = "" if port.controller else f"The controller of {label} is not known."
        return self.elements.mask(*parts), why

    def _fabric(self, fabric: Fabric) -> int:
        return self.elements.mask(self.elements.call(Element(Kind.FABRIC, fabric.key), f"fabric {fabric.name}"))

    def _routes(self, fabric: Fabric) -> Routes:
        nodes = {}
        for wwn in sorted(fabric.switches):
            nodes[wwn] = self.elements.mask(
                self.elements.call(Element(Kind.SWITCH, wwn), f"switch {fabric.names.get(wwn, wwn)}")
            )
        return Routes(nodes, [(cable.a[0], cable.b[0], self._cable(fabric, cable)) for cable in fabric.cables])

    def _cable(self, fabric: Fabric, cable: Cable) -> int:
        numbers = {(owner, port.number): (wwn, port) for wwn, (owner, port) in fabric.ports.items()}
        ends = [numbers.get((owner, number)) if number is not None else None for owner, number in (cable.a, cable.b)]
        words = [f"{fabric.names.get(owner, owner)}:{'?' if n is None else n}" for owner, n in (cable.a, cable.b)]
        key = "-".join(f"{owner}:{number}" for owner, number in (cable.a, cable.b))
        parts = [self.elements.call(Element(Kind.LINK, key), f"link {words[0]} to {words[1]}")]
        parts += [self._switch_port(fabric, end[0]) for end in ends if end]
        parts += self._trunk(fabric, cable, ends[0][1] if ends[0] else None)
        return self.elements.mask(*parts)

    def _trunk(self, fabric: Fabric, cable: Cable, port: SwitchPort | None) -> list[Element]:
        """A trunk is one element beside its members (facts/san.md 3.2)."""
        if port is None or port.trunk is None:
            return []
        trunk = Element(Kind.TRUNK, f"{cable.a[0]}/{port.trunk}")
        near, far = (fabric.names.get(owner, owner) for owner, _ in (cable.a, cable.b))
        return [self.elements.call(trunk, f"trunk {port.trunk} of {near} to {far}")]

    def _switch_port(self, fabric: Fabric, wwn: str) -> Element:
        element = Element(Kind.SWITCH_PORT, wwn)
        if wwn not in fabric.ports:
            return element
        owner, port = fabric.ports[wwn]
        return self.elements.call(element, f"port {port.number} of {fabric.names.get(owner, owner)}")

    # --- one pair ---------------------------------------------------------------------------------------------------
    def between(self, hba: str, target: str, at: At) -> Wire | None:
        """The wire of a pair; None: there is no way from one to the other. Ends whose place is not known make a wire
        that says so."""
        one, other = at(hba), at(target)
        sure = self._end(hba)[0] | self._end(target)[0]
        ends = sure | self._plug(one) | self._plug(other)
        if one is None or other is None:
            return self._lost(hba if one is None else target, one or other, ends, sure)
        why = self._unbound(one) or self._unbound(other)
        if (one.fabric, one.name) != (other.fabric, other.name):
            return Wire(ends, ends, sure, one, "maybe", why=why) if why else None
        return self._routed(
            one, other, Wire(ends, ends, sure, one, why=why or self._end(hba)[1] or self._end(target)[1])
        )

    def _lost(self, wwpn: str, place: Place | None, ends: int, sure: int) -> Wire:
        """With one end nowhere. What the pair needs for certain is the fabric of the other end, where that is told."""
        why = f"Where {wwpn} is plugged in is not known."
        if place is None:
            return Wire(ends, ends, sure, place, "lost", why=why)
        if place.fabric < 0:
            fabric = self.elements.mask(self.elements.call(Element(Kind.FABRIC, place.name), f"fabric {place.name}"))
            why = f"No switch of fabric {place.name} was read."
        else:
            fabric = self._fabrics[place.fabric]
        told = place.by != "guess" and not self._unbound(place)
        return Wire(ends | fabric, ends | fabric, sure | fabric if told else sure, place, "lost", why=why)

    def _unbound(self, place: Place) -> str:
        """Why the bounds of the fabric at a place are not known; "" when they are."""
        return self.fabrics[place.fabric].why.get("extent", "") if place.fabric >= 0 else ""

    def _routed(self, one: Place, other: Place, wire: Wire) -> Wire | None:
        fabric, ends = self.fabrics[one.fabric], wire.fixed | self._fabrics[one.fabric]
        if not (one.switch and other.switch):
            why = f"Which switch of {fabric.name} a port is plugged into is not known."
            return replace(wire, needed=ends, fixed=ends, why=why)
        return self._over(one, other, replace(wire, fixed=ends))

    def _over(self, one: Place, other: Place, wire: Wire) -> Wire | None:
        """With the routes between two switches. Where links were not read there may be more of them, so what the known
        ones share is not sure."""
        fabric, routes = self.fabrics[one.fabric], self.routes[one.fabric]
        partly = fabric.why.get("ports", "") if one.switch != other.switch else ""
        needed = routes.needed(one.switch, other.switch)
        fixed = wire.fixed | routes.node(one.switch) | routes.node(other.switch)
        if needed is None:
            if not partly:
                return None
            return replace(wire, needed=fixed, fixed=fixed, standing="maybe", why=partly)
        told = not self._unbound(one) and {one.by, other.by} <= {"login", "cabling"}
        sure = (fixed if partly else fixed | needed) if told else wire.sure
        return Wire(fixed | needed, fixed, sure, one, "here", one.switch, other.switch, wire.why or partly)

    def _end(self, wwpn: str) -> tuple[int, str]:
        if wwpn not in self._ends:
            why = f"Port {wwpn} belongs to no array that was read."
            found = self.elements.call(Element(Kind.ARRAY_PORT, wwpn), f"target port {wwpn}")
            self._ends[wwpn] = self.elements.mask(found), why
        return self._ends[wwpn]

    def _plug(self, place: Place | None) -> int:
        if place is None or place.fabric < 0 or not place.port:
            return 0
        return self.elements.mask(self._switch_port(self.fabrics[place.fabric], place.port))


def _array(elements: Elements, array: ArraySeen) -> Element:
    return elements.call(Element(Kind.ARRAY, array.serial), f"array {array.name}")
