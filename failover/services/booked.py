"""The portal's own calendar: what holds which engine when. It answers the change system's question about conflicts, and
the search for a free time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from backups.catalog import schedule as catalog
from backups.models import Backup, Policy
from backups.services.schedule import Unreadable
from backups.services.schedule import of as planned
from failover.catalog.slots import Busy
from failover.models import Blackout, Drill, Schedule, Window
from failover.services.durations import needed
from failover.services.schedules import of as drilled
from inventory.models import Host
from portal.runs.models import Run
from portal.runs.registry import UnknownPlan, plan_named
from portal.runs.states import ENDED

LONGEST = timedelta(days=92)  # of one question
USUAL = timedelta(minutes=15)  # of a backup, where too few past ones say


def booked(engines: Iterable[int], begins: datetime, ends: datetime) -> list[Busy]:
    """Everything that holds one of the engines between two moments, the soonest first."""
    keys = list(engines)
    if not keys:
        return []  # nothing is known of what was asked about
    found = [
        one
        for part in (_drills, _schedules, _windows, _backups, _blackouts, _runs)
        for one in part(keys, begins, ends)
        if one.touches(begins, ends)
    ]
    return sorted(found, key=lambda one: (one.begins, one.kind, one.title))


def _drills(engines: list[int], begins: datetime, ends: datetime) -> Iterator[Busy]:
    rows = Drill.objects.filter(engine__in=engines).select_related("run").exclude(run=None)
    ahead = Q(window_begins__lt=ends) & (Q(window_ends=None) | Q(window_ends__gt=begins))
    rows = rows.filter(ahead | Q(run__status__in=Run.ACTIVE))
    for row in rows.exclude(run__status__in=[str(each) for each in ENDED]):
        assert row.run is not None
        begun = row.run.started or row.run.queued_at or row.run.created
        link = reverse("api-drill-detail", args=[row.pk])
        since = row.window_begins or begun
        yield Busy("drill", row.title, since, row.window_ends, row.engine_id, row.run.change, link)


def _schedules(engines: list[int], begins: datetime, ends: datetime) -> Iterator[Busy]:
    """Planned drills that are not proposed yet."""
    for row in Schedule.objects.filter(engine__in=engines, enabled=True).exclude(cron="").select_related("engine"):
        plan = drilled(row)
        if catalog.problem(plan):
            continue
        long = timedelta(minutes=row.minutes)
        for at in catalog.between(plan, max(row.decided_to, begins - long), ends):
            title = f"Planned drill {row.plan} of {row.engine}"
            link = reverse("api-drill-schedule-detail", args=[row.pk])
            yield Busy("schedule", title, at, at + long, row.engine_id, row.change, link)


def _windows(engines: list[int], begins: datetime, ends: datetime) -> Iterator[Busy]:
    rows = Window.objects.filter(engine__in=engines, state__in=Window.OPEN).select_related("engine", "host")
    for row in rows:
        link = reverse("api-window-detail", args=[row.pk])
        # past its deadline it still holds the engine, until somebody leaves it
        over = row.deadline is not None and row.overdue_at is None
        yield Busy("window", str(row), row.asked_at, row.deadline if over else None, row.engine_id, row.change, link)


def _backups(engines: list[int], begins: datetime, ends: datetime) -> Iterator[Busy]:
    for row in Policy.objects.filter(engine__in=engines, enabled=True).exclude(cron="").select_related("engine"):
        try:
            plan = planned(row)
        except Unreadable:
            continue  # its page says so
        long = _takes(row)
        for at in catalog.between(plan, begins - long, ends):
            link = reverse("api-policy-detail", args=[row.pk])
            yield Busy("backup", f"Backup {row.name} of {row.engine}", at, at + long, row.engine_id, "", link)


def _takes(policy: Policy) -> timedelta:
    """How long the slowest of its latest backups took."""
    rows = Backup.objects.filter(policy=policy, run__started__isnull=False, run__ended__isnull=False).order_by("-pk")
    took = [ended - began for began, ended in rows.values_list("run__started", "run__ended")[:20] if ended and began]
    return max(took, default=USUAL)


def _blackouts(engines: list[int], begins: datetime, ends: datetime) -> Iterator[Busy]:
    for row in Blackout.objects.filter(Q(engine=None) | Q(engine__in=engines), begins__lt=ends, ends__gt=begins):
        yield Busy("blackout", row.title, row.begins, row.ends, row.engine_id)


def _runs(engines: list[int], begins: datetime, ends: datetime) -> Iterator[Busy]:
    """What is under way on an engine or its hosts, other than drills and windows."""
    hosts = dict(Host.objects.filter(engine__in=engines).values_list("pk", "engine"))
    targets = {f"{kind}:{pk}": pk for kind in ("engine", "she") for pk in engines}
    targets |= {f"host:{pk}": engine for pk, engine in hosts.items()}
    rows = Run.objects.filter(status__in=Run.ACTIVE, target__in=targets, drill=None, enters=None, leaves=None)
    for row in rows:
        began = row.started or row.queued_at or row.created
        link = reverse("api-run-detail", args=[row.pk])
        end = _ends(row, began)
        yield Busy("run", f"{row.title} on {row.target_name}", began, end, targets[row.target], row.change, link)


def _ends(run: Run, began: datetime) -> datetime | None:
    """When it is expected to be over; None when it is late, or nobody can say."""
    try:
        ahead, _ = needed(plan_named(run.plan, run.plan_version))
    except UnknownPlan:
        return None
    return began + timedelta(seconds=ahead)
