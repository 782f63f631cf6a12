"""The virtual files of a lab host: path -> content at this moment."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from lab import he_files, life_vm, rpm, scsi_state, sys_block, sysfs
from lab.world import Host, World

KERNEL = "5.15.0-206.153.7.el8uek.x86_64"
_MARK = re.compile(r"[*?\[]")
_HA = "/var/lib/ovirt-hosted-engine-ha/ha.conf"


def _ha_conf(world: World, host: Host) -> str:
    return f"local_maintenance={host.local_maintenance}\nlocal_maintenance_manual={host.local_maintenance_manual}\n"


def _uptime(world: World, host: Host) -> str:
    seconds = world.at - host.booted
    return f"{seconds:.2f} {seconds * host.cores * 0.93:.2f}\n"


def _meminfo(world: World, host: Host) -> str:
    total, free = host.memory >> 10, host.free_memory >> 10
    lines = {
        "MemTotal": total,
        "MemFree": free,
        "MemAvailable": free + (8 << 20),
        "Buffers": 212_480,
        "Cached": 8 << 20,
        "SwapCached": 0,
        "SwapTotal": 16 << 20,
        "SwapFree": 16 << 20,
        "AnonHugePages": 0,
    }
    text = "".join(f"{name + ':':<15} {value:>8} kB\n" for name, value in lines.items())
    return text + (
        "HugePages_Total:     256\nHugePages_Free:      128\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n"
        "Hugepagesize:    1048576 kB\nHugetlb:        268435456 kB\n"
    )


def _loadavg(world: World, host: Host) -> str:
    load = host.cores * host.penalties.get("cpu-load-percent", 7) / 100
    return f"{load:.2f} {load:.2f} {load * 0.9:.2f} 2/1873 {100_000 + int(world.at) % 30_000}\n"


def _os_release(world: World, host: Host) -> str:
    return (
        'NAME="Oracle Linux Server"\nVERSION="8.10"\nID="ol"\nID_LIKE="fedora"\nVARIANT="Server"\nVARIANT_ID="server"\n'
        'VERSION_ID="8.10"\nPLATFORM_ID="platform:el8"\nPRETTY_NAME="Oracle Linux Server 8.10"\n'
    )


def _agent_log(world: World, host: Host) -> str:
    return "".join(line + "\n" for line in host.log)


def _vm_conf(world: World, host: Host) -> str:
    vm = life_vm.engine_vm(world)
    return f"vmId={vm.id}\nmemSize={vm.memory >> 20}\nvmName=HostedEngine\nsmp={vm.cores}\n"


_FILES: dict[str, Callable[[World, Host], str]] = {
    "/proc/uptime": _uptime,
    "/proc/meminfo": _meminfo,
    "/proc/loadavg": _loadavg,
    "/proc/diskstats": sys_block.diskstats,
    "/proc/sys/kernel/random/boot_id": lambda world, host: host.boot_id + "\n",
    "/proc/sys/kernel/osrelease": lambda world, host: KERNEL + "\n",
    "/proc/sys/kernel/hostname": lambda world, host: host.hostname + "\n",
    "/etc/os-release": _os_release,
    "/etc/oracle-release": lambda world, host: "Oracle Linux Server release 8.10\n",
    "/etc/hostname": lambda world, host: host.hostname + "\n",
    "/etc/machine-id": lambda world, host: uuid.UUID(host.id).hex + "\n",
    "/etc/vdsm/vdsm.id": lambda world, host: host.id + "\n",
    "/sys/class/dmi/id/product_uuid": lambda world, host: host.id + "\n",
    "/etc/multipath.conf": lambda world, host: (
        "# VDSM REVISION 2.2\ndefaults {\n    no_path_retry 16\n    polling_interval 5\n}\n"
    ),
}
_HE_FILES: dict[str, Callable[[World, Host], str]] = {
    _HA: _ha_conf,
    he_files.CONF: he_files.conf,
    he_files.ANSWERS: he_files.answers,
    he_files.DEPLOYED: he_files.answers,
    rpm.APPLIANCE_LIST: lambda world, host: rpm.appliance_list(),
    "/var/log/ovirt-hosted-engine-ha/agent.log": _agent_log,
    "/var/log/ovirt-hosted-engine-ha/broker.log": lambda world, host: "",
    "/run/ovirt-hosted-engine-ha/vm.conf": _vm_conf,
    "/var/run/ovirt-hosted-engine-ha/vm.conf": _vm_conf,
}
_TREES = ("/sys/class/fc_host", "/sys/class/fc_remote_ports", "/sys/class/scsi_host", sys_block.FOLDER)


def read(world: World, host: Host, path: str) -> bytes | None:
    """The content of one virtual file; None when the host has no such virtual file."""
    if host.he_host_id is not None and path in _HE_FILES:
        if path.endswith("vm.conf") and not host.vm_conf:
            return None
        return _HE_FILES[path](world, host).encode()
    if path in _FILES:
        return _FILES[path](world, host).encode()
    if path.startswith(sys_block.FOLDER):
        text = sys_block.files(world, host).get(path)
        return None if text is None else text.encode()
    if path.startswith(_TREES):
        return sysfs.tree(world, host).get(path)
    if path.startswith("/sys/class/scsi_device/"):
        state = scsi_state.read(world, host, path)
        return None if state is None else state.encode()
    return None


def below(world: World, host: Host, word: str) -> dict[str, bytes]:
    """The virtual files that an argument of a tool may mean: the path itself, or what a folder or pattern holds."""
    content = read(world, host, word)
    if content is not None:
        return {word: content}
    head = _MARK.split(word, maxsplit=1)[0].rstrip("/")
    if not head.startswith("/") or len(head) < len("/etc"):
        return {}
    if head.startswith("/sys/class/fc_"):
        return sysfs.tree(world, host)
    names = [*_FILES, *(_HE_FILES if host.he_host_id is not None else ())]
    found = {name: read(world, host, name) for name in names if name.startswith(head) and _fits(name, word, head)}
    return {name: data for name, data in found.items() if data is not None}


def _fits(name: str, word: str, head: str) -> bool:
    """A folder means what is below it, a pattern what may match; a plain path that is no virtual file means nothing."""
    return _MARK.search(word) is not None or name.startswith(head + "/")


def virtual_only(path: str) -> bool:
    """True for a path that the lab host has or lacks by itself, so that the machine's own file must not show."""
    return path in _HE_FILES or path.startswith((*_TREES, "/var/lib/ovirt-", "/etc/ovirt-", "/var/log/ovirt-"))
