"""The estate as the redundancy proof takes it in, gathered from the latest looks. What was not looked at lately is
missing with its reason, never left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from django.db.models import F

from inventory.models import Attachment, Cabling, DeclaredPath, Device, Engine, Host, Look, Lun, Site, Vm
from inventory.probes.fc_ports import FcFacts
from inventory.probes.multipath import MultipathFacts
from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import Declared, DmPath, Estate, HbaPort, HostSeen, Missing, Use
from inventory.redundancy.plan import Names, joined
from inventory.services import devices
from inventory.services.cabling import approved, lines_of
from inventory.services.looks import every, stale_sentence
from inventory.verdicts.replication_pairs import Asked
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale
from portal.kernel.san import ArraySeen, SwitchSeen

HBAS, PATHS = "fc_ports", "multipath"
HOSTED_ENGINE = "hosted_storage"  # the storage domain of the engine's own disk (facts/hosted-engine.md)

T = TypeVar("T")


def mark(engine: Engine, now: datetime) -> str:
    """Stands for everything that the proof would take in: while it stays, the proof stays."""
    rows = _looks(engine).values_list("pk", "state", "probe", "at", "sentence", "facts_sha256").order_by("pk")
    told = [(pk, state, _old(at, probe, now), words, facts) for pk, state, probe, at, words, facts in rows]
    uses = [(one.name, one.wwids, one.hosts, one.runs_on) for one in _uses(engine)]
    paths = sorted((*key, *sorted(pairs)) for key, pairs in _declared(engine).items())
    cabling = Cabling.objects.filter(engine=engine, state=Cabling.State.APPROVED).values_list("text", flat=True)
    hosts = engine.hosts.filter(gone_since__isnull=True).order_by("pk")
    placed = [*hosts.values_list("name", "site__name", "site__role", "watched")]
    placed += engine.devices.order_by("pk").values_list("name", "site__name", "kind", "watched")
    rest = (list(cabling), placed, engine.site.name, engine.site.role)
    return hashlib.sha256(repr((told, uses, paths, rest)).encode()).hexdigest()


def gathered(engine: Engine, now: datetime) -> Estate:
    """Hosts, switches and arrays of one engine's estate as they were seen last, beside what is declared. Nine queries,
    whatever the size."""
    looks = list(_looks(engine).select_related("host", "device", "engine").defer("sections"))
    told, missing = _devices([one for one in looks if one.device is not None], now)
    there = list(engine.hosts.filter(gone_since__isnull=True).select_related("site").order_by("name"))
    hosts = [one for one in there if one.watched]
    plan, power = joined(lines_of(approved(engine)), _names(engine, there, looks))
    cards = {one.wwpn: one.line.card for one in plan.cables if one.line.card}
    return Estate(
        at=now.timestamp(),
        hosts=tuple(_hosts(hosts, [one for one in looks if one.host is not None], now, cards)),
        switches=tuple(one for one in told if isinstance(one, SwitchSeen)),
        arrays=tuple(one for one in told if isinstance(one, ArraySeen)),
        declared=Declared(plan.cabling, _declared(engine), power.domains(), power, plan if plan.lines else None),
        uses=tuple(_uses(engine)),
        missing=tuple(missing),
        production_hosts=frozenset(one.name for one in hosts if (one.site or engine.site).role == Site.Role.PRODUCTION),
    )


def names(engine: Engine) -> Names:
    """What a declared cabling of an estate may name."""
    there = engine.hosts.filter(gone_since__isnull=True).select_related("site").order_by("name")
    return _names(engine, there, Look.objects.filter(engine=engine, device__isnull=False).defer("sections"))


def _names(engine: Engine, hosts: Iterable[Host], looks: Iterable[Look]) -> Names:
    """What a declared cabling may name: a device by its own name, by the one that people gave it, or by its number.
    What it told last counts, however long ago: a dead switch is still the switch of that name."""
    last = {look.device_id: look.facts for look in looks if look.device_id is not None}
    switches: dict[str, SwitchSeen | None] = {}
    arrays: dict[str, ArraySeen | None] = {}
    labels: dict[str, str] = {}
    sites = {Element(Kind.HOST, one.name): (one.site or engine.site).name for one in hosts}
    for device in engine.devices.select_related("site").order_by("pk"):
        told = devices.seen(device.kind, last.get(device.pk))
        if isinstance(told, SwitchSeen):
            sites[Element(Kind.SWITCH, told.wwn)] = device.site.name
            labels[told.wwn] = device.name
            switches |= dict.fromkeys((told.name.casefold(), told.wwn), told)
        elif isinstance(told, ArraySeen):
            sites[Element(Kind.ARRAY, told.serial)] = device.site.name
            labels[told.serial] = device.name
            arrays |= dict.fromkeys((told.name.casefold(), told.serial.casefold()), told)
        if device.kind == Device.Kind.SWITCH:
            switches[device.name.casefold()] = told if isinstance(told, SwitchSeen) else None
        else:
            arrays[device.name.casefold()] = told if isinstance(told, ArraySeen) else None
    known = {**_members(switches), **switches}
    return Names(frozenset(one.name for one in hosts), known, arrays, sites, labels)


def _members(switches: Mapping[str, SwitchSeen | None]) -> dict[str, SwitchSeen | None]:
    """Switches of the fabrics that are not declared as devices: only their numbers are known."""
    return {
        one.name.casefold(): SwitchSeen(one.wwn, one.name, "member")
        for told in switches.values()
        for one in (told.members if told else ())
        if one.name
    }


def before(engine: Engine, now: datetime) -> Estate | None:
    """Switches and arrays as the look before each one's latest told them, for rules that need two; None when there is
    none. Its time is that of the longest of these intervals ago. One query."""
    rows = Look.objects.filter(engine=engine, device__isnull=False, state=Look.State.READ).values_list("probe", "facts")
    kept = [one for probe, facts in rows if (one := devices.earlier(facts, probe)) is not None]
    if not kept:
        return None
    return Estate(
        at=now.timestamp() - max(seconds for seconds, _ in kept),
        hosts=(),
        switches=tuple(told for _, told in kept if isinstance(told, SwitchSeen)),
        arrays=tuple(told for _, told in kept if isinstance(told, ArraySeen)),
        declared=Declared(),
        uses=(),
    )


def arrays(engine: Engine, now: datetime) -> tuple[list[tuple[Device, Asked]], datetime]:
    """Every array of the estate with what it told last, and when the newest of them was asked; one whose look is too
    old or failed is silent, with the reason."""
    rows = Look.objects.filter(engine=engine, device__kind=Device.Kind.ARRAY).defer("sections")
    found, newest = [], None
    for look in rows.select_related("device__site", "engine", "host").order_by("device__name"):
        assert look.device is not None, "only devices' looks come here"
        told = devices.seen("array", look.facts)
        last = told if isinstance(told, ArraySeen) else None
        why = _why_not(look, now)
        seen = None if why else last
        if seen is not None and look.at is not None:
            newest = max(newest or look.at, look.at)
        if seen is None and not why:
            why = f"{look.device.name} was read by another release of the portal: its next look mends that."
        # an array that is silent now is still known by what it was called
        found.append((look.device, Asked(last.serial if last else "", look.device.name, seen, why)))
    return found, newest or now


def _looks(engine: Engine) -> Any:
    probes = (HBAS, PATHS, *(kind.value for kind in Device.Kind))
    return Look.objects.filter(engine=engine, probe__in=probes)


def _old(at: datetime | None, probe: str, now: datetime) -> bool:
    return at is None or is_stale((now - at).total_seconds(), every(probe))


def _why_not(look: Look, now: datetime) -> str:
    """Why a look says nothing now; "" when it does."""
    if look.state == Look.State.NEVER or _old(look.at, look.probe, now):
        return stale_sentence(look)
    return "" if look.state == Look.State.READ else look.sentence


def _devices(looks: Iterable[Look], now: datetime) -> tuple[list[SwitchSeen | ArraySeen], list[Missing]]:
    told, missing = [], []
    for look in looks:
        assert look.device is not None, "only devices' looks come here"
        kind: Literal["switch", "array"] = "switch" if look.device.kind == Device.Kind.SWITCH else "array"
        why = _why_not(look, now)
        one = None if why else devices.seen(kind, look.facts)
        if one is None:
            why = why or f"{look.device.name} was read by another release of the portal: its next look mends that."
            missing.append(Missing(kind, look.device.name, why))
        else:
            told.append(one)
    return told, missing


def _hosts(hosts: Iterable[Host], looks: Iterable[Look], now: datetime, cards: Mapping[str, str]) -> Iterator[HostSeen]:
    """cards: WWPN -> declared card, for hosts that do not tell theirs."""
    by = {(look.host_id, look.probe): look for look in looks}
    for host in hosts:
        ports, no_ports = _facts(FcFacts, by.get((host.pk, HBAS)), now)
        maps, no_maps = _facts(MultipathFacts, by.get((host.pk, PATHS)), now)
        unread = {name: why for name, why in (("hbas", no_ports), ("paths", no_maps)) if why}
        yield HostSeen(host.name, _hbas(ports, cards), _paths(maps), unread)


def _facts(kind: type[T], look: Look | None, now: datetime) -> tuple[T | None, str]:
    if look is None:
        return None, "No look at it is planned: watch the host."
    why = _why_not(look, now)
    if why:
        return None, why
    try:
        found: T = facts_json.load(kind, look.facts)
    except (KeyError, TypeError):
        return None, "It was read by another release of the portal: its next look mends that."
    return found, ""


def _hbas(facts: FcFacts | None, cards: Mapping[str, str]) -> tuple[HbaPort, ...]:
    if facts is None:
        return ()
    return tuple(
        HbaPort(
            one.wwpn,
            one.card or cards.get(one.wwpn, ""),
            one.state,
            one.gbit,
            one.fabric,
            {counter.name: counter.value for counter in one.counters if counter.value is not None},
        )
        for one in facts.ports
    )


def _paths(facts: MultipathFacts | None) -> tuple[DmPath, ...]:
    if facts is None:
        return ()
    return tuple(
        DmPath(one.wwid, path.hba_wwpn, path.target_wwpn, path.standing, path.priority)
        for one in facts.maps
        for path in one.paths
    )


def _declared(engine: Engine) -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
    rows = DeclaredPath.objects.filter(host__engine=engine, host__gone_since__isnull=True)
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for host, wwid, hba, target in rows.values_list("host__name", "wwid", "hba_wwpn", "target_wwpn"):
        if hba and target:
            found.setdefault((host, wwid), set()).add((hba, target))
    return {key: frozenset(pairs) for key, pairs in found.items()}


def _uses(engine: Engine) -> Iterator[Use]:
    """Storage domains, then VMs with the LUNs that are their own, then the engine's VM. A VM may run on every host of
    its cluster that it is not kept from."""
    domains: dict[str, list[str]] = {}
    rows = Lun.objects.filter(engine=engine, gone_since__isnull=True, domain__isnull=False)
    for name, wwid in rows.order_by("domain__name", "uuid").values_list(F("domain__name"), "uuid"):
        domains.setdefault(name, []).append(wwid)
    for name, wwids in domains.items():
        yield Use(name, tuple(wwids), hosted_engine=name == HOSTED_ENGINE, kind="domain")
    members: dict[int | None, dict[str, str]] = {}
    there = engine.hosts.filter(gone_since__isnull=True).order_by("name")
    for cluster, uuid, name in there.values_list("cluster_id", "uuid", "name"):
        members.setdefault(cluster, {})[uuid] = name
    owned: dict[int, list[str]] = {}
    attached = Attachment.objects.filter(vm__engine=engine, lun__gone_since__isnull=True)
    for vm, wwid in attached.order_by("lun__uuid").values_list("vm_id", "lun__uuid"):
        owned.setdefault(vm, []).append(wwid)
    for row in Vm.objects.filter(pk__in=owned, gone_since__isnull=True).select_related("host").order_by("name"):
        hosts = _bound(row, members.get(row.cluster_id, {}))
        yield Use(row.name, tuple(owned[row.pk]), hosts or None, row.host.name if row.host else "")
    yield from _own_vm(engine, tuple(domains.get(HOSTED_ENGINE, ())))


def _bound(vm: Vm, members: Mapping[str, str]) -> tuple[str, ...]:
    """The hosts of its cluster, or those of them that the VM is bound to."""
    return tuple(name for uuid, name in members.items() if not vm.may_run or uuid in vm.may_run)


def _own_vm(engine: Engine, wwids: tuple[str, ...]) -> Iterator[Use]:
    """The engine's own VM lives on its storage domain, and runs on hosts of the hosted engine alone."""
    own = Vm.objects.filter(engine=engine, is_engine=True, gone_since__isnull=True).select_related("host")
    for row in own if wwids else ():
        hosts = engine.hosts.filter(he_configured=True, gone_since__isnull=True).order_by("name")
        names = tuple(hosts.values_list("name", flat=True))
        yield Use(row.name, wwids, names or None, row.host.name if row.host else "", hosted_engine=True)
