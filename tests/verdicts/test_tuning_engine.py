"""What the engine must say of an Oracle VM."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.tuning.engine_side import HostSeen, Pool, VmSeen, rows

GIB = 2**30
VM = VmSeen(
    "oradb01", 128 * GIB, "high_performance", 1048576, True, True, 4, True, "migratable", 128 * GIB, False, False,
    {"36a": True, "36b": None},
)  # fmt: skip
HOSTS = (
    HostSeen("kvm01", (Pool(1048576, 130, 2), Pool(2048, 0, 0)), runs_it=True),
    HostSeen("kvm02", (Pool(1048576, 256, 128),)),
)


def said(vm: VmSeen = VM, hosts=HOSTS, overcommit: int | None = 100):
    return {one.parameter: (str(one.outcome), one.sentence) for one in rows(vm, hosts, overcommit)}


def test_all_is_well():
    assert {outcome for outcome, _ in said().values()} == {"ok"}
    assert said()["host pool on kvm02"][1] == "kvm02 has the 128 huge pages that oradb01 needs."
    assert said()["pass discard"][1] == "1 of 2 Direct LUNs of oradb01 pass discards on."


@pytest.mark.parametrize(
    ("pools", "outcome", "words"),
    [
        ((Pool(1048576, 256, 127),), "fail", "has 127 huge pages for oradb01, 128 are needed: it cannot start there"),
        ((Pool(2048, 9999, 9999),), "fail", "has no pool of 1048576 KiB"),
        ((Pool(1048576, 0, 0),), "fail", "has no pool of 1048576 KiB"),
        ((), "fail", "has no pool"),
        (None, "unknown", "the engine does not tell it"),
    ],
)
def test_the_other_host_must_hold_it_too(pools, outcome, words):
    found = said(hosts=(HOSTS[0], HostSeen("kvm02", pools)))["host pool on kvm02"]
    assert (found[0], words in found[1]) == (outcome, True)


def test_memory_that_is_no_multiple_of_a_page_needs_one_more():
    assert said(replace(VM, memory=128 * GIB + 1))["host pool on kvm02"][0] == "fail"


def test_a_vm_without_huge_pages():
    found = said(replace(VM, hugepages_kib=None))
    assert found["hugepages"][0] == "warn"
    assert found["host pool on kvm01"][0] == "ok"


@pytest.mark.parametrize(
    ("change", "parameter", "outcome"),
    [
        ({"high_availability": False}, "high availability", "warn"),
        ({"lease": False}, "lease", "ok"),
        ({"multi_queues": False}, "virtio-scsi multi-queue", "warn"),
        ({"vm_type": "server"}, "type", "warn"),
        ({"io_threads": 0}, "io threads", "warn"),
        ({"guaranteed": 64 * GIB}, "memory guaranteed", "warn"),
        ({"ballooning": True}, "ballooning", "warn"),
        ({"pending_change": True}, "pending change", "warn"),
        ({"affinity": "pinned"}, "migration", "warn"),
    ],
)
def test_what_is_not_as_wanted(change, parameter, outcome):
    found = said(replace(VM, **change))[parameter]
    assert (found[0], found[1][0].isupper() or found[1].startswith("oradb01"), found[1][-1]) == (outcome, True, ".")


def test_a_vm_with_one_host_ends_with_it():
    assert "no other host may run it" in said(hosts=HOSTS[:1])["migration"][1]


def test_overcommit():
    assert said(overcommit=150)["memory overcommit"][0] == "warn"


def test_what_the_engine_does_not_say_is_unknown():
    mute = VmSeen("oradb01", None, "", 1048576, None, None, None, None)
    found = said(mute, overcommit=None)
    known = {name for name, (outcome, _) in found.items() if outcome != "unknown"}
    assert known == {"hugepages"}
    assert "pass discard" not in found
