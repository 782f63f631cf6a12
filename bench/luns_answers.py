"""What a host of the estate says when the portal looks at its LUNs, made by the lab's own models of multipathd, device
mapper and /sys, as one stream per visit with the collector's markers in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from bench.luns_estate import LUNS, SIZE, hbas, targets, wwn
from inventory.probes import PROBES, fc_ports
from inventory.probes.reading import devices
from inventory.probes.reading.multipath_kernel import RAW_FORMAT
from lab import multipath, multipath_text, sys_block, sysfs
from lab.world import Clock, Hba, Host, Lun, TargetPort, World
from portal.kernel.collector import mark

BOOT = "/proc/sys/kernel/random/boot_id:5f0c8f6e-1f0a-4a52-9a5c-000000000000\n"
MULTIPATH_FC = ("port_name", "port_state", "speed", "fabric_name")
LANES: Mapping[str, tuple[str, ...]] = {"paths": ("multipath",), "minute": ("fc_ports", "lun_devices", "lun_latency")}


def world(number: int, *, lost: str = "") -> tuple[World, Host]:
    """One host with its LUNs. lost: a fabric that is gone for longer than paths take to vanish."""
    cards = [
        Hba(scsi_host=1 + k, wwpn=wwpn, fabric=fabric, pci=f"0000:{k:02x}:00.0")
        for k, (fabric, wwpn) in enumerate(hbas(number).items())
    ]
    ports = [
        TargetPort(wwpn, f"0{'AB'[n // 2 % 2]}", fabric, multipath.ARRAY, port=n)
        for wwpn, (fabric, n) in targets().items()
    ]
    luns = [Lun(f"3{wwn(number, n)}", f"lun{n}", SIZE, n + 1, multipath.ARRAY, f"{n}") for n in range(LUNS)]
    host = Host("h", "h", "h", "127.0.0.1", None, booted=-100_000.0, hbas=cards)
    made = World(Clock(speed=0.0), {"h": host}, {}, {lun.wwid: lun for lun in luns}, ports, "c", "d", {})
    if lost:
        made.fabrics[lost] = False
        multipath.lose(made, host, hba=hbas(number)[lost], since=made.at - 2 * multipath.VANISH)
    return made, host


def sections(number: int, *, lost: str = "") -> dict[str, bytes]:
    """ "<probe>.<section>" -> what that command prints on a host."""
    made, host = world(number, lost=lost)
    maps = multipath.maps(made, host)
    files = {path: text.decode() for path, text in sysfs.tree(made, host).items()}
    blocks = sys_block.files(made, host)
    kernel = multipath_text.dm_status(maps)
    ports = _grep(files, fc_ports._FILES)
    named = _grep(blocks, ("/sys/block/dm-*/dm/name", "/sys/block/dm-*/dm/uuid"))
    told = {
        "multipath.maps": multipath_text.as_json(maps, host),
        "multipath.paths": multipath_text.raw_paths(maps, RAW_FORMAT),
        "multipath.kernel": kernel,
        "multipath.fc_hosts": _grep(files, [f"/sys/class/fc_host/host*/{one}" for one in MULTIPATH_FC]),
        "fc_ports.sysfs": BOOT + ports + _links(sysfs.links(host)),
        "lun_devices.sysfs": BOOT + _grep(blocks, devices.FILES) + _links(sys_block.links(made, host)),
        "lun_devices.kernel": kernel,
        "lun_latency.counters": BOOT + named + sys_block.diskstats(made, host),
    }
    return {name: text.encode() for name, text in told.items()}


def _grep(files: Mapping[str, str], patterns: Iterable[str]) -> str:
    """`grep -sH .`: no pattern of ours has a star that stands for a slash."""
    found = ""
    for pattern in patterns:
        depth = pattern.count("/")
        found += "".join(
            f"{path}:{text}" for path, text in files.items() if path.count("/") == depth and fnmatchcase(path, pattern)
        )
    return found


def _links(links: Mapping[str, str]) -> str:
    return "".join(f"{path} = {link}\n" for path, link in links.items())


def stream(told: Mapping[str, bytes], lane: str) -> tuple[bytes, int]:
    """One visit's stdout, its markers without the script's own word, and how many sections it has."""
    names = [f"{probe}.{section}" for probe in LANES[lane] for section in PROBES[probe].commands]
    bare = mark("")
    parts = [bare + f"{n} {n}.00\n".encode() + told[name] for n, name in enumerate(names)]
    return b"".join(parts) + bare + f"end {len(parts)}.00\n".encode(), len(names)
