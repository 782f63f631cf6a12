"""The hosts collection: hosted-engine words, ssh keys, interfaces, huge pages (facts/engine-api.md 3.4)."""

from __future__ import annotations

import re

from portal.connectors.engine.shapes import HostSeen, Hugepages, Nic
from portal.connectors.engine.xml import (
    LARGEST_SMALL,
    Leaves,
    Node,
    at,
    boolean,
    count,
    inside,
    integer,
    leaves,
    objects,
    processors,
    reference,
    text,
    under,
)

UP = "up"
_HUGEPAGES = re.compile(r"hugepages\.(\d+)\.(free|total)$")


def hosts(body: bytes) -> tuple[HostSeen, ...]:
    """`GET /hosts?all_content=true`, with or without follow=nics,statistics. Without all_content there is no
    hosted_engine element at all (facts/engine-api.md 0.2)."""
    return tuple(_host(node, leaves(node)) for node in objects(body, "hosts", "host"))


def _host(node: Node, leaf: Leaves) -> HostSeen:
    status = text(leaf.get("status"))
    engine = leaves(under(node, "hosted_engine"))
    # what VDSM said at the last poll of a host that is up; of any other host it is old (facts/engine-api.md 3.4)
    live = engine if status == UP else {}
    ssh = leaves(under(node, "ssh"))
    return HostSeen(
        uuid=node.get("id"),
        name=text(leaf.get("name")),
        address=text(leaf.get("address")),
        cluster_uuid=reference(node, "cluster"),
        status=status,
        status_detail=text(leaf.get("status_detail")),
        spm_status=text(at(node, "spm/status")),
        ssh_port=count(ssh.get("port")),
        ssh_fingerprint=text(ssh.get("fingerprint")),
        ssh_public_key=text(ssh.get("public_key")),
        he_configured=boolean(engine.get("configured")) if engine else _unspoken(status),
        he_active=boolean(live.get("active")),
        he_score=integer(live.get("score"), LARGEST_SMALL),
        he_global_maintenance=boolean(live.get("global_maintenance")),
        he_local_maintenance=boolean(live.get("local_maintenance")),
        memory=integer(leaf.get("memory")) or None,  # 0 of a host that vdsm has not told of yet
        os_version=_os(node),
        vdsm_version=text(at(node, "version/full_version")),
        cpu_model=text(at(node, "cpu/name")),
        power_management=boolean(at(node, "power_management/enabled")),
        nics=_nics(inside(node, "nics")) if "nics" in leaf else None,
        hugepages=_hugepages(inside(node, "statistics")) if "statistics" in leaf else None,
        schedulable=integer(leaf.get("max_scheduling_memory")) if status == UP else None,
        cpus=processors(leaves(under(node, "cpu/topology"))),
    )


def _unspoken(status: str) -> bool | None:
    """he_configured of a host without the element: not configured, unless it may be missing for another reason."""
    return False if status == UP else None


def _os(node: Node) -> str:
    named = (text(at(node, "os/type")), text(at(node, "os/version/full_version")))
    return text(at(node, "os/description")) or " ".join(part for part in named if part)


def _nics(nodes: list[Node]) -> tuple[Nic, ...]:
    rows = []
    for one in nodes:
        leaf = leaves(one)
        rows.append(
            Nic(
                name=text(leaf.get("name")),
                mac=text(at(one, "mac/address")),
                address=text(at(one, "ip/address")),
                status=text(leaf.get("status")),
                mtu=count(leaf.get("mtu")),
                speed=integer(leaf.get("speed")),
            )
        )
    return tuple(sorted(rows, key=lambda nic: (nic.name, nic.mac)))


def _hugepages(nodes: list[Node]) -> tuple[Hugepages, ...]:
    seen: dict[str, dict[str, int | None]] = {}
    for one in nodes:
        found = _HUGEPAGES.match(text(at(one, "name")))
        if found:
            seen.setdefault(found.group(1), {})[found.group(2)] = count(at(one, "values/value/datum"))
    return tuple(
        Hugepages(kib, sizes.get("free"), sizes.get("total"))
        for kib, sizes in sorted(seen.items(), key=lambda item: int(item[0]))
    )
