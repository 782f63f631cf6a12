"""What the engine must say of an Oracle VM."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.tuning.engine_places import cpu_set
from inventory.tuning.engine_room import Need, after_losses
from inventory.tuning.engine_shapes import DiskSeen, HostSeen, Pool, VmSeen
from inventory.tuning.engine_side import counts, rows

GIB = 2**30
DISK = DiskSeen("ora_data01", "36a", "virtio_scsi", True, False, True, True, True, "unfiltered", False, ("oradb02",))
PLAIN = DiskSeen("ora_redo", "36b", "virtio_scsi", True, False, None, None, False, "", True)
VM = VmSeen(
    "oradb01", 128 * GIB, "high_performance", 1048576, True, "ora_dom", 4, True, "migratable", 128 * GIB, False, False,
    "active", True, 16, 8, "manual", ((0, "2"), (1, "3-4,^4")), "host_passthrough", "interleave", "kill", (DISK, PLAIN),
)  # fmt: skip
HOSTS = (
    HostSeen("kvm01", (Pool(1048576, 130, 2), Pool(2048, 0, 0)), runs_it=True, status="up", cpus=112),
    HostSeen("kvm02", (Pool(1048576, 256, 128),), status="up", cpus=112),
)


def said(vm: VmSeen = VM, hosts=HOSTS, overcommit: int | None = 100):
    return {one.parameter: (str(one.outcome), one.sentence) for one in rows(vm, hosts, overcommit)}


def test_all_is_well():
    assert {outcome for outcome, _ in said().values()} == {"ok"}
    found = said()
    assert found["host pool on kvm02"][1] == "kvm02 has the 128 huge pages that oradb01 needs."
    assert found["pass discard"][1] == "1 of 2 Direct LUNs of oradb01 pass discards on."
    assert found["shareable"][1] == "1 of 2 Direct LUNs of oradb01 are shareable, also in oradb02."
    assert found["pauses on I/O errors"][1].startswith("An I/O error of 1 of 2 Direct LUNs pauses oradb01")
    assert found["CPU pinning"][1] == "2 of 16 vCPUs of oradb01 are pinned, and every host has these CPUs."
    assert found["lease"][1] == "The lease of oradb01 is in ora_dom."
    assert found["virtio-scsi multi-queue"][1].endswith("queues: 8.")
    assert found["disk ora_redo"][1] == "ora_redo is in oradb01, active and writable."


@pytest.mark.parametrize(
    ("pools", "outcome", "words"),
    [
        ((Pool(1048576, 256, 127),), "fail", "has 127 huge pages for oradb01, 128 are needed: it cannot start there"),
        ((Pool(2048, 9999, 9999),), "fail", "has no pool of 1048576 KiB"),
        ((Pool(1048576, 0, 0),), "fail", "has no pool of 1048576 KiB"),
        ((Pool(1048576, None, 200),), "ok", "has the 128 huge pages"),
        ((Pool(1048576, 256, None),), "unknown", "the engine does not tell it"),
        ((), "fail", "has no pool"),
        (None, "unknown", "the engine does not tell it"),
    ],
)
def test_the_other_host_must_hold_it_too(pools, outcome, words):
    found = said(hosts=(HOSTS[0], HostSeen("kvm02", pools)))["host pool on kvm02"]
    assert (found[0], words in found[1]) == (outcome, True)


def test_an_older_engine_tells_no_total_and_the_vm_runs_there():
    """facts/engine-api.md 3.4: `.total` may be absent; a missing total is no empty pool."""
    found = said(hosts=(HostSeen("kvm01", (Pool(1048576, None, 2),), runs_it=True), HOSTS[1]))["host pool on kvm01"]
    assert found == ("ok", "oradb01 runs on kvm01; how many pages of 1048576 KiB there are is not told.")


def test_pages_of_a_host_that_is_not_up_are_not_known():
    away = replace(HOSTS[1], status="maintenance")
    found = said(hosts=(HOSTS[0], away))
    assert found["host pool on kvm02"][0] == "unknown"
    assert found["migration"] == (
        "warn",
        "oradb01 may run on 2 hosts and only kvm01 can run it now (kvm02 is maintenance): bring the others up.",
    )
    both = (replace(HOSTS[0], status="down"), away)
    assert "no host can run it now (kvm01 is down, kvm02 is maintenance)" in said(hosts=both)["migration"][1]


def test_of_many_hosts_only_those_that_cannot_have_a_row():
    good = [replace(HOSTS[1], name=f"kvm{n:02}") for n in range(2, 12)]
    bad = replace(HOSTS[1], name="kvm99", pools=())
    every = rows(VM, [HOSTS[0], *good, bad], 100)
    pools = {one.parameter: one for one in every if one.parameter.startswith("host pool")}
    assert set(pools) == {"host pools", "host pool on kvm99"}
    assert (str(pools["host pools"].outcome), pools["host pools"].running) == ("ok", "11 of 12")
    assert pools["host pool on kvm99"].severity == "info", "two hosts can take it, so it counts as no fault"
    few = [HOSTS[0], *(replace(one, pools=()) for one in good)]
    assert said(hosts=few)["host pools"][0] == "fail"
    assert "asks for no huge pages" in said(replace(VM, hugepages_kib=None), [HOSTS[0], *good])["host pools"][1]


def test_memory_that_is_no_multiple_of_a_page_needs_one_more():
    assert said(replace(VM, memory=128 * GIB + 1))["host pool on kvm02"][0] == "fail"


def test_a_vm_without_huge_pages():
    found = said(replace(VM, hugepages_kib=None))
    assert found["hugepages"][0] == "warn"
    assert found["host pool on kvm01"][0] == "ok"
    assert said(replace(VM, hugepages_kib=4096))["hugepages"][0] == "fail", "no host has pages of 4 MiB"


@pytest.mark.parametrize(
    ("change", "parameter", "outcome"),
    [
        ({"high_availability": False}, "high availability", "warn"),
        ({"lease": ""}, "lease", "ok"),
        ({"lease_status": "maintenance"}, "lease", "fail"),
        ({"resume": "leave_paused"}, "after an I/O error", "warn"),
        ({"resume": "auto_resume"}, "after an I/O error", "warn"),
        ({"resume": "auto_resume", "lease": ""}, "after an I/O error", "ok"),
        ({"resume": ""}, "after an I/O error", "ok"),
        ({"multi_queues": False}, "virtio-scsi multi-queue", "warn"),
        ({"queues": None}, "virtio-scsi multi-queue", "ok"),
        ({"vm_type": "server"}, "type", "warn"),
        ({"io_threads": 0}, "io threads", "warn"),
        ({"guaranteed": 64 * GIB}, "memory guaranteed", "warn"),
        ({"ballooning": True}, "ballooning", "warn"),
        ({"pending_change": True}, "pending change", "warn"),
        ({"affinity": "pinned"}, "migration", "warn"),
        ({"numa_mode": "", "cpu_mode": ""}, "NUMA and CPU mode", "ok"),
    ],
)
def test_what_is_not_as_wanted(change, parameter, outcome):
    found = said(replace(VM, **change))[parameter]
    assert (found[0], found[1][0].isupper() or found[1].startswith("oradb01"), found[1][-1]) == (outcome, True, ".")


@pytest.mark.parametrize(
    ("pins", "policy", "outcome", "words"),
    [
        ((), "none", "ok", "CPU pinning of oradb01 is none."),
        ((), "", "ok", "is not told"),
        ((), "dedicated", "ok", "is dedicated, by the engine at each start"),
        (((0, "112"),), "manual", "fail", "vCPU 0 of oradb01 is pinned to CPU 112, and kvm01 has 112 CPUs"),
        (((0, "4"), (1, "4")), "manual", "warn", "vCPUs 0 and 1 of oradb01 share CPU 4"),
        (((0, "four"),), "manual", "unknown", "cannot be read"),
        (((0, "four"), (1, "5"), (2, "500")), "manual", "fail", "is pinned to CPU 500"),
        (((0, "5"), (1, "5-6"), (2, "5"), (3, "five")), "manual", "unknown", "cannot be read"),
        (tuple((n, str(n)) for n in range(6)), "manual", "ok", "6 of 16 vCPUs"),
    ],
)
def test_cpu_pinning(pins, policy, outcome, words):
    found = said(replace(VM, pins=pins, pinning=policy))["CPU pinning"]
    assert (found[0], words in found[1]) == (outcome, True), found


def test_pins_on_a_host_whose_cpus_are_not_told():
    found = said(hosts=(HOSTS[0], replace(HOSTS[1], cpus=None)))["CPU pinning"]
    assert found == ("unknown", "Whether kvm02 has the CPUs that oradb01 is pinned to is not known.")
    assert "2 of ? vCPUs" in said(replace(VM, vcpus=None))["CPU pinning"][1]


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("2", {2}), ("0-3,^2,8", {0, 1, 3, 8}), (" 1 , 5 ", {1, 5}), ("", set()), ("3-", set()), ("a-b", set()),
     ("0-99999", set()), ("0-999999", set()), ("^1", set())],
)  # fmt: skip
def test_sets_of_cpus(text, cpus):
    assert cpu_set(text) == cpus


@pytest.mark.parametrize(
    ("change", "running", "outcome", "words"),
    [
        ({"active": False}, True, "fail", "is attached to oradb01 and not active: the guest does not see it"),
        ({"active": False}, False, "warn", "not active"),
        ({"active": None}, True, "unknown", "is not told by the engine"),
        ({"read_only": None}, True, "unknown", "is not told by the engine"),
        ({"read_only": True}, True, "warn", "a database cannot write to it"),
        ({"interface": "ide"}, True, "warn", "an emulated controller"),
        ({"interface": "virtio"}, True, "warn", "has the interface virtio"),
        ({"interface": ""}, True, "ok", "active and writable"),
        ({"sgio": ""}, True, "warn", "has no SCSI passthrough"),
        ({"sgio": "", "reservation": False}, True, "ok", "active and writable"),
        ({"shareable": False}, True, "warn", "is in oradb01 and in oradb02 and not shareable"),
        ({"active": False, "read_only": True, "interface": "sata"}, True, "fail", "not active"),
    ],
)
def test_disks(change, running, outcome, words):
    found = said(replace(VM, running=running, disks=(replace(DISK, **change),)))["disk ora_data01"]
    assert (found[0], words in found[1]) == (outcome, True), found


def test_what_is_shown_of_a_disk():
    (shown,) = [one.running for one in rows(VM, HOSTS, 100) if one.parameter == "disk ora_data01"]
    assert shown == "virtio_scsi, active, writable, shareable, passthrough unfiltered"
    mute = replace(VM, disks=(DiskSeen("x", "36c"),))
    (shown,) = [one.running for one in rows(mute, HOSTS, 100) if one.parameter == "disk x"]
    assert shown == "interface not told, active or not: not told, writable or not: not told"


def test_a_vm_with_one_host_ends_with_it():
    assert "no other host may run it" in said(hosts=HOSTS[:1])["migration"][1]


def test_overcommit():
    assert said(overcommit=150)["memory overcommit"][0] == "warn"


def test_what_the_engine_does_not_say_is_unknown():
    mute = VmSeen("oradb01", hugepages_kib=1048576)
    found = said(mute, overcommit=None)
    known = {name for name, (outcome, _) in found.items() if outcome != "unknown"}
    assert known == {"hugepages", "CPU pinning", "NUMA and CPU mode", "after an I/O error"}
    assert "pass discard" not in found


@pytest.mark.parametrize(
    ("change", "declared", "parameter", "finding"),
    [
        ({}, False, "type", True),
        ({"hugepages_kib": None}, False, "hugepages", True),
        ({"hugepages_kib": None, "vm_type": "server"}, False, "hugepages", False),
        ({"hugepages_kib": None, "vm_type": "server"}, True, "hugepages", True),
        ({"hugepages_kib": None, "vm_type": "server"}, False, "disk ora_data01", True),
        ({}, False, "pass discard", False),
    ],
)
def test_what_can_be_a_finding(change, declared, parameter, finding):
    vm = replace(VM, **change)
    (row,) = [one for one in rows(vm, HOSTS, 100) if one.parameter == parameter]
    assert counts(row, vm, declared=declared) is finding


# --- a lost host ------------------------------------------------------------------------------------------------------
def need(name, pages, host="kvm01", hosts=("kvm01", "kvm02", "kvm03"), kib=1048576):
    return Need(name, host, kib, pages, hosts)


@pytest.mark.parametrize(
    ("needs", "free", "outcome", "words"),
    [
        ([need("a", 100)], {"kvm02": {1048576: 100}}, "ok", "the VM with huge pages finds room"),
        ([need("a", 60), need("b", 60)], {"kvm02": {1048576: 60}, "kvm03": {1048576: 60}}, "ok", "its 2 VMs"),
        ([need("a", 60), need("b", 60)], {"kvm02": {1048576: 100}}, "fail", "b finds no room: 60 pages"),
        ([need("a", 60), need("b", 60), need("c", 60)], {"kvm02": {1048576: 70}}, "fail", "b and 1 more find no room"),
        ([need("a", 60)], {"kvm02": {2048: 9999}}, "fail", "no room"),
        ([need("a", 60)], {"kvm02": None}, "unknown", "kvm02 does not tell"),
        ([need("a", 60)], {"kvm02": {1048576: 60}, "kvm03": None}, "ok", "finds room"),
        ([need("a", 60, hosts=("kvm01",))], {"kvm02": {1048576: 90}}, "fail", "no room"),
        # 5 + 4 + 3 + 3 + 3 into 9 + 9: the largest first fails, 5 + 4 and 3 + 3 + 3 fit
        ([need(n, p) for n, p in (("a", 5), ("b", 4), ("c", 3), ("d", 3), ("e", 3))],
         {"kvm02": {1048576: 9}, "kvm03": {1048576: 9}}, "warn", "e finds no room"),
    ],
)  # fmt: skip
def test_after_the_loss_of_a_host(needs, free, outcome, words):
    (found,) = after_losses(needs, {"kvm01": {1048576: 500}, "kvm03": {}, **free})
    assert (found.outcome.value, words in found.sentence, found.subject.key) == (outcome, True, "kvm01"), found.sentence


def test_each_host_with_such_vms_has_its_own_finding():
    free = {"kvm01": {1048576: 1}, "kvm02": {1048576: 0}, "kvm03": {}}
    found = after_losses([need("a", 1), need("b", 1, host="kvm02")], free)
    assert [(one.subject.key, one.outcome.value) for one in found] == [("kvm01", "fail"), ("kvm02", "ok")]
