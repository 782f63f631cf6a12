"""/sys/block and /proc/diskstats of a lab host: its SCSI disks, its multipath maps, what they counted."""

from __future__ import annotations

from lab import multipath, sysfs
from lab.multipath import Map, Path
from lab.world import Host, World

LOCAL = 960_197_124_096  # bytes of the local disk, sda
FOLDER = "/sys/block"
BUSY, IDLE = 150.0, 2.0  # reads per second of a LUN whose VM runs here, and of any other
READ_MS = 0.42


def files(world: World, host: Host) -> dict[str, str]:
    """Path -> content, each with its newline."""
    found = _disk("sda", "8:0", LOCAL, "running", "naa.5002538e40a1b2c3", "ATA     ")
    for one in multipath.maps(world, host):
        for path in one.paths:
            found |= _disk(path.dev, path.dev_t, one.lun.size, _state(path), f"naa.{one.lun.wwid[1:]}", "HUAWEI  ")
        found |= _map(one)
    return {path: f"{text}\n" for path, text in found.items()}


def _disk(dev: str, dev_t: str, size: int, state: str, wwid: str, vendor: str) -> dict[str, str]:
    base = f"{FOLDER}/{dev}"
    return {
        f"{base}/size": str(size // 512),
        f"{base}/dev": dev_t,
        f"{base}/ro": "0",
        f"{base}/device/state": state,
        f"{base}/device/wwid": wwid,
        f"{base}/device/vendor": vendor,
        f"{base}/queue/scheduler": "[none] mq-deadline kyber bfq",
    }


def _map(one: Map) -> dict[str, str]:
    base = f"{FOLDER}/dm-{one.number}"
    return {
        f"{base}/size": str(one.lun.size // 512),
        f"{base}/dev": f"252:{one.number}",
        f"{base}/ro": "0",
        f"{base}/dm/name": one.lun.wwid,
        f"{base}/dm/uuid": f"mpath-{one.lun.wwid}",
        f"{base}/dm/suspended": "0",
    }


def _state(path: Path) -> str:
    """The SCSI layer knows of a lost remote port at once, while multipath still prints running (2.1)."""
    if path.device == "offline":
        return "offline"
    return "running" if path.up else "transport-offline"


def links(world: World, host: Host) -> dict[str, str]:
    """The links of disks to their devices, and of maps to the paths that they hold."""
    found = {f"{FOLDER}/sda": "../devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda"}
    for one in multipath.maps(world, host):
        for path in one.paths:
            found[f"{FOLDER}/{path.dev}"] = f"../{_device(path)}"
            found[f"{FOLDER}/dm-{one.number}/slaves/{path.dev}"] = f"../../../../{_device(path)}"
    return found


def _device(path: Path) -> str:
    scsi_host, channel, target, _ = path.hctl.split(":")
    at = f"{sysfs.place(path.hba)}/{sysfs.rport(path.hba, int(target))}/target{scsi_host}:{channel}:{target}"
    return f"{at}/{path.hctl}/block/{path.dev}"


def diskstats(world: World, host: Host) -> str:
    """One line per map, counted since the boot. A read takes the same time whenever it is made."""
    used = {wwid for vm in world.vms.values() if vm.host == host.name for wwid in vm.luns}
    lines = ["   8       0 sda 18211 3 1166504 9105 90172 4121 3021888 60114 0 41220 69219"]
    for one in multipath.maps(world, host):
        reads = int((BUSY if one.lun.wwid in used else IDLE) * (world.at - host.booted))
        lines.append(
            f" 252 {one.number:7d} dm-{one.number} {reads} 0 {reads * 16} {int(reads * READ_MS)} {reads // 3} 0 "
            f"{reads * 5} {int(reads * 0.2)} 0 {reads} {int(reads * 0.6)} 0 0 0 0"
        )
    return "".join(f"{line}\n" for line in lines)
