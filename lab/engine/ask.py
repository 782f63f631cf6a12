"""One GET of the API: who asks, for what, how; and what the readers of several collections share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lab.engine import shapes_estate
from lab.engine.shapes import API, deeper, ref
from lab.engine.state import Account, Engine
from lab.engine.wire import broken, not_found

# What may be followed and is always there but has no content in the lab; everything else is an HTML 500.
EMPTY = {
    "hosts": "affinity_labels cpu_units external_network_provider_configurations hooks katello_errata "
    "network_attachments numa_nodes permissions storage_connection_extensions unmanaged_networks devices",
    "vms": "affinity_labels cdroms numa_nodes permissions snapshots watchdogs statistics",
    "datacenters": "iscsi_bonds networks permissions qoss quotas",
    "clusters": "cpu_profiles enabled_features network_filters networks permissions",
    "disks": "disk_snapshots permissions statistics",
}
FILLED = {
    "hosts": "nics statistics tags cluster",
    "vms": "nics tags disk_attachments disk_attachments.disk cluster host",
    "datacenters": "storage_domains clusters",
    "clusters": "affinity_groups",
    "jobs": "steps",
}


@dataclass(frozen=True)
class Ask:
    """One GET. filtered: the account sees as a user, not as an administrator (facts/engine-api.md 0.18)."""

    engine: Engine
    account: Account
    filtered: bool
    all_content: bool
    query: Mapping[str, str]
    path: tuple[str, ...]

    def follow(self, place: str) -> set[str]:
        """The follows of a collection; what the engine cannot resolve is an HTML 500 (facts/engine-api.md 0.6, 0.7)."""
        wanted = {name.strip() for name in self.query.get("follow", "").split(",") if name.strip()}
        if not wanted <= {*FILLED.get(place, "").split(), *EMPTY.get(place, "").split()}:
            raise broken()
        return wanted


def empties(ask: Ask, place: str, text: str) -> str:
    """Adds the followed collections that have no content before the closing tag."""
    names = sorted(ask.follow(place) & set(EMPTY.get(place, "").split()))
    if not names:
        return text
    head, _, tail = text.rpartition("\n")
    return head + "".join([f"\n    <{name}/>" for name in names]) + "\n" + tail


def one(found: str | None) -> str:
    """The object, or an empty 404."""
    if found is None:
        raise not_found()
    return found


def tags_by_id(engine: Engine) -> dict[str, list[str]]:
    """Object id -> names of its tags."""
    made: dict[str, list[str]] = defaultdict(list)
    for name, ids in shapes_estate.tags_of(engine.world).items():
        for identifier in ids:
            made[identifier].append(name)
    return made


def inline_cluster(ask: Ask, follow: set[str], text: str) -> str:
    """Puts the cluster in place of its reference when it is followed."""
    if "cluster" not in follow:
        return text
    world = ask.engine.world
    plain = ref("cluster", f"{API}/clusters/{world.cluster_id}", world.cluster_id)
    return text.replace(plain, deeper(shapes_estate.cluster(ask.engine, "", False)).lstrip())
