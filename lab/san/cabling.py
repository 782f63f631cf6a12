"""What the people who built the estate would write down of it: every cable of the healthy SAN, which fabric a switch is
of, where things stand and what feeds them. A line is (kind, name, port, at, at_port, card).

Hosts and arrays have two supplies, a switch has one (facts/san.md 3.2), each fabric on a side of its own. No fault of
the lab is one of power or of a rack."""

from __future__ import annotations

from collections.abc import Iterator

from lab.san.build import build, cards
from lab.san.design import DR, Design, Switch
from lab.world import World

Line = tuple[str, str, str, str, str, str]
SIDES = ("A", "B")


def lines(world: World) -> list[Line]:
    """The estate as it was built, whatever faults are in force."""
    design = build(world, isl=world.san is not None and any(name.endswith("2") for name in world.san.design.switches))
    return [
        *(line for switch in design.switches.values() for line in _plugged(world, design, switch)),
        *(("fabric", switch.name, "", switch.fabric, "", "") for switch in design.switches.values()),
        *(("site", host.name, "", "PROD", "", "") for host in world.hosts.values()),
        *_places(world, design),
        *_feeds(world, design),
    ]


def _plugged(world: World, design: Design, switch: Switch) -> Iterator[Line]:
    hbas = {hba.wwpn: host for host in world.hosts.values() for hba in host.hbas}
    targets = {target.wwpn: target.array for target in world.targets}
    for port in switch.ports:
        at = (switch.name, str(port.number))
        if port.peer in hbas:
            host = hbas[port.peer]
            yield "hba", host.name, port.peer, *at, cards(design, host)[port.peer].split(".")[0]
        elif port.peer in targets:
            yield "array", targets[port.peer], port.peer, *at, ""
        elif port.isl is not None and (switch.name, port.number) < port.isl:
            yield "link", *at, port.isl[0], str(port.isl[1]), ""


def _places(world: World, design: Design) -> Iterator[Line]:
    """Hosts by turns in two racks, each with the switches of a fabric; arrays in racks of their own."""
    for number, host in enumerate(world.hosts.values()):
        yield "rack", host.name, "", f"PROD-R{1 + number % 2}", "", ""
    for switch in design.switches.values():
        yield "rack", switch.name, "", f"PROD-R{1 + SIDES.index(switch.fabric)}", "", ""
    for array in design.arrays:
        yield "rack", array, "", "DR-R3" if array == DR else "PROD-R3", "", ""


def _feeds(world: World, design: Design) -> Iterator[Line]:
    """Two PDUs per site, each on a feed of its own."""
    for site in ("PROD", "DR"):
        yield from (("feed", f"{site}-PDU-{side}", "", f"{site} feed {side}", "", "") for side in SIDES)
    for host in world.hosts.values():
        yield from (("pdu", host.name, "", f"PROD-PDU-{side}", "", "") for side in SIDES)
    for array in design.arrays:
        site = "DR" if array == DR else "PROD"
        yield from (("pdu", array, "", f"{site}-PDU-{side}", "", "") for side in SIDES)
    for switch in design.switches.values():
        yield "pdu", switch.name, "", f"PROD-PDU-{switch.fabric}", "", ""
