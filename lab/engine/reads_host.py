"""GET of hosts and what is below them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable

from lab.engine import shapes_estate, shapes_host, shapes_storage
from lab.engine.ask import Ask, empties, inline_cluster, one, tags_by_id
from lab.engine.paths import PathCount
from lab.engine.search import select
from lab.engine.shapes import API, collection, ref
from lab.engine.state import Engine
from lab.engine.wire import faulty, not_found
from lab.world import Host, Lun

VDS_TIMEOUT = 180.0
STORAGE_SECONDS = 0.3  # lab seconds of a live device list; 20 ms more per LUN when its use is probed


def _host_text(ask: Ask) -> Callable[[Host], str]:
    engine = ask.engine
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for vm in engine.world.vms.values():
        status, name = engine.seen(vm)
        if name:
            counts[name][status] += 1
    follow = ask.follow("hosts")
    names = tags_by_id(engine) if "tags" in follow else {}

    def text(host: Host) -> str:
        of = counts[host.name]
        vms = of["up"], of["migrating"], of.total()
        tags = [shapes_estate.tag(name, f"{API}/hosts/{host.id}") for name in names.get(host.id, [])]
        made = shapes_host.host(engine, host, all_content=ask.all_content, follow=follow, tags=tags, vms=vms)
        return empties(ask, "hosts", inline_cluster(ask, follow, made))

    return text


def _host_keys(host: Host) -> dict[str, object]:
    return {
        "name": host.name,
        "status": host.engine_status,
        "address": host.address,
        "cluster": "Default",
        "id": host.id,
    }


def hosts(ask: Ask) -> str:
    """GET /hosts."""
    rows = select(list(ask.engine.world.hosts.values()), ask.query, _host_keys, "name")
    return collection("hosts", map(_host_text(ask), rows))


def the_host(ask: Ask) -> Host:
    """The host of the path, or an empty 404."""
    found = ask.engine.host(ask.path[1])
    if found is None:
        raise not_found()
    return found


def host(ask: Ask) -> str:
    """GET /hosts/{id}."""
    return _host_text(ask)(the_host(ask))


async def host_storage(ask: Ask) -> str:
    """GET /hosts/{id}/storage: a live VDSM call (facts/engine-api.md 0.5)."""
    host = the_host(ask)
    engine = ask.engine
    if host.engine_status != "up":
        raise faulty(400, "Cannot get device list. Host is not in UP status.")
    report = ask.query.get("report_status", "true") != "false"
    counts = PathCount(engine.world, host)
    luns = [lun for lun in engine.world.luns.values() if counts.sees(lun)]
    async with engine.lock(host.id):
        delay = engine.pause(STORAGE_SECONDS + (0.02 * len(luns) if report else 0.0))
        await asyncio.sleep(delay + float(str(engine.fault("storage_delay") or 0)))
        await _answer(engine, host)
    texts = [_host_lun(host, lun, counts, report) for lun in luns]
    if len(ask.path) == 4:
        return one(next((text for text in texts if f'/storage/{ask.path[3]}"' in text), None))
    return collection("host_storages", texts)


async def _answer(engine: Engine, host: Host) -> None:
    """Waits for VDSM as the engine does: until it answers, the host is given up, or vdsTimeout is over."""
    ends = engine.now + VDS_TIMEOUT
    while not engine.reachable(host):
        if engine.now >= ends or host.engine_status != "up":
            raise faulty(400, "Network error during communication with the Host.")
        await asyncio.sleep(0.05)


def _host_lun(host: Host, lun: Lun, counts: PathCount, report: bool) -> str:
    group = shapes_storage.volume_group(lun.domain_id) if lun.domain_id else ""
    return shapes_host.host_storage(host, lun, counts, group, report)


def host_devices(ask: Ask) -> str:
    """GET /hosts/{id}/devices: the FC ports."""
    host = the_host(ask)
    made = []
    for hba in host.hbas:
        name = f"scsi_host{hba.scsi_host}"
        href = f"{API}/hosts/{host.id}"
        identifier = name.encode().hex()
        made.append(
            f'<host_device href="{href}/devices/{identifier}" id="{identifier}">\n    <name>{name}</name>\n'
            f"    <capability>scsi_host</capability>\n    {ref('host', href, host.id)}\n</host_device>"
        )
    return collection("host_devices", made)
