"""What the engine must say of an Oracle VM and of every host that may run it (facts/luns-and-tuning.md 4.3): huge
pages of the host below those of the guest, memory that is not shared, threads for its disks, a life on both hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inventory.tuning.row import Row, unknown
from inventory.tuning.table import Severity
from portal.kernel.outcome import Outcome

AREA, SOURCE = "engine", "engine's API"
KIB = 1024


@dataclass(frozen=True)
class VmSeen:
    """What the engine says of a VM; None: it did not say. Memory in bytes. luns: Direct LUNs by WWID."""

    name: str
    memory: int | None
    vm_type: str
    hugepages_kib: int | None
    high_availability: bool | None
    lease: bool | None
    io_threads: int | None
    multi_queues: bool | None
    affinity: str = ""  # migratable | user_migratable | pinned
    guaranteed: int | None = None
    ballooning: bool | None = None
    pending_change: bool | None = None
    pass_discard: Mapping[str, bool | None] = field(default_factory=dict)  # of its Direct LUNs


@dataclass(frozen=True)
class Pool:
    """Huge pages of one size on a host."""

    kib: int
    total: int
    free: int


@dataclass(frozen=True)
class HostSeen:
    """A host of the VM's cluster. pools None: the engine did not say (it says nothing of a host that is not up)."""

    name: str
    pools: tuple[Pool, ...] | None
    runs_it: bool = False


def rows(vm: VmSeen, hosts: Iterable[HostSeen], overcommit: int | None = None) -> tuple[Row, ...]:
    """The engine's part of the compliance table. overcommit: the cluster's per cent, None when not known."""
    everywhere = list(hosts)
    return (
        _pages(vm),
        *(_pool(vm, host) for host in everywhere),
        _flag("high availability", vm.high_availability, "nobody restarts it when its host is lost"),
        _flag("lease", vm.lease, "two hosts may run it at once after a split", "info"),
        _kind(vm),
        _flag("virtio-scsi multi-queue", vm.multi_queues, "all its requests share one queue"),
        _threads(vm),
        _guaranteed(vm),
        _without("ballooning", vm.ballooning, "the host may take its memory away"),
        _overcommit(overcommit),
        _pinned(vm, everywhere),
        _without("pending change", vm.pending_change, "what the engine shows is true only after a restart"),
        *_discard(vm),
    )


def _row(parameter: str, running: str, expected: str, said: tuple[Outcome, str], severity: Severity = "warn") -> Row:
    return Row(AREA, parameter, running, expected, said[0], said[1], "R", SOURCE, severity)


def _mute(parameter: str, expected: str) -> Row:
    return unknown(AREA, parameter, expected, "the engine does not tell it.", SOURCE, "R")


def _pages(vm: VmSeen) -> Row:
    if vm.hugepages_kib is None:
        words = f"{vm.name} has no huge pages on the host: set the custom property hugepages to 1048576 (KiB)."
        return _row("hugepages", "", "1048576 or 2048 KiB", (Outcome.WARN, words))
    words = f"{vm.name} asks for host pages of {vm.hugepages_kib} KiB."
    return _row("hugepages", str(vm.hugepages_kib), "1048576 or 2048 KiB", (Outcome.OK, words))


def _pool(vm: VmSeen, host: HostSeen) -> Row:
    """Without a pool of that size the engine silently takes the host's default size; without enough free pages the VM
    does not start there, which shows only when it must."""
    parameter, expected = f"host pool on {host.name}", "the VM's memory"
    if vm.hugepages_kib is None:
        return _row(parameter, "", expected, (Outcome.OK, f"{vm.name} asks for no huge pages of {host.name}."), "info")
    if host.pools is None or vm.memory is None:
        return _mute(parameter, expected)
    there = next((one for one in host.pools if one.kib == vm.hugepages_kib), None)
    wanted = -(-vm.memory // (vm.hugepages_kib * KIB))
    if there is None or not there.total:
        words = f"{host.name} has no pool of {vm.hugepages_kib} KiB: the engine silently takes another size, or fails."
        return _row(parameter, "0", f"{wanted} pages", (Outcome.FAIL, words), "fail")
    have = there.total if host.runs_it else there.free
    shown = f"{have} of {there.total}"
    if have < wanted:
        words = f"{host.name} has {have} huge pages for {vm.name}, {wanted} are needed: it cannot start there."
        return _row(parameter, shown, f"{wanted} pages", (Outcome.FAIL, words), "fail")
    words = f"{host.name} has the {wanted} huge pages that {vm.name} needs."
    return _row(parameter, shown, f"{wanted} pages", (Outcome.OK, words), "fail")


def _flag(parameter: str, value: bool | None, why: str, severity: Severity = "warn") -> Row:
    if value is None:
        return _mute(parameter, "on")
    outcome = Outcome.OK if value or severity == "info" else Outcome.WARN
    words = f"{parameter[0].upper()}{parameter[1:]} is on." if value else f"{parameter} is off: {why}."
    return _row(parameter, "on" if value else "off", "on", (outcome, words[0].upper() + words[1:]), severity)


def _without(parameter: str, value: bool | None, why: str) -> Row:
    if value is None:
        return _mute(parameter, "off")
    if value:
        return _row(parameter, "on", "off", (Outcome.WARN, f"There is {parameter}: {why}."))
    return _row(parameter, "off", "off", (Outcome.OK, f"There is no {parameter}."))


def _kind(vm: VmSeen) -> Row:
    if not vm.vm_type:
        return _mute("type", "high_performance")
    good = vm.vm_type == "high_performance"
    rest = "." if good else ": high_performance passes the CPU through and drops what only disturbs."
    outcome = Outcome.OK if good else Outcome.WARN
    return _row("type", vm.vm_type, "high_performance", (outcome, f"{vm.name} is of type {vm.vm_type}{rest}"))


def _threads(vm: VmSeen) -> Row:
    if vm.io_threads is None:
        return _mute("io threads", "1 or more")
    if vm.io_threads < 1:
        words = f"{vm.name} has no I/O thread: its disks wait for the emulator."
        return _row("io threads", str(vm.io_threads), "1 or more", (Outcome.WARN, words))
    return _row("io threads", str(vm.io_threads), "1 or more", (Outcome.OK, f"{vm.name} has {vm.io_threads}."))


def _guaranteed(vm: VmSeen) -> Row:
    parameter, expected = "memory guaranteed", "all of it"
    if vm.guaranteed is None or vm.memory is None:
        return _mute(parameter, expected)
    if vm.guaranteed < vm.memory:
        words = f"Only {vm.guaranteed / 2**30:.4g} of {vm.memory / 2**30:.4g} GiB are guaranteed: guarantee all of it."
        return _row(parameter, str(vm.guaranteed), expected, (Outcome.WARN, words))
    return _row(parameter, str(vm.guaranteed), expected, (Outcome.OK, "All of its memory is guaranteed."))


def _overcommit(percent: int | None) -> Row:
    if percent is None:
        return _mute("memory overcommit", "100 %")
    if percent > 100:
        words = f"The cluster promises {percent} % of its memory: hosts may swap or merge pages. Set it to none."
        return _row("memory overcommit", f"{percent} %", "100 %", (Outcome.WARN, words))
    return _row("memory overcommit", f"{percent} %", "100 %", (Outcome.OK, "The cluster promises no memory twice."))


def _pinned(vm: VmSeen, hosts: list[HostSeen]) -> Row:
    """A pinned VM ends with its host."""
    if not vm.affinity:
        return _mute("migration", "possible, on both hosts")
    if vm.affinity == "pinned" or len(hosts) < 2:
        why = "it is pinned" if vm.affinity == "pinned" else "no other host may run it"
        words = f"{vm.name} cannot move, {why}: it ends with its host."
        return _row("migration", vm.affinity, "possible, on both hosts", (Outcome.WARN, words))
    words = f"{vm.name} may run on {len(hosts)} hosts ({vm.affinity})."
    return _row("migration", vm.affinity, "possible, on both hosts", (Outcome.OK, words))


def _discard(vm: VmSeen) -> list[Row]:
    """Discards of a guest give thin space back; on an ASM disk a wrong one loses nothing but is a load."""
    on = [wwid for wwid, value in vm.pass_discard.items() if value]
    if not vm.pass_discard:
        return []
    words = f"{len(on)} of {len(vm.pass_discard)} Direct LUNs of {vm.name} pass discards on."
    return [_row("pass discard", str(len(on)), "as the site decides", (Outcome.OK, words), "info")]
