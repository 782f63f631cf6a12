"""Which looks exist: one per (watched host, probe that applies), one per watched switch or array, one per
watched Oracle VM, one per (engine, engine probe), one of what each engine says of its VMs beside others, and the proof
of redundancy where there are switches or arrays."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from inventory.models import DeclaredPath, Device, Engine, Host, Look, OracleVm
from inventory.probes import PROBES
from inventory.services.looks import AVAILABILITY, ENGINE_SIDE, ORACLE, REACH, REDUNDANCY, REPLICATION
from portal.kernel.probe import Declared, Traits
from portal.kernel.probe import DeclaredPath as Pair

Key = tuple[int | None, int | None, int | None, str]  # host, device, VM, probe; none of the three: the engine's own


def ensure(engine: Engine) -> int:
    """Creates the looks that are missing and removes those of hosts and devices that are no longer watched or probes
    that no longer apply; returns how many rows changed."""
    wanted = set(_wanted(engine))
    with transaction.atomic():
        Engine.objects.select_for_update().get(pk=engine.pk)
        present = {(look.host_id, look.device_id, look.vm_id, look.probe): look.pk for look in engine.looks.all()}
        now = timezone.now()
        missing = sorted(wanted - present.keys(), key=lambda key: (key[0] or 0, key[1] or 0, key[2] or 0, key[3]))
        Look.objects.bulk_create(
            [
                Look(engine=engine, host_id=host, device_id=device, vm_id=vm, probe=name, due_at=now)
                for host, device, vm, name in missing
            ]
        )
        stray = [pk for key, pk in present.items() if key not in wanted and key[3] != AVAILABILITY]
        Look.objects.filter(pk__in=stray).delete()
    return len(missing) + len(stray)


def _wanted(engine: Engine) -> Iterator[Key]:
    yield from ((None, None, None, name) for name, probe in PROBES.items() if probe.target == "engine")
    yield (None, None, None, ENGINE_SIDE)
    for host in engine.hosts.filter(watched=True, gone_since__isnull=True):
        traits = Traits(hosted_engine=host.he_configured or host.he_host_id is not None)
        yield (host.pk, None, None, REACH)
        for name, probe in PROBES.items():
            if probe.target == "host" and probe.applies(traits):
                yield (host.pk, None, None, name)
    devices = list(engine.devices.filter(watched=True))
    yield from ((None, device.pk, None, device.kind) for device in devices)
    declared = OracleVm.objects.filter(vm__engine=engine, vm__gone_since__isnull=True, watched=True)
    yield from ((None, None, vm, ORACLE) for vm in declared.values_list("vm_id", flat=True))
    if devices:
        yield (None, None, None, REDUNDANCY)
    if any(device.kind == Device.Kind.ARRAY for device in devices):
        yield (None, None, None, REPLICATION)


def declared_for(hosts: list[Host]) -> dict[int, Declared]:
    """What is declared about hosts, by primary key, in two queries whatever their number."""
    ids: dict[int, list[int]] = {}
    engine_keys = {host.engine_id for host in hosts}
    for engine_id, he_id in (
        Host.objects.filter(engine__in=engine_keys, he_host_id__isnull=False, gone_since__isnull=True)
        .order_by("he_host_id")
        .values_list("engine_id", "he_host_id")
    ):
        if he_id is not None:
            ids.setdefault(engine_id, []).append(he_id)
    paths: dict[int, dict[str, list[Pair]]] = {}
    for host_id, wwid, hba, target in DeclaredPath.objects.filter(host__in=hosts).values_list(
        "host_id", "wwid", "hba_wwpn", "target_wwpn"
    ):
        paths.setdefault(host_id, {}).setdefault(wwid, []).append(Pair(hba, target))
    return {
        host.pk: Declared(
            name=host.name,
            he_host_id=host.he_host_id,
            he_host_ids=tuple(ids[host.engine_id]) if host.engine_id in ids else None,
            paths={wwid: tuple(pairs) for wwid, pairs in paths[host.pk].items()} if host.pk in paths else None,
        )
        for host in hosts
    }
