"""Saving what people decide about the calendar of drills, each with its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from backups.services.clock import now
from failover.models import Blackout, Schedule
from failover.plans_composed import PREFIX
from failover.services.composed import kind_of
from failover.services.probing import ENGINE
from portal.evidence import services as evidence


@transaction.atomic
def save_schedule(row: Schedule, given: Mapping[str, Any], by: str) -> Schedule:
    """Keeps the schedule; what lies behind is not called missed. by: whoever asks for the drills that it proposes."""
    row.notify = [name.strip() for name in given["people"].splitlines() if name.strip()]
    row.objectives = [
        {"key": "rto", "title": "Engine answers again", "kind": "rto", "service": ENGINE, "seconds": given["rto"]}
    ]
    row.parameters = given["parameters"]
    row.kind = kind_of(row.plan) if row.plan.startswith(PREFIX) else ""
    row.decided_by, row.decided_to = by, now()
    row.save()
    body = {
        "plan": row.plan,
        "parameters": row.parameters,
        "cron": row.cron,
        "zone": row.zone,
        "minutes": row.minutes,
        "overdue_days": row.overdue_days,
        "people": row.notify,
        "enabled": row.enabled,
    }
    evidence.append("drill.schedule_saved", by, f"drill-schedule:{row.pk}", body)
    return row


@transaction.atomic
def save_blackout(row: Blackout, by: str) -> Blackout:
    """Keeps the blackout."""
    row.save()
    _recorded("drill.blackout_saved", row, by)
    return row


@transaction.atomic
def remove_blackout(row: Blackout, by: str) -> None:
    """Takes it away; the record stays."""
    _recorded("drill.blackout_removed", row, by)
    row.delete()


def _recorded(kind: str, row: Blackout, by: str) -> None:
    body = {
        "title": row.title,
        "engine": row.engine.name if row.engine else "all",
        "begins": row.begins.isoformat(),
        "ends": row.ends.isoformat(),
    }
    evidence.append(kind, by, f"drill-blackout:{row.pk}", body)
