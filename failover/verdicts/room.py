"""Whether the other hosts can carry what an act moves: the engine VM, the VMs of a host. By the engine's own figures,
as its scheduler would use them (facts/engine-api.md 3.4; hosted-engine.md 6, pre-checks 10 and 11). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from failover.verdicts.check import Said, go, no_go, unknown

GIB = 1024.0**3
KIB = 1024
FIX = "Free memory there, move VMs away, or shut down what need not run; then look again."
ASK = "Make the engine's API tell it: a drill does not begin while it is not known."


class Moves(StrEnum):
    """What an act moves: nothing, the engine VM alone, it and the highly available VMs of the host (a power loss), or
    all that runs on the host (its maintenance in the engine)."""

    NOTHING = "nothing"
    ENGINE = "engine"
    AVAILABLE = "available"
    ALL = "all"


@dataclass(frozen=True)
class HostRoom:
    """A host as the engine tells it. schedulable: bytes that the engine would still place there. pages: free huge pages
    by size in KiB; None where the engine does not say. hosted_engine: it may run the engine VM."""

    name: str
    status: str
    cluster: str
    hosted_engine: bool
    schedulable: int | None
    pages: Mapping[str, int | None] | None


@dataclass(frozen=True)
class VmNeed:
    """A VM that runs. host: "" when not known. memory: bytes. pages_kib: size of its huge pages, None for none."""

    name: str
    host: str
    cluster: str
    engine: bool
    available: bool | None
    memory: int | None
    pages_kib: int | None


@dataclass
class _Left:
    """What is still free on a host while VMs are placed on it one after the other."""

    host: HostRoom
    memory: int
    pages: dict[int, int] = field(default_factory=dict)


def carries(hosts: Sequence[HostRoom], vms: Sequence[VmNeed], away: str, moves: Moves) -> Said:
    """May the hosts but `away` take what has to leave it? The largest VM is placed first, each where most is free:
    where this finds no place, the sentence says for which one. What is not known blocks."""
    leaving = [one for one in vms if one.host == away and _leaves(one, moves)]
    doubt = _doubt(hosts, vms, away, moves)
    if doubt:
        return unknown(doubt, ASK)
    others = [one for one in hosts if one.name != away and one.status == "up"]
    targets = [one for one in others if any(_allowed(one, vm) for vm in leaving)]
    blind = _blind(targets, leaving)
    if blind:
        return unknown(blind, ASK)
    left = [_Left(one, one.schedulable or 0, _pages(one)) for one in targets]
    lines = tuple(_line(one) for one in targets)
    for vm in sorted(leaving, key=lambda one: (not one.engine, -(one.memory or 0))):
        if not _placed(vm, left):
            return no_go(_no_place(vm, targets, len(leaving)), FIX, *lines)
    names = " and ".join(one.name for one in targets) or "No other host"
    if not leaving:
        return go(f"Nothing that has to move runs on {away}.")
    return go(f"{names} can carry the {len(leaving)} VMs that would leave {away}: {_sum(leaving)}.", *lines)


def _leaves(vm: VmNeed, moves: Moves) -> bool:
    if moves is Moves.ENGINE:
        return vm.engine
    return vm.engine or moves is Moves.ALL or vm.available is not False


def _doubt(hosts: Sequence[HostRoom], vms: Sequence[VmNeed], away: str, moves: Moves) -> str:
    """What is not known of the VMs."""
    if not any(one.name == away for one in hosts):
        return f"The engine does not list {away or 'the host'}, so what would have to move is not known."
    if not any(one.engine for one in vms):
        return "The engine does not list its own VM, so the memory that it needs is not known."
    for one in vms:
        if one.host == "" and _leaves(one, moves):
            return f"On which host {one.name} runs is not known."
        if one.host == away and _leaves(one, moves):
            if one.memory is None:
                return f"How much memory {one.name} needs is not known."
            if moves is Moves.AVAILABLE and one.available is None and not one.engine:
                return f"Whether {one.name} is highly available is not known."
    return ""


def _blind(targets: Sequence[HostRoom], leaving: Sequence[VmNeed]) -> str:
    """What is not known of the hosts that would take them."""
    sizes = {vm.pages_kib for vm in leaving if vm.pages_kib}
    for one in targets:
        if one.schedulable is None:
            return f"How much memory {one.name} has free for VMs is not known."
        for kib in sorted(sizes):
            if one.pages is None or one.pages.get(str(kib), 0) is None:
                return f"How many huge pages of {kib} KiB are free on {one.name} is not known."
    return ""


def _allowed(host: HostRoom, vm: VmNeed) -> bool:
    return host.cluster == vm.cluster and (host.hosted_engine or not vm.engine)


def _pages(host: HostRoom) -> dict[int, int]:
    return {int(kib): free or 0 for kib, free in (host.pages or {}).items()}


def _placed(vm: VmNeed, left: list[_Left]) -> bool:
    memory = vm.memory or 0
    able = [one for one in left if _allowed(one.host, vm)]
    if vm.pages_kib:  # its memory is the huge pages, which the rest of the host's memory does not hold
        needed = -(-memory // (vm.pages_kib * KIB))
        best = max(able, key=lambda one: one.pages.get(vm.pages_kib or 0, 0), default=None)
        if best is None or best.pages.get(vm.pages_kib, 0) < needed:
            return False
        best.pages[vm.pages_kib] -= needed
        return True
    best = max(able, key=lambda one: one.memory, default=None)
    if best is None or best.memory < memory:
        return False
    best.memory -= memory
    return True


def _no_place(vm: VmNeed, targets: Sequence[HostRoom], count: int) -> str:
    able = [one for one in targets if _allowed(one, vm)]
    what = f"in huge pages of {vm.pages_kib} KiB" if vm.pages_kib else "of memory"
    needs = f"{vm.name} needs {(vm.memory or 0) / GIB:.1f} GiB {what}"
    if not able:
        return f"{needs}, and no other host that is up may run it."
    rest = f", beside what else would move ({count} VMs)" if count > 1 else ""
    return f"{needs}, and {' and '.join(one.name for one in able)} has no room for it{rest}."


def _line(host: HostRoom) -> str:
    pages = ", ".join(f"{free} free of {kib} KiB" for kib, free in sorted((host.pages or {}).items()))
    return (
        f"{host.name}: {(host.schedulable or 0) / GIB:.1f} GiB free for VMs{'; huge pages: ' + pages if pages else ''}"
    )


def _sum(leaving: Sequence[VmNeed]) -> str:
    plain = sum(one.memory or 0 for one in leaving if not one.pages_kib)
    paged = sum(one.memory or 0 for one in leaving if one.pages_kib)
    return f"{plain / GIB:.1f} GiB" + (f" and {paged / GIB:.1f} GiB in huge pages" if paged else "")
