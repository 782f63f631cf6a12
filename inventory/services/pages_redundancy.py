"""The LUN verdict over all hosts at a cost that does not grow with their LUNs: each host's part is kept for as long
as its answer and its declaration stay the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Case, Count, F, JSONField, Max, OuterRef, Subquery, Value, When
from django.db.models.functions import JSONObject

from inventory.models import DeclaredPath, Look
from inventory.probes.multipath import MultipathFacts
from inventory.services.looks import every
from inventory.verdicts import luns
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale
from portal.kernel.probe import DeclaredPath as Pair

PROBE = "multipath"
KEPT = 2000  # parts kept per process

Key = tuple[int, str, str]
_parts: dict[Key, luns.LunVerdict] = {}
_lock = Lock()


@dataclass(frozen=True)
class Row:
    """A host's look at its paths. mark: changes with the declaration. facts and pairs: only where they are new to
    this process."""

    look: int
    host: int
    name: str
    state: str
    at: datetime | None
    sentence: str
    sha256: str
    mark: Any
    facts: Any
    pairs: Any

    @property
    def key(self) -> Key:
        return (self.look, self.sha256, str(self.mark))


def rows() -> list[Row]:
    """All hosts that are looked at, in one query; what is known already stays in the database."""
    declared = DeclaredPath.objects.filter(host=OuterRef("host")).order_by().values("host")
    mark = declared.annotate(mark=JSONObject(count=Count("pk"), last=Max("pk"))).values("mark")
    known = When(sha256__in={sha for _, sha, _ in list(_parts)}, then=Value(None, JSONField()))
    found = (
        Look.objects.filter(host__gone_since__isnull=True, probe=PROBE, host__isnull=False)
        .annotate(
            mark=Subquery(mark),
            news=Case(known, default=F("facts"), output_field=JSONField()),
            pairs=Case(known, default=_pairs(), output_field=JSONField()),
        )
        .order_by("host__name")
    )
    fields = ("pk", "host_id", "host__name", "state", "at", "sentence", "sha256", "mark", "news", "pairs")
    return [Row(*row) for row in found.values_list(*fields)]


def verdict(now: datetime) -> tuple[luns.LunVerdict, datetime | None]:
    """The verdict, and when its oldest look ended. One query; one more when a declaration has changed."""
    judged = by_host(now)
    return luns.combine([part for _, part in judged]), min((row.at for row, _ in judged if row.at), default=None)


def by_host(now: datetime) -> list[tuple[Row, luns.LunVerdict]]:
    """Each host's part of the verdict: what `luns.combine` joins. The queries are those of `verdict`."""
    seen = rows()
    fresh = {row.look for row in seen if row.state == Look.State.READ and not _stale(row, now)}
    missing = [row for row in seen if row.look in fresh and row.key not in _parts]
    if any(row.facts is None for row in missing):
        news = Look.objects.filter(pk__in=[row.look for row in missing]).annotate(pairs=_pairs())
        told = {pk: (facts, pairs) for pk, facts, pairs in news.values_list("pk", "facts", "pairs")}
        missing = [
            replace(row, facts=told[row.look][0], pairs=told[row.look][1]) for row in missing if row.look in told
        ]
    judged = {row.key: luns.judge([_view(row)]) for row in missing}
    parts = [
        (row, (judged.get(row.key) or _parts.get(row.key) or _unread(row)) if row.look in fresh else _unread(row))
        for row in seen
    ]
    with _lock:
        if len(_parts) + len(judged) > KEPT:
            _parts.clear()
        _parts.update(judged)
    return parts


def _pairs() -> Subquery:
    declared = DeclaredPath.objects.filter(host=OuterRef("host")).order_by().values("host")
    pair = JSONObject(wwid="wwid", hba="hba_wwpn", target="target_wwpn")
    return Subquery(declared.annotate(pairs=JSONBAgg(pair)).values("pairs"), output_field=JSONField())


def _stale(row: Row, now: datetime) -> bool:
    return row.at is None or is_stale((now - row.at).total_seconds(), every(PROBE))


def _unread(row: Row) -> luns.LunVerdict:
    why = row.sentence if row.state != Look.State.READ else ""
    return luns.judge([luns.LunView(row.name, None, None, None, why)])


def _view(row: Row) -> luns.LunView:
    declared: dict[str, tuple[Pair, ...]] = {}
    for one in row.pairs or ():
        declared[one["wwid"]] = (*declared.get(one["wwid"], ()), Pair(one["hba"], one["target"]))
    try:
        return luns.LunView(row.name, 0.0, facts_json.load(MultipathFacts, row.facts), declared or None)
    except (KeyError, TypeError):
        why = f"What {row.name} said of its paths was written by another version of Holdfast."
        return luns.LunView(row.name, 0.0, None, declared or None, why)
