"""Estates that break the rules of the declared cabling, one for each rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from inventory.redundancy.cabling import Line
from inventory.redundancy.estate import Estate
from tests.redundancy.planned_world import declared, lines_of, sound
from tests.redundancy.san_world import standard

H1, HBA1A, FREE = "olvm-h1", "100000109ba10100", "7"


def moved(port: str = FREE, switch: str = "SWA1") -> Estate:
    """The plan has one cable at another port of the same switch."""
    world = standard()
    lines = [replace(line, at=switch, at_port=port) if line.port == HBA1A else line for line in lines_of(world)]
    return declared(spare(world.estate(), port), lines)


def spare(estate: Estate, number: str) -> Estate:
    """Every switch has one more port, without anybody in it."""
    switches = []
    for one in estate.switches:
        wwn = f"20{int(number):02x}{one.wwn[4:]}"
        port = replace(one.ports[0], number=int(number), wwn=wwn, neighbors=(), state="no_light", kind="U")
        switches.append(replace(one, ports=(*one.ports, port)))
    return replace(estate, switches=tuple(switches))


def dead() -> Estate:
    """The cable of one HBA port is pulled."""
    world = standard()
    next(hba for hba in world.hbas if hba.wwpn == HBA1A).up = False
    return sound(world)


def swapped() -> Estate:
    """A port that nobody declared stands where another one belongs."""
    world = standard()
    strange = next(hba for hba in world.hbas if hba.host == "olvm-h2")
    lines = [line for line in lines_of(world) if line.port != strange.wwpn]
    mine = next(line for line in lines if line.port == HBA1A)
    lines.remove(mine)
    return declared(world.estate(), [*lines, replace(mine, at_port=str(strange.port))])


def without(kind: str) -> Estate:
    world = standard(isl=True)
    return declared(world.estate(), [line for line in lines_of(world) if line.kind != kind])


def dropped_link() -> Estate:
    """The plan has a link that is not there."""
    return sound(standard(isl=True), Line("link", "SWA1", "30", "SWA2", "30"))


def one_undeclared() -> Estate:
    world = standard()
    return declared(world.estate(), [line for line in lines_of(world) if line.port != HBA1A])


def relabelled() -> Estate:
    """Two switches of one fabric are declared apart."""
    world = standard(isl=True)
    lines = [
        replace(line, at="C") if line.kind == "fabric" and line.name == "SWA2" else line for line in lines_of(world)
    ]
    return declared(world.estate(), lines)


def other_card() -> Estate:
    world = standard()
    lines = [replace(line, card="0000:ff:00") if line.port == HBA1A else line for line in lines_of(world)]
    return declared(world.estate(), lines)


BROKEN: dict[str, Callable[[], Estate]] = {
    "CABLED_ELSEWHERE": moved,
    "CABLED_NOT_LOGGED_IN": dead,
    "PORT_TAKEN": swapped,
    "CABLE_NOT_DECLARED": one_undeclared,
    "LINK_MISSING": dropped_link,
    "LINK_NOT_DECLARED": lambda: without("link"),
    "FABRIC_NOT_AS_DECLARED": relabelled,
    "CARD_DIFFERS": other_card,
    "PLAN_NAMES_NOBODY": lambda: sound(standard(), Line("rack", "olvm-h9", "", "R1")),
    "POWER_NOT_DECLARED": lambda: sound(standard(), Line("pdu", H1, "", "PDU-1")),
}
