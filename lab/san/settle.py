"""Brings the SAN up to date after a change: wiring with the faults in force, lost and regained paths, counters."""

from __future__ import annotations

from collections.abc import Iterable

from lab import multipath
from lab.san import build, replication
from lab.san.design import DR, Design
from lab.san.faults import FAULTS
from lab.san.live import Live
from lab.san.state import Entry, San
from lab.world import Fault, Lun, World


def attach(world: World, isl: bool = False) -> None:
    """Gives an estate its SAN, healthy and long settled."""
    world.san = San(build.build(world, isl), isl, settled=world.at)
    world.san.recovery.synced = world.at
    settle(world)


def compose(world: World, isl: bool, faults: Iterable[Fault]) -> Design:
    """The SAN with faults, in the order in which they came. Raises ValueError for one that does not fit."""
    design = build.build(world, isl)
    for fault in faults:
        known = FAULTS.get(fault.name)
        if known is not None and known.act is not None:
            known.act(design, world, fault)
    return design


def rehearse(world: World, fault: Fault) -> None:
    """Raises ValueError when a fault does not fit; changes nothing."""
    if world.san is not None and fault.name in FAULTS:
        compose(world, world.san.isl, [*world.faults, fault])


def settle(world: World) -> None:
    """Called after every change of faults, fabrics or cables."""
    san = world.san
    if san is None:
        return
    old = san.design
    _count_errors(world, san)
    san.design = compose(world, san.isl, world.faults)
    replication.note(world, old.replication)
    _index(world, san)
    for name, switch in san.design.switches.items():
        if not switch.power:
            san.device(name).sessions.clear()
    live = san.live(world)
    _count_drops(san, live)
    _sever(world, live)
    _raise_alarms(world, san, live)
    _write_log(world, san, old)
    san.settled = world.at


def _count_errors(world: World, san: San) -> None:
    for _, port in san.design.ports():
        if port.errors:
            san.errors[port.wwn] = san.errors.get(port.wwn, 0.0) + port.errors * (world.at - san.settled)


def _index(world: World, san: San) -> None:
    san.volumes = {volume.wwn: volume for array in san.design.arrays.values() for volume in array.volumes}
    for host in world.hosts.values():
        slots = build.cards(san.design, host)
        for hba in host.hbas:
            hba.pci = slots.get(hba.wwpn, hba.pci)
    _secondaries(world, san)


def _secondaries(world: World, san: San) -> None:
    """The secondaries are LUNs of the estate while a host sees them."""
    shown = {f"3{volume.wwn}": volume for volume in san.design.arrays[DR].volumes if volume.groups}
    for wwid in [wwid for wwid, lun in world.luns.items() if lun.array == DR and wwid not in shown]:
        del world.luns[wwid]
        for host in world.hosts.values():
            for key in [key for key in host.failed_paths if key[2] == wwid]:
                del host.failed_paths[key]
    for wwid, volume in shown.items():
        if wwid not in world.luns:
            serial = f"{san.design.arrays[DR].serial}{volume.id:04d}"
            world.luns[wwid] = Lun(wwid, volume.name, volume.size, volume.host_lun_id, DR, serial)


def _count_drops(san: San, live: Live) -> None:
    up = frozenset(port.wwn for switch, port in san.design.ports() if live.link_up(switch, port))
    for wwn in san.was_up - up:
        san.drops[wwn] = san.drops.get(wwn, 0) + 1
    san.was_up = up


def _sever(world: World, live: Live) -> None:
    """Paths of pairs that are cut fail now; those of pairs that are joined again come back."""
    was = world.severed
    world.severed = {}
    for host in world.hosts.values():
        cut = {
            (hba.wwpn, target.wwpn): target.array
            for hba in host.hbas
            for target in world.targets
            if target.fabric == hba.fabric and not live.carries(hba, target)
        }
        world.severed |= {pair: was.get(pair, world.at) for pair in cut}
        if cut:
            for lun in multipath.visible(world, host):
                for pair in [pair for pair, array in cut.items() if array == lun.array]:
                    host.failed_paths.setdefault((*pair, lun.wwid), world.severed[pair])
        _regain(world, host.name, was)


def _regain(world: World, name: str, was: dict[tuple[str, str], float]) -> None:
    host = world.hosts[name]
    back = [key for key in host.failed_paths if key[:2] in was and key[:2] not in world.severed]
    held = {key for key, hctl in multipath.addresses(world, host).items() if hctl in host.offline} if back else set()
    for key in back:
        if key not in held:
            del host.failed_paths[key]


def _raise_alarms(world: World, san: San, live: Live) -> None:
    found: list[str] = []
    for array in san.design.arrays.values():
        found += [f"{array.name}|controller|{name}" for name in sorted(array.dead)]
        targets = [target for target in world.targets if target.array == array.name]
        found += [f"{array.name}|port|{target.location}" for target in targets if target.wwpn not in live.up]
        if san.design.replication.link_lost is not None:
            found.append(f"{array.name}|link|{array.name}")
        if san.design.replication.split is not None and array.primary:
            found.append(f"{array.name}|split|{san.design.replication.cg}")
    san.alarms = {key: san.alarms.get(key, world.at) for key in found}


def _write_log(world: World, san: San, old: Design) -> None:
    for name, fabric in san.design.fabrics.items():
        before = old.fabrics[name]
        if fabric.inconsistent_since is not None and before.inconsistent_since is None:
            text = "Defined and Effective zone configurations are inconsistent."
            san.log.append(Entry(world.at, name, "ZONE-1062", "WARNING", text))
        elif fabric.effective != before.effective:
            text = f"The effective configuration has changed to {fabric.cfg}."
            san.log.append(Entry(world.at, name, "ZONE-1022", "INFO", text))
