"""What the SAN consists of: switches and their ports, zoning, arrays, replication. Plain data.

It is built anew from the world and the faults in force at every change (lab/san/settle.py), so that a fault that is
cleared leaves nothing behind.

WWNs are 16 lower-case hex digits here; the shapes put colons in where the vendor does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

NO_TRANSACTION = 0


def colons(wwn: str) -> str:
    """10:00:00:... as Fabric OS writes a WWN."""
    return ":".join(wwn[i : i + 2] for i in range(0, len(wwn), 2))


@dataclass
class Port:
    """A switch port. peer: WWPN of what is plugged in; of an E-port the far port's WWN. errors: per lab second."""

    number: int
    wwn: str
    name: str = ""
    peer: str = ""
    isl: tuple[str, int] | None = None  # (name of the far switch, number of its port)
    licensed: bool = True
    module: bool = True  # an SFP is in
    cabled: bool = True
    enabled: bool = True
    persistent_disable: bool = False
    gbit: int = 32
    errors: float = 0.0
    rx_uw: float = 551.8


@dataclass
class Switch:
    """A switch. power False: nothing of it answers. disabled: switchdisable, only its ports are dark."""

    name: str
    fabric: str
    domain: int
    wwn: str
    serial: str
    address: str
    ports: list[Port] = field(default_factory=list)
    principal: bool = True
    firmware: str = "8.2.3"  # key of lab/san/fos_version.py
    power: bool = True
    disabled: bool = False

    @property
    def fcid(self) -> int:
        """Of its embedded port: 0xfffc01 for domain 1."""
        return 0xFFFC00 + self.domain

    def port_fcid(self, port: Port) -> int:
        """Domain, area, 00; ports above 255 use the last byte."""
        return self.domain << 16 | (port.number & 0xFF) << 8 | port.number >> 8


@dataclass
class Zone:
    """A zone of names: aliases or WWPNs with colons. principals make it a peer zone: each talks to the members only."""

    name: str
    members: list[str]
    principals: list[str] = field(default_factory=list)


@dataclass
class Fabric:
    """One fabric's zoning. effective: zone name -> resolved members, WWPNs with colons."""

    name: str
    cfg: str
    zones: list[Zone] = field(default_factory=list)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    effective: list[Zone] = field(default_factory=list)
    transaction: int = NO_TRANSACTION
    inconsistent_since: float | None = None  # ZONE-1062 is logged

    @property
    def label(self) -> str:
        """The fabric's own name."""
        return f"FAB_{self.name}"

    def resolve(self, zone: Zone) -> Zone:
        """The zone with its aliases' members in their places."""
        members, principals = (
            [wwpn for name in names for wwpn in self.aliases.get(name, [name])]
            for names in (zone.members, zone.principals)
        )
        return Zone(zone.name, members, principals)

    def enable(self) -> None:
        """cfgenable: the defined zones become the effective ones."""
        self.effective = [self.resolve(zone) for zone in self.zones]


@dataclass
class Volume:
    """A LUN of an array. wwn: 32 hex digits. groups: the hosts' groups that it is mapped to."""

    id: int
    name: str
    wwn: str
    size: int
    host_lun_id: int
    groups: list[int]
    replicated: bool = False
    hosts: set[str] | None = None  # mapped to these hosts only; None: to all of its groups

    def seen_by(self, host: str, group: int) -> bool:
        """Whether it is mapped to a host of a group."""
        return group in self.groups and (self.hosts is None or host in self.hosts)


@dataclass
class Array:
    """A Dorado. addresses: controller -> management address. ports: target WWPN -> (location, controller)."""

    name: str
    serial: str
    wwn: str
    location: str
    addresses: dict[str, str]
    volumes: list[Volume] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)  # controllers
    unreachable: set[str] = field(default_factory=set)  # controllers whose management address does not answer
    pulled: set[str] = field(default_factory=set)  # target WWPNs without a cable
    port_group: set[str] = field(default_factory=set)  # target WWPNs that the mapping allows; empty: all
    direct: bool = False  # which of the two mapping models it uses
    group: str = "HG_OLVM"  # stem of the names of its host and LUN groups
    clock_offset: float = 0.0
    swapped: bool = False  # initiators stand under the wrong hosts

    @property
    def primary(self) -> bool:
        """True for the production array."""
        return self.name == PROD


@dataclass
class Replication:
    """All pairs, which form one consistency group. link: lab time of its loss, None while it works."""

    cg: str = "CG_ORA"
    synchronous: bool = True
    interval: int = 300  # seconds between the starts of two cycles, asynchronous only
    link_lost: float | None = None
    split: float | None = None
    access: int = 2
    switched: bool = False  # the DR side is the primary


@dataclass
class Design:
    """The whole SAN as it is wired and configured now."""

    switches: dict[str, Switch]
    fabrics: dict[str, Fabric]
    arrays: dict[str, Array]
    replication: Replication
    one_card: set[str] = field(default_factory=set)  # hosts whose two ports sit on one card
    remapped: dict[str, str] = field(default_factory=dict)  # WWID -> WWN of the volume that its number now means

    def switches_of(self, fabric: str) -> list[Switch]:
        """In the order of their domains."""
        return [switch for switch in self.switches.values() if switch.fabric == fabric]

    def ports(self) -> Iterator[tuple[Switch, Port]]:
        """Every port of every switch."""
        for switch in self.switches.values():
            for port in switch.ports:
                yield switch, port


PROD, DR = "DORADO-PROD", "DORADO-DR"
