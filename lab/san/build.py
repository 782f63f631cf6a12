"""The healthy SAN of an estate: names, WWNs and wiring of facts/san.md 5, as many ports as the estate has hosts.

Hosts sit at ports 0 to 3 and from 8 on, the arrays at 4 to 7; with ISLs the second switch of a fabric carries the DR
array at its ports 6 and 7, and ports 22 and 23 join the two.
"""

from __future__ import annotations

from lab.san.design import DR, PROD, Array, Design, Fabric, Port, Replication, Switch, Volume, Zone, colons
from lab.world import Hba, Host, TargetPort, World

PORTS, LICENSED = 24, 8
ISL_PORTS = (22, 23)
SWITCH_ADDRESS, ARRAY_ADDRESS = "127.0.240.{}", "127.0.241.{}"
REPLICATED = "ora_"
_BASES = {"A": "a0", "B": "b0"}
_SERIALS = {PROD: "2102353XYZ00000001", DR: "2102353XYZ00000002"}
_WWNS = {PROD: "21003400a30d0001", DR: "21003400a30d0002"}
_DR_NAA = "63400a31000d0002"
_TWO_CARDS, _ONE_CARD = ("0000:3b:00.0", "0000:af:00.0"), ("0000:3b:00.0", "0000:3b:00.1")


def build(world: World, isl: bool) -> Design:
    """The SAN without any fault. isl: two switches per fabric."""
    switches = {switch.name: switch for fabric in _BASES for switch in _switches(world, fabric, isl)}
    return Design(
        switches=switches,
        fabrics={name: _fabric(world, name) for name in _BASES},
        arrays={PROD: _prod(world), DR: _dr(world)},
        replication=Replication(),
    )


# --- switches


def _switches(world: World, fabric: str, isl: bool) -> list[Switch]:
    index = list(_BASES).index(fabric)
    count = _port_count(world)
    made = []
    for number in (1, 2) if isl else (1,):
        switch = Switch(
            name=f"SW{fabric}{number}",
            fabric=fabric,
            domain=index + 1 + 10 * (number - 1),
            wwn=f"1000c4f57c0{number}{_BASES[fabric]}00",
            serial=f"XYZ0000S{index + 1 + 2 * (number - 1):03d}",
            address=SWITCH_ADDRESS.format(index + 1 + 2 * (number - 1)),
            principal=number == 1,
        )
        switch.ports = [_port(switch, n) for n in range(count)]
        made.append(switch)
    _plug_hosts(world, fabric, made[0])
    _plug_arrays(world, fabric, made)
    if isl:
        for number in ISL_PORTS:
            for here, there in ((made[0], made[1]), (made[1], made[0])):
                port = here.ports[number]
                port.isl, port.peer = (there.name, number), there.ports[number].wwn
                port.licensed = port.module = True
    return made


def _port_count(world: World) -> int:
    needed = LICENSED + max(0, len(world.hosts) - 4)
    return PORTS if needed <= PORTS - len(ISL_PORTS) else -(-(needed + len(ISL_PORTS)) // 24) * 24


def _port(switch: Switch, number: int) -> Port:
    licensed = number < LICENSED
    wwn = f"20{number & 0xFF:02x}{switch.wwn[4:]}"
    return Port(number=number, wwn=wwn, name=f"port{number}", licensed=licensed, module=licensed)


def _plug(port: Port, name: str, wwpn: str) -> None:
    port.name, port.peer, port.licensed, port.module = name, wwpn, True, True


def _plug_hosts(world: World, fabric: str, switch: Switch) -> None:
    free = [n for n in range(len(switch.ports)) if n not in (4, 5, 6, 7, *ISL_PORTS)]
    for number, host in zip(free, world.hosts.values(), strict=False):
        for index, hba in enumerate(host.hbas):
            if hba.fabric == fabric:
                _plug(switch.ports[number], f"{host.name}_hba{index}", hba.wwpn)


def _plug_arrays(world: World, fabric: str, switches: list[Switch]) -> None:
    targets = [target for target in world.targets if target.fabric == fabric]
    for array, numbers, switch in ((PROD, (4, 5), switches[0]), (DR, (6, 7), switches[-1])):
        for number, target in zip(numbers, [t for t in targets if t.array == array], strict=False):
            _plug(switch.ports[number], f"{array.removeprefix('DORADO-')}_{target.location}", target.wwpn)


# --- zoning


def alias_of_host(host: Host, hba: Hba) -> str:
    """olvm-h1_hba0."""
    return f"{host.name}_hba{host.hbas.index(hba)}"


def alias_of_target(target: TargetPort) -> str:
    """PROD_CTE0_A_IOM0_P0."""
    return f"{target.array.removeprefix('DORADO-')}_{target.location.replace('.', '_')}"


def zone_name(alias: str, array: str) -> str:
    """Z_olvm-h1_hba0_PROD."""
    return f"Z_{alias}_{array.removeprefix('DORADO-')}"


def _fabric(world: World, name: str) -> Fabric:
    fabric = Fabric(name, f"CFG_FAB_{name}")
    targets = [target for target in world.targets if target.fabric == name]
    for host in world.hosts.values():
        for hba in host.hbas:
            if hba.fabric != name:
                continue
            alias = alias_of_host(host, hba)
            fabric.aliases[alias] = [colons(hba.wwpn)]
            for array in (PROD, DR):
                ports = [alias_of_target(target) for target in targets if target.array == array]
                fabric.zones.append(Zone(zone_name(alias, array), [alias, *ports]))
    fabric.aliases |= {alias_of_target(target): [colons(target.wwpn)] for target in targets}
    fabric.enable()
    return fabric


# --- arrays


def _prod(world: World) -> Array:
    array = Array(PROD, _SERIALS[PROD], _WWNS[PROD], "DC1", _addresses(1))
    everybody = sorted({host.group for host in world.hosts.values()})
    for index, lun in enumerate(lun for lun in world.luns.values() if lun.array == PROD):
        group = world.lun_groups.get(lun.wwid)
        volume = Volume(index + 1, lun.name, lun.wwid[1:], lun.size, lun.lun_number, [0])
        volume.groups = everybody if group is None else [group]
        volume.replicated = lun.name.startswith(REPLICATED)
        array.volumes.append(volume)
    return array


def _dr(world: World) -> Array:
    """The secondaries, mapped to a host group that has no host until somebody fails over."""
    array = Array(DR, _SERIALS[DR], _WWNS[DR], "DC2", _addresses(3), group="HG_DR")
    for index, lun in enumerate(lun for lun in world.luns.values() if lun.array == PROD):
        if lun.name.startswith(REPLICATED):
            wwn = dr_wwn(lun.wwid[1:])
            array.volumes.append(Volume(index + 1, f"{lun.name}_dr", wwn, lun.size, lun.lun_number, [], True))
    return array


def dr_wwn(wwn: str) -> str:
    """The WWN of a production LUN's secondary: HyperReplication gives it another one (facts/san.md 0)."""
    return _DR_NAA + wwn[16:]


def _addresses(first: int) -> dict[str, str]:
    return {"0A": ARRAY_ADDRESS.format(first), "0B": ARRAY_ADDRESS.format(first + 1)}


def cards(design: Design, host: Host) -> dict[str, str]:
    """HBA WWPN -> PCI address: a card of its own for each port, or one card for both."""
    slots = _ONE_CARD if host.name in design.one_card else _TWO_CARDS
    return {hba.wwpn: slot for hba, slot in zip(host.hbas, slots, strict=False)}
