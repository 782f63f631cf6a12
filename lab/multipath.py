"""The multipath maps of a lab host: which paths a LUN has now and in which state (facts/luns-and-tuning.md 0, 2.1).

A path that is lost reads `active faulty`, then `failed faulty`; after 80 s its device is gone and every tool shows a
healthy map with fewer paths.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from lab.world import Hba, Host, Lun, TargetPort, World

ARRAY = "DORADO-PROD"  # its LUNs have the first places
VANISH = 80.0
KERNEL_NOTICES = 10.0
_MAJORS = (8, 65, 66, 67, 68, 69, 70, 71, 128, 129, 130, 131, 132, 133, 134, 135)


@dataclass(frozen=True)
class Path:
    """One path that still has a device."""

    hctl: str
    dev: str
    dev_t: str
    dm: str  # active | failed
    checker: str  # ready | faulty
    hba: Hba
    target: TargetPort
    faults: int
    device: str = "running"  # running | offline

    @property
    def up(self) -> bool:
        """True for a path that carries I/O."""
        return self.checker == "ready"


@dataclass(frozen=True)
class Map:
    """One multipath map. lost: seconds since the last path was lost, when none is up."""

    number: int
    lun: Lun
    paths: tuple[Path, ...]
    lost: float = 0.0

    @property
    def up(self) -> int:
        """The number of paths that carry I/O."""
        return sum(path.up for path in self.paths)


def visible(world: World, host: Host) -> list[Lun]:
    """The LUNs that are mapped to a host, in the order of their numbers."""
    seen = [lun for lun in world.luns.values() if mapped(world, host, lun)]
    return sorted(seen, key=lambda lun: (lun.array != ARRAY, lun.lun_number))


def mapped(world: World, host: Host, lun: Lun) -> bool:
    """Whether the array shows a LUN to a host."""
    if world.san is not None:
        return world.san.mapped(host, lun)
    return world.lun_groups.get(lun.wwid, host.group) == host.group


def targets_of(world: World, hba: Hba, array: str) -> list[tuple[int, TargetPort]]:
    """The ports of an array in an HBA's fabric, each with its SCSI target number there."""
    ports = [target for target in world.targets if target.fabric == hba.fabric]
    return [(number, target) for number, target in enumerate(ports) if target.array == array]


def maps(world: World, host: Host) -> list[Map]:
    """All maps of a host now."""
    made: list[Map] = []
    first = 1  # sda is the local disk; what another array adds later gets names behind those that are there
    for array, group in itertools.groupby(visible(world, host), key=lambda lun: lun.array):
        luns = list(group)
        slots = sum(len(targets_of(world, hba, array)) for hba in host.hbas)
        made += [_map(world, host, len(made) + n, lun, (first + n, len(luns))) for n, lun in enumerate(luns)]
        first += slots * len(luns)
    return made


def _map(world: World, host: Host, number: int, lun: Lun, names: tuple[int, int]) -> Map:
    """names: the index of the first path's device, and how far it is to the next path's."""
    paths: list[Path] = []
    ages: list[float] = []
    slot = 0
    for hba in host.hbas:
        for index, target in targets_of(world, hba, lun.array):
            hctl = _address(hba, index, lun)
            since = host.failed_paths.get((hba.wwpn, target.wwpn, lun.wwid), host.offline.get(hctl))
            age = -1.0 if since is None else world.at - since
            ages.append(age)
            if age < VANISH or hctl in host.offline:
                name = names[0] + slot * names[1]
                paths.append(_path(host, lun, hba, target, (index, name), age))
            slot += 1
    return Map(number, lun, tuple(paths), min(ages, default=0.0))


def _path(host: Host, lun: Lun, hba: Hba, target: TargetPort, place: tuple[int, int], age: float) -> Path:
    lost = age >= 0
    hctl = _address(hba, place[0], lun)
    return Path(
        hctl=hctl,
        dev=device_name(place[1]),
        dev_t=device_numbers(place[1]),
        dm="failed" if age >= KERNEL_NOTICES else "active",
        checker="faulty" if lost else "ready",
        hba=hba,
        target=target,
        faults=int(age >= KERNEL_NOTICES) + host.flapped.get((hba.wwpn, target.wwpn, lun.wwid), 0),
        device="offline" if hctl in host.offline else "running",
    )


def _address(hba: Hba, index: int, lun: Lun) -> str:
    return f"{hba.scsi_host}:0:{index}:{lun.lun_number}"


def addresses(world: World, host: Host) -> dict[tuple[str, str, str], str]:
    """(HBA, target, WWID) of every path that the host could have -> its SCSI address."""
    found = {}
    for lun in visible(world, host):
        for hba in host.hbas:
            for index, target in targets_of(world, hba, lun.array):
                found[(hba.wwpn, target.wwpn, lun.wwid)] = _address(hba, index, lun)
    return found


def device_name(index: int) -> str:
    """sda for 0, sdz for 25, sdaa for 26, as the kernel counts."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(97 + rest) + name
    return "sd" + name


def device_numbers(index: int) -> str:
    """major:minor of the index-th sd device."""
    return f"{_MAJORS[(index & 0xF0) >> 4]}:{((index & 0xF) << 4) | (index & 0xFFFFF00)}"


def lose(world: World, host: Host, hba: str = "", target: str = "", wwid: str = "", since: float | None = None) -> None:
    """Paths fail now, or since a lab time: those through an HBA, to a target, of a LUN; "" means any."""
    for lun in visible(world, host):
        for port in host.hbas:
            for remote in world.targets:
                if remote.fabric != port.fabric or remote.array != lun.array:
                    continue
                if all(
                    want in ("", have) for want, have in ((hba, port.wwpn), (target, remote.wwpn), (wwid, lun.wwid))
                ):
                    key = (port.wwpn, remote.wwpn, lun.wwid)
                    host.failed_paths.setdefault(key, world.at if since is None else since)


def flap(world: World, target: str, args: Mapping[str, str]) -> None:
    """Paths of a host fail times= (3) and are back each time before anybody looks: only the kernel's count tells.
    wwid=, hba=, target_wwpn=: which; any where it is not given."""
    host, wanted = world.hosts[target], [args.get(name, "") for name in ("hba", "target_wwpn", "wwid")]
    for key in addresses(world, host):
        if all(want in ("", have) for want, have in zip(wanted, key, strict=True)):
            host.flapped[key] = host.flapped.get(key, 0) + int(args.get("times", "3"))


def mend(world: World, host: Host) -> None:
    """Paths whose HBA, fabric and target all work come back, unless the SAN cuts them or they were set offline."""
    held = {key for key, hctl in addresses(world, host).items() if hctl in host.offline} if host.offline else set()
    online = {target.wwpn: target.online and world.fabrics.get(target.fabric, True) for target in world.targets}
    hbas = {hba.wwpn: hba.online for hba in host.hbas}
    for key in [
        key for key in host.failed_paths if key not in held and hbas.get(key[0], False) and online.get(key[1], False)
    ]:
        if key[:2] not in world.severed:
            del host.failed_paths[key]


def boot(world: World, host: Host) -> None:
    """After a boot there are no failed paths: what the SAN does not carry has no device at all."""
    host.failed_paths.clear()
    host.flapped.clear()
    host.offline.clear()
    for pair in world.severed:
        lose(world, host, *pair, since=world.at - VANISH)
