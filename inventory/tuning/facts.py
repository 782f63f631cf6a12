"""What one Oracle VM told of its tuning. Everything is as it was read: sizes of /proc/meminfo in bytes, limits in the
units of /proc/PID/limits. A part that was not read stands in `unread` and its facts are empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inventory.probes.reading.parts import Unread

UNLIMITED = -1


@dataclass(frozen=True)
class Limit:
    """One limit of a process; UNLIMITED for "unlimited"."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True)
class Process:
    """The pmon of a running instance. instance: "ORCL1", "+ASM1"."""

    pid: int
    instance: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Assigned:
    """A value that a file sets: the last one at a boot."""

    parameter: str
    value: str
    file: str


@dataclass(frozen=True)
class AsmDisk:
    """A device for ASM, by its stable name. number: major:minor of the device that it leads to, "" when not told."""

    path: str
    owner: str
    group: str
    mode: str
    number: str = ""


@dataclass(frozen=True)
class GuestDisk:
    """A disk of the VM. numbers: major:minor, its own and those of its partitions. wwid: as multipath writes it
    ("36..."), "" for a disk that has no such name. names: its other names, in which QEMU puts the engine's disk id.
    queue: its queue's settings in one line."""

    dev: str
    numbers: tuple[str, ...] = ()
    wwid: str = ""
    names: tuple[str, ...] = ()
    queue: str = ""


@dataclass(frozen=True)
class Scheduler:
    """The I/O scheduler in use of a block device."""

    device: str
    name: str


@dataclass(frozen=True)
class OracleFacts:
    """sysctl: parameter -> running value, fields parted by one blank. memory: meminfo, kB lines in bytes, HugePages_*
    as counts. persistent: what files set; limits_files: "oracle soft memlock" -> value in their own unit. profile:
    tuned's, with those that it includes; "": it has none. amm_segments: instances' segments in /dev/shm, which only AMM
    makes."""

    boot_id: str
    sysctl: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    cmdline: str = ""
    thp: str = ""
    thp_defrag: str = ""
    clocksource: str = ""
    processes: tuple[Process, ...] = ()
    persistent: tuple[Assigned, ...] = ()
    limits_files: tuple[Assigned, ...] = ()
    profile: str = ""
    schedulers: tuple[Scheduler, ...] = ()
    asm_disks: tuple[AsmDisk, ...] = ()
    disks: tuple[GuestDisk, ...] = ()
    amm_segments: int = 0
    unread: tuple[Unread, ...] = ()

    def running(self, parameter: str) -> str:
        """The live value; "" when it was not read."""
        return self.sysctl.get(parameter, "")

    def assigned(self, parameter: str) -> Assigned | None:
        """What sets it at a boot."""
        return next((one for one in self.persistent if one.parameter == parameter), None)


@dataclass(frozen=True)
class Instance:
    """A declared instance: SGA_MAX_SIZE in bytes."""

    name: str
    sga: int


@dataclass(frozen=True)
class TuningDeclared:
    """What people declared of the VM. instances (): nobody said how large the SGAs are."""

    name: str
    instances: tuple[Instance, ...] = ()
    asm_owner: str = "grid"
    asm_group: str = "asmadmin"
    asm_mode: str = "660"


def numbers(text: str) -> tuple[int, ...]:
    """The fields of a value; () when one of them is no whole number."""
    words = text.split()
    return tuple(int(word) for word in words) if words and all(word.isdigit() for word in words) else ()
