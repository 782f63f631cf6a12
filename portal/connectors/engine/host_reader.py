"""The hosts collection: hosted-engine words, ssh keys, interfaces, huge pages (facts/engine-api.md 3.4)."""

from __future__ import annotations

import re

from portal.connectors.engine.shapes import HostSeen, Hugepages, Nic
from portal.connectors.engine.xml import (
    Children,
    Node,
    boolean,
    children,
    count,
    integer,
    objects,
    reference,
    text,
    under,
)

UP = "up"
_HUGEPAGES = re.compile(r"hugepages\.(\d+)\.(free|total)$")


def hosts(body: bytes) -> tuple[HostSeen, ...]:
    """`GET /hosts?all_content=true`, with or without follow=nics,statistics. Without all_content there is no
    hosted_engine element at all (facts/engine-api.md 0.2)."""
    return tuple(_host(node, children(node)) for node in objects(body, "hosts", "host"))


def _host(node: Node, kids: Children) -> HostSeen:
    status = text(kids.get("status"))
    engine = kids.get("hosted_engine")
    # what VDSM said at the last poll of a host that is up; of any other host it is old (facts/engine-api.md 3.4)
    live = children(engine) if status == UP else {}
    ssh = children(kids.get("ssh"))
    return HostSeen(
        uuid=node.get("id"),
        name=text(kids.get("name")),
        address=text(kids.get("address")),
        cluster_uuid=reference(kids.get("cluster")),
        status=status,
        status_detail=text(kids.get("status_detail")),
        spm_status=text(under(kids, "spm", "status")),
        ssh_port=count(ssh.get("port")),
        ssh_fingerprint=text(ssh.get("fingerprint")),
        ssh_public_key=text(ssh.get("public_key")),
        he_configured=_configured(engine, status),
        he_active=boolean(live.get("active")),
        he_score=integer(live.get("score"), 2**31 - 1),
        he_global_maintenance=boolean(live.get("global_maintenance")),
        he_local_maintenance=boolean(live.get("local_maintenance")),
        memory=integer(kids.get("memory")),
        os_version=_os(kids.get("os")),
        vdsm_version=text(under(kids, "version", "full_version")),
        cpu_model=text(under(kids, "cpu", "name")),
        power_management=boolean(under(kids, "power_management", "enabled")),
        nics=_nics(kids.get("nics")),
        hugepages=_hugepages(kids.get("statistics")),
    )


def _configured(engine: Node | None, status: str) -> bool | None:
    if engine is not None:
        return boolean(engine.find("configured"))
    return False if status == UP else None


def _os(node: Node | None) -> str:
    kids = children(node)
    return text(kids.get("description")) or " ".join(
        part for part in (text(kids.get("type")), text(under(kids, "version", "full_version"))) if part
    )


def _nics(node: Node | None) -> tuple[Nic, ...] | None:
    if node is None:
        return None
    rows = []
    for one in node:
        kids = children(one)
        rows.append(
            Nic(
                name=text(kids.get("name")),
                mac=text(under(kids, "mac", "address")),
                address=text(under(kids, "ip", "address")),
                status=text(kids.get("status")),
                mtu=count(kids.get("mtu")),
                speed=integer(kids.get("speed")),
            )
        )
    return tuple(sorted(rows, key=lambda nic: (nic.name, nic.mac)))


def _hugepages(node: Node | None) -> tuple[Hugepages, ...] | None:
    if node is None:
        return None
    seen: dict[str, dict[str, int | None]] = {}
    for one in node:
        found = _HUGEPAGES.match(text(one.find("name")))
        if found:
            seen.setdefault(found.group(1), {})[found.group(2)] = count(one.find("values/value/datum"))
    return tuple(
        Hugepages(kib, sizes.get("free"), sizes.get("total"))
        for kib, sizes in sorted(seen.items(), key=lambda item: int(item[0]))
    )
