"""Commands on storage and jobs, and external events."""

from __future__ import annotations

from xml.etree import ElementTree

from lab.audit import record
from lab.engine import shapes_log
from lab.engine.actions import Call, Denied, command
from lab.engine.state import Account, Engine
from lab.engine.wire import faulty

EXTERNAL = {"normal": 9801, "warning": 9802, "error": 9803, "alert": 9804}


@command("disks", "refreshlun")
async def refresh_lun(call: Call) -> None:
    """Reads a Direct LUN's size again through a host."""
    if not any(lun.disk_id == call.path[1] for lun in call.engine.world.luns.values()):
        raise Denied(400, "Cannot refresh LUN. Disk is not a Direct LUN.")
    node = call.body.find("host")
    host = call.engine.host(node.get("id", "")) if node is not None else None
    if host is None:
        raise Denied(400, "Action [host.id|name] required for refreshLun", "Incomplete parameters")
    if host.engine_status != "up":
        raise Denied(409, "Cannot refresh LUN. Host is not Up.")


@command("storagedomains", "refreshluns")
async def refresh_luns(call: Call) -> None:
    """Reads the sizes of a domain's LUNs again."""
    domain = call.engine.world.domains.get(call.path[1])
    if domain is None:
        raise Denied(404, "Entity not found: storage domain")
    text = f"Resize LUNs operation succeeded for Storage Domain {domain.get('name')}."
    record(call.engine.world, 1022, "normal", text, storage_domain=call.path[1], correlation_id=call.correlation)


@command("jobs", "clear")
async def clear(call: Call) -> None:
    """Marks a job as clearable."""
    if call.path[1] not in call.engine.world.jobs:
        raise Denied(404, "Entity not found: job")


def add_event(engine: Engine, account: Account, body: ElementTree.Element, correlation_id: str) -> tuple[int, str]:
    """POST /events: an external event, unique by (origin, custom_id)."""
    if account.role != "SuperUser":
        raise faulty(403, "User is not authorized to perform this action.")
    values = {name: (body.findtext(name) or "").strip() for name in ("origin", "severity", "custom_id", "description")}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise faulty(400, f"Event [{', '.join(missing)}] required for add", "Incomplete parameters")
    if values["severity"] not in EXTERNAL or not values["custom_id"].isdigit():
        raise faulty(400, "The event's severity or custom_id is not valid.", "Operation Failed")
    key = values["origin"], int(values["custom_id"])
    if key in engine.custom_ids or values["origin"].lower() == "ovirt":
        raise faulty(400, "Cannot add Event. The origin and custom_id are already used.")
    engine.custom_ids.add(key)
    severity = values["severity"]
    refs = {name: node.get("id", "") for name in ("host", "vm") if (node := body.find(name)) is not None}
    record(
        engine.world, EXTERNAL[severity], severity, values["description"], correlation_id=correlation_id,
        host=refs.get("host", ""), vm=refs.get("vm", ""), origin=key[0], custom_id=key[1], user=account.id,
    )  # fmt: skip
    return 201, shapes_log.event(engine.world, engine.world.events[-1])
