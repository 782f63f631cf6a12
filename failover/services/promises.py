"""What policies and schedules promise, kept from the moment on that it is seen: reports judge a period by what was in
force then. Whoever changes a policy, by page, API or shell, it is here within a tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from backups.models import Policy
from failover.models import Promise, Schedule
from failover.reports.period import given
from failover.services.frame import PROVES
from portal.evidence.models import Record

DAY = 86_400
RPO, DRILL = Promise.Kind.RPO, Promise.Kind.DRILL
SAVED = "drill.schedule_saved"
# what the evidence says of a policy, when it bears on what it promises
BORN, SWITCHED, CHANGED = (
    ("policy.added", "policy.imported"),
    ("policy.switched_on", "policy.switched_off"),
    "policy.changed",
)


@dataclass(frozen=True)
class Held:
    """What is promised now."""

    engine: int
    kind: str
    key: int
    plan: str
    like: str
    seconds: int
    enabled: bool

    def same(self, row: Promise) -> bool:
        """Whether a kept row says this."""
        return (row.engine_id, row.plan, row.like, row.seconds, row.enabled) == (
            self.engine, self.plan, self.like, self.seconds, self.enabled,
        )  # fmt: skip


@transaction.atomic
def keep(now: datetime) -> int:
    """Keeps what differs from what was kept last; gives how many rows are new. Harmless to repeat."""
    newest = {
        (one.kind, one.key): one
        for one in Promise.objects.order_by("kind", "key", "-since", "-pk").distinct("kind", "key")
    }
    there = {(one.kind, one.key): one for one in (*_policies(), *_schedules())}
    new: list[Promise] = []
    for name, held in there.items():
        last = newest.get(name)
        if last is None:
            new += _beginnings(held, now)
        elif not held.same(last):
            new.append(_row(held, now, now))
    gone = [row for name, row in newest.items() if name not in there and row.enabled]
    new += [_row(_of(row, enabled=False), now, now) for row in gone]
    Promise.objects.bulk_create(new)
    return len(new)


def _policies() -> Iterator[Held]:
    rows = Policy.objects.values_list("engine", "pk", "rpo", "enabled")
    return (Held(engine, str(RPO), pk, "", "", rpo, on) for engine, pk, rpo, on in rows)


def _schedules() -> Iterator[Held]:
    for row in Schedule.objects.all():
        yield Held(
            row.engine_id, str(DRILL), row.pk, row.plan, row.kind or row.plan, row.overdue_days * DAY, row.enabled
        )


def _of(row: Promise, *, enabled: bool) -> Held:
    return Held(row.engine_id, row.kind, row.key, row.plan, row.like, row.seconds, enabled)


def _row(held: Held, since: datetime, now: datetime, *, first: bool = False) -> Promise:
    return Promise(
        engine_id=held.engine, kind=held.kind, key=held.key, plan=held.plan, like=held.like, seconds=held.seconds,
        enabled=held.enabled, since=since, first=first, kept_at=now,
    )  # fmt: skip


def _beginnings(held: Held, now: datetime) -> list[Promise]:
    """What the evidence tells of the time before anything was kept."""
    return _policy(held, now) if held.kind == RPO else _schedule(held, now)


def _policy(held: Held, now: datetime) -> list[Promise]:
    """The evidence holds only the names of what was changed: what is promised now has been since the last change of it,
    and what was before is known only where there was no change."""
    since, first = now, False
    for one in Record.objects.filter(subject=f"policy:{held.key}").order_by("number"):
        changed = set(one.body.get("changed") or ())
        if one.kind in BORN:
            since, first = one.at, True
        elif one.kind in SWITCHED or (one.kind == CHANGED and changed & {"rpo", "enabled", "engine"}):
            since, first = one.at, False
    return [_row(held, since, now, first=first)]


def _schedule(held: Held, now: datetime) -> list[Promise]:
    """Each saving is in the evidence with its values; the first of them made it."""
    rows: list[Promise] = []
    for one in Record.objects.filter(subject=f"drill-schedule:{held.key}", kind=SAVED).order_by("number"):
        days, on = one.body.get("overdue_days"), one.body.get("enabled")
        if isinstance(days, int) and isinstance(on, bool):
            plan = str(one.body.get("plan") or held.plan)
            like = held.like if plan == held.plan else plan
            then = Held(held.engine, held.kind, held.key, plan, like, days * DAY, on)
            rows.append(_row(then, one.at, now, first=not rows))
    if not rows or not held.same(rows[-1]):
        rows.append(_row(held, now, now))
    return rows


def read(engines: Sequence[int], until: datetime) -> Iterable[given.Promise]:
    """What was promised of these engines before a moment; of each key at least the first, so that what is not kept
    shows."""
    for one in Promise.objects.filter(engine__in=engines).select_related("engine"):
        if one.since < until or not one.first:
            yield given.Promise(
                kind=one.kind,
                key=f"{one.kind}:{one.key}",
                engine=one.engine.name,
                since=one.since,
                limit=timedelta(seconds=one.seconds),
                enabled=one.enabled,
                plan=one.plan,
                proves=one.like in PROVES,
                first=one.first,
            )
