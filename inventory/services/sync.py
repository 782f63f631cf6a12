"""The inventory sync: one reading of an engine, compared with the tables, written where something differs.

No transaction is open while an answer of the engine is waited for: what came first is written while the rest is read.
Each collection stands or falls alone: what failed changes nothing
of its own. An unchanged engine writes no row."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from inventory.models import Cluster, Engine, Host, Lun, StorageDomain, Vm
from inventory.services import sync_estate, sync_events, sync_keys, sync_luns, sync_numa, sync_storage
from inventory.services.reach import credentials
from inventory.services.signal import announce
from inventory.services.sync_rows import Current, SeenModel, Tally, Values, alone, load, retire, write
from portal.connectors.engine import Coming, EngineFailed, Events, Got, Session, Snapshot, shared
from portal.connectors.engine.shapes import DataCenter, Disk, HostSeen, Root, VmSeen
from portal.evidence.services import append


@dataclass(frozen=True)
class SyncReport:
    """What a sync did. requests: under /api, logins not counted. rows_written: by table, without zeros. failed:
    what was not read ("vms", "storage of kvm01", "engine") -> one sentence. took: seconds."""

    requests: int
    rows_written: dict[str, int]
    failed: dict[str, str]
    took: float


@dataclass
class _Work:
    """One sync under way. whole: what the engine does not list is not there."""

    engine: Engine
    session: Session
    now: datetime = field(default_factory=timezone.now)
    began: float = field(default_factory=time.monotonic)
    whole: bool = False
    tally: Tally = field(default_factory=Tally)
    failed: dict[str, str] = field(default_factory=dict)
    before: int = 0

    def __post_init__(self) -> None:
        self.before = self.session.requests

    def take(self, name: str, got: Got[Any] | Coming[Any]) -> Any:
        """A part's rows, waited for; None when it failed, which is then reported."""
        if got.failed is not None:
            self.failed[name] = str(got.failed)
        return got.rows

    def bring(self, model: SeenModel, columns: tuple[str, ...], seen: dict[str, Values] | None) -> Current:
        """One table; None leaves it as it is."""
        current = load(model, self.engine.pk, columns)
        if seen is not None:
            write(current, seen, self.tally)
            if self.whole:
                retire(current, seen, self.now, self.tally)
        return current

    def end(self) -> SyncReport:
        """Tells the live channel and sums up."""
        if self.tally.rows:
            announce("estate")
        requests = self.session.requests - self.before
        return SyncReport(requests, self.tally.rows, self.failed, time.monotonic() - self.began)


def sync(engine: Engine, *, storage: bool, session: Session | None = None) -> SyncReport:
    """Brings the tables of one engine up to date; with `storage` also the path counts of every host that is Up and the
    NUMA nodes of every VM with huge pages, one request each. Never raises for an engine's failure: the report names it.
    Without a session the process's shared one is used."""
    work = _Work(engine, session or shared(credentials(engine)))
    snapshot = work.session.inventory(sync_events.cursor_of(engine))
    if not _identified(work, work.take("api", snapshot.root)):
        return work.end()
    known = _estate(work, snapshot)
    disks, centers = work.take("disks", snapshot.disks), work.take("data_centers", snapshot.data_centers)
    work.take("jobs", snapshot.jobs)
    if storage and known.vm_rows is not None:
        work.failed |= sync_numa.bring(engine.pk, work.session, known.vm_rows, known.vms.keys, work.tally)
    with sync_storage.reading(work.session, _targets(work, known) if storage else []) as answers:
        luns = _luns(work, known, disks, centers)
        for some in answers:
            _storage(work, known, luns, some)
    _settle(work, luns)
    return work.end()


def sync_quick(engine: Engine, *, session: Session | None = None) -> SyncReport:
    """The fast loop: statuses of hosts and VMs, and events; nothing is marked as gone. As `sync` otherwise."""
    work = _Work(engine, session or shared(credentials(engine)))
    quick = work.session.quick(sync_events.cursor_of(engine))
    host_rows, vm_rows = work.take("hosts", quick.hosts), work.take("vms", quick.vms)
    events = work.take("events", quick.events)
    with alone(engine.pk):
        clusters = load(Cluster, engine.pk, sync_estate.CLUSTER)
        hosts = _hosts(work, host_rows, clusters)
        _vms(work, vm_rows, clusters, hosts)
        sync_storage.forget_counts(engine.pk, work.tally)
        _engine(work, None, _events(work, events))
    return work.end()


def _identified(work: _Work, root: Root | None) -> bool:
    """False when another engine answers at this address: then nothing may be compared."""
    engine = work.engine
    if root is None:
        return True
    if engine.instance_id and root.instance_id and root.instance_id != engine.instance_id:
        work.failed["engine"] = (
            f"Engine {engine.name} answers with instance {root.instance_id}, not {engine.instance_id}: nothing is "
            "taken over. Check the address; if the engine was installed anew, clear its instance id."
        )
        return False
    work.whole = root.administrator
    if not root.administrator:
        work.failed["account"] = (
            f"Engine {engine.name} shows {engine.username} only a part of the estate. Give it ReadOnlyAdmin on System."
        )
    return True


@dataclass(frozen=True)
class _Known:
    """What the rest of a sync builds on. None: that collection failed."""

    hosts: Current
    host_rows: tuple[HostSeen, ...] | None
    vms: Current
    vm_rows: tuple[VmSeen, ...] | None


@dataclass(frozen=True)
class _Luns:
    """The LUNs, and what the engine said of them."""

    current: Current
    told: sync_luns.Told


def _estate(work: _Work, snapshot: Snapshot) -> _Known:
    """Writes clusters, hosts, VMs, events and the engine itself."""
    cluster_rows, host_rows = work.take("clusters", snapshot.clusters), work.take("hosts", snapshot.hosts)
    vm_rows, events = work.take("vms", snapshot.vms), work.take("events", snapshot.events)
    with alone(work.engine.pk):
        seen = None if cluster_rows is None else sync_estate.clusters(cluster_rows)
        clusters = work.bring(Cluster, sync_estate.CLUSTER, seen)
        hosts = _hosts(work, host_rows, clusters)
        vms = _vms(work, vm_rows, clusters, hosts)
        _engine(work, snapshot.root.rows, _events(work, events))
        if host_rows is not None and work.engine.url.lower().startswith("https://"):
            sync_keys.take_keys(work.engine.pk, host_rows, work.now, work.tally)
    return _Known(hosts, host_rows, vms, vm_rows)


def _luns(work: _Work, known: _Known, disks: tuple[Disk, ...] | None, centers: tuple[DataCenter, ...] | None) -> _Luns:
    """Writes storage domains, LUNs, and which of them are in VMs."""
    domains = None if centers is None else sync_estate.domains(centers)
    domain_rows = None if domains is None else sync_estate.domain_rows(domains)
    with alone(work.engine.pk):
        domain_keys = work.bring(StorageDomain, sync_estate.DOMAIN, domain_rows).keys
        told = sync_luns.told(disks, None if domains is None else domains.values(), domain_keys)
        luns = load(Lun, work.engine.pk, sync_luns.LUN)
        present = [wwid for wwid, (_, gone, _values) in luns.rows.items() if gone is None]
        write(luns, sync_luns.rows(told, present), work.tally)
        if disks is not None and known.vm_rows is not None:
            keys = {disk.uuid: luns.keys[disk.lun.wwid] for disk in disks if disk.lun is not None}
            sync_luns.bring_attachments(work.engine.pk, known.vm_rows, known.vms.keys, keys, work.tally)
    return _Luns(luns, told)


def _hosts(work: _Work, rows: Any, clusters: Current) -> Current:
    return work.bring(Host, sync_estate.HOST, None if rows is None else sync_estate.hosts(rows, clusters.keys))


def _vms(work: _Work, rows: Any, clusters: Current, hosts: Current) -> Current:
    seen = None if rows is None else sync_estate.vms(rows, clusters.keys, hosts.keys)
    return work.bring(Vm, sync_estate.VM, seen)


def _events(work: _Work, seen: Events | None) -> int:
    """Returns the newest number that is known now."""
    before = work.engine.last_event_id
    if seen is None:
        return before
    sync_events.store(work.engine.pk, seen, work.tally)
    if seen.reset:
        body = {"last_event": before, "newest_event": seen.cursor.number}
        append("engine.counts_anew", "portal", f"engine:{work.engine.name}", body)
    return seen.cursor.number


def _engine(work: _Work, root: Root | None, last_event_id: int) -> None:
    """The engine's own row, where it differs."""
    columns: dict[str, Any] = {"last_event_id": last_event_id}
    if root is not None:
        columns |= {"product": root.product[:120], "version": root.version[:64]}
        columns |= {"instance_id": root.instance_id[:64] or work.engine.instance_id}
    changed = {name: value for name, value in columns.items() if getattr(work.engine, name) != value}
    if changed:
        work.tally.add(Engine, Engine.objects.filter(pk=work.engine.pk).update(**changed))
        for name, value in changed.items():
            setattr(work.engine, name, value)


def _targets(work: _Work, known: _Known) -> list[sync_storage.Target]:
    """The hosts that can be asked for their storage: those that are Up."""
    if known.host_rows is not None:
        return [(host.uuid, host.name) for host in known.host_rows if host.status == "up"]
    up = Host.objects.filter(engine=work.engine, gone_since=None, status="up").order_by("name")
    return list(up.values_list("uuid", "name"))


def _storage(
    work: _Work, known: _Known, luns: _Luns, answers: list[tuple[sync_storage.Target, sync_storage.Answer]]
) -> None:
    good = []
    for (uuid, name), seen in answers:
        if isinstance(seen, EngineFailed):
            work.failed[f"storage of {name}"] = str(seen)
        else:
            good.append((known.hosts.keys[uuid], seen))
    sync_storage.store(good, luns.current, luns.told.wwids(), work.tally)


def _settle(work: _Work, luns: _Luns) -> None:
    """Counts that nobody can vouch for become unknown; LUNs that neither the engine nor a host lists are gone."""
    with alone(work.engine.pk):
        sync_storage.forget_counts(work.engine.pk, work.tally)
        if not (work.whole and luns.told.whole):
            return
        listed = luns.told.wwids()
        others = [wwid for wwid in luns.current.rows if wwid not in listed]
        kept = sync_storage.seen_by_hosts(work.engine.pk, others) if others else set()
        retire(luns.current, listed | kept, work.now, work.tally)
