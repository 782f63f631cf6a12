"""Availability as the API and the exports have it: times in ISO 8601, amounts in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from failover.availability.measured import Availability, Outage, measure
from failover.availability.periods import Period
from failover.models import Objective
from failover.services.availability import clock, counting, histories
from failover.services.pages_availability import Entry, Page, Row, entries, row_of, waiting_of


def as_dict(row: Row) -> dict[str, Any]:
    """A service's period as API and exports have it: times in ISO 8601, amounts in seconds."""
    told = row.told
    return {
        "id": row.objective.pk,
        "service": row.objective.title,
        "engine": row.objective.engine.name,
        "kind": row.objective.kind,
        "key": row.objective.key,
        "period": row.period.name,
        "zone": row.period.zone,
        **_amounts(told),
        "projected_s": None if row.ahead is None else round(row.ahead, 3),
        "outcome": row.verdict.outcome.value,
        "word": row.verdict.word,
        "sentence": row.verdict.sentence,
        "watched_now": told.watched,
        "waiting_corrections": row.waiting,
        "outages": outages(told.outages),
    }


def _amounts(told: Availability) -> Mapping[str, Any]:
    return {
        "objective": told.objective,
        "begins": told.begins.isoformat(),
        "ends": told.ends.isoformat(),
        "until": told.until.isoformat(),
        "up_s": round(told.up_s, 3),
        "down_planned_s": round(told.down_planned_s, 3),
        "down_unplanned_s": round(told.down_unplanned_s, 3),
        "not_watched_s": round(told.not_watched_s, 3),
        "unknown_s": round(told.unknown_s, 3),
        "ratio": told.ratio,
        "budget_s": round(told.budget_s, 3),
        "spent_s": round(told.spent_s, 3),
        "left_s": round(told.left_s, 3),
    }


def outages(found: Sequence[Outage]) -> list[dict[str, Any]]:
    """Outages as API and exports have them. ends null: it goes on."""
    return [
        {
            "begins": one.begins.isoformat(),
            "ends": one.ends.isoformat() if one.ends else None,
            "seconds": round(one.seconds, 3),
            "planned": one.planned,
            "corrected": one.corrected,
            "cause": one.cause,
        }
        for one in found
    ]


def correction(entry: Entry) -> dict[str, Any]:
    """A correction as API and exports have it."""
    row = entry.row
    decision = getattr(row, "decision", None)
    return {
        "id": row.pk,
        "objective": row.objective_id,
        "kind": row.kind,
        "begins": row.begins.isoformat(),
        "ends": row.ends.isoformat(),
        "cause": row.cause,
        "reason": row.reason,
        "by": row.by,
        "at": row.at.isoformat(),
        "counts": entry.counts,
        "decision": decision.word if decision else None,
        "decided_by": decision.by if decision else None,
        "decided_at": decision.at.isoformat() if decision else None,
        "decided_why": decision.why if decision else "",
    }


def whole(page: Page) -> dict[str, Any]:
    """A service's period with its corrections, and its outages as they were seen."""
    seen = {**_amounts(page.seen), "outages": outages(page.seen.outages)}
    return {**as_dict(page.row), "as_seen": seen, "corrections": [correction(one) for one in page.entries]}


def custom(of: Objective, begins: datetime, ends: datetime, now: datetime) -> dict[str, Any]:
    """Any stretch of time, as `as_dict` has it."""
    known = histories([of], begins, ends)[of.pk]
    version = counting(of, begins, ends)
    zone = version.zone
    first = begins.astimezone(ZoneInfo(zone)).date()
    during = Period("custom", zone, f"{begins:%d %b %Y %H:%M} to {ends:%d %b %Y %H:%M} UTC", first, begins, ends)
    row = row_of(of, during, version, known, now, waiting_of([of]).get(of.pk, 0))
    page = {**as_dict(row), "corrections": [correction(one) for one in entries(of, begins, ends)]}
    bare = replace(known, entries=())
    seen = measure(bare, row.told.objective, begins.timestamp(), ends.timestamp(), clock(of, now))
    return {**page, "as_seen": {**_amounts(seen), "outages": outages(seen.outages)}}
