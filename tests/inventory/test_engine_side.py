"""The engine's look `engine_side`: settings, room for huge pages after a loss, and where the sides differ, from tables
and looks that are written here as sync and worker would."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inventory.models import (
    Attachment,
    Cluster,
    Device,
    Engine,
    Finding,
    Host,
    HostLun,
    Look,
    Lun,
    OracleVm,
    Site,
    StorageDomain,
    Vm,
)
from inventory.probes.reading.multipath import PathFact
from inventory.services import engine_side, looks, sides, tuning, watch
from inventory.services.tuning import Told, told_of, worth_judging
from inventory.tuning.facts import AsmDisk, GuestDisk
from portal.evidence.canonical import digest
from portal.kernel import facts as facts_json
from portal.kernel.san import ArrayLun, ArraySeen
from portal.kernel.secret import Secret

pytestmark = pytest.mark.django_db
GIB = 2**30
WWID = "36a353241000000000000000000000001"


@pytest.fixture
def engine():
    site = Site.objects.create(name="P")
    made = Engine.objects.create(site=site, name="e", url="https://e/ovirt-engine/api")
    cluster = Cluster.objects.create(engine=made, uuid="c", name="c", overcommit=100)
    hosts = [
        Host.objects.create(
            engine=made, cluster=cluster, uuid=name, name=name, address=name, status="up", cpus=112, memory=512 * GIB,
            hugepages={"1048576": {"total": 256, "free": free}},
        )
        for name, free in (("kvm01", 128), ("kvm02", 256))
    ]  # fmt: skip
    StorageDomain.objects.create(engine=made, uuid="d", name="ora_dom", status="active")
    vm = Vm.objects.create(
        engine=made, cluster=cluster, host=hosts[0], uuid="v", name="oradb01", vm_type="high_performance", status="up",
        memory=128 * GIB, guaranteed=128 * GIB, ballooning=False, hugepages_kib=1048576, high_availability=True,
        lease_domain="d", io_threads=4, multi_queues=True, affinity="migratable", pending_change=False, vcpus=16,
        resume_behaviour="kill", pinning="manual", pins=[[0, "2"]],
    )  # fmt: skip
    lun = Lun.objects.create(
        engine=made, uuid=WWID, name="ora_data01", disk_uuid="x", size=100 * GIB, sgio="unfiltered"
    )
    Attachment.objects.create(vm=vm, lun=lun, interface="virtio_scsi", active=True, read_only=False)
    for host in hosts:
        HostLun.objects.create(host=host, lun=lun, paths=8, active_paths=8)
    watch.ensure(made)
    for host in hosts:
        told(host, "lun_devices", {"maps": [{"wwid": WWID, "size": 100 * GIB}]})
        told(host, "host_facts", {"processors": 112, "memory_total": 511 * GIB, "huge_size": GIB, "huge_total": 256})
    return made


def told(subject, probe, facts, state="read"):
    kind = "host" if isinstance(subject, Host) else "device" if isinstance(subject, Device) else "vm"
    Look.objects.update_or_create(
        engine=subject.engine, probe=probe, **{kind: subject},
        defaults={"facts": facts, "state": state, "at": timezone.now(), "due_at": timezone.now(),
                  "sha256": digest(facts), "sentence": "" if state == "read" else f"{subject.name} is silent."},
    )  # fmt: skip


def judged(engine):
    Look.objects.filter(engine=engine, probe=looks.ENGINE_SIDE).update(due_at=timezone.now() - timedelta(seconds=1))
    return engine_side.tick()


def said(**only):
    rows = Finding.objects.filter(look__probe=looks.ENGINE_SIDE, **only)
    return {(one.check_name, one.subject_key): one.outcome for one in rows}


def sentence(check, key):
    return Finding.objects.get(look__probe=looks.ENGINE_SIDE, check_name=check, subject_key=key).sentence


def test_all_is_well_and_an_unchanged_engine_writes_only_its_time(engine):
    assert judged(engine) == 1
    assert {one for one in said().values()} == {"ok"}, {key: one for key, one in said().items() if one != "ok"}
    assert ("tuning_engine", "oradb01 host pool on kvm02") in said()
    assert ("hugepages_after_loss", "kvm01") in said()
    assert ("sides", "kvm01") in said()
    assert ("tuning_engine", "oradb01 lease") in said()
    assert sentence("tuning_engine", "oradb01 lease").endswith("is in ora_dom.")
    before = Look.objects.get(engine=engine, probe=looks.ENGINE_SIDE)
    assert judged(engine) == 0
    after = Look.objects.get(pk=before.pk)
    assert (after.sha256, after.at > before.at) == (before.sha256, True)


def test_the_other_host_without_room(engine):
    Host.objects.filter(name="kvm02").update(hugepages={"1048576": {"total": 256, "free": 100}})
    judged(engine)
    assert said(outcome="fail") == {
        ("tuning_engine", "oradb01 host pool on kvm02"): "fail",
        ("hugepages_after_loss", "kvm01"): "fail",
    }
    Host.objects.filter(name="kvm02").update(status="maintenance")
    judged(engine)
    assert said()[("hugepages_after_loss", "kvm01")] == "unknown"
    assert said()[("tuning_engine", "oradb01 migration")] == "warn"


def test_a_vm_that_is_no_database_is_not_held_to_what_databases_need(engine):
    vm = Vm.objects.get()
    Vm.objects.update(vm_type="server", hugepages_kib=None, io_threads=0, high_availability=False)
    judged(engine)
    assert said(outcome="warn") == {("tuning_engine", "oradb01 high availability"): "warn"}
    OracleVm.objects.create(vm=vm, address="10.0.0.1", host_key="k")
    judged(engine)
    assert {key.removeprefix("oradb01 ") for _, key in said(outcome="warn")} == {
        "high availability", "hugepages", "type", "io threads",
    }  # fmt: skip


def test_a_vm_that_is_bound_to_one_host(engine):
    Vm.objects.update(may_run=["kvm01"])
    judged(engine)
    assert ("tuning_engine", "oradb01 host pool on kvm02") not in said()
    assert "no other host may run it" in sentence("tuning_engine", "oradb01 migration")


def test_a_lease_where_it_cannot_be_taken(engine):
    StorageDomain.objects.update(status="maintenance")
    judged(engine)
    assert said()[("tuning_engine", "oradb01 lease")] == "fail"


def test_sizes_that_differ_between_a_host_and_an_array(engine):
    device = Device.objects.create(
        engine=engine, site=engine.site, kind="array", name="DORADO", address="a", username="u", password=Secret("p")
    )
    seen = ArraySeen("S", "DORADO", luns=(ArrayLun("1", "ora_data01", WWID[1:], 100 * GIB),))
    told(device, "array", facts_json.dump(seen))
    judged(engine)
    assert ("sides", WWID) not in said(), "LUNs that agree need no finding"
    told(Host.objects.get(name="kvm02"), "lun_devices", {"maps": [{"wwid": WWID, "size": 90 * GIB}]})
    judged(engine)
    assert said()[("sides", WWID)] == "fail"
    assert "100 GiB by kvm01 and 90 GiB by kvm02" in sentence("sides", WWID)
    told(device, "array", None, "unanswered")
    judged(engine)
    assert said()[("sides", WWID)] == "fail"


def test_a_lun_that_the_engine_lists_and_the_host_has_not(engine):
    told(Host.objects.get(name="kvm02"), "lun_devices", {"maps": []})
    judged(engine)
    assert said()[("sides", WWID)] == "warn"
    assert sentence("sides", WWID).startswith("The engine lists ora_data01 on kvm02, which has no map of it")
    told(Host.objects.get(name="kvm02"), "lun_devices", None, "unanswered")
    judged(engine)
    assert ("sides", WWID) not in said(), "silence is no difference"


def test_a_host_that_the_engine_takes_for_larger(engine):
    told(Host.objects.get(name="kvm01"), "host_facts", {"processors": 56, "memory_total": 511 * GIB})
    judged(engine)
    assert said()[("sides", "kvm01")] == "warn"


def _path(device):
    """A path as a look at multipath keeps it."""
    return facts_json.dump(PathFact("sda", "8:0", "active", "ready", device))


def test_what_each_side_says_of_one_lun_and_one_vm(engine, django_assert_max_num_queries):
    now = timezone.now()
    with django_assert_max_num_queries(7):
        lines = sides.lun_lines(Lun.objects.get(), now)
    assert {one.fact: one.agree for one in lines}["Size"] is True
    told(
        Host.objects.get(name="kvm02"),
        "multipath",
        {"maps": [{"wwid": WWID, "paths": [_path("running"), _path("offline")]}]},
    )
    paths = next(one for one in sides.lun_lines(Lun.objects.get(), now) if one.fact == "Paths up on kvm02")
    assert paths.values == {"engine": "8 of 8", "kvm02": "1 of 2"}
    vm = Vm.objects.get()
    lines = sides.vm_lines(vm, told_of(vm), now)
    assert [one.fact for one in lines][:3] == ["Memory", "Disk ora_data01", "CPUs of kvm01"]
    assert lines[0].told[1].why == "It is not declared as an Oracle VM, so nobody looks into it."
    told(vm, looks.ORACLE, {"memory": {"MemTotal": 64 * GIB}})
    assert sides.vm_lines(vm, told_of(vm), now)[0].outcome.value == "warn"
    later = now + timedelta(hours=2)
    assert all(one.agree is None for one in sides.vm_lines(vm, told_of(vm), later))
    assert "was last looked at" in sides.lun_lines(Lun.objects.get(), later)[0].told[1].why


def test_hosts_that_nobody_watches_say_nothing(engine):
    Look.objects.filter(host__isnull=False).delete()
    lines = sides.lun_lines(Lun.objects.get(), timezone.now())
    assert "watch it" in lines[0].told[1].why
    vm = Vm.objects.get()
    (_, _, cpus, *_) = sides.vm_lines(vm, told_of(vm), timezone.now())
    assert "watch it" in cpus.told[1].why
    judged(engine)
    assert not [key for key in said() if key[0] == "sides"]


def test_which_vms_are_judged(engine):
    Vm.objects.create(engine=engine, uuid="w", name="app")
    he = Vm.objects.create(engine=engine, uuid="h", name="HostedEngine", is_engine=True, vm_type="high_performance")
    assert [one.name for one in sides.judged_vms(engine.pk)] == ["oradb01"]
    assert not worth_judging(he, [])


def test_a_look_that_breaks_is_logged_and_grows_old(engine, monkeypatch, caplog):
    """A fault of ours must not keep the other engines from being judged."""
    Vm.objects.update(pins=[["x", "2"]])
    assert judged(engine) == 0
    assert "could not be judged" in caplog.text


def guest(*disks, asm=()):
    """What a guest tells, beside its memory."""
    return {"memory": {"MemTotal": 126 * GIB}, "disks": [facts_json.dump(one) for one in disks],
            "asm_disks": [facts_json.dump(one) for one in asm], "unread": []}  # fmt: skip


def test_a_guest_that_holds_another_lun_than_the_engine_attaches(engine, django_assert_max_num_queries):
    vm, root, other = Vm.objects.get(), GuestDisk("sda", ("8:0",), "", ("scsi-0QEMU_1",)), WWID[:-1] + "9"
    asm = AsmDisk("/dev/asm-d", "grid", "asmadmin", "660", "8:16")
    told(vm, looks.ORACLE, guest(root, GuestDisk("sdb", ("8:16",), WWID), asm=[asm]))
    by_engine = told_of(vm)
    with django_assert_max_num_queries(3):
        lines = {one.fact: one for one in sides.vm_lines(vm, by_engine, timezone.now())}
    assert lines["Disk ora_data01"].values == {"engine": WWID, "guest": "sdb, ASM /dev/asm-d"}
    judged(engine)
    assert said()[("sides", "oradb01 sides")] == "ok"
    told(vm, looks.ORACLE, guest(root, GuestDisk("sdb", ("8:16",), other)))
    judged(engine)
    assert said()[("sides", "oradb01 sides")] == "fail"
    assert f"its guest has no disk {WWID}" in sentence("sides", "oradb01 sides")
    told(vm, looks.ORACLE, None, "unanswered")
    judged(engine)
    assert ("sides", "oradb01 sides") not in said(), "a guest that is silent is not known to hold anything"


def test_what_the_array_answers_on_each_path_stands_beside_the_name(engine):
    lun, host, other = Lun.objects.get(), Host.objects.get(name="kvm01"), WWID[:-1] + "9"
    paths = [{"dev": "sda", "wwid": WWID, "live": WWID}, {"dev": "sdb", "wwid": WWID, "live": other}]
    told(host, "lun_identity", {"maps": [WWID], "paths": paths})
    lines = {one.fact: one for one in sides.lun_lines(lun, timezone.now())}
    assert lines["INQUIRY on kvm01"].values == {"engine": WWID, "kvm01 sda": WWID, "kvm01 sdb": other}
    assert lines["INQUIRY on kvm01"].outcome.value == "fail"
    assert lines["INQUIRY on kvm02"].agree is None
    late = sides.lun_lines(lun, timezone.now() + timedelta(days=1))
    assert next(one for one in late if one.fact == "INQUIRY on kvm01").told[1].value == ""


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        ("up", True),
        ("powering_down", True),
        ("restoring_state", True),
        ("wait_for_launch", False),
        ("suspended", False),
        ("unknown", False),
    ],
)
def test_a_vm_runs_while_it_has_a_qemu(status, runs):
    assert tuning.seen(Vm(name="db", status=status), Told()).running is runs


def test_a_guest_whose_disks_were_not_read_ties_none(engine):
    vm, why = Vm.objects.get(), "`sh` did not end within 5 s."
    told(vm, looks.ORACLE, guest() | {"unread": [{"part": "disks", "why": why}]})
    line = next(one for one in sides.vm_lines(vm, told_of(vm), timezone.now()) if one.fact == "Disk ora_data01")
    assert (line.agree, line.told[1].why) == (None, why)
    told(vm, looks.ORACLE, {"memory": {"MemTotal": 126 * GIB}})
    line = next(one for one in sides.vm_lines(vm, told_of(vm), timezone.now()) if one.fact == "Disk ora_data01")
    assert (line.agree, line.told[1].why) == (None, "Its disks were not asked for yet: the next look tells them.")


def test_nodes_of_a_host_count_while_its_look_is_fresh(engine):
    """The pool is large enough as a whole and lies on the other node."""
    Vm.objects.update(numa_nodes=[[0, 128 * GIB, "strict", [0]]])
    judged(engine)
    assert said()[("tuning_engine", "oradb01 NUMA pages on kvm02")] == "unknown"
    host = Host.objects.get(name="kvm02")
    pools = [{"node": node, "kib": 1048576, "total": 128, "free": free} for node, free in ((0, 60), (1, 128))]
    own = {"processors": 112, "memory_total": 511 * GIB, "huge_size": GIB, "huge_total": 256, "nodes": pools}
    told(host, "host_facts", own)
    judged(engine)
    assert said()[("tuning_engine", "oradb01 NUMA pages on kvm02")] == "fail"
    assert "node 0 of kvm02 has 60 huge pages" in sentence("tuning_engine", "oradb01 NUMA pages on kvm02")
    Look.objects.filter(host=host, probe="host_facts").update(at=timezone.now() - timedelta(hours=1))
    judged(engine)
    assert said()[("tuning_engine", "oradb01 NUMA pages on kvm02")] == "unknown"
