"""The huge pages of a lab host, in all and by NUMA node: every host has two nodes, each with half of them."""

from __future__ import annotations

from lab.world import Host, World

FOLDER = "/sys/devices/system/node"
NODES = (0, 1)
GIB = 1 << 30


def pages(world: World, host: Host) -> tuple[int, int]:
    """(total, free) pages of 1 GiB: half of the memory is set aside for the databases."""
    total = host.memory // 2 // GIB
    taken = sum(vm.memory // GIB for vm in world.vms.values() if vm.host == host.name and vm.hugepages_kib)
    return total, max(0, total - taken)


def files(world: World, host: Host) -> dict[str, str]:
    """Path -> content. A VM takes its pages from both nodes alike."""
    total, free = pages(world, host)
    found: dict[str, str] = {}
    for node in NODES:
        base = f"{FOLDER}/node{node}/hugepages/hugepages-1048576kB"
        found |= {f"{base}/nr_hugepages": f"{total // 2}\n", f"{base}/free_hugepages": f"{free // 2}\n"}
    return found
