"""The disks of a VM and what they are called, so that each can be tied to the LUN that the engine attaches: with SCSI
passthrough a guest sees the array's own WWID (facts/luns-and-tuning.md 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inventory.probes.reading.devices import naa
from inventory.probes.reading.sysfs import gathered, links, values
from inventory.tuning.facts import AsmDisk, GuestDisk

QUEUE = ("rotational", "nr_requests", "max_sectors_kb")
FILES = (
    "/sys/block/*/dev",
    "/sys/block/*/*/dev",
    "/sys/block/*/device/wwid",
    "/sys/block/*/serial",
    "/sys/block/dm-*/dm/uuid",
    *(f"/sys/block/*/queue/{name}" for name in QUEUE),
)
FIND = "find /dev/disk/by-id -maxdepth 1 -type l -printf '%p = %l\\n' 2>/dev/null"
_DISK = r"/sys/block/((?:sd|vd|xvd|nvme|dm-)[a-z0-9-]*)"
_BY_ID = re.compile(r"/dev/disk/by-id/(?:scsi-(3[0-9a-f]+)|wwn-0x([0-9a-f]+)|dm-uuid-mpath-(3[0-9a-f]+)|(\S+))")
_PART = re.compile(r".*-part\d+")


def read_disks(text: str) -> tuple[GuestDisk, ...]:
    """`grep -sH .` over FILES and FIND's lines in. Of partitions only the numbers count; CDs and loop devices are left
    out. The kernel's own name of a disk stands above the links, which udev's rules make."""
    own = gathered(text, rf"{_DISK}/(dev)")
    more = gathered(text, rf"{_DISK}/(?:device/|dm/)?(wwid|serial|uuid)")
    queues = gathered(text, rf"{_DISK}/queue/({'|'.join(QUEUE)})")
    parts: dict[str, list[str]] = {}
    for dev, _, number in values(text, rf"{_DISK}/[\w-]+/(dev)"):
        parts.setdefault(dev, []).append(number)
    linked = dict(_linked(text))
    return tuple(
        _disk(dev, (own[dev]["dev"], *parts.get(dev, ())), more.get(dev, {}), linked.get(dev, []), queues.get(dev, {}))
        for dev in sorted(own, key=lambda name: (len(name), name))
    )


def _disk(
    dev: str, numbers: tuple[str, ...], told: dict[str, str], linked: list[tuple[str, str]], queue: dict[str, str]
) -> GuestDisk:
    said = told.get("wwid", ""), told.get("uuid", "").removeprefix("mpath-")
    wwids = [f"3{naa(word)}" for word in said if naa(word)] + [wwid for wwid, _ in linked if wwid]
    names = {word for _, word in linked if word} | {told.get(kind, "") for kind in ("wwid", "serial")} - {""}
    others = tuple(sorted(one for one in names if not naa(one)))
    settings = ", ".join(f"{name} {queue[name]}" for name in QUEUE if name in queue)
    return GuestDisk(dev, numbers, wwids[0] if wwids else "", others, settings)


def _linked(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(disk, what its links say): each a WWID, or another name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, target in sorted(links(text).items()):
        match = _BY_ID.fullmatch(path)
        if match and not _PART.fullmatch(path):
            wwid = match[1] or (f"3{match[2]}" if match[2] else "") or match[3] or ""
            found.setdefault(target.rpartition("/")[2], []).append((wwid, match[4] or ""))
    yield from found.items()


def holder(disks: Iterable[GuestDisk], asm: AsmDisk) -> GuestDisk | None:
    """The disk that a device for ASM lies on, itself or on a partition of it; None when nobody tells."""
    return next((one for one in disks if asm.number and asm.number in one.numbers), None)
