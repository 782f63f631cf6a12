"""Where a VM may run: huge pages of its size on every host, CPUs that it is pinned to, hosts that could take it now
(facts/luns-and-tuning.md 4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inventory.tuning import engine_numa
from inventory.tuning.engine_shapes import HostSeen, Pool, Said, VmSeen, mute, pages_needed, row
from inventory.tuning.row import Row
from portal.kernel.outcome import GRAVE, Outcome

SIZES = (2048, 1048576)  # KiB, what x86-64 has


def rows(vm: VmSeen, hosts: Sequence[HostSeen]) -> tuple[Row, ...]:
    """Everything that depends on hosts."""
    return (
        _pages(vm),
        *_pools(vm, hosts),
        _movable(vm, hosts),
        _pinning(vm, hosts),
        *engine_numa.rows(vm, hosts),
    )


# --- huge pages -------------------------------------------------------------------------------------------------------
def _pages(vm: VmSeen) -> Row:
    expected = "1048576 or 2048 KiB"
    if vm.hugepages_kib is None:
        words = f"{vm.name} has no huge pages on the host: set the custom property hugepages to 1048576 (KiB)."
        return row("hugepages", "", expected, (Outcome.WARN, words))
    if vm.hugepages_kib not in SIZES:
        words = f"{vm.name} asks for host pages of {vm.hugepages_kib} KiB, a size that no host has: set 1048576 (KiB)."
        return row("hugepages", str(vm.hugepages_kib), expected, (Outcome.FAIL, words), "fail")
    words = f"{vm.name} asks for host pages of {vm.hugepages_kib} KiB."
    return row("hugepages", str(vm.hugepages_kib), expected, (Outcome.OK, words))


def _pools(vm: VmSeen, hosts: Sequence[HostSeen]) -> tuple[Row, ...]:
    """Each host while they are few; of many hosts those that cannot take it, and how many can."""
    every = [_pool(vm, host) for host in hosts]
    if len(every) <= engine_numa.FEW:
        return tuple(every)
    bad = [one for one in every if one.outcome is not Outcome.OK]
    good = len(every) - len(bad)
    words = f"{good} of {len(every)} hosts have the huge pages that {vm.name} needs."
    if vm.hugepages_kib is None:
        words = f"{vm.name} asks for no huge pages of its hosts."
    whole = row("host pools", f"{good} of {len(every)}", "two hosts or more", (_wide(good), words), "fail")
    return (whole, *(replace(one, severity="info") if good > 1 else one for one in bad[: engine_numa.FEW]))


def _wide(good: int) -> Outcome:
    """With two hosts that can take it, a third one that cannot is no fault."""
    return Outcome.OK if good > 1 else Outcome.FAIL


def _pool(vm: VmSeen, host: HostSeen) -> Row:
    """Without a pool of that size the engine silently takes the host's default size; without enough free pages the VM
    does not start there, which shows only when it must."""
    parameter, expected = f"host pool on {host.name}", "the VM's memory"
    if vm.hugepages_kib is None:
        return row(parameter, "", expected, (Outcome.OK, f"{vm.name} asks for no huge pages of {host.name}."), "info")
    if not host.usable:
        return mute(parameter, expected, f"{host.name} is {host.status}, and what it had then may be gone.")
    if host.pools is None or vm.memory is None:
        return mute(parameter, expected)
    there = next((one for one in host.pools if one.kib == vm.hugepages_kib), None)
    wanted = pages_needed(vm.memory, vm.hugepages_kib)
    if there is None or there.total == 0:
        words = f"{host.name} has no pool of {vm.hugepages_kib} KiB: the engine silently takes another size, or fails."
        return row(parameter, "0", f"{wanted} pages", (Outcome.FAIL, words), "fail")
    return _enough(vm, host, there, wanted)


def _enough(vm: VmSeen, host: HostSeen, there: Pool, wanted: int) -> Row:
    """Of the host that runs it all pages count, since its own are taken by it already."""
    parameter, expected = f"host pool on {host.name}", f"{wanted} pages"
    have = there.total if host.runs_it else there.free
    shown = f"{'?' if have is None else have} of {'?' if there.total is None else there.total}"
    if have is None:
        if host.runs_it:
            words = f"{vm.name} runs on {host.name}; how many pages of {there.kib} KiB there are is not told."
            return row(parameter, shown, expected, (Outcome.OK, words), "fail")
        return mute(parameter, expected)
    if have < wanted:
        words = f"{host.name} has {have} huge pages for {vm.name}, {wanted} are needed: it cannot start there."
        return row(parameter, shown, expected, (Outcome.FAIL, words), "fail")
    words = f"{host.name} has the {wanted} huge pages that {vm.name} needs."
    return row(parameter, shown, expected, (Outcome.OK, words), "fail")


# --- hosts ------------------------------------------------------------------------------------------------------------
def _movable(vm: VmSeen, hosts: Sequence[HostSeen]) -> Row:
    """A VM that is pinned, or that only one host could take, ends with its host."""
    expected = "possible, on both hosts"
    if not vm.affinity:
        return mute("migration", expected)
    if vm.affinity == "pinned" or len(hosts) < 2:
        why = "it is pinned" if vm.affinity == "pinned" else "no other host may run it"
        words = f"{vm.name} cannot move, {why}: it ends with its host."
        return row("migration", vm.affinity, expected, (Outcome.WARN, words))
    able = [one for one in hosts if one.usable]
    if len(able) < 2:
        others = ", ".join(f"{one.name} is {one.status}" for one in hosts if not one.usable)
        where = f"only {able[0].name} can run it" if able else "no host can run it"
        words = f"{vm.name} may run on {len(hosts)} hosts and {where} now ({others}): bring the others up."
        return row("migration", vm.affinity, expected, (Outcome.WARN, words))
    words = f"{vm.name} may run on {len(hosts)} hosts ({vm.affinity})."
    return row("migration", vm.affinity, expected, (Outcome.OK, words))


# --- CPUs -------------------------------------------------------------------------------------------------------------
def _pinning(vm: VmSeen, hosts: Sequence[HostSeen]) -> Row:
    """Pins hold for every host that may run it: a CPU that one of them has not keeps the VM from there."""
    parameter, expected = "CPU pinning", "possible on every host"
    if not vm.pins:
        told = {"": "is not told", "none": "is none"}.get(vm.pinning, f"is {vm.pinning}, by the engine at each start")
        return row(parameter, vm.pinning, expected, (Outcome.OK, f"CPU pinning of {vm.name} {told}."), "info")
    shown = ", ".join(f"{vcpu}#{cpus}" for vcpu, cpus in vm.pins[:4]) + (" …" if len(vm.pins) > 4 else "")
    faults = sorted(_pin_faults(vm, hosts), key=lambda fault: GRAVE.index(fault[0]))
    said = faults[0] if faults else _pin_words(vm, hosts)
    return row(parameter, shown, expected, said, "fail")


def _pin_words(vm: VmSeen, hosts: Sequence[HostSeen]) -> Said:
    dark = [one.name for one in hosts if one.cpus is None]
    if dark:
        return Outcome.UNKNOWN, f"Whether {dark[0]} has the CPUs that {vm.name} is pinned to is not known."
    many = f"{len(vm.pins)} of {vm.vcpus or '?'} vCPUs of {vm.name}"
    return Outcome.OK, f"{many} are pinned, and every host has these CPUs."


def _pin_faults(vm: VmSeen, hosts: Sequence[HostSeen]) -> Iterator[Said]:
    alone: dict[int, int] = {}
    for vcpu, text in vm.pins:
        cpus = cpu_set(text)
        if not cpus:
            yield Outcome.UNKNOWN, f"The set {text} that vCPU {vcpu} of {vm.name} is pinned to cannot be read."
            continue
        for host in hosts:
            if host.cpus is not None and max(cpus) >= host.cpus:
                what = f"vCPU {vcpu} of {vm.name} is pinned to CPU {max(cpus)}, and {host.name} has {host.cpus} CPUs"
                yield Outcome.FAIL, f"{what}: it cannot run there. Pin it to CPUs that every host has."
        if len(cpus) == 1:
            only = min(cpus)
            if only in alone:
                words = f"vCPUs {alone[only]} and {vcpu} of {vm.name} share CPU {only}: each waits for the other."
                yield Outcome.WARN, words
            alone.setdefault(only, vcpu)


def cpu_set(text: str) -> frozenset[int]:
    """ "0-3,^2,8" as numbers; empty for what is no set of CPUs, or holds more than 4096."""
    found: set[int] = set()
    without: set[int] = set()
    for part in text.replace(" ", "").split(","):
        low, dash, high = part.removeprefix("^").partition("-")
        if not low.isdigit() or (dash and not high.isdigit()) or len(low) > 5 or len(high) > 5:
            return frozenset()
        numbers = range(int(low), int(high if dash else low) + 1)
        if len(numbers) > 4096:
            return frozenset()
        (without if part.startswith("^") else found).update(numbers)
    return frozenset(found - without)
