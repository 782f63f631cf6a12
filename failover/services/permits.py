"""Times that were agreed to before they came: drills that were under way, and maintenance windows that somebody owned.
Only from the moment of the agreement on: a window that is entered, adopted or extended afterwards makes nothing planned
that lies before (docs/adr/0034)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db.models import Prefetch, Q

from failover.availability.measured import Permit
from failover.models import BreakGlass, Drill, Window
from portal.evidence.models import Record

ASKED, ADOPTED, EXTENDED = "window.asked", "window.adopted", "window.extend_asked"

Times = tuple[datetime, datetime]


def permits(engines: Iterable[int], begins: datetime, ends: datetime) -> dict[int, list[Permit]]:
    """Engine key -> what was agreed to in a stretch of time. Three queries."""
    found: dict[int, list[Permit]] = {key: [] for key in engines}
    for engine, permit in (*_drills(found, begins, ends), *_windows(found, begins, ends)):
        if permit.begins < permit.ends:
            found[engine].append(permit)
    return found


def _drills(engines: Iterable[int], begins: datetime, ends: datetime) -> Iterator[tuple[int, Permit]]:
    rows = Drill.objects.filter(engine__in=list(engines), run__started__lt=ends)
    rows = rows.filter(Q(run__ended=None) | Q(run__ended__gt=begins)).select_related("run")
    broken = Prefetch("broken_glass", BreakGlass.objects.filter(confirmed_at__isnull=False))
    for drill in rows.prefetch_related(broken):
        for first, last in _allowed(drill, ends):
            yield drill.engine_id, Permit(first.timestamp(), last.timestamp(), f"drill {drill.pk}, {drill.title}")


def _allowed(drill: Drill, ends: datetime) -> Iterator[Times]:
    """While its Run was under way, inside its window or while the glass was broken."""
    run = drill.run
    if run is None or run.started is None:
        return
    first, last = max(run.started, run.approved_at or run.started), run.ended or ends
    times: list[tuple[datetime | None, datetime | None]] = [(drill.window_begins, drill.window_ends)]
    times += [(glass.confirmed_at, glass.until) for glass in drill.broken_glass.all()]
    for begin, end in times:
        yield max(first, begin or first), min(last, end or last)


def _windows(engines: Iterable[int], begins: datetime, ends: datetime) -> Iterator[tuple[int, Permit]]:
    rows = Window.objects.filter(engine__in=list(engines), asked_at__lt=ends).exclude(state=Window.State.FAILED)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=begins)).exclude(owner="").select_related("host", "engine")
    windows = {f"window:{row.pk}": row for row in rows}
    if not windows:
        return
    records = Record.objects.filter(subject__in=windows, kind__in=(ASKED, ADOPTED, EXTENDED)).order_by("number")
    agreed: dict[str, list[Record]] = {}
    for record in records:
        agreed.setdefault(record.subject, []).append(record)
    for subject, row in windows.items():
        for first, last in agreements(row, agreed.get(subject, ())):
            words = f"{row}, {row.reason}" if row.reason else str(row)
            yield row.engine_id, Permit(first.timestamp(), min(last, row.ended_at or ends).timestamp(), words)


def agreements(window: Window, records: Sequence[Record]) -> Iterator[Times]:
    """From each agreement to the deadline that it named, as the evidence has it: what lies between a deadline that has
    passed and its extension is nobody's. A deadline that never came to count is left out."""
    for record in records:
        named = str(record.body.get("to" if record.kind != ASKED else "deadline") or "")
        if named and window.deadline is not None:
            yield record.at, min(datetime.fromisoformat(named), window.deadline)
