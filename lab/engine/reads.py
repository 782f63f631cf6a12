"""Every GET of the API: path -> document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lab.engine import (
    events,
    reads_estate,
    reads_host,
    reads_storage,
    reads_vm,
    shapes_estate,
    shapes_host,
    shapes_vm,
)
from lab.engine.ask import Ask
from lab.engine.shapes import collection

Read = Callable[[Ask], str | Awaitable[str]]
ROUTES: dict[tuple[str, ...], Read] = {
    (): lambda ask: shapes_estate.root(ask.engine, ask.account, ask.filtered),
    ("hosts",): reads_host.hosts,
    ("hosts", "*"): reads_host.host,
    ("hosts", "*", "storage"): reads_host.host_storage,
    ("hosts", "*", "storage", "*"): reads_host.host_storage,
    ("hosts", "*", "statistics"): lambda ask: collection(
        "statistics", shapes_host.statistics(ask.engine, reads_host.the_host(ask))
    ),
    ("hosts", "*", "nics"): lambda ask: collection("host_nics", shapes_host.nics(reads_host.the_host(ask))),
    ("hosts", "*", "devices"): reads_host.host_devices,
    ("hosts", "*", "tags"): reads_estate.tags_of,
    ("hosts", "*", "hooks"): lambda ask: collection("hooks", []),
    ("hosts", "*", "fenceagents"): lambda ask: collection("agents", []),
    ("vms",): reads_vm.vms,
    ("vms", "*"): reads_vm.vm,
    ("vms", "*", "diskattachments"): reads_vm.vm_attachments,
    ("vms", "*", "diskattachments", "*"): reads_vm.vm_attachments,
    ("vms", "*", "nics"): lambda ask: collection("nics", shapes_vm.nics(reads_vm.the_vm(ask))),
    ("vms", "*", "numanodes"): reads_vm.vm_numa_nodes,
    ("vms", "*", "tags"): reads_estate.tags_of,
    ("vms", "*", "snapshots"): lambda ask: collection("snapshots", []),
    ("disks",): reads_storage.disks,
    ("disks", "*"): reads_storage.disk,
    ("storagedomains",): reads_storage.storage_domains,
    ("storagedomains", "*"): reads_storage.storage_domain,
    ("datacenters",): reads_estate.listed("data_centers", reads_estate.centre),
    ("datacenters", "*"): reads_estate.only("data_center_id", reads_estate.centre),
    ("datacenters", "*", "storagedomains"): reads_estate.only("data_center_id", reads_estate.centre_domains),
    ("datacenters", "*", "storagedomains", "*"): lambda ask: reads_storage.the_domain(ask, ask.path[3], ask.path[1]),
    ("datacenters", "*", "clusters"): lambda ask: collection("clusters", [reads_estate.cluster(ask)]),
    ("clusters",): reads_estate.listed("clusters", reads_estate.cluster),
    ("clusters", "*"): reads_estate.only("cluster_id", reads_estate.cluster),
    ("clusters", "*", "affinitygroups"): lambda ask: collection(
        "affinity_groups", shapes_estate.affinity_groups(ask.engine)
    ),
    ("clusters", "*", "networks"): reads_estate.only("cluster_id", reads_estate.cluster_networks),
    ("networks",): lambda ask: collection("networks", shapes_estate.networks(ask.engine, "")),
    ("events",): lambda ask: events.listed(ask.engine, ask.query, ask.filtered),
    ("events", "*"): lambda ask: events.single(ask.engine, ask.path[1]),
    ("jobs",): reads_estate.jobs,
    ("jobs", "*"): reads_estate.job,
    ("jobs", "*", "steps"): reads_estate.job,
    ("tags",): reads_estate.tags,
    ("storageconnections",): lambda ask: collection("storage_connections", []),
    ("affinitylabels",): lambda ask: collection("affinity_labels", []),
}


def find(path: tuple[str, ...]) -> Read | None:
    """The reader of a path, whose every second word is an id; None when there is none."""
    return ROUTES.get(tuple("*" if index % 2 else word for index, word in enumerate(path)))
