"""The probe of an Oracle VM's tuning: six commands, none of which needs root or grows with the number of disks. It is
looked at over SSH in the VM itself, so it is not among the probes of hosts."""

from __future__ import annotations

from collections.abc import Mapping

from inventory.probes.reading.parts import texts
from inventory.probes.reading.sysfs import BOOT_ID
from inventory.tuning import compliance, guest_disks, reading
from inventory.tuning.facts import OracleFacts, TuningDeclared
from inventory.tuning.table import RULES
from portal.kernel.command import Command
from portal.kernel.finding import Finding
from portal.kernel.output import ParseError
from portal.kernel.probe import HostOutputs

NAME, TITLE, EVERY = "oracle_tuning", "Oracle tuning", 300.0
COMPUTED = ("vm.nr_hugepages", "vm.hugetlb_shm_group", "kernel.shmmax", "kernel.shmall", "fs.aio-nr")
_THP = "/sys/kernel/mm/transparent_hugepage"
_OLD_THP = "/sys/kernel/mm/redhat_transparent_hugepage"  # of EL6
_CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_PROFILE = "/etc/tuned/active_profile"
_FILES = [
    BOOT_ID,
    *(rule.path for rule in RULES),
    *(f"/proc/sys/{name.replace('.', '/')}" for name in COMPUTED),
    *(f"{folder}/{name}" for folder in (_THP, _OLD_THP) for name in ("enabled", "defrag")),
    _CLOCK,
    _PROFILE,
    "/sys/block/*/queue/scheduler",
]
_PROFILES = "/etc/tuned/*/tuned.conf /etc/tuned/profiles/*/tuned.conf /usr/lib/tuned/*/tuned.conf"
_SYSCTL_FILES = (
    "/usr/lib/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /run/sysctl.d/*.conf /etc/sysctl.d/*.conf /etc/sysctl.conf"
)
_LIMITS_FILES = "/etc/security/limits.conf /etc/security/limits.d/*.conf"
_PMON = "'^(ora|asm|mdb)_pmon_'"
_ASM = "/dev/oracleasm/disks/* /dev/oracleasm/* /dev/asm* /dev/mapper/asm* /dev/mapper/ASM*"
COMMANDS: Mapping[str, Command] = {
    "live": Command(
        ("sh", "-c", f"grep -sH . {' '.join(_FILES)}; grep -sHE '^ *include' {_PROFILES}; true"), timeout=5
    ),
    "memory": Command(("cat", "/proc/meminfo", "/proc/cmdline"), timeout=5),
    "processes": Command(
        ("sh", "-c", f"pgrep -af {_PMON}; for p in $(pgrep -f {_PMON}); do grep -sH . /proc/$p/limits; done; true"),
        timeout=5,
    ),
    "files": Command(
        ("sh", "-c", f"grep -sHE '^[^#;]' {_SYSCTL_FILES}; echo ---; grep -sHE '^[^#]' {_LIMITS_FILES}; true"),
        timeout=5,
    ),
    "storage": Command(
        (
            "sh",
            "-c",
            f"stat -L -c 'asm %n %U %G %a %t %T' {_ASM} 2>/dev/null; "
            "find /dev/shm -maxdepth 1 -name 'ora_*' 2>/dev/null; true",
        ),
        timeout=5,
    ),
    "disks": Command(
        ("sh", "-c", f"grep -sH . {' '.join(guest_disks.FILES)}; {guest_disks.FIND}; true"),
        timeout=5,
    ),
}


def parse(outputs: HostOutputs) -> OracleFacts:
    """Every section for itself. Raises ParseError when live values were not read."""
    read, unread = texts(COMMANDS, outputs)
    live = read.get("live", "")
    boot = reading.value_of(live, BOOT_ID)
    if not boot:
        why = unread[0].why if unread else "Its /proc/sys gave nothing that can be read."
        raise ParseError(f"The VM's settings are not known. {why}")
    memory, storage = read.get("memory", ""), read.get("storage", "")
    sysctl_part, _, limits_part = read.get("files", "").partition("---\n")
    return OracleFacts(
        boot_id=boot,
        sysctl=reading.sysctls(live),
        memory=reading.meminfo(memory),
        cmdline=next((line for line in memory.splitlines() if "root=" in line or "BOOT_IMAGE" in line), "").strip(),
        thp=reading.bracketed(
            reading.value_of(live, f"{_THP}/enabled") or reading.value_of(live, f"{_OLD_THP}/enabled")
        ),
        thp_defrag=reading.bracketed(
            reading.value_of(live, f"{_THP}/defrag") or reading.value_of(live, f"{_OLD_THP}/defrag")
        ),
        clocksource=reading.value_of(live, _CLOCK),
        processes=reading.processes(read.get("processes", "")),
        persistent=reading.sysctl_files(sysctl_part),
        limits_files=reading.limits_files(limits_part),
        profile=reading.profile(reading.value_of(live, _PROFILE), live),
        schedulers=reading.schedulers(live),
        asm_disks=reading.asm_disks(storage),
        disks=guest_disks.read_disks(read.get("disks", "")),
        amm_segments=sum(line.startswith("/dev/shm/ora_") for line in storage.splitlines()),  # noqa: S108 - on the VM
        unread=tuple(unread),
    )


def judge(seen: OracleFacts, declared: TuningDeclared) -> list[Finding]:
    """One finding per area of the compliance table."""
    return compliance.findings(compliance.table(seen, declared), declared.name)
