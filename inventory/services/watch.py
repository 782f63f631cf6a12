"""Which looks exist: one per (watched host, probe that applies), one per watched switch or array, one per
watched Oracle VM, one per (engine, engine probe), one of what each engine says of its VMs beside others, and the proof
of redundancy where there are switches or arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from inventory.models import DeclaredPath, DeclaredPort, Device, Engine, Host, Look, OracleVm
from inventory.probes import PROBES
from inventory.services.looks import AVAILABILITY, ENGINE_SIDE, ORACLE, REACH, REDUNDANCY, REPLICATION
from inventory.services.sameness import declared_mark
from portal.kernel.probe import Declared, Traits
from portal.kernel.probe import DeclaredPath as Pair

# of this process: what was declared of a host when it was read last, with what tells whether it still is
_kept: dict[int, tuple[Any, Declared]] = {}

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
        traits = Traits(host.he_configured or host.he_host_id is not None, may_read=host.may_read)
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
    """What is declared about hosts, by primary key, each with its mark. Three queries whatever their number, and one
    more for hosts whose declared paths are not those that this process read last."""
    ids: dict[int, list[int]] = {}
    engine_keys = {host.engine_id for host in hosts}
    for engine_id, he_id in (
        Host.objects.filter(engine__in=engine_keys, he_host_id__isnull=False, gone_since__isnull=True)
        .order_by("he_host_id")
        .values_list("engine_id", "he_host_id")
    ):
        if he_id is not None:
            ids.setdefault(engine_id, []).append(he_id)
    drawn = {host_id: tuple(versions) for host_id, *versions in _versions(hosts)}
    speeds: dict[int, list[tuple[str, float]]] = {}
    ports = DeclaredPort.objects.filter(host__in=hosts).order_by("wwpn")
    for host_id, wwpn, gbit in ports.values_list("host_id", "wwpn", "gbit"):
        speeds.setdefault(host_id, []).append((wwpn, gbit))
    keys = {
        host.pk: (host.name, host.he_host_id, ids.get(host.engine_id), drawn.get(host.pk), speeds.get(host.pk))
        for host in hosts
    }
    anew = [host for host in hosts if host.pk not in _kept or _kept[host.pk][0] != keys[host.pk]]
    paths = _paths([host for host in anew if host.pk in drawn])
    for host in anew:
        told = Declared(
            name=host.name,
            he_host_id=host.he_host_id,
            he_host_ids=tuple(ids[host.engine_id]) if host.engine_id in ids else None,
            paths=paths.get(host.pk),
            ports=dict(speeds[host.pk]) if host.pk in speeds else None,
        )
        _kept[host.pk] = (keys[host.pk], replace(told, mark=declared_mark(told)))
    return {host.pk: _kept[host.pk][1] for host in hosts}


def _versions(hosts: list[Host]) -> QuerySet[DeclaredPath, tuple[Any, ...]]:
    """Host and what cannot stay when its declared paths change: rows are added with a new key and a new time, changed
    with a new time, and removed."""
    rows = DeclaredPath.objects.filter(host__in=hosts).order_by().values("host_id")
    return rows.annotate(n=Count("pk"), last=Max("pk"), at=Max("declared_at")).values_list("host_id", "n", "last", "at")


def _paths(hosts: list[Host]) -> dict[int, dict[str, tuple[Pair, ...]]]:
    found: dict[int, dict[str, list[Pair]]] = {}
    if not hosts:
        return {}
    rows = DeclaredPath.objects.filter(host__in=hosts).order_by("pk")
    for host_id, wwid, hba, target in rows.values_list("host_id", "wwid", "hba_wwpn", "target_wwpn"):
        found.setdefault(host_id, {}).setdefault(wwid, []).append(Pair(hba, target))
    return {host: {wwid: tuple(pairs) for wwid, pairs in luns.items()} for host, luns in found.items()}
