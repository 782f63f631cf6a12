"""Virtual NUMA nodes against huge pages: sizes that no page fits, and hosts whose nodes lack what is bound there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.tuning.engine_numa import FEW, rows
from inventory.tuning.engine_shapes import HostSeen, NodePool, VmNode, VmSeen

GIB, KIB = 2**30, 1048576
NODES = (VmNode(0, 64 * GIB, "strict", (0,)), VmNode(1, 64 * GIB, "", (1,)))
VM = VmSeen("oradb01", 128 * GIB, hugepages_kib=KIB, numa_mode="strict", nodes=NODES)
POOLS = (NodePool(0, KIB, 128, 64), NodePool(0, 2048, 0, 0), NodePool(1, KIB, 128, 70))
HOST = HostSeen("kvm02", nodes=POOLS)


def said(vm=VM, *hosts):
    return {one.parameter: one for one in rows(vm, hosts or (HOST,))}


def on(host, vm=VM):
    one = said(vm, host)[f"NUMA pages on {host.name}"]
    return one.outcome.value, one.sentence


def pools(*free, total=128, host=HOST, **changes):
    told = tuple(NodePool(node, KIB, total, pages) for node, pages in enumerate(free))
    return replace(host, nodes=told, **changes)


def test_nodes_with_room_on_every_host():
    found = said()
    assert [(name, one.outcome.value) for name, one in found.items()] == [
        ("NUMA and CPU mode", "ok"), ("NUMA node sizes", "ok"), ("NUMA pages on kvm02", "ok"),
    ]  # fmt: skip
    one = found["NUMA pages on kvm02"]
    assert (one.expected, one.running) == ("64 on node 0, 64 on node 1", "64 on node 0, 70 on node 1")
    assert "2 virtual NUMA nodes" in found["NUMA and CPU mode"].sentence


@pytest.mark.parametrize(("nodes", "words"), [(None, "NUMA mode is strict."), ((), "has no virtual NUMA nodes")])
def test_a_vm_without_nodes_has_one_row_of_information(nodes, words):
    (one,) = said(replace(VM, nodes=nodes)).values()
    assert (one.severity, words in one.sentence) == ("info", True)
    assert "not told" in said(replace(VM, nodes=nodes, numa_mode=""))["NUMA and CPU mode"].sentence


def test_a_node_that_is_no_multiple_of_the_page_keeps_the_vm_from_starting():
    odd = replace(VM, nodes=(NODES[0], replace(NODES[1], memory=64 * GIB + 2**20)))
    one = said(odd)["NUMA node sizes"]
    assert (one.outcome.value, one.running) == ("fail", "65536 MiB, 65537 MiB")
    assert one.sentence.startswith("NUMA node 1 of oradb01 has 65537 MiB, no multiple of 1048576 KiB")
    assert said(replace(VM, nodes=(replace(NODES[0], memory=None),)))["NUMA node sizes"].outcome.value == "unknown"
    assert "NUMA node sizes" not in said(replace(VM, hugepages_kib=None))


def test_a_pool_that_lies_on_the_wrong_node():
    """As a whole there are enough."""
    outcome, words = on(pools(20, 120))
    assert outcome == "fail"
    assert words.startswith("node 0 of kvm02 has 20 huge pages for oradb01, 64 are needed: it cannot start there.")
    assert on(pools(64, 64))[0] == "ok"


def test_on_the_host_that_runs_it_its_own_pages_count():
    assert on(pools(0, 0, runs_it=True))[0] == "ok"
    assert on(pools(0, 0, total=63, runs_it=True))[0] == "fail"


def test_two_nodes_on_one_of_the_host_need_both():
    both = replace(VM, nodes=tuple(replace(one, pins=(0,)) for one in NODES))
    assert on(pools(127, 128), both)[0] == "fail"
    assert on(pools(128, 0), both)[0] == "ok"


def test_a_node_that_may_take_from_several():
    wide = replace(VM, nodes=(replace(NODES[0], pins=(0, 1)), replace(NODES[1], pins=(1,))))
    assert on(pools(60, 68), wide)[0] == "ok"
    outcome, words = on(pools(59, 68), wide)
    assert (outcome, words.startswith("nodes 0, 1 of kvm02 has 127 huge pages")) == ("fail", True)


def test_what_is_only_preferred_is_a_warning():
    loose = replace(VM, numa_mode="preferred", nodes=tuple(replace(one, mode="") for one in NODES))
    outcome, words = on(pools(0, 128), loose)
    assert (outcome, "it takes memory of other nodes" in words) == ("warn", True)


def test_a_host_without_the_node():
    outcome, words = on(pools(128))
    assert outcome == "fail"
    assert "bound to NUMA node 1, which kvm02 has not" in words


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (replace(HOST, nodes=None), "does not tell its huge pages by NUMA node"),
        (replace(HOST, status="maintenance"), "kvm02 is maintenance"),
        (pools(None, 128), "How many huge pages node 0 of kvm02 has is not told."),
    ],
)
def test_what_is_not_told_is_not_known(host, words):
    outcome, sentence = on(host)
    assert (outcome, words in sentence) == ("unknown", True)


def test_of_many_hosts_only_those_that_are_not_right_have_a_row():
    many = [pools(64, 64, host=replace(HOST, name=f"kvm{n}")) for n in range(FEW + 1)]
    assert not [name for name in said(VM, *many) if name.startswith("NUMA pages")]
    bad = [name for name in said(VM, *many[:-1], pools(0, 64)) if name.startswith("NUMA pages")]
    assert bad == ["NUMA pages on kvm02"]
    assert not [name for name in said(replace(VM, nodes=(VmNode(0, 64 * GIB, "", ()),))) if "pages on" in name]
