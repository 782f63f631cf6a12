"""The virtual NUMA nodes of VMs with huge pages, one request each, a few at a time: for any other VM they decide
nothing (facts/luns-and-tuning.md 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from inventory.models import Vm
from inventory.services.sync_rows import Tally
from portal.connectors.engine import EngineFailed, Session
from portal.connectors.engine.shapes import VmSeen

PARALLEL = 4


def bring(
    engine_pk: int, session: Session, vms: Iterable[VmSeen], keys: Mapping[str, int], tally: Tally
) -> dict[str, str]:
    """Writes the nodes of each such VM where they differ; what failed, by "NUMA nodes of NAME", stays as it was. keys:
    VM uuid -> primary key."""
    asked = [one for one in vms if one.hugepages_kib is not None and not one.is_engine]
    present = dict(Vm.objects.filter(engine=engine_pk, numa_nodes__isnull=False).values_list("pk", "numa_nodes"))
    failed: dict[str, str] = {}
    with ThreadPoolExecutor(PARALLEL) as pool:
        for vm, told in zip(asked, pool.map(lambda one: _told(session, one), asked), strict=True):
            pk = keys[vm.uuid]
            if isinstance(told, EngineFailed):
                failed[f"NUMA nodes of {vm.name}"] = str(told)
            elif pk not in present or present[pk] != told:
                tally.add(Vm, Vm.objects.filter(pk=pk).update(numa_nodes=told))
    others = set(present) - {keys[vm.uuid] for vm in asked}
    if others:
        tally.add(Vm, Vm.objects.filter(pk__in=others).update(numa_nodes=None))
    return failed


def _told(session: Session, vm: VmSeen) -> list[Any] | EngineFailed:
    try:
        return [[one.number, one.memory, one.mode, list(one.pins)] for one in session.numa(vm.uuid)]
    except EngineFailed as error:
        return error
