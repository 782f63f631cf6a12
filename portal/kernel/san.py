"""What one switch and one array told, whatever protocol brought it. Pure shapes, shared by connectors, proof and lint.

Every WWN is 16 lower-case hex digits without colons, a LUN's is 32 (facts/san.md 3.1). None and "" mean "not told".
What could not be read stands in `unread` with a sentence for a person, and is never taken for empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SwitchPort:
    """One port of a switch. state: physical, in FOS's words in lower case ("online", "no_light", "no_module" ...)."""

    number: int
    wwn: str
    name: str = ""
    state: str = ""
    kind: str = ""  # F | E | N | G | U | L | EX | D | AF | VE, as FOS names it; "" when unknown
    enabled: bool | None = None
    persistent_disable: bool | None = None
    licensed: bool | None = None
    gbit: float | None = None  # negotiated
    most_gbit: float | None = None
    neighbors: tuple[str, ...] = ()  # WWPNs that are logged in; of an E-port the peer switch's WWN
    peer_port: int | None = None  # of an E-port
    health: str = ""
    why_disabled: str = ""
    why_segmented: str = ""
    trunk: int | None = None  # of an E-port: the number of its trunk; links of one trunk are one element


@dataclass(frozen=True)
class Login:
    """One entry of the name server."""

    wwpn: str
    wwnn: str
    fabric_port: str  # WWN of the switch port; joins with SwitchPort.wwn
    fcid: str  # six hex digits: domain, area, port
    device: str = ""  # "initiator" | "target" | ""
    port_symbol: str = ""
    node_symbol: str = ""


@dataclass(frozen=True)
class Zone:
    """A zone. members: WWPNs, "domain,port", or names of aliases in the defined configuration."""

    name: str
    members: tuple[str, ...]
    kind: str = "zone"  # zone | peer | target_peer
    principals: tuple[str, ...] = ()  # of a peer zone: they talk to members, members not to each other


@dataclass(frozen=True)
class Zoning:
    """Both configurations of a fabric. cfg_effective "": no configuration is in effect."""

    cfg_effective: str
    effective: tuple[Zone, ...]
    cfgs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> names of its zones
    defined: tuple[Zone, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> WWPNs
    all_access: bool | None = None  # whether everybody may talk when no configuration is in effect
    transaction: bool | None = None  # whether somebody has changes that are not committed
    holder: str = ""  # who holds them
    checksum: str = ""


@dataclass(frozen=True)
class Member:
    """A switch of the fabric, as one of them knows it."""

    wwn: str
    domain: int | None
    name: str = ""
    address: str = ""
    principal: bool = False


@dataclass(frozen=True)
class Sfp:
    """The optic of a port. Powers in dBm, temperature in degrees Celsius."""

    number: int
    rx_dbm: float | None
    tx_dbm: float | None
    celsius: float | None = None
    part: str = ""
    serial: str = ""
    rx_low_alarm: float | None = None
    rx_low_warning: float | None = None


@dataclass(frozen=True)
class Unit:
    """A power supply or a fan of a switch. state in the switch's own word: ok, absent, faulty ..."""

    kind: str  # "power supply" | "fan"
    number: int | None
    state: str


@dataclass(frozen=True)
class SwitchSeen:
    """One switch in one look. counters: port -> name -> value since the last clearing; names are REST's leafs."""

    wwn: str
    name: str
    source: str  # "rest" | "ssh"
    domain: int | None = None
    serial: str = ""
    model: str = ""  # "170.5"
    firmware: str = ""
    state: str = ""  # "online" | "offline" | "faulty" | "testing" | ""
    principal: bool | None = None
    ports: tuple[SwitchPort, ...] = ()
    logins: tuple[Login, ...] = ()  # of the whole fabric
    zoning: Zoning | None = None
    members: tuple[Member, ...] = ()
    counters: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    cleared: Mapping[int, int] = field(default_factory=dict)  # port -> epoch seconds of the last clearing
    sfps: tuple[Sfp, ...] = ()
    log: tuple[tuple[str, str, str, str], ...] = ()  # time as told, message id, severity, text; newest last
    password_days: int | None = None  # until the account's password expires
    units: tuple[Unit, ...] = ()
    health: Mapping[str, str] = field(default_factory=dict)  # what its own policy watches -> healthy, marginal, down
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Controller:
    """A controller of an array. Codes as told: facts/san.md 2.3 says what they mean."""

    ident: str  # "0A"
    location: str = ""
    health: str = ""
    running: str = ""
    firmware: str = ""


@dataclass(frozen=True)
class ArrayPort:
    """A Fibre Channel port of an array."""

    ident: str
    wwpn: str
    location: str  # "CTE0.A.IOM0.P0"
    controller: str  # "0A"; "" when it cannot be told
    module: str = ""  # "0A.0"
    health: str = ""
    running: str = ""  # "10" link up, "11" link down
    gbit: float | None = None
    most_gbit: float | None = None
    enabled: bool | None = None
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Initiator:
    """An initiator that the array knows. host: the array's id of its host; "" when it belongs to none."""

    wwpn: str
    host: str
    online: bool | None
    free: bool | None = None
    multipath_type: str = ""


@dataclass(frozen=True)
class HostLink:
    """One nexus of initiator and target port, as the array sees it."""

    host: str
    initiator: str
    target: str
    running: str
    health: str = ""


@dataclass(frozen=True)
class ArrayLun:
    """A LUN, or a snapshot, of an array."""

    ident: str
    name: str
    wwn: str  # 32 hex digits; the multipath WWID is "3" and these
    size: int | None  # bytes
    health: str = ""
    running: str = ""
    snapshot: bool = False


@dataclass(frozen=True)
class Mapped:
    """A LUN that a host of the array sees. ports: the target ports that a port group leaves it; None: all."""

    host: str
    lun: str
    host_lun_id: int | None
    ports: frozenset[str] | None = None


@dataclass(frozen=True)
class Pair:
    """One replication pair as one array tells it. started, ended: epoch seconds of the array's own clock."""

    ident: str
    kind: str  # "replication" | "metro"
    local_lun: str
    remote_lun: str
    remote_serial: str
    primary: bool | None
    synchronous: bool | None
    health: str
    running: str
    local_data: str = ""
    remote_data: str = ""
    secondary_access: str = ""
    group: str = ""
    group_name: str = ""
    progress: int | None = None
    interval: int | None = None  # seconds, of an asynchronous pair
    started: int | None = None
    ended: int | None = None
    synced: bool | None = None  # ISDATASYNC
    timing: str = ""  # of an asynchronous pair: "1" by hand, "2" from the start of the last cycle, "3" from its end
    link: str = ""  # of a HyperMetro pair: "10" up, "11" down


@dataclass(frozen=True)
class Group:
    """A consistency group of replication pairs as one array tells it. Times as a pair's."""

    ident: str
    name: str
    kind: str  # "replication" | "metro"
    primary: bool | None
    health: str
    running: str
    synchronous: bool | None = None
    secondary_access: str = ""
    started: int | None = None
    ended: int | None = None


@dataclass(frozen=True)
class RemoteArray:
    """Another array as this one sees it."""

    serial: str
    name: str
    wwn: str
    health: str
    running: str
    links: int | None = None


@dataclass(frozen=True)
class Pool:
    """A storage pool of an array. total, free in bytes; used, threshold in per cent."""

    ident: str
    name: str
    health: str
    running: str
    total: int | None = None
    free: int | None = None
    used: int | None = None
    threshold: int | None = None


@dataclass(frozen=True)
class Alarm:
    """An alarm that stands. level: 2 info, 3 warning, 5 major, 6 critical."""

    ident: str
    name: str
    level: int | None
    since: int | None
    description: str = ""
    suggestion: str = ""
    location: str = ""


@dataclass(frozen=True)
class ArraySeen:
    """One array in one look. offset: its clock minus ours in seconds."""

    serial: str
    name: str
    wwn: str = ""
    model: str = ""
    firmware: str = ""
    health: str = ""
    running: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)  # id -> name
    controllers: tuple[Controller, ...] = ()
    ports: tuple[ArrayPort, ...] = ()
    initiators: tuple[Initiator, ...] = ()
    links: tuple[HostLink, ...] = ()
    luns: tuple[ArrayLun, ...] = ()
    mapped: tuple[Mapped, ...] = ()
    pairs: tuple[Pair, ...] = ()
    groups: tuple[Group, ...] = ()
    remotes: tuple[RemoteArray, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    pools: tuple[Pool, ...] = ()
    offset: float | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


def wwn(text: str) -> str:
    """0x2100.., 21:00:.., "2100..." as bare lower-case hex; "" when it is none of 16 digits (facts/luns-and-tuning.md
    2.1: vdsm eats leading zeros, which are put back)."""
    bare = text.strip().lower().removeprefix("0x").replace(":", "")
    if not bare or any(letter not in "0123456789abcdef" for letter in bare):
        return ""
    return bare.zfill(16) if len(bare) <= 16 else ""
