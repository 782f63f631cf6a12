"""One function per collection: bytes in, shapes out. Raises xml.Unreadable for a body that cannot be believed."""

from __future__ import annotations

from collections.abc import Callable

from portal.connectors.engine.shapes import (
    ClusterSeen,
    DataCenter,
    Disk,
    DiskAttachment,
    Domain,
    HostLun,
    Job,
    LogicalUnit,
    NumaNode,
    Root,
    VmSeen,
)
from portal.connectors.engine.xml import (
    LONGEST_ID,
    LONGEST_WWID,
    Leaves,
    Node,
    Unreadable,
    at,
    boolean,
    count,
    document,
    inside,
    integer,
    leaves,
    moment,
    objects,
    processors,
    reference,
    text,
    under,
)

# facts/engine-api.md 3.5; the shorter word stands until the engine has imported its own VM.
HOSTED_ENGINE_VM = frozenset({"managed_hosted_engine", "hosted_engine"})


def root(body: bytes) -> Root:
    """`GET /api` (facts/engine-api.md 2)."""
    node = document(body, "api")
    saved = leaves(under(node, "engine_backup"))
    ends = {tag.removeprefix("last_").removesuffix("_backup"): moment(raw) for tag, raw in saved.items()}
    return Root(
        instance_id=text(at(node, "product_info/instance_id")),
        product=text(at(node, "product_info/name")),
        version=text(at(node, "product_info/version/full_version")),
        time=moment(at(node, "time")),
        administrator=under(node, "summary") is not None,
        backups=tuple((scope, end) for scope, end in ends.items() if end is not None),
    )


def data_centers(body: bytes) -> tuple[DataCenter, ...]:
    """`GET /datacenters?follow=storage_domains` (facts/engine-api.md 3.2)."""
    return tuple(
        DataCenter(
            uuid=node.get("id"),
            name=text(at(node, "name")),
            status=text(at(node, "status")),
            domains=tuple(_domain(one) for one in inside(node, "storage_domains") if one.get("id")),
        )
        for node in objects(body, "data_centers", "data_center")
    )


def _domain(node: Node) -> Domain:
    leaf = leaves(node)
    units = inside(node, "storage/volume_group/logical_units")
    return Domain(
        uuid=node.get("id"),
        name=text(leaf.get("name")),
        status=text(leaf.get("status")),
        domain_type=text(leaf.get("type")),
        storage_type=text(at(node, "storage/type")),
        available=integer(leaf.get("available")),
        used=integer(leaf.get("used")),
        committed=integer(leaf.get("committed")),
        master=boolean(leaf.get("master")),
        luns=tuple(_unit(wwid, leaves(one)) for one in units if (wwid := one.get("id"))),
    )


def _unit(wwid: str, leaf: Leaves) -> LogicalUnit:
    if len(wwid) > LONGEST_ID:
        raise Unreadable(f"LUN {wwid[:24]}… has an id of more than {LONGEST_ID} characters")
    return LogicalUnit(
        wwid,
        integer(leaf.get("size")),
        text(leaf.get("vendor_id")),
        text(leaf.get("product_id")),
        text(leaf.get("serial")),
    )


def clusters(body: bytes) -> tuple[ClusterSeen, ...]:
    """`GET /clusters?follow=affinity_groups` (facts/engine-api.md 3.3)."""
    rows = []
    for node in objects(body, "clusters", "cluster"):
        groups = [leaves(group) for group in inside(node, "affinity_groups")]
        rows.append(
            ClusterSeen(
                uuid=node.get("id"),
                name=text(at(node, "name")),
                cpu_type=text(at(node, "cpu/type")),
                broken_affinity=tuple(sorted(text(leaf.get("name")) for leaf in groups if boolean(leaf.get("broken")))),
                overcommit=count(at(node, "memory_policy/over_commit/percent")),
            )
        )
    return tuple(rows)


def vms(body: bytes) -> tuple[VmSeen, ...]:
    """`GET /vms`, with or without follow=disk_attachments (facts/engine-api.md 3.5)."""
    return tuple(_vm(node, leaves(node)) for node in objects(body, "vms", "vm"))


def _vm(node: Node, leaf: Leaves) -> VmSeen:
    processor, policy = under(node, "cpu"), under(node, "placement_policy")
    cpu, placed = leaves(processor), leaves(policy)
    return VmSeen(
        uuid=node.get("id"),
        name=text(leaf.get("name")),
        cluster_uuid=reference(node, "cluster"),
        host_uuid=reference(node, "host"),
        status=text(leaf.get("status")),
        status_detail=text(leaf.get("status_detail")),
        is_engine=text(leaf.get("origin")) in HOSTED_ENGINE_VM,
        fqdn=text(leaf.get("fqdn")),
        vm_type=text(leaf.get("type")),
        memory=integer(leaf.get("memory")),
        vcpus=processors(leaves(under(processor, "topology"))),
        high_availability=boolean(at(node, "high_availability/enabled")),
        lease_domain=reference(node, "lease/storage_domain"),
        hugepages_kib=_hugepages(inside(node, "custom_properties")),
        io_threads=count(at(node, "io/threads")),
        multi_queues=boolean(leaf.get("virtio_scsi_multi_queues_enabled")),
        affinity=text(placed.get("affinity")),
        pending_change=boolean(leaf.get("next_run_configuration_exists")),
        attachments=tuple(_attachment(one, leaves(one)) for one in inside(node, "disk_attachments"))
        if "disk_attachments" in leaf
        else None,
        guaranteed=integer(at(node, "memory_policy/guaranteed")),
        ballooning=boolean(at(node, "memory_policy/ballooning")),
        pinning=text(leaf.get("cpu_pinning_policy")),
        pins=_pins(inside(processor, "cpu_tune/vcpu_pins")) if "cpu_tune" in cpu else (),
        cpu_mode=text(cpu.get("mode")),
        numa_mode=text(leaf.get("numa_tune_mode")),
        queues=count(leaf.get("virtio_scsi_multi_queues")),
        resume=text(leaf.get("storage_error_resume_behaviour")),
        may_run=tuple(sorted(one.get("id", "") for one in inside(policy, "hosts"))) if "hosts" in placed else (),
    )


def numa_nodes(body: bytes) -> tuple[NumaNode, ...]:
    """`GET /vms/{id}/numanodes`; memory is told in MiB (the engine's API model, type NumaNode)."""
    rows = []
    for node in objects(body, "vm_numa_nodes", "vm_numa_node"):
        leaf = leaves(node)
        number, memory = count(leaf.get("index")), count(leaf.get("memory"))
        pins = (count(one.get("index")) for one in map(leaves, inside(node, "numa_node_pins")))
        if number is None:
            raise Unreadable("it lists a NUMA node without a number")
        size = None if memory is None else memory << 20
        bound = tuple(sorted({pin for pin in pins if pin is not None}))
        rows.append(NumaNode(number, size, text(leaf.get("numa_tune_mode")), bound))
    return tuple(sorted(rows))


def _pins(nodes: list[Node]) -> tuple[tuple[int, str], ...]:
    """A pin without a vCPU or a set says nothing."""
    found = [(count(leaf.get("vcpu")), text(leaf.get("cpu_set"))) for leaf in map(leaves, nodes)]
    return tuple(sorted((vcpu, cpus) for vcpu, cpus in found if vcpu is not None and cpus))


def _hugepages(properties: list[Node]) -> int | None:
    for leaf in map(leaves, properties):
        if text(leaf.get("name")) == "hugepages":
            return count(leaf.get("value"))
    return None


def _attachment(node: Node, leaf: Leaves) -> DiskAttachment:
    return DiskAttachment(
        node.get("id") or reference(node, "disk"),  # the attachment's id is the disk's
        text(leaf.get("interface")),
        text(leaf.get("logical_name")),
        boolean(leaf.get("active")),
        boolean(leaf.get("bootable")),
        boolean(leaf.get("read_only")),
        boolean(leaf.get("pass_discard")),
        boolean(leaf.get("uses_scsi_reservation")),
    )


def disks(body: bytes) -> tuple[Disk, ...]:
    """`GET /disks` (facts/engine-api.md 3.6)."""
    rows = []
    for node in objects(body, "disks", "disk"):
        leaf = leaves(node)
        rows.append(
            Disk(
                node.get("id"),
                text(leaf.get("alias")) or text(leaf.get("name")),
                text(leaf.get("storage_type")),
                text(leaf.get("content_type")),
                boolean(leaf.get("shareable")),
                text(leaf.get("sgio")),
                _disk_lun(node) if "lun_storage" in leaf else None,
                boolean(leaf.get("propagate_errors")),
            )
        )
    return tuple(rows)


def counting(collection: str, element: str) -> Callable[[bytes], int]:
    """A reader that counts a collection's elements."""
    return lambda body: sum(1 for _ in objects(body, collection, element))


def _disk_lun(disk: Node) -> LogicalUnit | None:
    unit = next(disk.iter("logical_unit"), None)
    if unit is None:
        return None
    wwid = unit.get("id") or reference(disk, "lun_storage")
    return _unit(wwid, leaves(unit)) if wwid else None


def jobs(body: bytes) -> tuple[Job, ...]:
    """`GET /jobs` (facts/engine-api.md 3.7)."""
    rows = []
    for node in objects(body, "jobs", "job"):
        leaf = leaves(node)
        rows.append(
            Job(
                uuid=node.get("id"),
                description=text(leaf.get("description")),
                status=text(leaf.get("status")),
                started=moment(leaf.get("start_time")),
                ended=moment(leaf.get("end_time")),
            )
        )
    return tuple(rows)


def host_luns(body: bytes) -> tuple[HostLun, ...]:
    """`GET /hosts/{id}/storage?report_status=false`: live path counts (facts/engine-api.md 0.3, 3.4). A device whose
    WWID no column holds is left out: a local NVMe disk's is made of its vendor, serial and model in hex."""
    return tuple(
        _host_lun(wwid, leaves(unit))
        for node in objects(body, "host_storages", "host_storage", longest=LONGEST_WWID)
        for unit in node.iter("logical_unit")
        if len(wwid := unit.get("id") or node.get("id")) <= LONGEST_ID
    )


def _host_lun(wwid: str, leaf: Leaves) -> HostLun:
    return HostLun(
        _unit(wwid, leaf),
        text(leaf.get("disk_id")),
        text(leaf.get("storage_domain_id")),
        count(leaf.get("paths")),
        count(leaf.get("active_paths")),
    )
