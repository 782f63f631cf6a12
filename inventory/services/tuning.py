"""The engine's part of a VM's settings, from what the sync holds, without asking anybody."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.utils import timezone

from inventory.models import Attachment, Engine, Host, Look, StorageDomain, Vm
from inventory.services.looks import every
from inventory.tuning.engine_shapes import DiskSeen, HostSeen, NodePool, Pool, VmNode, VmSeen
from inventory.tuning.engine_side import rows
from inventory.tuning.row import Row
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

FACTS = "host_facts"
# the engine's words for a VM that has a QEMU somewhere (facts/engine-api.md 3.1); of "unknown" nobody can say
RUNS = (
    "up", "powering_up", "powering_down", "migrating", "paused", "not_responding", "reboot_in_progress",
    "saving_state", "restoring_state",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What the engine said of everything that a VM's settings hang on. hosts: cluster -> its hosts by name; attached:
    VM -> its Direct LUNs; users: LUN -> names of the VMs that have it; nodes: host -> its huge pages by NUMA node, as
    its latest look told; domains: uuid -> name and status."""

    hosts: Mapping[int | None, list[Host]] = field(default_factory=dict)
    attached: Mapping[int, list[Attachment]] = field(default_factory=dict)
    users: Mapping[int, list[str]] = field(default_factory=dict)
    nodes: Mapping[int, tuple[NodePool, ...]] = field(default_factory=dict)
    domains: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def may_run(self, vm: Vm) -> list[Host]:
        """The hosts of its cluster, or those of them that it is bound to."""
        every = self.hosts.get(vm.cluster_id, []) if vm.cluster_id else []
        return [one for one in every if one.uuid in vm.may_run] if vm.may_run else every


def told_by(engine: Engine) -> Told:
    """Of all VMs of an engine. Four queries."""
    return _told(
        engine.hosts.filter(gone_since__isnull=True),
        Attachment.objects.filter(vm__engine=engine, vm__gone_since__isnull=True),
        StorageDomain.objects.filter(engine=engine),
    )


def told_of(vm: Vm) -> Told:
    """Of one VM. Four queries."""
    luns = Attachment.objects.filter(vm=vm).values("lun")
    return _told(
        Host.objects.filter(cluster=vm.cluster_id or 0, gone_since__isnull=True),
        Attachment.objects.filter(Q(vm=vm) | Q(vm__gone_since__isnull=True), lun__in=luns),
        StorageDomain.objects.filter(engine=vm.engine_id, uuid__in=[vm.lease_domain] if vm.lease_domain else []),
    )


def _told(hosts: QuerySet[Host], attached: QuerySet[Attachment], domains: QuerySet[StorageDomain]) -> Told:
    by_cluster: dict[int | None, list[Host]] = {}
    for host in hosts.order_by("name"):
        by_cluster.setdefault(host.cluster_id, []).append(host)
    by_vm: dict[int, list[Attachment]] = {}
    users: dict[int, list[str]] = {}
    for one in attached.select_related("lun", "vm").order_by("vm__name", "lun__name"):
        by_vm.setdefault(one.vm_id, []).append(one)
        users.setdefault(one.lun_id, []).append(one.vm.name)
    nodes = _nodes(Look.objects.filter(probe=FACTS, host__in=hosts))
    return Told(by_cluster, by_vm, users, nodes, {one.uuid: (one.name, one.status) for one in domains})


def _nodes(looks: QuerySet[Look]) -> dict[int, tuple[NodePool, ...]]:
    """Of looks at hosts that were read and are no older than they may be."""
    now, found = timezone.now(), dict[int, tuple[NodePool, ...]]()
    for host, at, told in looks.filter(state=Look.State.READ).values_list("host_id", "at", "facts__nodes"):
        if at is not None and not is_stale((now - at).total_seconds(), every(FACTS)):
            with contextlib.suppress(KeyError, TypeError):  # written by another release: the next look says it anew
                found[host] = facts_json.load(tuple[NodePool, ...], told)
    return found


def rows_of(vm: Vm, told: Told) -> tuple[Row, ...]:
    """The compliance rows of a VM that the engine can tell. Needs vm.cluster loaded; asks nothing."""
    return rows(
        seen(vm, told),
        [_host(one, vm, told) for one in told.may_run(vm)],
        vm.cluster.overcommit if vm.cluster else None,
    )


def engine_rows(vm: Vm) -> tuple[Row, ...]:
    """The same of one VM, by what is in the tables. Needs vm.cluster loaded; four queries."""
    return rows_of(vm, told_of(vm))


def worth_judging(vm: Vm, attached: Iterable[Attachment]) -> bool:
    """Whether the table says anything about it: a VM with Direct LUNs, huge pages or high performance, and not the
    engine's own."""
    if vm.is_engine or vm.gone_since:
        return False
    return vm.hugepages_kib is not None or vm.vm_type == "high_performance" or any(attached)


def seen(vm: Vm, told: Told) -> VmSeen:
    """A VM as the rules take it in."""
    domain, status = told.domains.get(vm.lease_domain, (vm.lease_domain, ""))
    return VmSeen(
        name=vm.name,
        memory=vm.memory,
        vm_type=vm.vm_type,
        hugepages_kib=vm.hugepages_kib,
        high_availability=vm.high_availability,
        lease=domain,
        io_threads=vm.io_threads,
        multi_queues=vm.multi_queues,
        affinity=vm.affinity,
        guaranteed=vm.guaranteed,
        ballooning=vm.ballooning,
        pending_change=vm.pending_change,
        lease_status=status,
        running=vm.status in RUNS,
        vcpus=vm.vcpus,
        queues=vm.queues,
        pinning=vm.pinning,
        pins=tuple((int(vcpu), str(cpus)) for vcpu, cpus in vm.pins),
        cpu_mode=vm.cpu_mode,
        numa_mode=vm.numa_mode,
        nodes=_vm_nodes(vm),
        resume=vm.resume_behaviour,
        disks=tuple(_disk(one, told) for one in told.attached.get(vm.pk, ())),
    )


def _vm_nodes(vm: Vm) -> tuple[VmNode, ...] | None:
    if vm.numa_nodes is None:
        return None
    return tuple(VmNode(number, memory, mode, tuple(pins)) for number, memory, mode, pins in vm.numa_nodes)


def _disk(one: Attachment, told: Told) -> DiskSeen:
    return DiskSeen(
        name=one.lun.name,
        wwid=one.lun.uuid,
        interface=one.interface,
        active=one.active,
        read_only=one.read_only,
        pass_discard=one.pass_discard,
        reservation=one.scsi_reservation,
        shareable=one.lun.shareable,
        sgio=one.lun.sgio,
        propagates=one.lun.propagate_errors,
        others=tuple(name for name in told.users.get(one.lun_id, ()) if name != one.vm.name),
    )


def _host(host: Host, vm: Vm, told: Told) -> HostSeen:
    nodes = told.nodes.get(host.pk)
    return HostSeen(host.name, pools_of(host), host.pk == vm.host_id, host.status, host.cpus, nodes)


def pools_of(host: Host) -> tuple[Pool, ...] | None:
    """The engine lists a host's pools as {"1048576": {"free": n, "total": n}}, and none at all for a host that is not
    up."""
    if not host.hugepages:
        return None
    pools = [(int(kib), one) for kib, one in host.hugepages.items() if str(kib).isdigit()]
    return tuple(Pool(kib, one.get("total"), one.get("free")) for kib, one in sorted(pools))
