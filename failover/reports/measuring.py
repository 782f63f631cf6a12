"""The measured part of a report, from Drill.measured as failover.services.measured writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from failover.reports import content
from failover.reports.given import Given, Row
from failover.reports.words import moment
from failover.verdicts.measure import Bounds
from failover.verdicts.objectives import duration, figure

KINDS = {"http": "web page", "tcp": "TCP connection"}


def measured(given: Given) -> content.Measured:
    """Empty where nothing was measured."""
    row: Row = given.drill.measured or {}
    backup: Row = row.get("backup") or {}
    return content.Measured(
        services=tuple(_service(one) for one in row.get("services") or ()),
        waited=_waited(row.get("pauses") or ()),
        backup=str(backup.get("name", "")),
        backup_age=backup.get("age"),
        own=tuple(
            content.Own(moment(one.get("at")), str(one.get("who", "")), str(one.get("what", "")))
            for one in row.get("own_view") or ()
        ),
        spans=tuple(sorted(given.spans, key=lambda one: (one.service, one.began, one.last))),
    )


def _waited(pauses: Sequence[Row]) -> float:
    """Seconds from the injection on, each once."""
    total, reached = 0.0, 0.0
    for one in sorted(pauses, key=lambda one: float(one["began"])):
        began, ended = max(float(one["began"]), reached), float(one["ended"])
        if ended > began:
            total, reached = total + ended - began, ended
    return total


def _service(row: Row) -> content.Service:
    recovery = _bounds(row.get("recovery"))
    return content.Service(
        key=str(row["key"]),
        title=str(row["title"]),
        how=how(row),
        state=str(row["state"]),
        why=str(row.get("why") or ""),
        objective=row.get("objective"),
        detection=_figure(row.get("detection")),
        recovery=_figure(row.get("recovery")),
        charged=_figure(row.get("charged")),
        back=recovery.high if recovery else None,
        paused=float(row.get("paused") or 0.0),
        longest=float(row.get("longest") or 0.0),
        exact=bool(row.get("exact", True)),
        outages=tuple(_outage(one) for one in row.get("outages") or ()),
        holes=tuple(
            f"{duration(one['began'])} to {duration(one['ended'])}: {one['why']}" for one in row.get("holes") or ()
        ),
    )


def how(row: Row) -> str:
    """ "web page, every 0.5 s"."""
    kind = KINDS.get(str(row.get("kind")), "service")
    return f"{kind}, every {float(row['every']):g} s" if row.get("every") else kind


def _outage(row: Row) -> content.Outage:
    return content.Outage(float(row["first"]), row.get("back"), _figure(row.get("length")), str(row.get("why") or ""))


def _bounds(row: Mapping[str, Any] | None) -> Bounds | None:
    return Bounds(float(row["low"]), float(row["high"])) if row else None


def _figure(row: Mapping[str, Any] | None) -> str:
    found = _bounds(row)
    return figure(found) if found else ""
