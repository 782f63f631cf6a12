"""A small world with hosts, fabrics and arrays: what it is, and what each of its parts would tell. Tests plant faults
in it. The estate of facts/san.md 5 and samples/san is `standard()`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from inventory.redundancy.elements import Domain, Element, Kind
from inventory.redundancy.estate import Declared, DmPath, Estate, HbaPort, HostSeen, Use
from portal.kernel.san import (
    ArrayLun,
    ArrayPort,
    ArraySeen,
    Controller,
    HostLink,
    Initiator,
    Login,
    Mapped,
    Member,
    Pair,
    SwitchPort,
    SwitchSeen,
    Zone,
    Zoning,
)


@dataclass
class Hba:
    wwpn: str
    host: str
    card: str
    switch: str
    port: int
    up: bool = True


@dataclass
class Target:
    wwpn: str
    array: str
    controller: str
    module: str
    switch: str
    port: int
    location: str = ""
    up: bool = True


@dataclass
class Isl:
    one: str
    one_port: int
    other: str
    other_port: int
    trunk: int | None = None


@dataclass
class World:
    """Switches by WWN; fabrics are lists of them. zoned and defined: (hba, target). given: (host, lun WWN, array)."""

    fabrics: list[list[str]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    isls: list[Isl] = field(default_factory=list)
    hbas: list[Hba] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    luns: dict[str, str] = field(default_factory=dict)  # WWN -> name
    zoned: set[tuple[str, str]] = field(default_factory=set)
    defined: set[tuple[str, str]] | None = None
    given: set[tuple[str, str, str]] = field(default_factory=set)
    groups: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)  # port groups
    shared: list[Domain] = field(default_factory=list)
    uses: tuple[Use, ...] = ()
    cabled: bool = True  # cabling was declared
    lost: set[tuple[str, str]] = field(default_factory=set)  # pairs that the array holds and the host does not
    trunk_numbers: bool = True

    # --- truth ------------------------------------------------------------------------------------------------------
    def fabric_of(self, switch: str) -> int:
        return next(n for n, switches in enumerate(self.fabrics) if switch in switches)

    def hosts(self) -> list[str]:
        return list(dict.fromkeys(hba.host for hba in self.hbas))

    def port_wwn(self, switch: str, number: int) -> str:
        return f"20{number:02x}{switch[4:]}"

    def linked(self, hba: Hba, target: Target) -> bool:
        """Both ends up, zoned, and some route between them: by search, as a frame would go."""
        if not (hba.up and target.up and (hba.wwpn, target.wwpn) in self.zoned):
            return False
        seen, waiting = {hba.switch}, deque([hba.switch])
        while waiting:
            here = waiting.popleft()
            for isl in self.isls:
                for a, b in ((isl.one, isl.other), (isl.other, isl.one)):
                    if a == here and b not in seen:
                        seen.add(b)
                        waiting.append(b)
        return target.switch in seen

    # --- what each part tells ---------------------------------------------------------------------------------------
    def estate(self) -> Estate:
        cabling = {}
        if self.cabled:
            cabling = {end.wwpn: self.port_wwn(end.switch, end.port) for end in [*self.hbas, *self.targets]}
        return Estate(
            at=1_795_340_000.0,
            hosts=tuple(self.host(name) for name in self.hosts()),
            switches=tuple(self.switch(wwn) for fabric in self.fabrics for wwn in fabric),
            arrays=tuple(self.array(serial) for serial in self.arrays),
            declared=Declared(cabling=cabling, domains=tuple(self.shared)),
            uses=self.uses,
        )

    def host(self, name: str) -> HostSeen:
        mine = [hba for hba in self.hbas if hba.host == name]
        ports = tuple(
            HbaPort(hba.wwpn, hba.card, "Online" if hba.up else "Linkdown", 32.0, hba.switch if hba.up else "")
            for hba in mine
        )
        paths = []
        for hba in mine:
            for target in self.targets:
                if self.linked(hba, target) and (hba.wwpn, target.wwpn) not in self.lost:
                    for lun in self.luns:
                        if self.reaches(name, lun, target):
                            paths.append(DmPath(f"3{lun}", hba.wwpn, target.wwpn, "up"))
        return HostSeen(name, ports, tuple(paths))

    def reaches(self, host: str, lun: str, target: Target) -> bool:
        key = (host, lun, target.array)
        return key in self.given and (key not in self.groups or target.wwpn in self.groups[key])

    def switch(self, wwn: str) -> SwitchSeen:
        fabric = self.fabrics[self.fabric_of(wwn)]
        ends = [end for end in [*self.hbas, *self.targets] if end.up and end.switch in fabric]
        logins = tuple(
            Login(
                end.wwpn,
                "20" + end.wwpn[2:],
                self.port_wwn(end.switch, end.port),
                f"{self.domains[end.switch]:02x}{end.port:02x}00",
                "initiator" if isinstance(end, Hba) else "target",
                node_symbol=f"HN:{end.host}" if isinstance(end, Hba) else "",
            )
            for end in ends
        )
        return SwitchSeen(
            wwn,
            self.names[wwn],
            "rest",
            domain=self.domains[wwn],
            firmware="v8.2.3c1",
            state="online",
            principal=wwn == fabric[0],
            ports=tuple(self.ports(wwn)),
            logins=logins,
            zoning=self.zoning(self.fabric_of(wwn)),
            members=tuple(Member(one, self.domains[one], self.names[one]) for one in fabric),
        )

    def ports(self, wwn: str) -> list[SwitchPort]:
        found = []
        for end in [*self.hbas, *self.targets]:
            if end.switch == wwn:
                state, near = ("online", (end.wwpn,)) if end.up else ("no_light", ())
                kind = "F" if end.up else "U"
                port = SwitchPort(
                    end.port, self.port_wwn(wwn, end.port), "", state, kind, True, False, True, 32.0, 32.0, near
                )
                found.append(port)
        for isl in self.isls:
            for a, n, b, m in (
                (isl.one, isl.one_port, isl.other, isl.other_port),
                (isl.other, isl.other_port, isl.one, isl.one_port),
            ):
                if a == wwn:
                    found.append(
                        SwitchPort(
                            n,
                            self.port_wwn(wwn, n),
                            "",
                            "online",
                            "E",
                            True,
                            False,
                            True,
                            32.0,
                            32.0,
                            (b,),
                            m,
                            trunk=isl.trunk,
                        )
                    )
        return found

    def zoning(self, fabric: int) -> Zoning:
        name = f"CFG_FAB_{'ABCD'[fabric]}"
        aliases = {self.alias(end): (end.wwpn,) for end in self.ends(fabric)}
        effective = self.zones(fabric, self.zoned, {})
        names = {end.wwpn: self.alias(end) for end in self.ends(fabric)}
        defined = self.zones(fabric, self.zoned if self.defined is None else self.defined, names)
        return Zoning(name, effective, {name: tuple(zone.name for zone in defined)}, defined, aliases, False, False)

    def ends(self, fabric: int) -> list[Hba | Target]:
        return [end for end in [*self.hbas, *self.targets] if end.switch in self.fabrics[fabric]]

    def alias(self, end: Hba | Target) -> str:
        if isinstance(end, Target):
            return f"{end.array}_{end.location.replace('.', '_') or end.wwpn}"
        mine = [hba.wwpn for hba in self.hbas if hba.host == end.host]
        return f"{end.host}_hba{mine.index(end.wwpn)}"

    def zones(self, fabric: int, pairs: set[tuple[str, str]], names: dict[str, str]) -> tuple[Zone, ...]:
        """Single initiator, one array; members by name where there are names."""
        here = {end.wwpn: end for end in self.ends(fabric)}
        found: dict[str, list[str]] = {}
        for hba, target in sorted(pairs):
            if hba in here and target in here:
                name = f"Z_{self.alias(here[hba])}_{here[target].array}"
                found.setdefault(name, [names.get(hba, hba)]).append(names.get(target, target))
        return tuple(Zone(name, tuple(members)) for name, members in found.items())

    def array(self, serial: str) -> ArraySeen:
        ids = {host: str(n) for n, host in enumerate(self.hosts())}
        mine = [target for target in self.targets if target.array == serial]
        luns = {lun: str(n + 1) for n, lun in enumerate(self.luns) if any((h, lun, serial) in self.given for h in ids)}
        links = tuple(
            HostLink(ids[hba.host], hba.wwpn, target.wwpn, "27")
            for hba in self.hbas
            for target in mine
            if self.linked(hba, target)
        )
        on = {link.initiator for link in links}
        return ArraySeen(
            serial,
            serial,
            firmware="6.1.6",
            health="1",
            running="1",
            hosts={number: name for name, number in ids.items()},
            controllers=tuple(Controller(one, "", "1", "27") for one in sorted({target.controller for target in mine})),
            ports=tuple(
                ArrayPort(
                    f"p{target.wwpn}",
                    target.wwpn,
                    target.location or f"CTE0.{target.controller[-1]}.{target.port}",
                    target.controller,
                    target.module,
                    "1",
                    "10" if target.up else "11",
                    32.0,
                    32.0,
                    True,
                )
                for target in mine
            ),
            initiators=tuple(Initiator(hba.wwpn, ids[hba.host], hba.wwpn in on, False) for hba in self.hbas),
            links=links,
            luns=tuple(ArrayLun(number, self.luns[lun], lun, 1 << 41, "1", "27") for lun, number in luns.items()),
            mapped=tuple(
                Mapped(ids[host], luns[lun], int(luns[lun]), self.groups.get((host, lun, array)))
                for host, lun, array in sorted(self.given)
                if array == serial
            ),
            pairs=tuple(
                Pair(f"m{number}", "metro", number, "", "", True, True, "1", "1")
                for lun, number in luns.items()
                if len({array for _, one, array in self.given if one == lun}) > 1
            ),
        )

    # --- the independent check --------------------------------------------------------------------------------------
    def elements(self) -> set[Element]:
        found = {Element(Kind.HOST, host) for host in self.hosts()} | {Element(Kind.ARRAY, one) for one in self.arrays}
        for hba in self.hbas:
            found |= {Element(Kind.HBA, hba.wwpn), self.card(hba), self.plug(hba), Element(Kind.SWITCH, hba.switch)}
        for target in self.targets:
            found |= {Element(Kind.ARRAY_PORT, target.wwpn), self.plug(target), Element(Kind.SWITCH, target.switch)}
            found |= {self.module(target), self.controller(target)}
        for isl in self.isls:
            found |= set(self.isl_elements(isl))
            found |= {Element(Kind.SWITCH, isl.one), Element(Kind.SWITCH, isl.other)}
        found |= {Element(Kind.FABRIC, ",".join(sorted(fabric))) for fabric in self.fabrics}
        return found | {domain.element for domain in self.shared}

    def card(self, hba: Hba) -> Element:
        return Element(Kind.CARD, f"{hba.host}/{hba.card}")

    def plug(self, end: Hba | Target) -> Element:
        return Element(Kind.SWITCH_PORT, self.port_wwn(end.switch, end.port))

    def module(self, target: Target) -> Element:
        return Element(Kind.MODULE, f"{target.array}/{target.module}")

    def controller(self, target: Target) -> Element:
        return Element(Kind.CONTROLLER, f"{target.array}/{target.controller}")

    def isl_elements(self, isl: Isl) -> list[Element]:
        a, b = sorted(((isl.one, isl.one_port), (isl.other, isl.other_port)))
        found = [Element(Kind.LINK, f"{a[0]}:{a[1]}-{b[0]}:{b[1]}")]
        found += [Element(Kind.SWITCH_PORT, self.port_wwn(*end)) for end in (a, b)]
        if isl.trunk is not None:
            found.append(Element(Kind.TRUNK, f"{a[0]}/{isl.trunk}"))
        return found

    def children(self) -> dict[Element, set[Element]]:
        """What dies with what, downwards."""
        found: dict[Element, set[Element]] = {}

        def inside(parent: Element, child: Element) -> None:
            found.setdefault(parent, set()).add(child)

        for hba in self.hbas:
            inside(Element(Kind.HOST, hba.host), self.card(hba))
            inside(self.card(hba), Element(Kind.HBA, hba.wwpn))
            inside(Element(Kind.SWITCH, hba.switch), self.plug(hba))
        for target in self.targets:
            inside(Element(Kind.ARRAY, target.array), self.controller(target))
            inside(self.controller(target), self.module(target))
            inside(self.module(target), Element(Kind.ARRAY_PORT, target.wwpn))
            inside(Element(Kind.SWITCH, target.switch), self.plug(target))
        for isl in self.isls:
            link, one, other, *trunk = self.isl_elements(isl)
            inside(Element(Kind.SWITCH, isl.one), self.port_end(isl.one, isl.one_port))
            inside(Element(Kind.SWITCH, isl.other), self.port_end(isl.other, isl.other_port))
            inside(one, link)
            inside(other, link)
            for whole in trunk:
                inside(whole, link)
        for fabric in self.fabrics:
            for wwn in fabric:
                inside(Element(Kind.FABRIC, ",".join(sorted(fabric))), Element(Kind.SWITCH, wwn))
        for domain in self.shared:
            for member in domain.members:
                inside(domain.element, member)
        return found

    def port_end(self, switch: str, number: int) -> Element:
        return Element(Kind.SWITCH_PORT, self.port_wwn(switch, number))

    def dead(self, *removed: Element) -> set[Element]:
        children, found, waiting = self.children(), set(), list(removed)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += children.get(one, ())
        return found

    def reached(self, dead: set[Element]) -> dict[str, set[Element]]:
        """From every HBA port, all that a walk finds, element by element over what is not dead."""
        links: dict[Element, set[Element]] = {}

        def joined(a: Element, b: Element) -> None:
            if a not in dead and b not in dead:
                links.setdefault(a, set()).add(b)
                links.setdefault(b, set()).add(a)

        for hba in self.hbas:
            joined(Element(Kind.HBA, hba.wwpn), self.plug(hba))
            joined(self.plug(hba), Element(Kind.SWITCH, hba.switch))
        for target in self.targets:
            joined(Element(Kind.ARRAY_PORT, target.wwpn), self.plug(target))
            joined(self.plug(target), Element(Kind.SWITCH, target.switch))
        for isl in self.isls:
            link, *_ = self.isl_elements(isl)
            for switch, number in ((isl.one, isl.one_port), (isl.other, isl.other_port)):
                joined(Element(Kind.SWITCH, switch), self.port_end(switch, number))
                joined(self.port_end(switch, number), link)
        found = {}
        for hba in self.hbas:
            start = Element(Kind.HBA, hba.wwpn)
            seen, waiting = {start}, deque([start])
            while waiting:
                for there in links.get(waiting.popleft(), ()):
                    if there not in seen:
                        seen.add(there)
                        waiting.append(there)
            found[hba.wwpn] = set() if start in dead else seen
        return found

    def alive(self, dead: set[Element], layer: str = "live") -> dict[tuple[str, str], int]:
        """Pairs of every (host, LUN) that carry when these are dead. designed: as if all ports were up; logged_in: as
        if the host had every device."""
        found = {(host, one): 0 for host, one, _ in self.given}
        reached = self.reached(dead)
        for hba in self.hbas:
            for target in self.targets:
                pair = (hba.wwpn, target.wwpn)
                up = layer == "designed" or (hba.up and target.up)
                held = layer != "live" or pair not in self.lost
                if not (up and held and pair in self.zoned):
                    continue
                if (
                    Element(Kind.HOST, hba.host) in dead
                    or Element(Kind.ARRAY_PORT, target.wwpn) not in reached[hba.wwpn]
                ):
                    continue
                for host, one in found:
                    if host == hba.host and self.reaches(host, one, target):
                        found[host, one] += 1
        return found

    def checked(self, layer: str = "live") -> dict[tuple[str, str], tuple[int, set[Element], int]]:
        """(host, LUN) -> (pairs now, single points of failure, pairs that the worst single loss leaves): every element
        is tried."""
        now = self.alive(set(), layer)
        points: dict[tuple[str, str], set[Element]] = {key: set() for key in now}
        worst = dict(now)
        for element in self.elements():
            dead = self.dead(element)
            left = self.alive(dead, layer)
            for key in now:
                host, one = key
                homes = {Element(Kind.ARRAY, array) for _, same, array in self.given if same == one}
                if Element(Kind.HOST, host) in dead or (len(homes) == 1 and homes & dead):
                    continue
                worst[key] = min(worst[key], left[key])
                if now[key] and not left[key]:
                    points[key].add(element)
        return {key: (now[key], points[key], worst[key]) for key in now}


PROD, DR = "PROD", "DR"
A, B = "1000c4f57c01a000", "1000c4f57c01b000"
A2, B2 = "1000c4f57c02a000", "1000c4f57c02b000"
LUN_NAMES = ("he_sd", "ora_data01", "ora_redo01", "ora_fra01")


def lun(number: int, array: str = PROD) -> str:
    return f"63400a31000d000{1 if array == PROD else 2}0a1b2c3d0000000{number}"


def standard(*, isl: bool = False) -> World:
    """facts/san.md 5; isl: the variant with two switches a fabric and the DR array on the far ones."""
    world = World(fabrics=[[A], [B]], names={A: "SWA1", B: "SWB1"}, domains={A: 1, B: 2}, arrays=[PROD, DR])
    far = {A: A, B: B}
    if isl:
        world.fabrics = [[A, A2], [B, B2]]
        world.names |= {A2: "SWA2", B2: "SWB2"}
        world.domains |= {A2: 11, B2: 12}
        world.isls = [Isl(one, n, other, n) for one, other in ((A, A2), (B, B2)) for n in (22, 23)]
        far = {A: A2, B: B2}
    for n, host in enumerate(("olvm-h1", "olvm-h2")):
        for k, (switch, card) in enumerate(((A, "0000:3b:00"), (B, "0000:af:00"))):
            world.hbas.append(Hba(f"100000109ba{k + 1}0{n + 1}00", host, card, switch, n))
    for number, array in ((1, PROD), (2, DR)):
        for letter, first in (("A", "0"), ("B", "1")):
            for port, (switch, low) in enumerate(((A, "8"), (B, "9"))):
                where = switch if array == PROD else far[switch]
                plug = (4 if array == PROD else 6) + (letter == "B")
                wwpn = f"20{first}{low}3400a30d000{number}"
                location = f"CTE0.{letter}.IOM0.P{port}"
                world.targets.append(Target(wwpn, array, f"0{letter}", f"0{letter}.0", where, plug, location))
    for array, numbers, suffix in ((PROD, (1, 2, 3, 4), ""), (DR, (2, 3, 4), "_dr")):
        for number in numbers:
            world.luns[lun(number, array)] = LUN_NAMES[number - 1] + suffix
            world.given |= {(host, lun(number, array), array) for host in world.hosts()}
    world.zoned = {
        (hba.wwpn, target.wwpn)
        for hba in world.hbas
        for target in world.targets
        if world.fabric_of(hba.switch) == world.fabric_of(target.switch)
    }
    return world


def changed(estate: Estate, wwn: str, **changes: object) -> Estate:
    """With one switch, or the array of that serial, telling something else."""
    switches = tuple(replace(one, **changes) if one.wwn == wwn else one for one in estate.switches)
    arrays = tuple(replace(one, **changes) if one.serial == wwn else one for one in estate.arrays)
    return replace(estate, switches=switches, arrays=arrays)
