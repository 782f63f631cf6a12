"""What the engine says of an Oracle VM, its disks and the hosts that may run it. None and "": it did not say."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.tuning.row import Row, unknown
from inventory.tuning.table import Severity
from portal.kernel.outcome import Outcome

AREA, SOURCE = "engine", "engine's API"
KIB = 1024
GIB = 2**30

Said = tuple[Outcome, str]


@dataclass(frozen=True)
class DiskSeen:
    """A Direct LUN in the VM. propagates: I/O errors reach the guest; False: the VM pauses. others: VMs that have it,
    too."""

    name: str
    wwid: str
    interface: str = ""
    active: bool | None = None
    read_only: bool | None = None
    pass_discard: bool | None = None
    reservation: bool | None = None
    shareable: bool | None = None
    sgio: str = ""  # filtered | unfiltered; "": no passthrough
    propagates: bool | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class VmNode:
    """A virtual NUMA node. memory in bytes; pins: the host's nodes that it is bound to, () for none."""

    number: int
    memory: int | None
    mode: str  # strict | preferred | interleave
    pins: tuple[int, ...] = ()


@dataclass(frozen=True)
class VmSeen:
    """A VM. Memory in bytes. lease: the name of its storage domain, "" for no lease, None for not told; lease_status:
    the domain's, "" when not known. pins: (vCPU, set of CPUs). nodes: its virtual NUMA nodes, None when they were not
    asked for."""

    name: str
    memory: int | None = None
    vm_type: str = ""
    hugepages_kib: int | None = None
    high_availability: bool | None = None
    lease: str | None = None
    io_threads: int | None = None
    multi_queues: bool | None = None
    affinity: str = ""  # migratable | user_migratable | pinned
    guaranteed: int | None = None
    ballooning: bool | None = None
    pending_change: bool | None = None
    lease_status: str = ""
    running: bool = False
    vcpus: int | None = None
    queues: int | None = None
    pinning: str = ""  # none | manual | resize_and_pin_numa | dedicated | isolate_threads
    pins: tuple[tuple[int, str], ...] = ()
    cpu_mode: str = ""
    numa_mode: str = ""
    resume: str = ""  # auto_resume | leave_paused | kill
    disks: tuple[DiskSeen, ...] = ()
    nodes: tuple[VmNode, ...] | None = None


@dataclass(frozen=True)
class Pool:
    """Huge pages of one size on a host. total may be missing in older engines (facts/engine-api.md 3.4)."""

    kib: int
    total: int | None
    free: int | None


@dataclass(frozen=True)
class NodePool:
    """Huge pages of one size on one NUMA node of a host, as the host itself tells."""

    node: int
    kib: int
    total: int | None
    free: int | None


@dataclass(frozen=True)
class HostSeen:
    """A host that may run the VM. pools None: the engine did not say (it says nothing of a host that is not up).
    status: the engine's word, "" when not told. cpus: logical ones. nodes: its huge pages by NUMA node, None when they
    were not read."""

    name: str
    pools: tuple[Pool, ...] | None = None
    runs_it: bool = False
    status: str = ""
    cpus: int | None = None
    nodes: tuple[NodePool, ...] | None = None

    @property
    def usable(self) -> bool:
        """Whether it could run the VM now. A host of which nothing is told is not taken for lost."""
        return self.status in ("", "up")


def row(parameter: str, running: str, expected: str, said: Said, severity: Severity = "warn") -> Row:
    """One line of the engine's part."""
    return Row(AREA, parameter, running, expected, said[0], said[1], "R", SOURCE, severity)


def mute(parameter: str, expected: str, why: str = "the engine does not tell it.") -> Row:
    """One line of which nothing is known."""
    return unknown(AREA, parameter, expected, why, SOURCE, "R")


def pages_needed(memory: int, kib: int) -> int:
    """Huge pages of a size that a VM's memory takes."""
    return -(-memory // (kib * KIB))
