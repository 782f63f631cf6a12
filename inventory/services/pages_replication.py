"""Replication for its page: pairs as of now, and their last 30 days from the roll-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from inventory.models import Engine, Rollup
from inventory.services import replicating
from inventory.services.looks import REPLICATION
from inventory.services.record import BUCKET
from inventory.verdicts.replication import Replicated

DAYS = 30


@dataclass(frozen=True)
class Past:
    """One pair's last 30 days. worst: most seconds that would have been lost, None without a number. outside: minutes
    in which it was more than the objective, in whole roll-ups; None without an objective. known: minutes with a
    number."""

    worst: float | None
    outside: int | None
    known: int


@dataclass(frozen=True)
class Row:
    """One pair. consistent_at: the last moment that both sides are known to have held."""

    pair: Replicated
    past: Past
    consistent_at: datetime | None
    approved: str  # WWN of the approved copy, "" for none
    drifted: bool


@dataclass(frozen=True)
class Page:
    """One estate."""

    engine: Engine
    judged: replicating.Judged
    rows: list[Row]


def page(engine: Engine, now: datetime) -> Page:
    """Everything about one estate's pairs; five queries whatever their number."""
    found = replicating.judged(engine, now, replicating.kept(engine))
    past = _past(engine, now, found)
    copies = {one.production: one.copy for one in found.map}
    rows = []
    for one in found.pairs:
        wwn = one.primary.wwn if one.primary else one.pair.ends[0].wwn
        approved = found.approved.get(wwn, "")
        at = one.loss.consistent_at
        seen = copies.get(wwn, "")
        rows.append(
            Row(
                one,
                past.get(replicating.series(one.key), Past(None, None, 0)),
                None if at is None else datetime.fromtimestamp(at, UTC),
                approved,
                bool(seen) and seen != approved,
            )
        )
    return Page(engine, found, rows)


def _past(engine: Engine, now: datetime, found: replicating.Judged) -> dict[str, Past]:
    names = [replicating.series(one.key) for one in found.pairs]
    rows = Rollup.objects.filter(
        look__engine=engine, look__probe=REPLICATION, series__in=names, bucket__gte=now - timedelta(days=DAYS)
    )
    highs: dict[str, list[float]] = {}
    for series, high in rows.values_list("series", "high"):
        highs.setdefault(series, []).append(high)
    minutes = BUCKET // 60
    objective = found.objective
    return {
        name: Past(
            max(values),
            None if objective is None else minutes * sum(value > objective for value in values),
            minutes * len(values),
        )
        for name, values in highs.items()
    }
