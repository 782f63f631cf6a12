"""What an engine said, as plain frozen values: the connector's only currency. None: the engine did not say. What comes
by the thousands is a NamedTuple, which is made three times as fast as a frozen dataclass.

Sizes are bytes, times are aware datetimes in UTC, words are the engine's own (facts/engine-api.md 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from portal.connectors.engine.errors import EngineFailed


@dataclass(frozen=True, slots=True)
class Root:
    """`/api`. administrator: the account sees everything unfiltered (facts/engine-api.md 0.18). backups: scope ->
    end of the last successful engine-backup; a scope that never was is absent."""

    instance_id: str
    product: str
    version: str
    time: datetime | None
    administrator: bool
    backups: tuple[tuple[str, datetime], ...]


class NumaNode(NamedTuple):
    """A virtual NUMA node of a VM. memory in bytes; mode "": that of the VM; pins: numbers of the host's nodes that it
    is bound to."""

    number: int
    memory: int | None
    mode: str
    pins: tuple[int, ...]


class LogicalUnit(NamedTuple):
    """A LUN as the engine lists it. paths and active_paths are live only in HostLun (facts/engine-api.md 0.3)."""

    wwid: str
    size: int | None
    vendor: str
    product: str
    serial: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A storage domain, read under its data centre: the only place with a status (facts/engine-api.md 0.1)."""

    uuid: str
    name: str
    status: str
    domain_type: str
    storage_type: str
    available: int | None
    used: int | None
    committed: int | None
    master: bool | None
    luns: tuple[LogicalUnit, ...]


@dataclass(frozen=True, slots=True)
class DataCenter:
    """A data centre with its domains."""

    uuid: str
    name: str
    status: str
    domains: tuple[Domain, ...]


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """A cluster. broken_affinity: names of its affinity groups with broken=true."""

    uuid: str
    name: str
    cpu_type: str
    broken_affinity: tuple[str, ...]
    overcommit: int | None = None  # per cent


@dataclass(frozen=True, slots=True)
class Nic:
    """A host's interface. speed in bit/s."""

    name: str
    mac: str
    address: str
    status: str
    mtu: int | None
    speed: int | None


@dataclass(frozen=True, slots=True)
class Hugepages:
    """One page size of a host. total may be missing in older engines (facts/engine-api.md 3.4)."""

    kib: str
    free: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host. The he_* statistics of a host that is not up are stale, so they are None there; he_configured is
    None when the host is not up and the engine says nothing. nics and hugepages are None when not asked for."""

    uuid: str
    name: str
    address: str
    cluster_uuid: str
    status: str
    status_detail: str
    spm_status: str
    ssh_port: int | None
    ssh_fingerprint: str
    ssh_public_key: str
    he_configured: bool | None
    he_active: bool | None
    he_score: int | None
    he_global_maintenance: bool | None
    he_local_maintenance: bool | None
    memory: int | None
    os_version: str
    vdsm_version: str
    cpu_model: str
    power_management: bool | None
    nics: tuple[Nic, ...] | None
    hugepages: tuple[Hugepages, ...] | None
    schedulable: int | None  # bytes that the engine would still place there; of a host that is not up it is old
    cpus: int | None = None  # logical


class DiskAttachment(NamedTuple):
    """A disk in a VM, of any kind; joined with Disk by disk_uuid."""

    disk_uuid: str
    interface: str
    logical_name: str
    active: bool | None
    bootable: bool | None
    read_only: bool | None
    pass_discard: bool | None
    scsi_reservation: bool | None


@dataclass(frozen=True, slots=True)
class VmSeen:
    """A VM. host_uuid "" and fqdn "" when down. attachments is None when not asked for. pins: (vCPU, set of CPUs);
    queues: of VirtIO-SCSI where a number is set; may_run: the hosts that its placement names, none for all of the
    cluster."""

    uuid: str
    name: str
    cluster_uuid: str
    host_uuid: str
    status: str
    status_detail: str
    is_engine: bool
    fqdn: str
    vm_type: str
    memory: int | None
    vcpus: int | None
    high_availability: bool | None
    lease_domain: str
    hugepages_kib: int | None
    io_threads: int | None
    multi_queues: bool | None
    affinity: str
    pending_change: bool | None
    attachments: tuple[DiskAttachment, ...] | None
    guaranteed: int | None = None
    ballooning: bool | None = None
    pinning: str = ""
    pins: tuple[tuple[int, str], ...] = ()
    cpu_mode: str = ""
    numa_mode: str = ""
    queues: int | None = None
    resume: str = ""
    may_run: tuple[str, ...] = ()


class Disk(NamedTuple):
    """A disk. lun is None for an image disk; a Direct LUN has no status and no size of its own
    (facts/engine-api.md 0.4)."""

    uuid: str
    name: str
    storage_type: str
    content_type: str
    shareable: bool | None
    sgio: str
    lun: LogicalUnit | None
    propagate: bool | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job. The engine drops it 10 minutes after success, 60 after failure (facts/engine-api.md 3.7)."""

    uuid: str
    description: str
    status: str
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the engine's audit log; session ids are already redacted."""

    number: int
    at: datetime
    code: int
    severity: str
    description: str
    correlation_id: str
    host_uuid: str
    vm_uuid: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the last reading of events ended: the newest number, and its time when known. number 0: never read."""

    number: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """Events in any order, some of them known already. cursor: where to go on. reset: the engine counts anew, so
    its database was restored or it was deployed again (facts/engine-api.md 7)."""

    rows: tuple[Event, ...]
    cursor: Cursor
    reset: bool


class HostLun(NamedTuple):
    """A LUN as one host sees it live. disk_uuid: it is a Direct LUN; domain_uuid: it backs a domain."""

    unit: LogicalUnit
    disk_uuid: str
    domain_uuid: str
    paths: int | None
    active_paths: int | None


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Got(Generic[T]):
    """One collection: its rows, or why there are none. Never both."""

    rows: T | None
    failed: EngineFailed | None = None


@dataclass(frozen=True, slots=True)
class Coming(Generic[T]):
    """A collection that may still be on its way; looking at it waits for it."""

    wait: Callable[[], Got[T]]

    @property
    def rows(self) -> T | None:
        """As Got's."""
        return self.wait().rows

    @property
    def failed(self) -> EngineFailed | None:
        """As Got's."""
        return self.wait().failed


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the whole engine. Each part stands or falls alone; what came first can be used while the rest is
    still read."""

    root: Got[Root]
    data_centers: Coming[tuple[DataCenter, ...]]
    clusters: Coming[tuple[ClusterSeen, ...]]
    hosts: Coming[tuple[HostSeen, ...]]
    vms: Coming[tuple[VmSeen, ...]]
    disks: Coming[tuple[Disk, ...]]
    jobs: Coming[tuple[Job, ...]]
    events: Coming[Events]


@dataclass(frozen=True, slots=True)
class Quick:
    """The fast loop's reading: hosts without nics and statistics, VMs without attachments, events."""

    hosts: Coming[tuple[HostSeen, ...]]
    vms: Coming[tuple[VmSeen, ...]]
    events: Coming[Events]
