"""Clusters, hosts, VMs and storage domains: from the connector's shapes to columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from inventory.services.sync_rows import KEEP, Values
from portal.connectors.engine.shapes import ClusterSeen, DataCenter, Domain, HostSeen, VmSeen

CLUSTER = ("name", "cpu_type", "broken_affinity", "overcommit")
HOST = (
    "name",
    "cluster_id",
    "address",
    "ssh_port",
    "ssh_fingerprint",
    "status",
    "status_detail",
    "spm_status",
    "he_configured",
    "he_active",
    "he_score",
    "he_global_maintenance",
    "he_local_maintenance",
    "memory",
    "os_version",
    "vdsm_version",
    "cpu_model",
    "power_management",
    "nics",
    "hugepages",
    "cpus",
)
VM = (
    "name",
    "cluster_id",
    "host_id",
    "status",
    "status_detail",
    "is_engine",
    "fqdn",
    "vm_type",
    "memory",
    "guaranteed",
    "ballooning",
    "vcpus",
    "high_availability",
    "lease_domain",
    "hugepages_kib",
    "io_threads",
    "multi_queues",
    "affinity",
    "pending_change",
    "pinning",
    "pins",
    "cpu_mode",
    "numa_mode",
    "queues",
    "resume_behaviour",
    "may_run",
)
DOMAIN = ("name", "status", "domain_type", "storage_type", "available", "used", "committed", "master")

Keys = Mapping[str, int]  # uuid -> primary key


def clusters(rows: Iterable[ClusterSeen]) -> dict[str, Values]:
    """Columns CLUSTER by uuid."""
    return {row.uuid: (row.name, row.cpu_type, list(row.broken_affinity), row.overcommit) for row in rows}


def hosts(rows: Iterable[HostSeen], cluster_keys: Keys) -> dict[str, Values]:
    """Columns HOST by uuid."""
    return {row.uuid: _host(row, cluster_keys) for row in rows}


def _host(row: HostSeen, cluster_keys: Keys) -> Values:
    return (
        row.name,
        cluster_keys.get(row.cluster_uuid),
        row.address,
        _said(row.ssh_port),
        row.ssh_fingerprint,
        row.status,
        row.status_detail,
        row.spm_status,
        _said(row.he_configured),
        row.he_active,
        row.he_score,
        row.he_global_maintenance,
        row.he_local_maintenance,
        row.memory,
        row.os_version,
        row.vdsm_version,
        row.cpu_model,
        row.power_management,
        KEEP if row.nics is None else [asdict(nic) for nic in row.nics],
        _hugepages(row),
        row.cpus,
    )


def _said(value: Any) -> Any:
    return KEEP if value is None else value


def _hugepages(row: HostSeen) -> Any:
    if row.hugepages is None:
        return KEEP
    return {pages.kib: {"free": pages.free, "total": pages.total} for pages in row.hugepages}


def vms(rows: Iterable[VmSeen], cluster_keys: Keys, host_keys: Keys) -> dict[str, Values]:
    """Columns VM by uuid. A VM that is down has no fqdn: the last one is kept (facts/engine-api.md 3.5)."""
    return {
        row.uuid: (
            row.name,
            cluster_keys.get(row.cluster_uuid),
            host_keys.get(row.host_uuid),
            row.status,
            row.status_detail,
            row.is_engine,
            row.fqdn or KEEP,
            row.vm_type,
            row.memory,
            row.guaranteed,
            row.ballooning,
            row.vcpus,
            row.high_availability,
            row.lease_domain,
            row.hugepages_kib,
            row.io_threads,
            row.multi_queues,
            row.affinity,
            row.pending_change,
            row.pinning,
            [list(pin) for pin in row.pins],
            row.cpu_mode,
            row.numa_mode,
            row.queues,
            row.resume,
            list(row.may_run),
        )
        for row in rows
    }


def domains(centers: Iterable[DataCenter]) -> dict[str, Domain]:
    """Domains by uuid. One that several data centres share counts by the centre where it is active."""
    seen: dict[str, Domain] = {}
    for center in centers:
        for domain in center.domains:
            if domain.uuid not in seen or domain.status == "active":
                seen[domain.uuid] = domain
    return seen


def domain_rows(seen: Mapping[str, Domain]) -> dict[str, Values]:
    """Columns DOMAIN by uuid."""
    return {
        uuid: (
            row.name,
            row.status,
            row.domain_type,
            row.storage_type,
            row.available,
            row.used,
            row.committed,
            row.master,
        )
        for uuid, row in seen.items()
    }
