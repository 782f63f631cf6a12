"""A world of tests.redundancy.san_world with its cabling declared as people would write it."""

from __future__ import annotations

from dataclasses import replace

from inventory.redundancy.cabling import Line
from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import Declared, Estate
from inventory.redundancy.plan import Names, joined
from tests.redundancy.san_world import World


def lines_of(world: World) -> list[Line]:
    """Every cable, link and fabric of a world."""
    found = [Line("hba", one.host, one.wwpn, world.names[one.switch], str(one.port), one.card) for one in world.hbas]
    found += [Line("array", one.array, one.wwpn, world.names[one.switch], str(one.port)) for one in world.targets]
    for isl in world.isls:
        ends = sorted(((world.names[isl.one], str(isl.one_port)), (world.names[isl.other], str(isl.other_port))))
        found.append(Line("link", *ends[0], *ends[1]))
    for number, fabric in enumerate(world.fabrics):
        found += [Line("fabric", world.names[wwn], "", "ABCD"[number]) for wwn in fabric]
    return found


def names_of(estate: Estate, sites: dict[str, str] | None = None) -> Names:
    """What a plan may name; sites: host -> site."""
    return Names(
        frozenset(one.name for one in estate.hosts),
        {one.name.casefold(): one for one in estate.switches},
        {one.name.casefold(): one for one in estate.arrays},
        {Element(Kind.HOST, host): site for host, site in (sites or {}).items()},
    )


def declared(estate: Estate, lines: list[Line], names: Names | None = None) -> Estate:
    """The estate with these lines approved."""
    plan, power = joined(lines, names or names_of(estate))
    return replace(estate, declared=Declared(plan.cabling, {}, power.domains(), power, plan))


def sound(world: World, *more: Line) -> Estate:
    """The world with its own cabling declared, and more lines."""
    return declared(world.estate(), [*lines_of(world), *more])
