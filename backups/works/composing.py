"""Makes one kit of what machines, engine, tables and people said. What did not answer keeps what the kit before had,
with its old time, and counts as not known."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from backups.kit import conf, delta
from backups.kit.content import (
    Attachment,
    ConfFile,
    Delta,
    EngineVm,
    Host,
    Kit,
    Network,
    Networks,
    Source,
    Storage,
    Vms,
)
from backups.kit.reading import told_by_answers
from backups.models import Backup, Declared
from backups.services import kit_declared, kit_estate, things
from backups.works.gathering import Gathered
from inventory.models import Engine, Vm
from inventory.models import Host as HostRow
from portal.connectors.engine import Wiring

API = "the engine's API"


@dataclass(frozen=True)
class Sources:
    """All that a kit is made of. failed: of the sync. wiring: networks, or why not. before: the kit before this one.
    asked: Unix seconds when the engine's API was asked."""

    engine: Engine
    rows: Sequence[HostRow]
    gathered: Gathered
    failed: Mapping[str, str]
    wiring: Wiring | str
    declared: Declared
    before: Kit | None
    asked: int


def compose(found: Sources) -> Kit:
    """The kit of this moment."""
    engine, now = found.engine, int(time.time())
    hosts = tuple(_host(found, row) for row in found.rows)
    place = Vm.objects.filter(engine=engine, is_engine=True, gone_since=None).select_related("cluster").first()
    networks = _networks(found, hosts)
    return Kit(
        estate=engine.name,
        made=now,
        zone=settings.TIME_ZONE,
        engine=_engine(found, hosts, networks, place),
        archives=kit_estate.archives(engine, now),
        hosts=hosts,
        networks=networks,
        storage=_storage(found, hosts),
        vms=_vms(found),
        maintenance=kit_estate.maintenance(engine, found.asked, things.lacking(found.failed, "hosts")),
        delta=_delta(found),
        contacts=kit_declared.contacts(found.declared),
        contacts_source=kit_declared.source(found.declared),
        notes=found.declared.notes,
    )


def stale(before: Source | None, by: str, why: tuple[str, ...], now: int) -> Source:
    """Of a block that did not answer now: with the time of the kit before, or never."""
    if before is None or before.at is None:
        return Source(None, by, why)
    return Source(before.at, before.by or by, why, now)


def _host(found: Sources, row: HostRow) -> Host:
    read = found.gathered.hosts.get(row.pk)
    former = next((one for one in found.before.hosts if one.name == row.name), None) if found.before else None
    if read is None:
        why = (found.gathered.silent.get(row.pk, f"{row.name} was not asked."),)
        source = stale(former.source if former else None, f"{row.name} over SSH", why, int(time.time()))
        read = replace(former or Host(row.name), source=source)
    return replace(
        read,
        address=row.address,
        # who was one of them once stays one: a configuration file that got lost must be missed
        engine_vm=row.he_configured
        or row.he_host_id is not None
        or bool(former and (former.engine_vm or former.he_conf)),
        cluster=row.cluster.name if row.cluster else "",
        he_host_id=read.he_host_id if read.he_host_id is not None else row.he_host_id,
        role=kit_declared.role(found.declared, row.name),
        bmc=str(found.declared.bmc.get(row.name, "")),
    )


def _engine(found: Sources, hosts: tuple[Host, ...], networks: Networks, place: Vm | None) -> EngineVm:
    read = found.gathered.engine
    if read is None:
        former = found.before.engine if found.before else EngineVm()
        source = stale(former.source, "the engine VM over SSH", (found.gathered.engine_silent,), int(time.time()))
        read = replace(former, source=source)
    read = _answered(read, next((host.answers for host in hosts if host.answers), None))
    files = [conf.values(host.he_conf.text) for host in hosts if host.he_conf]
    bridge = found.declared.bridge or next((file["bridge"] for file in files if file.get("bridge")), read.bridge)
    vlan = found.declared.vlan if found.declared.vlan is not None else _vlan(networks, bridge)
    read = replace(
        read,
        bridge=bridge,
        vlan=read.vlan if vlan is None else vlan,
        smtp=found.declared.smtp or read.smtp,
        admin_custody=found.declared.admin_custody,
        root_custody=found.declared.root_custody,
        version=read.version or found.engine.version,
    )
    return _placed(read, found.wiring, place)


def _answered(read: EngineVm, answers: ConfFile | None) -> EngineVm:
    """Fills what the VM did not say itself with what its first deployment was told."""
    told = dict(told_by_answers(answers))
    address, _, prefix = told.pop("address", "").partition("/")
    if not read.address and address:
        read = replace(read, address=address, prefix=int(prefix) if prefix.isdecimal() else None)
    dns = tuple(word.strip() for word in told.pop("dns", "").split(",") if word.strip())
    missing = {name: value for name, value in told.items() if not getattr(read, name)}
    return replace(read, dns=read.dns or dns, **missing)  # type: ignore[arg-type]


def _vlan(networks: Networks, bridge: str) -> int | None:
    return next((row.vlan for row in networks.rows if row.name == bridge), None)


def _placed(read: EngineVm, wiring: Wiring | str, place: Vm | None) -> EngineVm:
    """Data centre and cluster, which the deployment asks by name, and what the engine gives its own VM."""
    if place is None:
        return read
    read = replace(read, vcpus=place.vcpus or read.vcpus, memory=place.memory or read.memory)
    if place.cluster is None:
        return read
    read = replace(read, cluster=place.cluster.name, cpu_type=place.cluster.cpu_type or read.cpu_type)
    if isinstance(wiring, str):
        return read
    here = next((one for one in wiring.clusters if one.uuid == place.cluster.uuid), None)
    if here is None:
        return read
    center = wiring.data_center_of(here) or read.data_center
    return replace(read, data_center=center, compatibility=here.compatibility or read.compatibility)


def _networks(found: Sources, hosts: tuple[Host, ...]) -> Networks:
    wiring = found.wiring
    if isinstance(wiring, str):
        former = found.before.networks if found.before else Networks()
        return replace(former, source=stale(former.source, API, (wiring,), found.asked))
    names = {row.uuid: row.name for row in found.rows}
    rows: dict[str, Network] = {}
    for one in wiring.networks:
        attached = _attached(wiring, one.uuid, one.name, names, hosts)
        earlier = rows.get(one.uuid)
        # required in one cluster is required: which host is the target is decided on the day
        required = one.required or earlier.required if earlier else one.required
        rows[one.uuid] = Network(one.name, required, one.vlan, one.mtu or _mtu(wiring, one.uuid, one.name), attached)
    return Networks(Source(found.asked, API, wiring.why), tuple(sorted(rows.values(), key=lambda row: row.name)))


def _attached(
    wiring: Wiring, uuid: str, name: str, names: Mapping[str, str], hosts: tuple[Host, ...]
) -> tuple[Attachment, ...]:
    """Where the network leaves each host: as the engine says, else by the bridge of its name."""
    if wiring.attached is not None:
        mine = [one for one in wiring.attached if one.network in (uuid, name) and one.host_uuid in names]
        return tuple(Attachment(names[one.host_uuid], one.device) for one in mine)
    return tuple(Attachment(host.name, nic.name) for host in hosts for nic in host.nics if nic.master == name)


def _mtu(wiring: Wiring, uuid: str, name: str) -> int | None:
    """Of the devices, where the network leaves it to the engine's default."""
    found = {one.mtu for one in wiring.attached or () if one.network in (uuid, name)}
    return found.pop() if len(found) == 1 else None


def _storage(found: Sources, hosts: tuple[Host, ...]) -> Storage:
    spare = kit_declared.spare(found.declared)
    why = things.lacking(found.failed, "disks", "data_centers", "vms")
    if why:
        former = found.before.storage if found.before else Storage()
        return replace(former, source=stale(former.source, API, why, found.asked), spare=spare)
    files = [conf.values(host.he_conf.text).get("sdUUID", "") for host in hosts if host.he_conf]
    sd_uuid = next((word for word in files if word), "")
    told = kit_estate.domains(found.engine, sd_uuid), kit_estate.direct_luns(found.engine)
    return Storage(Source(found.asked, API, things.lacking(found.failed, "account")), *told, spare)


def _vms(found: Sources) -> Vms:
    why = things.lacking(found.failed, "vms")
    if why:
        former = found.before.vms if found.before else Vms()
        return replace(former, source=stale(former.source, API, why, found.asked))
    return Vms(Source(found.asked, API, things.lacking(found.failed, "account")), kit_estate.vms(found.engine))


def _delta(found: Sources) -> Delta:
    """Against the archive that a restore would take: the newest proven one."""
    newest: Backup | None = next(iter(kit_estate.proven(found.engine)), None)
    was = things.then(newest.things) if newest else None
    now = things.inventory(found.engine, found.failed, found.wiring, found.asked)
    return delta.since(was, now, "the portal's inventory")
