"""The declared cabling joined with what there is: names become hosts, switches and arrays, ports become WWNs. A name
that nobody has is told, and what stands on it is left out of the proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inventory.redundancy.cabling import CABLES, FEEDS, HOLDS, Line
from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.power import Power
from portal.kernel.san import ArraySeen, SwitchSeen

KIND = {
    "rack": Kind.RACK,
    "chassis": Kind.CHASSIS,
    "room": Kind.ROOM,
    "pdu": Kind.PDU,
    "feed": Kind.FEED,
    "site": Kind.SITE,
}


@dataclass(frozen=True)
class Names:
    """What the estate has. hosts: as they are called. switches, arrays: folded name -> what it told last, None for one
    that never told anything. sites: host, switch or array -> where it stands. labels: WWN or serial number -> the name
    that people gave, where it is another one than the device's own."""

    hosts: frozenset[str] = frozenset()
    switches: Mapping[str, SwitchSeen | None] = field(default_factory=dict)
    arrays: Mapping[str, ArraySeen | None] = field(default_factory=dict)
    sites: Mapping[Element, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cable:
    """A port of a host or an array in a switch's port. port_wwn: of the switch's port, "" when its switch never told
    its ports."""

    line: Line
    port_wwn: str

    @property
    def wwpn(self) -> str:
        return self.line.port

    @property
    def place(self) -> str:
        """Where it belongs, in words."""
        return f"port {self.line.at_port} of {self.line.at}"


@dataclass(frozen=True)
class Link:
    """Two switch ports. ends: (switch WWN, port number), the WWN "" for a switch that never told its own."""

    line: Line
    ends: tuple[tuple[str, int], tuple[str, int]]


@dataclass(frozen=True)
class Plan:
    """fabrics: switch WWN -> the fabric that it belongs to. strange: names that nobody has -> what they stand in.
    power: whether any supply is declared. unfed: things of the estate without one."""

    lines: tuple[Line, ...] = ()
    cables: tuple[Cable, ...] = ()
    links: tuple[Link, ...] = ()
    fabrics: Mapping[str, str] = field(default_factory=dict)
    strange: Mapping[str, str] = field(default_factory=dict)
    power: bool = False
    unfed: tuple[str, ...] = ()

    @property
    def cabling(self) -> dict[str, str]:
        """WWPN -> WWN of its switch port, as the proof takes it in."""
        return {one.wwpn: one.port_wwn for one in self.cables if one.port_wwn}


def joined(lines: Iterable[Line], names: Names) -> tuple[Plan, Power]:
    """The plan of an estate, and what dies with what by it."""
    every = tuple(sorted(set(lines)))
    found = _Join(every, names)
    power = Power(found.within, found.inputs)
    fed = any(line.kind in FEEDS for line in every)
    unfed = tuple(name for name, thing in found.needy() if not power.fed(thing)) if fed else ()
    plan = Plan(every, found.cables(), found.links(), found.fabrics(), found.strange, fed, unfed)
    return plan, power


class _Join:
    """Looks names up, and keeps those that it does not find."""

    def __init__(self, lines: tuple[Line, ...], names: Names) -> None:
        self.lines, self.names = lines, names
        self.strange: dict[str, str] = {}
        self._hosts = {name.casefold(): name for name in names.hosts}
        self._domains = {
            line.at.casefold(): Element(KIND[line.kind], line.at) for line in lines if line.kind in (*HOLDS, *FEEDS)
        }
        self.within = self._relation(HOLDS)
        self.inputs = self._relation(FEEDS)
        for thing, site in names.sites.items():
            place = Element(Kind.SITE, site)
            self.within[thing] = self.within.get(thing, frozenset()) | {place}

    def _relation(self, kinds: tuple[str, ...]) -> dict[Element, frozenset[Element]]:
        found: dict[Element, frozenset[Element]] = {}
        for line in self.lines:
            if line.kind in kinds:
                for thing in self._things(line):
                    found[thing] = found.get(thing, frozenset()) | {self._domains[line.at.casefold()]}
        return found

    def _things(self, line: Line) -> tuple[Element, ...]:
        """What a name stands for; () for one that nobody has, and for one that never told its number."""
        key = line.name.casefold()
        if key in self._hosts:
            return (Element(Kind.HOST, self._hosts[key]),)
        if key in self._domains:
            return (self._domains[key],)
        if key in self.names.switches:
            told = self.names.switches[key]
            return (Element(Kind.SWITCH, told.wwn),) if told else ()
        return self._of_array(line)

    def _of_array(self, line: Line) -> tuple[Element, ...]:
        name, slash, controller = line.name.rpartition("/") if "/" in line.name else (line.name, "", "")
        if name.casefold() not in self.names.arrays:
            self._miss(line.name, line)
            return ()
        told = self.names.arrays[name.casefold()]
        if told is None:
            return ()
        if not slash:
            return (Element(Kind.ARRAY, told.serial),)
        idents = {one.ident.casefold(): one.ident for one in told.controllers}
        if controller.casefold() not in idents:
            self._miss(line.name, line)
            return ()
        return (Element(Kind.CONTROLLER, f"{told.serial}/{idents[controller.casefold()]}"),)

    def _miss(self, name: str, line: Line) -> None:
        self.strange.setdefault(name, line.kind)

    def cables(self) -> tuple[Cable, ...]:
        """Every cable, also one whose switch never told anything."""
        found = []
        for line in self.lines:
            if line.kind in CABLES:
                owners = self._hosts if line.kind == "hba" else self.names.arrays
                if line.name.casefold() not in owners:
                    self._miss(line.name, line)
                found.append(Cable(line, self._port(line, line.at, line.at_port)))
        return tuple(found)

    def _port(self, line: Line, switch: str, number: str) -> str:
        if switch.casefold() not in self.names.switches:
            self._miss(switch, line)
            return ""
        told = self.names.switches[switch.casefold()]
        ports = {str(port.number): port.wwn for port in told.ports} if told else {}
        if told and told.ports and number not in ports:
            self._miss(f"port {number} of {switch}", line)
        return ports.get(number, "")

    def links(self) -> tuple[Link, ...]:
        """Every link between switches."""
        return tuple(
            Link(line, (self._end(line, line.name, line.port), self._end(line, line.at, line.at_port)))
            for line in self.lines
            if line.kind == "link"
        )

    def _end(self, line: Line, switch: str, number: str) -> tuple[str, int]:
        return self._switch(line, switch), int(number)

    def _switch(self, line: Line, switch: str) -> str:
        if switch.casefold() not in self.names.switches:
            self._miss(switch, line)
            return ""
        told = self.names.switches[switch.casefold()]
        return told.wwn if told else ""

    def fabrics(self) -> dict[str, str]:
        """Which fabric each switch belongs to."""
        found = {self._switch(line, line.name): line.at for line in self.lines if line.kind == "fabric"}
        found.pop("", None)
        return found

    def needy(self) -> Iterable[tuple[str, Element]]:
        """What needs power: hosts, switches, controllers; of an array whose own supply is declared, none."""
        yield from ((name, Element(Kind.HOST, name)) for name in sorted(self.names.hosts))
        switches = {one.wwn: one for one in self.names.switches.values() if one}
        yield from (
            (self.names.labels.get(one.wwn) or one.name or one.wwn, Element(Kind.SWITCH, one.wwn))
            for one in switches.values()
        )
        arrays = {one.serial: one for one in self.names.arrays.values() if one}
        for array in arrays.values():
            if Element(Kind.ARRAY, array.serial) not in self.inputs:
                for one in array.controllers:
                    name = self.names.labels.get(array.serial) or array.name
                    yield f"{name}/{one.ident}", Element(Kind.CONTROLLER, f"{array.serial}/{one.ident}")
