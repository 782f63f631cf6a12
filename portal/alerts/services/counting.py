"""What the header of every page says of alerts, asked for beside what a page reads anyway, or in a query of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Subquery, Value
from django.db.models.functions import JSONObject

from portal.alerts.models import Alert
from portal.alerts.rules.alarm import Severity
from portal.outbox import services as outbox

SHAPES = {Severity.CRITICAL: "fail", Severity.WARNING: "warn", Severity.INFO: "running"}


@dataclass(frozen=True)
class Counts:
    """open: alerts that nobody has acknowledged; taken: that somebody has; lost: messages that were not delivered and
    are not done with. worst: a state's name, "" when nothing is open."""

    open: int
    taken: int
    lost: int
    worst: str


def bare(now: datetime) -> Q:
    """Alerts that nobody has acknowledged as of now."""
    return Q(acknowledged_by="") | Q(acknowledged_until__lte=now)


def beside(now: datetime) -> dict[str, Subquery]:
    """Two columns for a query that is made anyway."""
    return {"alerts_said": Subquery(_alerts(now)), "alerts_lost": Subquery(_lost())}


def _alerts(now: datetime) -> QuerySet[Any, Any]:
    """One JSON value: how many are open, and how many of each severity nobody has acknowledged. None for none."""
    rows = Alert.objects.filter(resolved_at=None).order_by().annotate(all=Value(1)).values("all")
    counted = {one.value: Count("pk", filter=bare(now) & Q(severity=one.value)) for one in Severity}
    return rows.annotate(said=JSONObject(open=Count("pk"), **counted)).values("said")


def _lost() -> QuerySet[Any, Any]:
    return outbox.lost().order_by().values("state").annotate(number=Count("pk")).values("number")


def counts_of(row: Mapping[str, Any]) -> Counts:
    """From the two columns of `beside`."""
    return _counts(row["alerts_said"], row["alerts_lost"])


def counts(now: datetime) -> Counts:
    """The same by itself: two short queries on partial indexes."""
    said = next(iter(_alerts(now).values_list("said", flat=True)), None)
    return _counts(said, next(iter(_lost().values_list("number", flat=True)), None))


def _counts(said: dict[str, int] | None, lost: int | None) -> Counts:
    if said is None:
        return Counts(0, 0, lost or 0, "")
    left = sum(said[one.value] for one in Severity)
    worst = next((SHAPES[one] for one in reversed(Severity) if said[one.value]), "")
    return Counts(left, said["open"] - left, lost or 0, worst)
