"""The engine's look `engine_side`: the settings of every VM that matters, whether the huge pages of the other hosts
hold what a lost host leaves, and where engine, hosts, arrays and guests differ. It is made from the tables and the
latest looks, asks nobody, and writes only its time while these stay."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Count, Max, Sum
from django.utils import timezone

from inventory.models import Engine, Host, HostLun, Look, Lun, OracleVm, Vm
from inventory.services import looks, sides
from inventory.services.record import record
from inventory.services.signal import announce
from inventory.services.tuning import Told, pools_of, rows_of, seen, told_by
from inventory.tuning.engine_room import Need, after_losses
from inventory.tuning.engine_shapes import pages_needed
from inventory.tuning.engine_side import counts
from inventory.tuning.said import finding as of_row
from inventory.verdicts import sides as verdict
from portal.kernel.finding import Finding, Subject
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import Outcome

log = logging.getLogger(__name__)
PROBES = (sides.MAPS, sides.FACTS, looks.ARRAY, looks.ORACLE)


def tick() -> int:
    """Judges what is due; returns how many looks were written anew."""
    done = 0
    for look in looks.claim(timezone.now(), [looks.ENGINE_SIDE]):
        try:
            done += _judged(look)
        except Exception:
            log.exception("what %s says could not be judged: it grows too old and becomes unknown", look.engine)
    if done:
        announce("looks")
    return done


def _judged(look: Look) -> bool:
    now, began = timezone.now(), time.monotonic()
    told, vms = told_by(look.engine), list(sides.judged_vms(look.engine_id))
    mark = _mark(look.engine, told, vms, now)
    if look.state == Look.State.READ and look.sha256 == mark:
        Look.objects.filter(pk=look.pk).update(at=now, answered_at=now)
        return False
    found = tuple(findings(look.engine, told, vms, now))
    took = int((time.monotonic() - began) * 1000)
    body = "\n".join(one.sentence for one in found if one.outcome is not Outcome.OK) or "Everything is as it should be."
    sections = {"told": {"asked": ["the engine's tables and the latest looks"], "body": body}}
    record([looks.Result(look.pk, Look.State.READ, now, took, "", {"mark": mark}, found, {}, sections, mark)])
    return True


def _mark(engine: Engine, told: Told, vms: Iterable[Vm], now: datetime) -> str:
    """Stands for everything that the findings rest on."""
    rows = Look.objects.filter(engine=engine, probe__in=PROBES).order_by("pk")
    told_looks = [
        (pk, state, sha, at is None or is_stale((now - at).total_seconds(), looks.every(probe)))
        for pk, probe, state, sha, at in rows.values_list("pk", "probe", "state", "sha256", "at")
    ]
    listed = HostLun.objects.filter(host__engine=engine).aggregate(n=Count("pk"), last=Max("pk"), sum=Sum("pk"))
    luns = list(
        Lun.objects.filter(engine=engine, gone_since__isnull=True)
        .order_by("pk")
        .values_list("uuid", "name", "size", "domain_id", "disk_uuid")
    )
    settings = [rows_of(vm, told) for vm in vms]
    hosts = [(one.name, one.status, one.cpus, one.memory, one.hugepages) for one in _hosts(told)]
    runs = [(vm.name, vm.host_id, vm.memory, vm.status) for vm in vms]
    told_all = (told_looks, listed, luns, settings, hosts, runs, sorted(_oracle(engine)))
    return hashlib.sha256(repr(told_all).encode()).hexdigest()


def _hosts(told: Told) -> list[Host]:
    return [one for mine in told.hosts.values() for one in mine]


def findings(engine: Engine, told: Told, vms: Iterable[Vm], now: datetime) -> Iterator[Finding]:
    """All findings about one engine's VMs, hosts and LUNs, each check and subject once."""
    every_vm, oracle = list(vms), _oracle(engine)
    for vm in every_vm:
        shape, is_oracle = seen(vm, told), vm.pk in oracle
        yield from (of_row(one, vm.name) for one in rows_of(vm, told) if counts(one, shape, declared=is_oracle))
    yield from after_losses(_needs(every_vm, told), _free(told))
    yield from _differences(engine, told, every_vm, now)


def _oracle(engine: Engine) -> set[int]:
    """VMs that are declared as Oracle VMs."""
    return set(OracleVm.objects.filter(vm__engine=engine).values_list("vm_id", flat=True))


def _needs(vms: Iterable[Vm], told: Told) -> Iterator[Need]:
    names = {one.pk: one.name for one in _hosts(told)}
    for vm in vms:
        if vm.high_availability is not False and vm.host_id in names and vm.hugepages_kib and vm.memory:
            hosts = tuple(one.name for one in told.may_run(vm))
            pages = pages_needed(vm.memory, vm.hugepages_kib)
            yield Need(vm.name, names[vm.host_id], vm.hugepages_kib, pages, hosts)


def _free(told: Told) -> dict[str, dict[int, int] | None]:
    """Host -> free pages by size; a host that is not up, or does not tell, takes nothing for certain."""
    found: dict[str, dict[int, int] | None] = {}
    for host in _hosts(told):
        pools = pools_of(host) if host.status in ("", "up") else None
        dark = pools is None or any(one.free is None for one in pools)
        found[host.name] = None if dark else {one.kib: one.free or 0 for one in pools or ()}
    return found


def _differences(engine: Engine, told: Told, vms: list[Vm], now: datetime) -> Iterator[Finding]:
    by_host = sides.host_sides(_hosts(told), now)
    for one in by_host.values():
        yield from _one(verdict.finding(verdict.host_lines(one), Subject("host", one.name)))
    guests = sides.guests(Look.objects.filter(engine=engine), now)
    names = dict(Lun.objects.filter(engine=engine).values_list("uuid", "name")) if guests else {}
    for vm in vms:
        lines = sides.own_lines(vm, told, guests.get(vm.pk, sides.GuestTold()), names)
        yield from _one(verdict.finding(lines, Subject("vm", f"{vm.name[:112]} sides")))
    for lun in _luns(engine, told, now):
        found = verdict.finding(verdict.lun_lines(lun), Subject("lun", lun.wwid))
        if found is not None and found.outcome is not Outcome.OK:  # thousands of LUNs that agree need no finding
            yield found


def _one(found: Finding | None) -> Iterator[Finding]:
    if found is not None:
        yield found


def _luns(engine: Engine, told: Told, now: datetime) -> Iterator[verdict.LunSides]:
    """Every LUN of the engine with all sides; paths are left to the LUN's page."""
    at_hosts = Look.objects.filter(engine=engine, host__gone_since__isnull=True)
    maps = sides.maps_of(at_hosts, now)
    arrays = sides.array_luns(engine.pk, now)
    listed: dict[int, set[int]] = {}
    for host_pk, lun_pk in HostLun.objects.filter(host__engine=engine).values_list("host_id", "lun_id"):
        listed.setdefault(lun_pk, set()).add(host_pk)
    hosts = _hosts(told)
    holders: dict[str, list[Host]] = {}
    for host in hosts:
        for wwid in maps.get(host.pk, sides.Kept()).sizes:
            holders.setdefault(wwid, []).append(host)
    by_pk = {one.pk: one for one in hosts}
    for one in Lun.objects.filter(engine=engine, gone_since__isnull=True).order_by("pk"):
        here = {host.pk: host for host in holders.get(one.uuid, ())}
        here |= {pk: by_pk[pk] for pk in listed.get(one.pk, ()) if pk in by_pk}
        said = tuple(
            _said(host, one, maps.get(host.pk), asked=pk in listed.get(one.pk, ())) for pk, host in sorted(here.items())
        )
        yield verdict.LunSides(one.uuid, one.name, one.size, said, arrays.get(one.uuid, ()), sides.used(one))


def _said(host: Host, lun: Lun, kept: sides.Kept | None, *, asked: bool) -> verdict.HostLun:
    dark = kept is None or bool(kept.why)
    there = None if kept is None or dark else lun.uuid in kept.sizes
    size = None if kept is None else kept.sizes.get(lun.uuid)
    listed = True if asked else False if host.status == "up" else None
    return verdict.HostLun(host.name, there, size, listed=listed)
