"""What became of the migration that a drill has asked the engine for (settings.HOLDFAST_TELLINGS)."""

from __future__ import annotations

from typing import Any

from failover.catalog.migration import FAILED_CODES
from failover.services.telling import drill_of
from inventory.models import Host
from inventory.services.reach import credentials
from portal.connectors.engine import Cursor, EngineFailed, Session, shared
from portal.kernel.step import Parameters


def telling(parameters: Parameters) -> dict[str, Any]:
    """What failover.catalog.migration.failure reads. Before the engine was asked nobody is asked here either."""
    drill = drill_of(parameters)
    mark = drill.marks.get("migration")
    if mark is None:
        return {"asked": False, "why": ""}
    try:
        return {"asked": True, "why": "", **_said(drill.engine_id, shared(credentials(drill.engine)), mark)}
    except EngineFailed as error:
        return {"asked": True, "why": str(error)}


def _said(engine: int, session: Session, mark: dict[str, Any]) -> dict[str, Any]:
    job = next((one.status for one in session.jobs() if one.uuid == mark["job"]), "")
    events = session.events(Cursor(mark["after"])).rows
    vm = next((one for one in session.vms_now() if one.is_engine), None)  # last: newer than what it is held against
    if vm is None:
        return {"status": "", "host": "", "job": job, "events": []}
    # by the VM, not by the correlation id: the engine's own second try has another one
    failed = [
        one for one in events if one.number > mark["after"] and one.code in FAILED_CODES and one.vm_uuid == vm.uuid
    ]
    host = Host.objects.filter(engine=engine, uuid=vm.host_uuid).values_list("name", flat=True).first() or ""
    texts = [one.description for one in sorted(failed, key=lambda one: one.number)]
    return {"status": vm.status, "host": host, "job": job, "events": texts}
