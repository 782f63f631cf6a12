"""The estate as the redundancy proof takes it in, gathered from the latest looks. What was not looked at lately is
missing with its reason, never left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, TypeVar

from django.db.models import F, Func, TextField
from django.db.models.functions import Cast

from inventory.models import Attachment, DeclaredPath, Device, Engine, Host, Look, Lun, Site, Vm
from inventory.probes.fc_ports import FcFacts
from inventory.probes.multipath import MultipathFacts
from inventory.redundancy.estate import Declared, DmPath, Estate, HbaPort, HostSeen, Missing, Use
from inventory.services import devices
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
    md5 = Func(Cast("facts", TextField()), function="md5")
    rows = _looks(engine).annotate(sum=md5).values_list("pk", "state", "probe", "at", "sentence", "sum")
    told = [(pk, state, _old(at, probe, now), words, sum_) for pk, state, probe, at, words, sum_ in rows.order_by("pk")]
    uses = [(one.name, one.wwids, one.hosts, one.runs_on) for one in _uses(engine)]
    paths = sorted((*key, *sorted(pairs)) for key, pairs in _declared(engine).items())
    return hashlib.sha256(repr((told, uses, paths, engine.site.role)).encode()).hexdigest()


def gathered(engine: Engine, now: datetime) -> Estate:
    """Hosts, switches and arrays of one engine's estate as they were seen last. Six queries, whatever the size."""
    looks = list(_looks(engine).select_related("host", "device", "engine").defer("sections"))
    told, missing = _devices([one for one in looks if one.device is not None], now)
    hosts = list(engine.hosts.filter(watched=True, gone_since__isnull=True).order_by("name"))
    return Estate(
        at=now.timestamp(),
        hosts=tuple(_hosts(hosts, [one for one in looks if one.host is not None], now)),
        switches=tuple(one for one in told if isinstance(one, SwitchSeen)),
        arrays=tuple(one for one in told if isinstance(one, ArraySeen)),
        declared=Declared(paths=_declared(engine)),
        uses=tuple(_uses(engine)),
        missing=tuple(missing),
        production_hosts=frozenset(one.name for one in hosts if engine.site.role == Site.Role.PRODUCTION),
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


def _hosts(hosts: Iterable[Host], looks: Iterable[Look], now: datetime) -> Iterator[HostSeen]:
    by = {(look.host_id, look.probe): look for look in looks}
    for host in hosts:
        ports, no_ports = _facts(FcFacts, by.get((host.pk, HBAS)), now)
        maps, no_maps = _facts(MultipathFacts, by.get((host.pk, PATHS)), now)
        unread = {name: why for name, why in (("hbas", no_ports), ("paths", no_maps)) if why}
        yield HostSeen(host.name, _hbas(ports), _paths(maps), unread)


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


def _hbas(facts: FcFacts | None) -> tuple[HbaPort, ...]:
    if facts is None:
        return ()
    return tuple(
        HbaPort(
            one.wwpn,
            one.card,
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
        DmPath(one.wwid, path.hba_wwpn, path.target_wwpn, path.standing) for one in facts.maps for path in one.paths
    )


def _declared(engine: Engine) -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
    rows = DeclaredPath.objects.filter(host__engine=engine, host__gone_since__isnull=True)
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for host, wwid, hba, target in rows.values_list("host__name", "wwid", "hba_wwpn", "target_wwpn"):
        if hba and target:
            found.setdefault((host, wwid), set()).add((hba, target))
    return {key: frozenset(pairs) for key, pairs in found.items()}


def _uses(engine: Engine) -> Iterator[Use]:
    """Storage domains, then VMs with the LUNs that are their own. A VM may run on every host of its cluster."""
    domains: dict[str, list[str]] = {}
    rows = Lun.objects.filter(engine=engine, gone_since__isnull=True, domain__isnull=False)
    for name, wwid in rows.order_by("domain__name", "uuid").values_list(F("domain__name"), "uuid"):
        domains.setdefault(name, []).append(wwid)
    for name, wwids in domains.items():
        yield Use(name, tuple(wwids), hosted_engine=name == HOSTED_ENGINE, kind="domain")
    members: dict[int | None, list[str]] = {}
    for cluster, name in (
        engine.hosts.filter(gone_since__isnull=True).order_by("name").values_list("cluster_id", "name")
    ):
        members.setdefault(cluster, []).append(name)
    owned: dict[int, list[str]] = {}
    attached = Attachment.objects.filter(vm__engine=engine, lun__gone_since__isnull=True)
    for vm, wwid in attached.order_by("lun__uuid").values_list("vm_id", "lun__uuid"):
        owned.setdefault(vm, []).append(wwid)
    for row in Vm.objects.filter(pk__in=owned, gone_since__isnull=True).select_related("host").order_by("name"):
        hosts = members.get(row.cluster_id)
        yield Use(row.name, tuple(owned[row.pk]), tuple(hosts) if hosts else None, row.host.name if row.host else "")
