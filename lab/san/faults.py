"""The faults of the SAN: what each changes in the design. Undoing one means building the design without it.

What concerns only how a device answers (sessions, refusals, busy) changes nothing here; the servers look at the faults
in force themselves (lab/san/refusals.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.san import build
from lab.san.design import DR, PROD, Array, Design, Fabric, Port, Volume, Zone, colons
from lab.world import Fault, Host, World

Act = Callable[[Design, World, Fault], None]


class Impossible(ValueError):
    """The fault does not fit this SAN; the text says why."""


@dataclass(frozen=True)
class SanFault:
    """target: "host" | "fabric" | "switch" | "array" | "switch or array" | "san".

    choices: the arguments; the first value holds when none is given, "" at the end means that any other will do.
    event: it happens once, nothing stays in force."""

    title: str
    target: str
    act: Act | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    event: Callable[[World, Fault], None] | None = None


# --- finding things


def _host(world: World, fault: Fault) -> Host:
    return world.hosts[fault.target]


def _fabric(design: Design, fault: Fault) -> Fabric:
    return design.fabrics[fault.target]


def _array(design: Design, fault: Fault) -> Array:
    return design.arrays[fault.target]


def _port(design: Design, fault: Fault) -> Port:
    switch = design.switches[fault.target]
    number = fault.args.get("port", "0") or "0"
    if not number.isdigit() or int(number) >= len(switch.ports):
        raise Impossible(f"{switch.name} has the ports 0 to {len(switch.ports) - 1}.")
    return switch.ports[int(number)]


def _volume(array: Array, fault: Fault) -> Volume:
    name = fault.args.get("lun") or "ora_data01"
    found = next((one for one in array.volumes if name in (one.name, f"3{one.wwn}", one.wwn)), None)
    if found is None:
        raise Impossible(f"{array.name} has no LUN {name}; it has {', '.join(one.name for one in array.volumes)}.")
    return found


def _plugged(design: Design, wwpn: str) -> Port:
    return next(port for _, port in design.ports() if port.peer == wwpn and port.isl is None)


def _targets(world: World, array: str, controller: str = "") -> set[str]:
    return {t.wwpn for t in world.targets if t.array == array and controller in ("", t.controller)}


# --- cables, ports, boxes


def _cable_host(design: Design, world: World, fault: Fault) -> None:
    fabric = fault.args.get("fabric") or "A"
    for hba in _host(world, fault).hbas:
        if hba.fabric == fabric:
            _plugged(design, hba.wwpn).cabled = False


def _cable_array(design: Design, world: World, fault: Fault) -> None:
    location = fault.args.get("port") or "CTE0.A.IOM0.P0"
    target = next((t for t in world.targets if (t.array, t.location) == (fault.target, location)), None)
    if target is None:
        raise Impossible(f"{fault.target} has no port {location}.")
    _array(design, fault).pulled.add(target.wwpn)


def _fail_controller(design: Design, world: World, fault: Fault) -> None:
    _array(design, fault).dead.add(fault.args.get("controller") or "0A")


def _dead_address(design: Design, world: World, fault: Fault) -> None:
    _array(design, fault).unreachable.add(fault.args.get("controller") or "0A")


def _fail_switch(design: Design, world: World, fault: Fault) -> None:
    switch = design.switches[fault.target]
    switch.power = fault.args.get("how") == "disable"
    switch.disabled = True


def _disable_port(design: Design, world: World, fault: Fault) -> None:
    port = _port(design, fault)
    port.enabled = False
    port.persistent_disable = fault.args.get("persistent") == "yes"


def _isl_lost(design: Design, world: World, fault: Fault) -> None:
    switches = design.switches_of(fault.target)
    number = int(fault.args.get("port") or build.ISL_PORTS[0])
    if len(switches) < 2 or number not in build.ISL_PORTS:
        raise Impossible("The SAN has no such ISL. Start the lab with --san isl; the ISLs are at ports 22 and 23.")
    for switch in switches:
        switch.ports[number].cabled = False


def _errors(design: Design, world: World, fault: Fault) -> None:
    _port(design, fault).errors = float(fault.args.get("rate") or 1)


def _weak_light(design: Design, world: World, fault: Fault) -> None:
    _port(design, fault).rx_uw = float(fault.args.get("uw") or 20)


def _slow_link(design: Design, world: World, fault: Fault) -> None:
    _port(design, fault).gbit = int(fault.args.get("gbit") or 16)


def _firmware(design: Design, world: World, fault: Fault) -> None:
    design.switches[fault.target].firmware = fault.args.get("version") or "9.1"


def _one_card(design: Design, world: World, fault: Fault) -> None:
    design.one_card.add(fault.target)


# --- zoning


def _realias(fabric: Fabric, alias: str, wwpn: str) -> None:
    """An alias means another WWPN now, in the defined and the effective configuration."""
    old = fabric.aliases[alias][0]
    fabric.aliases[alias] = [wwpn]
    zones = {zone.name for zone in fabric.zones if alias in zone.members}
    for zone in fabric.effective:
        if zone.name in zones:
            zone.members = [wwpn if member == old else member for member in zone.members]


def _typo(design: Design, world: World, fault: Fault) -> None:
    host, name = _host(world, fault), fault.args.get("fabric") or "A"
    for hba in host.hbas:
        if hba.fabric == name:
            wrong = hba.wwpn[:-1] + f"{int(hba.wwpn[-1], 16) ^ 1:x}"
            _realias(design.fabrics[name], build.alias_of_host(host, hba), colons(wrong))


def _alias_swap(design: Design, world: World, fault: Fault) -> None:
    fabric = _fabric(design, fault)
    pairs = [(h, hba) for h in list(world.hosts.values())[:2] for hba in h.hbas if hba.fabric == fabric.name]
    if len(pairs) < 2:
        raise Impossible("Aliases of two hosts are swapped, and the estate has one host.")
    (host, hba), (other, far) = pairs
    _realias(fabric, build.alias_of_host(host, hba), colons(far.wwpn))
    _realias(fabric, build.alias_of_host(other, far), colons(hba.wwpn))


def _not_effective(design: Design, world: World, fault: Fault) -> None:
    fabric, array = _fabric(design, fault), fault.args.get("array") or "DR"
    host = world.hosts[fault.args.get("host") or list(world.hosts)[-1]]
    names = {build.zone_name(build.alias_of_host(host, hba), array) for hba in host.hbas}
    fabric.effective = [zone for zone in fabric.effective if zone.name not in names]
    fabric.inconsistent_since = fault.at


def _not_zoned(design: Design, world: World, fault: Fault) -> None:
    fabric = _fabric(design, fault)
    fabric.zones = [zone for zone in fabric.zones if not zone.name.endswith("_DR")]
    fabric.effective = [zone for zone in fabric.effective if not zone.name.endswith("_DR")]


def _one_controller(design: Design, world: World, fault: Fault) -> None:
    keep = fault.args.get("controller") or "0A"
    dropped = {colons(w) for w in _targets(world, fault.target) - _targets(world, fault.target, keep)}
    for fabric in design.fabrics.values():
        for zone in fabric.effective:
            zone.members = [member for member in zone.members if member not in dropped]
            zone.principals = [member for member in zone.principals if member not in dropped]
        fabric.inconsistent_since = fault.at


def _big_zone(design: Design, world: World, fault: Fault) -> None:
    fabric = _fabric(design, fault)
    fabric.zones = [Zone("Z_ALL", list(fabric.aliases))]
    fabric.enable()


def _peer_zones(design: Design, world: World, fault: Fault) -> None:
    """One peer zone per array: its ports are the principals, every host is a member."""
    fabric = _fabric(design, fault)
    hosts = [build.alias_of_host(host, hba) for host in world.hosts.values() for hba in host.hbas]
    hosts = [alias for alias in hosts if alias in fabric.aliases]
    fabric.zones = [
        Zone(f"PZ_{name}", hosts, [alias for alias in fabric.aliases if alias.startswith(f"{name}_CTE")])
        for name in ("PROD", "DR")
    ]
    fabric.enable()


def _transaction(design: Design, world: World, fault: Fault) -> None:
    _fabric(design, fault).transaction = 0x571010459


# --- arrays


def _remap(design: Design, world: World, fault: Fault) -> None:
    array = _array(design, fault)
    old = _volume(array, fault)
    wwn = f"{old.wwn[:24]}{0xFF000000 + old.id:08x}"
    new = Volume(900 + old.id, f"{old.name}_new", wwn, old.size, old.host_lun_id, old.groups, hosts=old.hosts)
    old.groups, old.hosts = [], None
    array.volumes.append(new)
    design.remapped[f"3{old.wwn}"] = new.wwn


def _one_host(design: Design, world: World, fault: Fault) -> None:
    _volume(design.arrays[PROD], fault).hosts = {fault.target}


def _port_group(design: Design, world: World, fault: Fault) -> None:
    _array(design, fault).port_group |= _targets(world, fault.target, fault.args.get("controller") or "0A")


def _clock(design: Design, world: World, fault: Fault) -> None:
    _array(design, fault).clock_offset = float(fault.args.get("seconds") or 300)


def _direct(design: Design, world: World, fault: Fault) -> None:
    _array(design, fault).direct = True


def _wrong_hosts(design: Design, world: World, fault: Fault) -> None:
    _array(design, fault).swapped = True


# --- replication


def _link_lost(design: Design, world: World, fault: Fault) -> None:
    design.replication.link_lost = fault.at


def _split(design: Design, world: World, fault: Fault) -> None:
    design.replication.split = fault.at


def _writable(design: Design, world: World, fault: Fault) -> None:
    pair = design.replication
    pair.access = int(fault.args.get("access") or 3)
    pair.split = fault.at if pair.split is None else pair.split


def _asynchronous(design: Design, world: World, fault: Fault) -> None:
    design.replication.synchronous = False
    design.replication.interval = int(float(fault.args.get("interval") or 300))


def _switched(design: Design, world: World, fault: Fault) -> None:
    design.replication.switched = True


def _secondary_mapped(design: Design, world: World, fault: Fault) -> None:
    groups = sorted({host.group for host in world.hosts.values()})
    for number, volume in enumerate(design.arrays[DR].volumes):
        volume.groups, volume.host_lun_id = groups, number + 1


_AB, _CONTROLLERS, _PORTS = ("A", "B"), ("0A", "0B"), tuple(str(n) for n in (0, 1, 4, 5, 6, 7))
_LOCATIONS = tuple(f"CTE0.{c}.IOM0.P{p}" for c in "AB" for p in (0, 1))
_REFUSALS = {"status": ("401", "403", "503"), "code": ("1077949061",), "message": ("",)}


# --- what happens once


def _expire(world: World, fault: Fault) -> None:
    assert world.san is not None
    world.san.device(fault.target).sessions.clear()


def _answer_503(world: World, fault: Fault) -> None:
    assert world.san is not None
    world.san.device(fault.target).once = int(float(fault.args.get("times") or 1))


FAULTS: dict[str, SanFault] = {
    "cable-host": SanFault("Pull a host's cable at its switch", "host", _cable_host, {"fabric": _AB}),
    "cable-array": SanFault("Pull a cable of an array", "array", _cable_array, {"port": _LOCATIONS}),
    "fail-controller": SanFault("Let a controller die", "array", _fail_controller, {"controller": _CONTROLLERS}),
    "fail-switch": SanFault("Let a switch die", "switch", _fail_switch, {"how": ("power", "disable")}),
    "disable-port": SanFault(
        "Disable a switch port", "switch", _disable_port, {"port": _PORTS, "persistent": ("no", "yes")}
    ),
    "isl-lost": SanFault("Lose one of two ISLs", "fabric", _isl_lost, {"port": ("22", "23")}),
    "one-card": SanFault("Both HBA ports on one card", "host", _one_card),
    "errors-rising": SanFault("Let a link's errors rise", "switch", _errors, {"port": _PORTS, "rate": ("1", "10")}),
    "weak-light": SanFault("Let a port receive little light", "switch", _weak_light, {"port": _PORTS, "uw": ("20",)}),
    "slow-link": SanFault("Let a link run slower", "switch", _slow_link, {"port": _PORTS, "gbit": ("16", "8")}),
    "zone-typo": SanFault("One wrong digit in a host's alias", "host", _typo, {"fabric": _AB}),
    "zone-not-effective": SanFault(
        "A zone is defined and not effective", "fabric", _not_effective, {"array": ("DR", "PROD"), "host": ("",)}
    ),
    "alias-swap": SanFault("Swap the aliases of two hosts", "fabric", _alias_swap),
    "dr-not-zoned": SanFault("No zone for the DR array", "fabric", _not_zoned),
    "one-controller-zoned": SanFault(
        "Both fabrics zoned to one controller", "array", _one_controller, {"controller": _CONTROLLERS}
    ),
    "big-zone": SanFault("One zone for everything", "fabric", _big_zone),
    "peer-zones": SanFault("Peer zones instead of single-initiator zones", "fabric", _peer_zones),
    "open-transaction": SanFault("Leave a zoning transaction open", "fabric", _transaction),
    "lun-remap": SanFault(
        "A LUN number means another volume", "array", _remap, {"lun": ("ora_data01", "ora_redo01", "")}
    ),
    "lun-one-host": SanFault(
        "A LUN mapped to one host only", "host", _one_host, {"lun": ("ora_data01", "ora_redo01", "")}
    ),
    "port-group": SanFault("A port group leaves one controller", "array", _port_group, {"controller": _CONTROLLERS}),
    "wrong-initiators": SanFault("Initiators under the wrong host", "array", _wrong_hosts),
    "mapping-direct": SanFault("The other mapping model", "array", _direct),
    "secondary-mapped": SanFault("Secondaries mapped to the production hosts", "san", _secondary_mapped),
    "replication-link-lost": SanFault("Lose the replication link", "san", _link_lost),
    "pair-split": SanFault("Split the replication pairs", "san", _split),
    "secondary-access": SanFault("Access to the secondaries", "san", _writable, {"access": ("3", "1")}),
    "replication-switched": SanFault("Switch the replication's direction", "san", _switched),
    "replication-async": SanFault("Replicate asynchronously", "san", _asynchronous, {"interval": ("300", "60")}),
    "array-clock-skew": SanFault("Let an array's clock be wrong", "array", _clock, {"seconds": ("300", "30")}),
    "array-address-dead": SanFault(
        "A controller's address does not answer", "array", _dead_address, {"controller": _CONTROLLERS}
    ),
    "array-sessions-expired": SanFault("Let every session of an array expire", "array", event=_expire),
    "array-sessions-401": SanFault("Answer dead sessions with HTTP 401", "array"),
    "login-refused": SanFault("Refuse every login", "switch or array", choices=_REFUSALS),
    "session-cap": SanFault("Others hold every REST session", "switch"),
    "rest-503-once": SanFault("Answer 503 once", "switch", choices={"times": ("1", "3")}, event=_answer_503),
    "rest-not-ready": SanFault("Answer 503: the chassis is not ready", "switch"),
    "rest-busy": SanFault("Answer 400: the fabric is busy", "switch"),
    "rest-off": SanFault("Switch REST off, leave SSH", "switch"),
    "fos-version": SanFault("Run another Fabric OS", "switch", _firmware, {"version": ("8.2.1", "8.2.3", "9.1")}),
}
"""Name -> fault."""

_WIRING = ("cable-host", "cable-array", "fail-controller", "fail-switch", "disable-port", "isl-lost", "one-card",
           "errors-rising", "weak-light", "slow-link")  # fmt: skip
_ZONING = ("zone-typo", "zone-not-effective", "alias-swap", "dr-not-zoned", "one-controller-zoned", "big-zone",
           "peer-zones", "open-transaction")  # fmt: skip
_ARRAYS = ("lun-remap", "lun-one-host", "port-group", "wrong-initiators", "mapping-direct", "secondary-mapped",
           "replication-link-lost", "pair-split", "secondary-access", "replication-switched", "replication-async",
           "array-clock-skew")  # fmt: skip
GROUPS = (
    ("Cables, switches, controllers", _WIRING),
    ("Zoning", _ZONING),
    ("Arrays and replication", _ARRAYS),
    ("How switches and arrays answer", tuple(n for n in FAULTS if n not in (*_WIRING, *_ZONING, *_ARRAYS))),
)
"""For the page: title and names."""
