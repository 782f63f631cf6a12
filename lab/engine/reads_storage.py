"""GET of disks and storage domains."""

from __future__ import annotations

from collections.abc import Callable

from lab.engine import shapes_storage
from lab.engine.ask import Ask, empties, one
from lab.engine.search import select
from lab.engine.shapes import collection
from lab.engine.state import Engine
from lab.engine.wire import not_found


def _disk_rows(engine: Engine) -> list[tuple[str, str, Callable[[], str]]]:
    """(name, id, how to print it) of every disk."""
    world = engine.world
    rows: list[tuple[str, str, Callable[[], str]]] = []
    for lun in world.luns.values():
        if lun.disk_id:
            rows.append((lun.name, lun.disk_id, lambda lun=lun: shapes_storage.direct_lun(lun)))  # type: ignore[misc]
    for vm in world.vms.values():
        for row in shapes_storage.image_disks(world, vm):
            rows.append((row[1], row[0], lambda vm=vm, row=row: shapes_storage.image_disk(world, vm, row)))  # type: ignore[misc]
    return rows


def disks(ask: Ask) -> str:
    """GET /disks."""
    ask.follow("disks")
    rows = select(
        _disk_rows(ask.engine), ask.query, lambda row: {"alias": row[0], "name": row[0], "id": row[1]}, "alias"
    )
    return collection("disks", [empties(ask, "disks", row[2]()) for row in rows])


def disk(ask: Ask) -> str:
    """GET /disks/{id}."""
    return one(next((row[2]() for row in _disk_rows(ask.engine) if row[1] == ask.path[1]), None))


def storage_domains(ask: Ask) -> str:
    """GET /storagedomains: attached domains have no status here (facts/engine-api.md 0.1)."""
    world = ask.engine.world
    keys = {
        key: {"name": str(value.get("name", "")), "status": value.get("status", "")}
        for key, value in world.domains.items()
    }
    rows = select(list(world.domains), ask.query, lambda key: keys[key], "name")
    admin = not ask.filtered
    return collection(
        "storage_domains", [shapes_storage.storage_domain(world, key, parent="", admin=admin) for key in rows]
    )


def storage_domain(ask: Ask) -> str:
    """GET /storagedomains/{id}."""
    return the_domain(ask, ask.path[1], "")


def the_domain(ask: Ask, identifier: str, parent: str) -> str:
    """One domain, under a data centre when parent is its id; or an empty 404."""
    if identifier not in ask.engine.world.domains:
        raise not_found()
    return shapes_storage.storage_domain(ask.engine.world, identifier, parent=parent, admin=not ask.filtered)
