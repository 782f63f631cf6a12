"""SCSI devices and device-mapper maps as the kernel keeps them in /sys: sizes to the byte, which HBA and remote port a
path runs over, which paths a map holds (facts/luns-and-tuning.md 0.4, 2.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inventory.probes.reading.multipath_kernel import SECTOR
from inventory.probes.reading.sysfs import BOOT_ID, gathered, links, whole

FILES = [
    BOOT_ID,
    *(f"/sys/block/sd*/{name}" for name in ("size", "dev", "ro", "device/state", "device/wwid", "device/vendor")),
    *(f"/sys/block/dm-*/{name}" for name in ("size", "ro", "dm/name", "dm/uuid", "dm/suspended")),
]
# One line per path and none per file: the link of a device names host, remote port, target and address.
FIND = (
    "find /sys/block -maxdepth 1 -type l -name 'sd*' -printf '%p = %l\\n' 2>/dev/null; "
    "find /sys/block/dm-*/slaves -maxdepth 1 -type l -printf '%p = %l\\n' 2>/dev/null"
)
_PLACE = re.compile(
    r".*/(?P<host>host\d+)/(?:(?P<rport>rport-\d+:\d+-\d+)/)?(?:\S*/)?target\d+:\d+:\d+/(?P<hctl>\d+:\d+:\d+:\d+)/block/\S+"
)


@dataclass(frozen=True)
class Device:
    """One SCSI disk. size in bytes; state as the SCSI layer has it (running, transport-offline, blocked ...). wwid is
    the kernel's cache ("naa.6..."). rport "" where the transport has none; map: the dm device that holds it, "" for
    none."""

    dev: str
    dev_t: str
    size: int | None
    read_only: bool | None
    state: str
    wwid: str
    vendor: str
    host: str
    rport: str
    hctl: str
    map: str = ""


@dataclass(frozen=True)
class Block:
    """One multipath map of the kernel. wwid as its dm uuid says; devices: the paths it holds."""

    dm: str
    name: str
    wwid: str
    size: int | None
    read_only: bool | None
    suspended: bool | None
    devices: tuple[str, ...]


def read_devices(text: str) -> tuple[Device, ...]:
    """The SCSI disks, in the kernel's order of names."""
    plain = gathered(text, r"/sys/block/(sd[a-z]+)/(size|dev|ro)")
    scsi = gathered(text, r"/sys/block/(sd[a-z]+)/device/(state|wwid|vendor)")
    places = links(text)
    held = {path.rpartition("/")[2]: path.split("/")[3] for path in places if "/slaves/" in path}
    found = []
    for dev in sorted(plain, key=lambda name: (len(name), name)):
        place = _PLACE.fullmatch(places.get(f"/sys/block/{dev}", ""))
        more = scsi.get(dev, {})
        found.append(
            Device(
                dev=dev,
                dev_t=plain[dev].get("dev", ""),
                size=_bytes(plain[dev].get("size", "")),
                read_only=_flag(plain[dev].get("ro", "")),
                state=more.get("state", ""),
                wwid=more.get("wwid", ""),
                vendor=more.get("vendor", ""),
                host=place["host"] if place else "",
                rport=(place["rport"] or "") if place else "",
                hctl=place["hctl"] if place else "",
                map=held.get(dev, ""),
            )
        )
    return tuple(found)


def read_blocks(text: str) -> tuple[Block, ...]:
    """The multipath maps; other device-mapper devices (LVM, partitions of maps) are left out."""
    plain = gathered(text, r"/sys/block/(dm-\d+)/(size|ro)")
    named = gathered(text, r"/sys/block/(dm-\d+)/dm/(name|uuid|suspended)")
    held: dict[str, list[str]] = {}
    for path in links(text):
        if "/slaves/" in path:
            held.setdefault(path.split("/")[3], []).append(path.rpartition("/")[2])
    return tuple(
        Block(
            dm=dm,
            name=one.get("name", ""),
            wwid=one["uuid"].removeprefix("mpath-"),
            size=_bytes(plain.get(dm, {}).get("size", "")),
            read_only=_flag(plain.get(dm, {}).get("ro", "")),
            suspended=_flag(one.get("suspended", "")),
            devices=tuple(sorted(held.get(dm, ()), key=lambda name: (len(name), name))),
        )
        for dm, one in sorted(named.items(), key=lambda item: int(item[0].removeprefix("dm-")))
        if one.get("uuid", "").startswith("mpath-")
    )


def _bytes(text: str) -> int | None:
    """Sizes in /sys are sectors of 512 bytes, whatever the device's own are."""
    sectors = whole(text)
    return None if sectors is None else sectors * SECTOR


def _flag(text: str) -> bool | None:
    return {"0": False, "1": True}.get(text)


def naa(text: str) -> str:
    """A WWID of multipath ("36cc6...") or of the kernel ("naa.6cc6...") as bare hex of its NAA name; "" for another
    kind of name, which cannot be compared."""
    low = text.strip().lower()
    bare = low.removeprefix("naa.") if low.startswith("naa.") else low[1:] if low.startswith("3") else ""
    return bare if re.fullmatch(r"[0-9a-f]{16}(?:[0-9a-f]{16})?", bare) else ""
