"""The engine's REST API: one account per session, plain values out. docs/adr/0005-engine-connector.md"""

from portal.connectors.engine.actions import (
    ActionResult,
    activate_host,
    deactivate_host,
    fence_host,
    global_maintenance,
    migrate_vm,
)
from portal.connectors.engine.errors import EngineFailed, Protocol, Refused, Unreachable
from portal.connectors.engine.networks import Wiring
from portal.connectors.engine.session import Session, close_shared, shared
from portal.connectors.engine.shapes import Coming, Cursor, Events, Got, HostLun, Quick, Snapshot
from portal.connectors.engine.tickets import Credentials

__all__ = [
    "ActionResult",
    "Coming",
    "Credentials",
    "Cursor",
    "EngineFailed",
    "Events",
    "Got",
    "HostLun",
    "Protocol",
    "Quick",
    "Refused",
    "Session",
    "Snapshot",
    "Unreachable",
    "Wiring",
    "activate_host",
    "close_shared",
    "deactivate_host",
    "fence_host",
    "global_maintenance",
    "migrate_vm",
    "shared",
]
