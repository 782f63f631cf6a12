"""Oracle VMs as machines of their own: SSH hosts whose /proc, /sys and /etc are made from the model
(facts/luns-and-tuning.md 4). One is there while its VM runs, wherever it runs.

Four faults change what it shows: transparent huge pages on, too few huge pages, a setting that no file keeps, another
LUN than the engine attaches. Its disks are the image that it boots from and the LUNs of its VM, in their order, passed
through: each shows the array's own WWID (3.2)."""

from __future__ import annotations

from lab.world import Host, Vm, World, uid

ADDRESS = "127.0.253.{}"
SGAS = {"oradb01": {"ORCL1": 64 << 30}, "oradb02": {"ORCL2": 48 << 30, "RCAT": 8 << 30}}  # instance -> bytes
THP, FEW, FLEETING, OTHER = "oracle-thp", "oracle-hugepages", "oracle-live-only", "oracle-other-lun"
FAULTS = {
    THP: "Boot an Oracle VM with transparent huge pages",
    FEW: "Give an Oracle VM too few huge pages for its SGAs",
    FLEETING: "Let no file keep an Oracle VM's huge pages",
    OTHER: "Let an Oracle VM's guest hold another LUN than the engine attaches",
}
PAGE = 2 << 20
_PID = 3121
_LIMITS = (
    ("Max cpu time", "unlimited", "unlimited", "seconds"),
    ("Max stack size", "10485760", "33554432", "bytes"),
    ("Max processes", "16384", "16384", "processes"),
    ("Max open files", "1024", "65536", "files"),
    ("Max locked memory", "137438953472", "137438953472", "bytes"),
    ("Max nice priority", "0", "0", ""),
)
_SYSCTL = {
    "kernel/sem": "250\t32000\t100\t128", "kernel/shmmni": "4096", "fs/file-max": "6815744",
    "fs/aio-max-nr": "1048576", "fs/aio-nr": "116736", "net/core/rmem_default": "262144",
    "net/core/rmem_max": "4194304", "net/core/wmem_default": "262144", "net/core/wmem_max": "1048576",
    "net/ipv4/ip_local_port_range": "9000\t65500", "net/ipv4/conf/all/rp_filter": "2",
    "net/ipv4/conf/default/rp_filter": "2", "kernel/panic_on_oops": "1", "kernel/numa_balancing": "0",
    "vm/swappiness": "10", "vm/dirty_background_ratio": "3", "vm/dirty_ratio": "40", "vm/hugetlb_shm_group": "0",
    "kernel/shmmax": "4398046511104", "kernel/shmall": "1073741824",
}  # fmt: skip
_KEPT = """fs.file-max = 6815744
kernel.sem = 250 32000 100 128
kernel.shmmni = 4096
kernel.shmall = 1073741824
kernel.shmmax = 4398046511104
kernel.panic_on_oops = 1
net.core.rmem_default = 262144
net.core.rmem_max = 4194304
net.core.wmem_default = 262144
net.core.wmem_max = 1048576
net.ipv4.conf.all.rp_filter = 2
net.ipv4.conf.default.rp_filter = 2
fs.aio-max-nr = 1048576
net.ipv4.ip_local_port_range = 9000 65500
"""
_USER_LIMITS = """oracle   soft   nofile    1024
oracle   hard   nofile    65536
oracle   soft   nproc    16384
oracle   hard   nproc    16384
oracle   soft   stack    10240
oracle   hard   stack    32768
oracle   soft   memlock    134217728
oracle   hard   memlock    134217728
"""


def build(world: World) -> dict[str, Host]:
    """The machines, by the names of their VMs; up for long."""
    vms = [vm for vm in world.vms.values() if vm.name in SGAS]
    return {vm.name: _machine(vm, number) for number, vm in enumerate(vms, 1)}


def _machine(vm: Vm, number: int) -> Host:
    return Host(
        id=vm.id,
        name=vm.name,
        hostname=f"{vm.name}.bank.example",
        address=ADDRESS.format(number),
        he_host_id=None,
        booted=-400_000.0,
        memory=vm.memory,
        free_memory=vm.memory // 32,
        cores=vm.cores,
        units={"sshd": "active", "tuned": "active"},
        boot_id=uid("boot", vm.name),
    )


def follow(world: World) -> list[tuple[Host, bool]]:
    """Brings the machines up to date with their VMs; those that changed, with whether they have power now."""
    running = {vm.name for vm in world.vms.values() if vm.host and vm.status == "up"}
    moved = [one for one in world.oracle_machines.values() if one.powered != (one.name in running)]
    for one in moved:
        one.powered = one.name in running
    return [(one, one.powered) for one in moved]


def instances(name: str) -> list[dict[str, object]]:
    """What the DBA declares of a VM: the SGA of each of its instances."""
    return [{"name": sid, "sga_bytes": size} for sid, size in SGAS[name].items()]


def on(world: World, fault: str, name: str) -> bool:
    """Whether a fault is in force on a VM."""
    return any(one.name == fault and one.target == name for one in world.faults)


def processes(name: str) -> dict[int, str]:
    """The pmon of each instance, by process id."""
    return {_PID + 700 * number: f"ora_pmon_{sid}" for number, sid in enumerate(SGAS[name])}


def files(world: World, host: Host) -> dict[str, str]:
    """Path -> content of all that is read of the VM."""
    thp = on(world, THP, host.name)
    pages = pool(world, host)[0]
    root = "/sys/kernel/mm/transparent_hugepage"
    found = {f"/proc/sys/{name}": f"{value}\n" for name, value in _SYSCTL.items()}
    found |= {f"/proc/{pid}/limits": _limits() for pid in processes(host.name)}
    found |= _block(world, host)
    kept = {} if on(world, FLEETING, host.name) else {"/etc/sysctl.d/97-hugepages.conf": f"vm.nr_hugepages = {pages}\n"}
    return found | kept | {
        "/proc/sys/kernel/random/boot_id": f"{host.boot_id}\n",
        "/proc/sys/vm/nr_hugepages": f"{pages}\n",
        "/proc/meminfo": _meminfo(world, host),
        "/proc/cmdline": _cmdline(thp),
        f"{root}/enabled": "[always] madvise never\n" if thp else "always madvise [never]\n",
        f"{root}/defrag": "always defer defer+madvise [madvise] never\n",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource": "kvm-clock\n",
        "/etc/tuned/active_profile": "oracle\n",
        "/usr/lib/tuned/oracle/tuned.conf": "[main]\ninclude=throughput-performance\n",
        "/etc/sysctl.d/99-oracle-database-preinstall-19c-sysctl.conf": f"# from the package\n{_KEPT}",
        "/etc/sysctl.conf": "# sysctl settings are defined through files in\n# /usr/lib/sysctl.d/ and /etc/sysctl.d/\n",
        "/etc/security/limits.conf": "# /etc/security/limits.conf\n",
        "/etc/security/limits.d/oracle-database-preinstall-19c.conf": _USER_LIMITS,
    }  # fmt: skip


def luns(world: World, host: Host) -> list[str]:
    """WWIDs of its disks from sdb on."""
    vm = world.vms[host.id]
    if not on(world, OTHER, host.name):
        return vm.luns
    return [next(one for one in world.luns if one not in vm.luns), *vm.luns[1:]]


def _block(world: World, host: Host) -> dict[str, str]:
    """/sys/block: each disk with its numbers and what it is called."""
    image = uid("disk", f"{host.name}/os")
    names = [f"t10.QEMU    QEMU HARDDISK   {image}", *(f"naa.{wwid[1:]}" for wwid in luns(world, host))]
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        base = f"/sys/block/sd{chr(ord('a') + number)}"
        found |= {
            f"{base}/dev": f"8:{number * 16}\n",
            f"{base}/device/wwid": f"{name}\n",
            f"{base}/queue/scheduler": "[none] mq-deadline kyber bfq\n",
            f"{base}/queue/rotational": "0\n",
            f"{base}/queue/nr_requests": "256\n",
            f"{base}/queue/max_sectors_kb": "1280\n",
        }
    return found | {"/sys/block/sda/sda1/dev": "8:1\n", "/sys/block/sda/sda2/dev": "8:2\n"}


def links(world: World, host: Host) -> dict[str, str]:
    """What udev's rules make of the names: /dev/disk/by-id."""
    found = {f"scsi-0QEMU_QEMU_HARDDISK_{uid('disk', f'{host.name}/os')}": "sda"}
    for number, wwid in enumerate(luns(world, host), 1):
        dev = f"sd{chr(ord('a') + number)}"
        found |= {f"scsi-{wwid}": dev, f"wwn-0x{wwid[1:]}": dev}
    return {f"/dev/disk/by-id/{name}": f"../../{dev}" for name, dev in found.items()}


def disks(world: World, host: Host) -> dict[str, int]:
    """The devices for ASM by their stable names, each with the minor number of the disk that it leads to."""
    names = [f"/dev/asm-{world.luns[wwid].name.removeprefix('ora_')}" for wwid in world.vms[host.id].luns]
    return {name: number * 16 for number, name in enumerate(names, 1)}


def pool(world: World, host: Host) -> tuple[int, int]:
    """Huge pages in all and free. An SGA that does not fit is in no huge page at all, and the pool lies idle."""
    filled = sum(-(-size // PAGE) for size in SGAS[host.name].values())
    total = filled + 2 * len(SGAS[host.name])
    if on(world, FEW, host.name):
        return total * 3 // 4, total * 3 // 4
    return total, total - filled


def _meminfo(world: World, host: Host) -> str:
    total, free = pool(world, host)
    lines = {
        "MemTotal": host.memory >> 10,
        "MemFree": host.free_memory >> 10,
        "MemAvailable": host.free_memory >> 9,
        "SwapTotal": 16 << 20,
        "SwapFree": 16 << 20,
        "PageTables": 3_412_000 if on(world, FEW, host.name) else 212_000,
        "AnonHugePages": 6_291_456 if on(world, THP, host.name) else 0,
    }
    counts = {"HugePages_Total": total, "HugePages_Free": free, "HugePages_Rsvd": 0, "HugePages_Surp": 0}
    text = "".join(f"{name + ':':<15} {value:>8} kB\n" for name, value in lines.items())
    text += "".join(f"{name + ':':<15} {value:>8}\n" for name, value in counts.items())
    return f"{text}Hugepagesize:       2048 kB\nHugetlb:        {total * 2048:>8} kB\n"


def _cmdline(thp: bool) -> str:
    image = "BOOT_IMAGE=(hd0,msdos1)/vmlinuz-5.15.0-206.153.7.el8uek.x86_64"
    return f"{image} root=/dev/mapper/ol-root ro crashkernel=auto{'' if thp else ' transparent_hugepage=never'}\n"


def _limits() -> str:
    rows = (("Limit", "Soft Limit", "Hard Limit", "Units"), *_LIMITS)
    return "".join(f"{name:<25} {soft:<20} {hard:<20} {unit:<10}\n" for name, soft, hard, unit in rows)
