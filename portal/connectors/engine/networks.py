"""Logical networks, where they leave the hosts, and what the clusters are: what only a recovery asks for. Plain GETs of
lists (facts/engine-api.md 3.3, 3.4): `follow=hosts` at a cluster was seen to fail, so nothing is followed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.connectors.engine.xml import Node, at, boolean, count, inside, integer, objects, reference, text, under

LARGEST_MTU = 65_535


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """A cluster and the data centre it is in. compatibility: "4.7"; "" when the engine does not say."""

    uuid: str
    name: str
    data_center_uuid: str
    compatibility: str
    cpu_type: str


@dataclass(frozen=True, slots=True)
class LogicalNetwork:
    """A logical network in one cluster. required: a host without it becomes non_operational. vlan 0: untagged. mtu
    None: the engine's default, which it does not name (0 on the wire). roles: management, display, migration, vm."""

    uuid: str
    name: str
    cluster_uuid: str
    required: bool | None
    vlan: int | None
    mtu: int | None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """A network on a host's device ("bond0", "bond0.120"). network: uuid, or the name where the engine says no more."""

    host_uuid: str
    device: str
    network: str
    mtu: int | None


@dataclass(frozen=True, slots=True)
class Wiring:
    """All of it. attached None: the engine did not say; why: in one sentence each."""

    clusters: tuple[ClusterPlace, ...]
    data_centers: tuple[tuple[str, str], ...]  # uuid, name
    networks: tuple[LogicalNetwork, ...]
    attached: tuple[Attached, ...] | None
    why: tuple[str, ...] = ()

    def data_center_of(self, cluster: ClusterPlace) -> str:
        """The name of the cluster's data centre; "" when it is not known."""
        return dict(self.data_centers).get(cluster.data_center_uuid, "")


def data_centers(body: bytes) -> tuple[tuple[str, str], ...]:
    """`GET /datacenters`: uuid and name."""
    return tuple((node.get("id"), text(at(node, "name"))) for node in objects(body, "data_centers", "data_center"))


def clusters(body: bytes) -> tuple[ClusterPlace, ...]:
    """`GET /clusters`."""
    return tuple(
        ClusterPlace(
            node.get("id"),
            text(at(node, "name")),
            reference(node, "data_center"),
            _version(node),
            text(at(node, "cpu/type")),
        )
        for node in objects(body, "clusters", "cluster")
    )


def _version(node: Node) -> str:
    major, minor = count(at(node, "version/major")), count(at(node, "version/minor"))
    return "" if major is None or minor is None else f"{major}.{minor}"


def networks(body: bytes, cluster_uuid: str) -> tuple[LogicalNetwork, ...]:
    """`GET /clusters/{id}/networks`: only here stands whether a network is required."""
    return tuple(
        LogicalNetwork(
            node.get("id"),
            text(at(node, "name")),
            cluster_uuid,
            boolean(at(node, "required")),
            _vlan(node),
            _mtu(node),
            tuple(text(usage.text) for usage in inside(node, "usages") if text(usage.text)),
        )
        for node in objects(body, "networks", "network")
    )


def _vlan(node: Node) -> int | None:
    """No element means untagged; one whose id is no VLAN is not known."""
    tag = under(node, "vlan")
    if tag is None:
        return 0
    number = integer(tag.get("id"))
    return number if number is not None and 1 <= number <= 4094 else None


def _mtu(node: Node) -> int | None:
    number = integer(at(node, "mtu"), LARGEST_MTU)
    return number or None


def attached(body: bytes) -> tuple[Attached, ...]:
    """`GET /hosts?follow=nics`: the devices that carry a network, of all hosts at once."""
    return tuple(row for node in objects(body, "hosts", "host") for row in _of(node))


def _of(host: Node) -> Iterator[Attached]:
    for nic in inside(host, "nics"):
        network = reference(nic, "network") or text(at(nic, "network/name"))
        if network:
            yield Attached(host.get("id"), text(at(nic, "name")), network, _mtu(nic))
