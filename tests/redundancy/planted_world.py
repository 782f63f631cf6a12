"""Sound worlds of many sizes, and one fault planted in each: what a person would build, and what then goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from inventory.redundancy.elements import Domain, Element, Kind
from tests.redundancy.san_world import Hba, Isl, Target, World


def sound(random: Random) -> World:
    """Two fabrics alike, every host on both by cards of their own, every controller on both, everything zoned."""
    made = World(arrays=[f"SN{n}" for n in range(random.choice((1, 2)))])
    size, links = random.choice((1, 1, 2, 3)), random.choice((1, 2, 3))
    for fabric in range(2):
        switches = [f"1000c4f57c0{fabric}{n:02x}00" for n in range(size)]
        made.fabrics.append(switches)
        for n, wwn in enumerate(switches):
            made.names[wwn], made.domains[wwn] = f"SW{'AB'[fabric]}{n}", fabric * 10 + n + 1
            for k in range(links if n else 0):
                made.isls.append(Isl(switches[0], 90 + n * 4 + k, wwn, 80 + k))
    for n in range(random.randint(1, 3)):
        for k in range(random.choice((2, 2, 4))):
            switch = made.fabrics[k % 2][n % size]
            made.hbas.append(Hba(f"10000010{n:04x}{k:04x}", f"h{n}", f"0000:{k % 2:02x}:00", switch, n * 4 + k))
    for n, serial in enumerate(made.arrays):
        for c in range(random.choice((2, 2, 4))):
            for k in range(2):
                switch = made.fabrics[k][-1]
                name = f"0{'ABCD'[c]}"
                made.targets.append(
                    Target(f"2000{n:04x}{c:04x}{k:04x}", serial, name, f"{name}.0", switch, 40 + n * 8 + c * 2 + k)
                )
    made.zoned = {(h.wwpn, t.wwpn) for h in made.hbas for t in made.targets if _together(made, h, t)}
    for n in range(random.randint(1, 3)):
        wwn = f"6000000000000000000000000000000{n}"
        made.luns[wwn] = f"lun{n}"
        homes = made.arrays if random.random() < 0.3 else [random.choice(made.arrays)]
        made.given |= {(host, wwn, serial) for host in made.hosts() for serial in homes}
    return made


def _together(made: World, hba: Hba, target: Target) -> bool:
    return made.fabric_of(hba.switch) == made.fabric_of(target.switch)


def dual_port_card(made: World, random: Random) -> None:
    host = random.choice(made.hosts())
    for hba in made.hbas:
        hba.card = "0000:99:00" if hba.host == host else hba.card


def one_feed(made: World, random: Random) -> None:
    pool = [Element(Kind.SWITCH, random.choice(fabric)) for fabric in made.fabrics]
    pool += [Element(Kind.CONTROLLER, f"{made.arrays[0]}/0A")]
    made.shared = [Domain(Element(Kind.PDU, "pdu"), frozenset(random.sample(pool, 2)))]


def one_fabric_unzoned(made: World, random: Random) -> None:
    host, array = random.choice(made.hosts()), random.choice(made.arrays)
    ours = {hba.wwpn for hba in made.hbas if hba.host == host and made.fabric_of(hba.switch) == 1}
    theirs = {target.wwpn for target in made.targets if target.array == array}
    made.zoned = {pair for pair in made.zoned if not (pair[0] in ours and pair[1] in theirs)}


def one_controller(made: World, random: Random) -> None:
    array = random.choice(made.arrays)
    rest = {target.wwpn for target in made.targets if target.array == array and target.controller != "0A"}
    made.zoned = {pair for pair in made.zoned if pair[1] not in rest}


def dead_ports(made: World, random: Random) -> None:
    for end in random.sample([*made.hbas, *made.targets], random.choice((1, 2))):
        end.up = False


def single_link(made: World, random: Random) -> None:
    fabric = random.choice(made.fabrics)
    kept: dict[str, Isl] = {}
    for isl in made.isls:
        if isl.other in fabric:
            kept.setdefault(isl.other, isl)
    made.isls = [isl for isl in made.isls if isl.other not in fabric or isl in kept.values()]


def no_link(made: World, random: Random) -> None:
    fabric = random.choice(made.fabrics)
    made.isls = [isl for isl in made.isls if isl.other not in fabric]


def one_trunk(made: World, random: Random) -> None:
    for isl in made.isls:
        isl.trunk = isl.one_port // 4


def port_group(made: World, random: Random) -> None:
    """The LUN leaves by the ports of one fabric alone."""
    host, lun, array = random.choice(sorted(made.given))
    ports = [t.wwpn for t in made.targets if t.array == array and made.fabric_of(t.switch) == 0]
    made.groups[host, lun, array] = frozenset(ports)


def metro_on_one_side(made: World, random: Random) -> None:
    lun = random.choice(sorted(made.luns))
    made.given |= {(made.hosts()[0], lun, serial) for serial in made.arrays}


def cross_cabled(made: World, random: Random) -> None:
    """Both ports of a host on one fabric."""
    host = random.choice(made.hosts())
    for n, hba in enumerate(made.hbas):
        if hba.host == host:
            hba.switch, hba.port = made.fabrics[0][0], 60 + n
    made.zoned = {(h.wwpn, t.wwpn) for h in made.hbas for t in made.targets if _together(made, h, t)}


def lost_devices(made: World, random: Random) -> None:
    made.lost = set(random.sample(sorted(made.zoned), min(3, len(made.zoned))))


FAULTS: tuple[Callable[[World, Random], None], ...] = (
    dual_port_card,
    one_feed,
    one_fabric_unzoned,
    one_controller,
    dead_ports,
    single_link,
    no_link,
    one_trunk,
    port_group,
    metro_on_one_side,
    cross_cabled,
    lost_devices,
)
