"""The engine's audit log into EngineEvent: inserted once per (number, time), never changed."""

from __future__ import annotations

from inventory.models import Engine, EngineEvent
from inventory.services.sync_rows import BATCH, Tally
from portal.connectors.engine.shapes import Cursor, Event, Events


def cursor_of(engine: Engine) -> Cursor:
    """Where the last sync ended. The time tells a restored engine from one that counted on: after a restore the
    number may be taken by another event."""
    number = engine.last_event_id
    rows = EngineEvent.objects.filter(engine=engine, number=number).order_by("-at")
    return Cursor(number, rows.values_list("at", flat=True).first())


def store(engine_pk: int, seen: Events, tally: Tally) -> None:
    """Inserts the events that are not there yet."""
    if not seen.rows:
        return
    numbers = [row.number for row in seen.rows]
    known = set(
        EngineEvent.objects.filter(engine_id=engine_pk, number__range=(min(numbers), max(numbers))).values_list(
            "number", "at"
        )
    )
    fresh = {(row.number, row.at): row for row in seen.rows if (row.number, row.at) not in known}
    EngineEvent.objects.bulk_create(
        [_event(engine_pk, row) for row in fresh.values()], batch_size=BATCH, ignore_conflicts=True
    )
    tally.add(EngineEvent, len(fresh))


def _event(engine_pk: int, row: Event) -> EngineEvent:
    return EngineEvent(
        engine_id=engine_pk,
        number=row.number,
        at=row.at,
        code=row.code,
        severity=row.severity[:16],
        description=row.description,
        correlation_id=row.correlation_id[:64],
        host_uuid=row.host_uuid[:64],
        vm_uuid=row.vm_uuid[:64],
    )
