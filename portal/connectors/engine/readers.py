"""One function per collection: bytes in, shapes out. Raises xml.Unreadable for a body that cannot be believed."""

from __future__ import annotations

from portal.connectors.engine.shapes import (
    ClusterSeen,
    DataCenter,
    Disk,
    DiskAttachment,
    Domain,
    HostLun,
    Job,
    LogicalUnit,
    Root,
    VmSeen,
)
from portal.connectors.engine.xml import (
    LARGEST_SMALL,
    Children,
    Node,
    boolean,
    children,
    count,
    document,
    integer,
    moment,
    objects,
    reference,
    text,
    under,
)

HOSTED_ENGINE_VM = "managed_hosted_engine"  # facts/engine-api.md 3.5


def root(body: bytes) -> Root:
    """`GET /api` (facts/engine-api.md 2)."""
    kids = children(document(body, "api"))
    product = children(kids.get("product_info"))
    saved = children(kids.get("engine_backup"))
    ends = {tag.removeprefix("last_").removesuffix("_backup"): moment(node) for tag, node in saved.items()}
    return Root(
        instance_id=text(product.get("instance_id")),
        product=text(product.get("name")),
        version=text(under(product, "version", "full_version")),
        time=moment(kids.get("time")),
        administrator="summary" in kids,
        backups=tuple((scope, end) for scope, end in ends.items() if end is not None),
    )


def data_centers(body: bytes) -> tuple[DataCenter, ...]:
    """`GET /datacenters?follow=storage_domains` (facts/engine-api.md 3.2)."""
    rows = []
    for node in objects(body, "data_centers", "data_center"):
        kids = children(node)
        inside = kids.get("storage_domains")
        domains = tuple(_domain(one) for one in inside if one.get("id")) if inside is not None else ()
        rows.append(DataCenter(node.get("id"), text(kids.get("name")), text(kids.get("status")), domains))
    return tuple(rows)


def _domain(node: Node) -> Domain:
    kids = children(node)
    units = under(kids, "storage", "volume_group", "logical_units")
    return Domain(
        uuid=node.get("id"),
        name=text(kids.get("name")),
        status=text(kids.get("status")),
        domain_type=text(kids.get("type")),
        storage_type=text(under(kids, "storage", "type")),
        available=integer(kids.get("available")),
        used=integer(kids.get("used")),
        committed=integer(kids.get("committed")),
        master=boolean(kids.get("master")),
        luns=tuple(_unit(one.get("id"), children(one)) for one in units if one.get("id")) if units is not None else (),
    )


def _unit(wwid: str, kids: Children) -> LogicalUnit:
    return LogicalUnit(
        wwid,
        integer(kids.get("size")),
        text(kids.get("vendor_id")),
        text(kids.get("product_id")),
        text(kids.get("serial")),
    )


def clusters(body: bytes) -> tuple[ClusterSeen, ...]:
    """`GET /clusters?follow=affinity_groups` (facts/engine-api.md 3.3)."""
    rows = []
    for node in objects(body, "clusters", "cluster"):
        kids = children(node)
        inside = kids.get("affinity_groups")
        groups = [] if inside is None else [children(group) for group in inside]
        rows.append(
            ClusterSeen(
                uuid=node.get("id"),
                name=text(kids.get("name")),
                cpu_type=text(under(kids, "cpu", "type")),
                broken_affinity=tuple(sorted(text(g.get("name")) for g in groups if boolean(g.get("broken")))),
            )
        )
    return tuple(rows)


def vms(body: bytes) -> tuple[VmSeen, ...]:
    """`GET /vms`, with or without follow=disk_attachments (facts/engine-api.md 3.5)."""
    return tuple(_vm(node, children(node)) for node in objects(body, "vms", "vm"))


def _vm(node: Node, kids: Children) -> VmSeen:
    attached = kids.get("disk_attachments")
    return VmSeen(
        uuid=node.get("id"),
        name=text(kids.get("name")),
        cluster_uuid=reference(kids.get("cluster")),
        host_uuid=reference(kids.get("host")),
        status=text(kids.get("status")),
        status_detail=text(kids.get("status_detail")),
        is_engine=text(kids.get("origin")) == HOSTED_ENGINE_VM,
        fqdn=text(kids.get("fqdn")),
        vm_type=text(kids.get("type")),
        memory=integer(kids.get("memory")),
        vcpus=_vcpus(kids),
        high_availability=boolean(under(kids, "high_availability", "enabled")),
        lease_domain=reference(under(kids, "lease", "storage_domain")),
        hugepages_kib=_hugepages(kids.get("custom_properties")),
        io_threads=count(under(kids, "io", "threads")),
        multi_queues=boolean(kids.get("virtio_scsi_multi_queues_enabled")),
        affinity=text(under(kids, "placement_policy", "affinity")),
        pending_change=boolean(kids.get("next_run_configuration_exists")),
        attachments=None if attached is None else tuple(_attachment(one) for one in attached),
    )


def _vcpus(kids: Children) -> int | None:
    topology = children(under(kids, "cpu", "topology"))
    product = 1
    for part in ("cores", "sockets", "threads"):
        number = count(topology.get(part))
        if number is None:
            return None
        product *= number
    return product if product <= LARGEST_SMALL else None


def _hugepages(properties: Node | None) -> int | None:
    for one in properties if properties is not None else ():
        if text(one.find("name")) == "hugepages":
            return count(one.find("value"))
    return None


def _attachment(node: Node) -> DiskAttachment:
    kids = children(node)
    return DiskAttachment(
        disk_uuid=reference(kids.get("disk")) or reference(node),  # the attachment's id is the disk's
        interface=text(kids.get("interface")),
        logical_name=text(kids.get("logical_name")),
        active=boolean(kids.get("active")),
        bootable=boolean(kids.get("bootable")),
        read_only=boolean(kids.get("read_only")),
        pass_discard=boolean(kids.get("pass_discard")),
        scsi_reservation=boolean(kids.get("uses_scsi_reservation")),
    )


def disks(body: bytes) -> tuple[Disk, ...]:
    """`GET /disks` (facts/engine-api.md 3.6)."""
    rows = []
    for node in objects(body, "disks", "disk"):
        kids = children(node)
        rows.append(
            Disk(
                uuid=node.get("id"),
                name=text(kids.get("alias")) or text(kids.get("name")),
                storage_type=text(kids.get("storage_type")),
                content_type=text(kids.get("content_type")),
                shareable=boolean(kids.get("shareable")),
                sgio=text(kids.get("sgio")),
                lun=_disk_lun(kids.get("lun_storage")),
            )
        )
    return tuple(rows)


def _disk_lun(storage: Node | None) -> LogicalUnit | None:
    if storage is None:
        return None
    unit = storage.find("logical_units/logical_unit")
    if unit is None:
        return None
    wwid = unit.get("id") or storage.get("id")
    return _unit(wwid, children(unit)) if wwid else None


def jobs(body: bytes) -> tuple[Job, ...]:
    """`GET /jobs` (facts/engine-api.md 3.7)."""
    rows = []
    for node in objects(body, "jobs", "job"):
        kids = children(node)
        rows.append(
            Job(
                uuid=node.get("id"),
                description=text(kids.get("description")),
                status=text(kids.get("status")),
                started=moment(kids.get("start_time")),
                ended=moment(kids.get("end_time")),
            )
        )
    return tuple(rows)


def host_luns(body: bytes) -> tuple[HostLun, ...]:
    """`GET /hosts/{id}/storage?report_status=false`: live path counts (facts/engine-api.md 0.3, 3.4)."""
    rows: list[HostLun] = []
    for node in objects(body, "host_storages", "host_storage"):
        units = node.find("logical_units")
        rows.extend(_host_lun(unit, node.get("id")) for unit in (units if units is not None else ()))
    return tuple(rows)


def _host_lun(unit: Node, wwid: str) -> HostLun:
    kids = children(unit)
    return HostLun(
        unit=_unit(unit.get("id") or wwid, kids),
        disk_uuid=text(kids.get("disk_id")),
        domain_uuid=text(kids.get("storage_domain_id")),
        paths=count(kids.get("paths")),
        active_paths=count(kids.get("active_paths")),
    )
