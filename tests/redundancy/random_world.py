"""Generated worlds: fabrics with links and trunks, dual-port cards, shared domains, HyperMetro, missing zones, dead
ports."""

from __future__ import annotations

from random import Random

from inventory.redundancy.elements import Domain, Element, Kind
from tests.redundancy.san_world import Hba, Isl, Target, World


def world(random: Random) -> World:
    """A world that `random` chooses, small enough to be checked by trying everything."""
    made = World()
    _fabrics(made, random)
    ports = {wwn: iter(range(100)) for fabric in made.fabrics for wwn in fabric}
    _links(made, random, ports)
    _hosts(made, random, ports)
    _arrays(made, random, ports)
    _zones(made, random)
    _luns(made, random)
    _domains(made, random)
    return made


def _fabrics(made: World, random: Random) -> None:
    number = 0
    for fabric in range(random.choice((1, 2, 2, 2, 3))):
        switches = []
        for _ in range(random.choice((1, 1, 2, 3, 4))):
            number += 1
            wwn = f"1000c4f57c01{number:02x}00"
            switches.append(wwn)
            made.names[wwn], made.domains[wwn] = f"SW{'ABC'[fabric]}{number}", number
        made.fabrics.append(switches)


def _links(made: World, random: Random, ports) -> None:
    trunk = 0
    for switches in made.fabrics:
        joined = [(random.choice(switches[:n]), switches[n]) for n in range(1, len(switches))]
        joined += [tuple(random.sample(switches, 2)) for _ in range(random.randint(0, 2)) if len(switches) > 1]
        for one, other in joined:
            number = None
            if random.random() < 0.3:
                trunk += 1
                number = trunk
            for _ in range(random.choice((1, 1, 2, 3))):
                made.isls.append(Isl(one, next(ports[one]), other, next(ports[other]), number))


def _hosts(made: World, random: Random, ports) -> None:
    for n in range(random.randint(1, 3)):
        cards = random.randint(1, 3)
        for k in range(random.randint(1, 4)):
            switch = random.choice(made.fabrics[k % len(made.fabrics)])
            if random.random() < 0.2:
                switch = random.choice([wwn for fabric in made.fabrics for wwn in fabric])
            card = f"0000:{random.randint(0, cards):02x}:00"
            made.hbas.append(
                Hba(f"10000010{n:04x}{k:04x}", f"h{n + 1}", card, switch, next(ports[switch]), random.random() > 0.1)
            )


def _arrays(made: World, random: Random, ports) -> None:
    for n in range(random.choice((1, 1, 2))):
        made.arrays.append(f"SN{n}")
        count = 0
        for controller in "ABCD"[: random.choice((1, 2, 2, 4))]:
            for module in range(random.choice((1, 1, 2))):
                for _ in range(random.choice((1, 2))):
                    switch = random.choice(made.fabrics[count % len(made.fabrics)])
                    made.targets.append(
                        Target(
                            f"2000{n:04x}{count:08x}",
                            f"SN{n}",
                            f"0{controller}",
                            f"0{controller}.{module}",
                            switch,
                            next(ports[switch]),
                            up=random.random() > 0.1,
                        )
                    )
                    count += 1


def _zones(made: World, random: Random) -> None:
    missing = random.choice((0, 0, 0.1, 0.3))
    for hba in made.hbas:
        for target in made.targets:
            same = made.fabric_of(hba.switch) == made.fabric_of(target.switch)
            if same and random.random() >= missing:
                made.zoned.add((hba.wwpn, target.wwpn))
                if random.random() < 0.03:
                    made.lost.add((hba.wwpn, target.wwpn))


def _luns(made: World, random: Random) -> None:
    for n in range(random.randint(1, 3)):
        wwn = f"6000000000000000000000000000000{n}"
        made.luns[wwn] = f"lun{n}"
        homes = made.arrays if random.random() < 0.4 else [random.choice(made.arrays)]
        for host in made.hosts():
            for array in homes:
                if random.random() < 0.9:
                    made.given.add((host, wwn, array))
                    ports = [target.wwpn for target in made.targets if target.array == array]
                    if random.random() < 0.2:
                        chosen = random.sample(ports, random.randint(1, len(ports)))
                        made.groups[host, wwn, array] = frozenset(chosen)


def _domains(made: World, random: Random) -> None:
    """A nested one as well: a room with a rack."""
    kinds = (Kind.SWITCH, Kind.CONTROLLER, Kind.CARD, Kind.MODULE, Kind.ARRAY, Kind.HOST, Kind.SWITCH, Kind.LINK)
    every = sorted(made.elements())
    for n in range(random.choice((0, 1, 1, 2))):
        kind = random.choice(kinds)
        pool = [one for one in every if one.kind in (kind, Kind.SWITCH)]
        members = frozenset(random.sample(pool, min(len(pool), random.randint(1, 3))))
        shared = random.choice((Kind.PDU, Kind.RACK, Kind.FEED))
        made.shared.append(Domain(Element(shared, f"shared{n}"), members))
    if made.shared and random.random() < 0.3:
        made.shared.append(Domain(Element(Kind.ROOM, "room"), frozenset(one.element for one in made.shared)))
