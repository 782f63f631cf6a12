"""Virtual NUMA nodes of a VM against huge pages: their sizes, and what the nodes of each host that they are bound to
have left. A pool that is large enough as a whole may lie on the wrong node (facts/luns-and-tuning.md 4.1, 4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from inventory.tuning.engine_shapes import HostSeen, NodePool, Said, VmSeen, mute, pages_needed, row
from inventory.tuning.row import Row
from portal.kernel.outcome import GRAVE, Outcome

FEW = 8  # hosts that have a row each
KIB = 1024
STRICT = "strict"

Needs = Mapping[frozenset[int], int]  # host's nodes -> pages that must come from them


def rows(vm: VmSeen, hosts: Sequence[HostSeen]) -> tuple[Row, ...]:
    """The mode, always; sizes of nodes where there are any; a row per host where they are bound."""
    if not vm.nodes:
        return (_mode(vm),)
    return (_mode(vm), *_sizes(vm), *_bound(vm, hosts))


def _mode(vm: VmSeen) -> Row:
    words = f"NUMA mode is {vm.numa_mode}." if vm.numa_mode else "NUMA mode is not told."
    if vm.nodes is not None:
        words += f" {vm.name} has {len(vm.nodes) or 'no'} virtual NUMA nodes."
    mode = f" The CPU is {vm.cpu_mode}." if vm.cpu_mode else ""
    return row("NUMA and CPU mode", vm.numa_mode, "as the site decides", (Outcome.OK, words + mode), "info")


def _sizes(vm: VmSeen) -> Iterator[Row]:
    """The engine lets no VM start whose node is no multiple of its page."""
    if vm.hugepages_kib is None:
        return
    parameter, expected = "NUMA node sizes", f"multiples of {vm.hugepages_kib} KiB"
    told = [one for one in vm.nodes or () if one.memory is not None]
    if len(told) < len(vm.nodes or ()):
        yield mute(parameter, expected)
        return
    shown = ", ".join(f"{(one.memory or 0) >> 20} MiB" for one in told[:FEW])
    odd = next((one for one in told if (one.memory or 0) % (vm.hugepages_kib * KIB)), None)
    if odd is not None:
        words = (
            f"NUMA node {odd.number} of {vm.name} has {(odd.memory or 0) >> 20} MiB, no multiple of {vm.hugepages_kib} "
            "KiB: the engine does not start it. Set sizes that are."
        )
        yield row(parameter, shown, expected, (Outcome.FAIL, words), "fail")
        return
    words = f"All {len(told)} NUMA nodes of {vm.name} are multiples of its page."
    yield row(parameter, shown, expected, (Outcome.OK, words), "fail")


def _bound(vm: VmSeen, hosts: Sequence[HostSeen]) -> tuple[Row, ...]:
    """Each host while they are few; of many those that are not right."""
    strict, loose = _needs(vm, strict=True), _needs(vm, strict=False)
    if vm.hugepages_kib is None or not (strict or loose):
        return ()
    every = tuple(_host(vm, one, strict, loose) for one in hosts)
    return every if len(every) <= FEW else tuple(one for one in every if one.outcome is not Outcome.OK)[:FEW]


def _needs(vm: VmSeen, *, strict: bool) -> dict[frozenset[int], int]:
    found: dict[frozenset[int], int] = {}
    for one in vm.nodes or ():
        if one.pins and ((one.mode or vm.numa_mode or STRICT) == STRICT) == strict:
            pages = pages_needed(one.memory or 0, vm.hugepages_kib or 1)
            found[frozenset(one.pins)] = found.get(frozenset(one.pins), 0) + pages
    return found


def _host(vm: VmSeen, host: HostSeen, strict: Needs, loose: Needs) -> Row:
    parameter = f"NUMA pages on {host.name}"
    wanted = ", ".join(
        f"{pages} on {_nodes(nodes)}"
        for nodes, pages in sorted({**loose, **strict}.items(), key=lambda one: min(one[0]))
    )
    if not host.usable:
        return mute(parameter, wanted, f"{host.name} is {host.status}, and what it had then may be gone.")
    if host.nodes is None:
        return mute(parameter, wanted, f"{host.name} does not tell its huge pages by NUMA node.")
    mine = {one.node: one for one in host.nodes if one.kib == vm.hugepages_kib}
    shown = ", ".join(f"{_have(one, host)} on node {node}" for node, one in sorted(mine.items()))
    faults = sorted(_faults(vm, host, mine, strict, loose), key=lambda said: GRAVE.index(said[0]))
    said = (
        faults[0]
        if faults
        else (Outcome.OK, f"The nodes of {host.name} have the huge pages that {vm.name} is bound to.")
    )
    return row(parameter, shown, wanted, said, "fail")


def _have(one: NodePool | None, host: HostSeen) -> int | None:
    """Of the host that runs it all pages count, since its own are taken by it already."""
    return None if one is None else one.total if host.runs_it else one.free


def _faults(vm: VmSeen, host: HostSeen, mine: Mapping[int, NodePool], strict: Needs, loose: Needs) -> Iterator[Said]:
    there = {one.node for one in host.nodes or ()}
    for nodes in (*strict, *loose):
        gone = sorted(nodes - there)
        if gone:
            words = f"{vm.name} is bound to NUMA node {gone[0]}, which {host.name} has not or which has no huge pages"
            yield Outcome.FAIL, f"{words}: it cannot run there. Bind it to nodes that every host has."
    for needs, outcome, end in (
        (strict, Outcome.FAIL, "it cannot start there. Set up more pages on that node"),
        (loose, Outcome.WARN, "it takes memory of other nodes, which is slower. Set up more pages on that node"),
    ):
        for nodes in needs:
            pages = sum(count for inside, count in needs.items() if inside <= nodes)
            have = [_have(mine.get(node), host) for node in nodes & there]
            if None in have:
                yield Outcome.UNKNOWN, f"How many huge pages {_nodes(nodes)} of {host.name} has is not told."
            elif sum(one or 0 for one in have) < pages and nodes <= there:
                words = f"{_nodes(nodes)} of {host.name} has {sum(one or 0 for one in have)} huge pages for {vm.name}"
                yield outcome, f"{words}, {pages} are needed: {end}."


def _nodes(nodes: frozenset[int]) -> str:
    return f"node{'s' if len(nodes) > 1 else ''} {', '.join(map(str, sorted(nodes)))}"
