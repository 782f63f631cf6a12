"""GET of VMs and what is below them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.engine import shapes_estate, shapes_host, shapes_storage, shapes_vm
from lab.engine.ask import Ask, empties, inline_cluster, one, tags_by_id
from lab.engine.search import select
from lab.engine.shapes import API, collection, part, ref
from lab.engine.wire import broken, not_found
from lab.world import Host, Vm


def _vm_text(ask: Ask) -> Callable[[Vm], str]:
    engine = ask.engine
    follow = ask.follow("vms")
    if "host" in follow and any(not engine.seen(vm)[1] for vm in engine.world.vms.values()):
        raise broken()
    names = tags_by_id(engine) if "tags" in follow else {}
    inlined = {host.id: _plain_host(ask, host) for host in engine.world.hosts.values()} if "host" in follow else {}

    def text(vm: Vm) -> str:
        tags = [shapes_estate.tag(name, f"{API}/vms/{vm.id}") for name in names.get(vm.id, [])]
        made = shapes_vm.vm(engine, vm, follow=follow, tags=tags, admin=not ask.filtered)
        for identifier, full in inlined.items():
            made = made.replace("    " + ref("host", f"{API}/hosts/{identifier}", identifier) + "\n", part(full))
        return empties(ask, "vms", inline_cluster(ask, follow, made))

    return text


def _plain_host(ask: Ask, host: Host) -> str:
    return shapes_host.host(ask.engine, host, all_content=ask.all_content, follow=(), tags=(), vms=(0, 0, 0))


def _vm_keys(ask: Ask) -> Callable[[Vm], Mapping[str, object]]:
    def keys(vm: Vm) -> Mapping[str, object]:
        status, host = ask.engine.seen(vm)
        return {"name": vm.name, "status": status, "host": host, "cluster": "Default", "id": vm.id}

    return keys


def vms(ask: Ask) -> str:
    """GET /vms."""
    rows = select(list(ask.engine.world.vms.values()), ask.query, _vm_keys(ask), "name")
    return collection("vms", map(_vm_text(ask), rows))


def the_vm(ask: Ask) -> Vm:
    """The VM of the path, or an empty 404."""
    found = ask.engine.world.vms.get(ask.path[1])
    if found is None:
        raise not_found()
    return found


def vm(ask: Ask) -> str:
    """GET /vms/{id}."""
    return _vm_text(ask)(the_vm(ask))


def vm_numa_nodes(ask: Ask) -> str:
    """GET /vms/{id}/numanodes"""
    return collection("vm_numa_nodes", shapes_vm.numa_nodes(the_vm(ask)))


def vm_attachments(ask: Ask) -> str:
    """GET /vms/{id}/diskattachments (and one of them)."""
    texts = shapes_storage.attachments(ask.engine.world, the_vm(ask), "disk" in ask.query.get("follow", ""))
    if len(ask.path) == 4:
        return one(next((text for text in texts if f'/diskattachments/{ask.path[3]}"' in text), None))
    return collection("disk_attachments", texts)
