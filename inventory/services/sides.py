"""What the engine, the hosts, the arrays and the guest say of a LUN or a VM, gathered from the latest looks, for the
pages, the API and the engine's look `engine_side`. A look that is too old, or failed, says nothing, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Func, JSONField, OuterRef, Q, QuerySet, Value

from inventory.models import Attachment, Device, Host, HostLun, Look, Lun, Vm
from inventory.probes.lun_identity import Identity
from inventory.probes.reading.multipath import PathFact
from inventory.probes.reading.parts import Unread, why_not
from inventory.services.looks import ORACLE, every, stale_words
from inventory.services.tuning import Told, pools_of
from inventory.tuning.facts import AsmDisk, GuestDisk
from inventory.verdicts import sides
from inventory.verdicts.guest_disks import Attached, Guest, disk_lines
from inventory.verdicts.sides import Line
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

MAPS, PATHS, FACTS, IDENTITY = "lun_devices", "multipath", "host_facts", "lun_identity"
HOSTS = 20  # of one LUN that a page asks for


@dataclass(frozen=True)
class Kept:
    """What a look told of some maps. why: it says nothing now. sizes: WWID -> bytes, None where it was not read."""

    why: str = ""
    sizes: Mapping[str, int | None] = field(default_factory=dict)


def maps_of(looks: QuerySet[Look], now: datetime, wwid: str = "") -> dict[int, Kept]:
    """Host -> its maps, of looks at devices. Only WWIDs and sizes leave the database; wwid: only this one."""
    what = f'$.maps[*] ? (@.wwid == "{wwid}")' if wwid.isalnum() else "$.maps[*]"
    rows = looks.filter(probe=MAPS, host__isnull=False).annotate(
        names=_path(f"{what}.wwid"), sizes=_path(f"{what}.size")
    )
    found = {}
    for host, name, state, at, sentence, names, sizes in rows.values_list(
        "host_id", "host__name", "state", "at", "sentence", "names", "sizes"
    ):
        why = _why(name, MAPS, state, at, sentence, now)
        read = {} if why else dict(zip(names or (), sizes or (), strict=False))
        found[host] = Kept(why, read)
    return found


def _path(what: str) -> Func:
    return Func(
        F("facts"), Value(what), template="jsonb_path_query_array(%(expressions)s::jsonpath)", output_field=JSONField()
    )


def _why(name: str, probe: str, state: str, at: datetime | None, sentence: str, now: datetime) -> str:
    if at is None or is_stale((now - at).total_seconds(), every(probe)):
        return stale_words(name, probe, at)
    return "" if state == Look.State.READ else sentence or f"{name} was not read."


def array_luns(engine_pk: int, now: datetime, wwid: str = "") -> dict[str, tuple[sides.ArrayLun, ...]]:
    """WWID -> what each array says of it."""
    what = f'$.luns[*] ? (@.wwn == "{wwid[1:]}")' if wwid.isalnum() else "$.luns[*]"
    rows = Look.objects.filter(engine=engine_pk, device__kind=Device.Kind.ARRAY).annotate(told=_path(what))
    found: dict[str, tuple[sides.ArrayLun, ...]] = {}
    for name, probe, state, at, told in rows.order_by("device__name").values_list(
        "device__name", "probe", "state", "at", "told"
    ):
        if not _why(name, probe, state, at, "", now):
            for one in told or ():
                key = f"3{one['wwn']}"
                found[key] = (*found.get(key, ()), sides.ArrayLun(name, one["name"], one["size"]))
    return found


def lun_lines(lun: Lun, now: datetime) -> tuple[Line, ...]:
    """What everybody says of one LUN now. Seven queries at most."""
    looks = Look.objects.filter(engine=lun.engine_id, host__gone_since__isnull=True)
    maps = maps_of(looks, now, lun.uuid)
    counted, named = _multipath(looks, now, lun.uuid), _identities(looks, now, lun.uuid)
    listed = {one.host_id: one for one in HostLun.objects.filter(lun=lun)}
    hosts = Host.objects.filter(engine=lun.engine_id, gone_since__isnull=True).order_by("name")
    concerned = [one for one in hosts if one.pk in listed or lun.uuid in maps.get(one.pk, Kept()).sizes]
    told = tuple(_host_lun(one, lun.uuid, maps, listed, counted, named) for one in concerned[:HOSTS])
    return sides.lun_lines(
        sides.LunSides(
            lun.uuid, lun.name, lun.size, told, array_luns(lun.engine_id, now, lun.uuid).get(lun.uuid, ()), used(lun)
        )
    )


def used(lun: Lun) -> bool:
    """Whether the engine uses it: only then a difference is a fault."""
    return bool(lun.disk_uuid) or lun.domain_id is not None


def _multipath(looks: QuerySet[Look], now: datetime, wwid: str) -> dict[int, tuple[int, int]]:
    """Host -> paths of the LUN that are up, and all."""
    what = f'$.maps[*] ? (@.wwid == "{wwid if wwid.isalnum() else ""}").paths[*]'
    rows = looks.filter(probe=PATHS, host__isnull=False).annotate(told=_path(what))
    found = {}
    for host, name, state, at, told in rows.values_list("host_id", "host__name", "state", "at", "told"):
        if not _why(name, PATHS, state, at, "", now):
            try:
                paths = facts_json.load(tuple[PathFact, ...], told or [])
            except (KeyError, TypeError):
                continue  # written by another release: the next look says it anew
            found[host] = (sum(one.standing == "up" for one in paths), len(paths))
    return found


def _identities(looks: QuerySet[Look], now: datetime, wwid: str) -> dict[int, tuple[tuple[Identity, ...], str]]:
    """Host -> what the array answered on each of its paths, or why nobody was asked."""
    what = f'$.paths[*] ? (@.wwid == "{wwid if wwid.isalnum() else ""}")'
    rows = looks.filter(probe=IDENTITY, host__isnull=False).annotate(told=_path(what))
    found: dict[int, tuple[tuple[Identity, ...], str]] = {}
    for host, name, state, at, sentence, told in rows.values_list(
        "host_id", "host__name", "state", "at", "sentence", "told"
    ):
        why = _why(name, IDENTITY, state, at, sentence, now)
        live = () if why else facts_json.load(tuple[Identity, ...], told or [])
        found[host] = live, why or ("" if live else "No path of it runs there.")
    return found


def _host_lun(
    host: Host,
    wwid: str,
    maps: Mapping[int, Kept],
    listed: Mapping[int, HostLun],
    counted: Mapping[int, tuple[int, int]],
    named: Mapping[int, tuple[tuple[Identity, ...], str]],
) -> sides.HostLun:
    kept = maps.get(host.pk) or Kept(f"No look at the devices of {host.name} is planned: watch it.")
    engine = listed.get(host.pk)
    up, paths = counted.get(host.pk, (None, None))
    live, mute = named.get(host.pk, ((), f"Nobody asks the paths of {host.name} what they reach: watch it."))
    asked = engine is not None or host.status == "up"  # the engine asks only hosts that are up
    return sides.HostLun(
        host.name,
        None if kept.why else wwid in kept.sizes,
        kept.sizes.get(wwid),
        paths,
        up,
        kept.why,
        engine is not None if asked else None,
        engine.paths if engine else None,
        engine.active_paths if engine else None,
        live,
        mute,
    )


# --- VMs --------------------------------------------------------------------------------------------------------------
def host_sides(hosts: Iterable[Host], now: datetime) -> dict[int, sides.HostSides]:
    """Host -> what the engine and the host itself say. One query."""
    every_host = list(hosts)
    rows = Look.objects.filter(probe=FACTS, host__in=every_host)
    told = {row[0]: row[1:] for row in rows.values_list("host_id", "state", "at", "sentence", "facts")}
    return {one.pk: _host_sides(one, told.get(one.pk), now) for one in every_host}


def _host_sides(host: Host, row: tuple[Any, ...] | None, now: datetime) -> sides.HostSides:
    if row is None:
        why, facts = f"No look at {host.name} is planned: watch it.", {}
    else:
        state, at, sentence, facts = row
        why = _why(host.name, FACTS, state, at, sentence, now)
    own: Mapping[str, Any] = {} if why else facts or {}
    size = own.get("huge_size")
    kib = size // 1024 if size else None
    pool = next((one for one in pools_of(host) or () if one.kib == kib), None)
    return sides.HostSides(
        host.name,
        host.cpus,
        own.get("processors"),
        host.memory,
        own.get("memory_total"),
        kib,
        pool.total if pool else None,
        own.get("huge_total"),
        why,
    )


@dataclass(frozen=True)
class GuestTold:
    """What a guest's latest look tells. memory: MemTotal in bytes, None when not known, and why."""

    memory: int | None = None
    why: str = "It is not declared as an Oracle VM, so nobody looks into it."
    disks: Guest = field(default_factory=lambda: Guest(why=GuestTold.why))


def guests(looks: QuerySet[Look], now: datetime) -> dict[int, GuestTold]:
    """VM -> what its guest tells, of looks at Oracle VMs. One query."""
    parts = ("facts__memory__MemTotal", "facts__disks", "facts__asm_disks", "facts__unread")
    rows = looks.filter(probe=ORACLE).values_list("vm_id", "vm__name", "state", "at", "sentence", *parts)
    found = {}
    for vm, name, state, at, sentence, memory, *kept in rows:
        why = _why(name, ORACLE, state, at, sentence, now)
        found[vm] = GuestTold(None, why, Guest(why=why)) if why else GuestTold(memory, "", _guest_disks(*kept))
    return found


def _guest_disks(disks: Any, asm: Any, unread: Any) -> Guest:
    """The disks of a look that was read."""
    try:
        lost = why_not(facts_json.load(tuple[Unread, ...], unread or []), "disks")
        told = facts_json.load(tuple[GuestDisk, ...], disks), facts_json.load(tuple[AsmDisk, ...], asm)
    except (KeyError, TypeError):
        return Guest(why="Its disks were not asked for yet: the next look tells them.")
    return Guest(why=lost) if lost else Guest(*told)


def attached(vm: Vm, told: Told) -> tuple[Attached, ...]:
    """The Direct LUNs of a VM as its guest should see them. Asks nothing."""
    return tuple(
        Attached(
            one.lun.name,
            one.lun.uuid,
            one.lun.disk_uuid,
            one.active,
            one.interface == "virtio_scsi" and bool(one.lun.sgio),
        )
        for one in told.attached.get(vm.pk, ())
    )


def own_lines(vm: Vm, told: Told, guest: GuestTold, known: Mapping[str, str]) -> tuple[Line, ...]:
    """What engine and guest say of the VM itself: its memory and its disks. known: WWID -> name of the LUNs that the
    engine lists. Asks nothing."""
    running = vm.status == "up"
    memory = sides.memory_line(sides.VmSides(vm.name, vm.memory, guest.memory, guest.why, running))
    return (memory, *disk_lines(vm.name, attached(vm, told), guest.disks, running=running, known=known))


def vm_lines(vm: Vm, told: Told, now: datetime) -> tuple[Line, ...]:
    """What everybody says of one VM now and of the hosts that may run it. Three queries."""
    guest = guests(Look.objects.filter(vm=vm), now).get(vm.pk, GuestTold())
    few = told.may_run(vm)[:HOSTS]
    by_host = host_sides(few, now)
    held = [one.wwid for one in guest.disks.disks or () if one.wwid]
    rows = Lun.objects.filter(engine=vm.engine_id, uuid__in=held).values_list("uuid", "name") if held else ()
    mine = own_lines(vm, told, guest, dict(rows))
    return (*mine, *(line for one in few for line in sides.host_lines(by_host[one.pk])))


def judged_vms(engine_pk: int) -> QuerySet[Vm]:
    """The VMs whose settings are judged (tuning.worth_judging, as one query), with their clusters."""
    direct = Exists(Attachment.objects.filter(vm=OuterRef("pk")))
    matters = direct | Q(hugepages_kib__isnull=False) | Q(vm_type="high_performance")
    there = Vm.objects.filter(engine=engine_pk, gone_since__isnull=True, is_engine=False)
    return there.filter(matters).select_related("cluster").order_by("name")
