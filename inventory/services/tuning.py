"""The engine's part of an Oracle VM's tuning, from what the sync holds, without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable

from inventory.models import Attachment, Host, Vm
from inventory.tuning.engine_side import HostSeen, Pool, VmSeen, rows
from inventory.tuning.row import Row


def engine_rows(vm: Vm, attached: Iterable[Attachment]) -> tuple[Row, ...]:
    """The compliance rows of a VM that the engine can tell: its flags, and the pools of every host of its cluster. One
    query; needs vm.cluster loaded; attached: its Direct LUNs, with lun loaded."""
    hosts = (
        Host.objects.filter(cluster=vm.cluster_id, gone_since__isnull=True).order_by("name") if vm.cluster_id else []
    )
    return rows(
        _vm(vm, {one.lun.uuid: one.pass_discard for one in attached}),
        [_host(one, vm) for one in hosts],
        vm.cluster.overcommit if vm.cluster else None,
    )


def worth_judging(vm: Vm, attached: Iterable[Attachment]) -> bool:
    """Whether the table says anything about it: a VM with Direct LUNs, huge pages or high performance, and not the
    engine's own."""
    if vm.is_engine or vm.gone_since:
        return False
    return vm.hugepages_kib is not None or vm.vm_type == "high_performance" or any(attached)


def _vm(vm: Vm, discards: dict[str, bool | None]) -> VmSeen:
    return VmSeen(
        name=vm.name,
        memory=vm.memory,
        vm_type=vm.vm_type,
        hugepages_kib=vm.hugepages_kib,
        high_availability=vm.high_availability,
        lease=bool(vm.lease_domain),
        io_threads=vm.io_threads,
        multi_queues=vm.multi_queues,
        affinity=vm.affinity,
        guaranteed=vm.guaranteed,
        ballooning=vm.ballooning,
        pending_change=vm.pending_change,
        pass_discard=discards,
    )


def _host(host: Host, vm: Vm) -> HostSeen:
    """The engine lists a host's pools as {"1048576": {"free": n, "total": n}}, and none at all for a host that is not
    up."""
    if not host.hugepages:
        return HostSeen(host.name, None, host.pk == vm.host_id)
    pools = [(int(kib), one) for kib, one in host.hugepages.items() if str(kib).isdigit()]
    told = tuple(Pool(kib, one.get("total") or 0, one.get("free") or 0) for kib, one in sorted(pools))
    return HostSeen(host.name, told, host.pk == vm.host_id)
