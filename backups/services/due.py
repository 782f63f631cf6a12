"""Planned starts: begun when they are due, tried again while something stands in the way, named as missed at last.
Every function is given a policy whose row the caller has locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from backups.catalog.schedule import between, decide
from backups.models import Backup, Missed, Obstacle, Policy
from backups.services import obstacles, schedule, take
from inventory.services.signal import announce
from portal.runs.models import Run

BY = "holdfast"
SLACK = timedelta(minutes=1)  # `decided_to` follows the clock in steps of this
DOWN = timedelta(minutes=3)  # a start that lies so far behind the last look was not looked at in time
SETTLE = timedelta(minutes=2)  # an engine that restarts, or files that change, are given this before the second try
MOST = 500  # missed starts that get a row and a place in the evidence; the newest
# kinds of backups.catalog.causes after which one more try, unchanged, is justified (facts/engine-backup.md 4)
PASSING = frozenset({"file_changed", "database_down", "database_busy", "grafana_locked"})
TAKE = Obstacle.Act.TAKE
U = Run.Status


def start_due(policy: Policy, now: datetime) -> None:
    """Decides what the schedule asks for now. Whatever stood in the way of a start, it ends begun or named."""
    if policy.decided_to > now + SLACK:
        _clock_went_back(policy, now)
    subject = f"policy:{policy.pk}"
    try:
        plan = schedule.of(policy)
    except schedule.Unreadable as error:
        obstacles.meet(policy, TAKE, subject, f"No backup is planned: {error}", now, wait=False)
        return
    obstacles.clear(policy, TAKE, subject)
    decision = decide(plan, policy.decided_to, now)
    if decision.missed:
        _name_missed(policy, decision.missed, decision.next, now)
    if decision.run is not None:
        _begin(policy, decision.run.astimezone(UTC), now)
    elif between(plan, policy.decided_to, now):
        obstacles.meet(policy, TAKE, _engine(policy), decision.sentence, now, wait=False)
    else:
        obstacles.clear(policy, TAKE)
        if now - policy.decided_to >= SLACK:
            _decided(policy, now)


def pass_by(policy: Policy, now: datetime) -> None:
    """A policy that is switched off: nothing is due, and nothing is missed once it is switched on again."""
    obstacles.clear(policy, TAKE)
    if now - policy.decided_to >= SLACK:
        _decided(policy, now)


def try_again(policy: Policy, now: datetime) -> None:
    """One more try for a scheduled backup that failed by something that passes; never a second one."""
    failed = policy.backups.filter(reason=Backup.Reason.SCHEDULED, due_at__isnull=False).order_by("-pk").first()
    if failed is None or failed.status != Backup.Status.FAILED or failed.cause not in PASSING:
        return
    late = timedelta(seconds=policy.catch_up + policy.timeout) + SETTLE
    if policy.backups.filter(pk__gt=failed.pk).exists() or failed.due_at is None or now - failed.due_at > late:
        return  # another one came after it, the second try included, or it is too late
    ended = failed.run.ended if failed.run else None
    if ended is None or now - ended < SETTLE or obstacles.busy(_engine(policy)) or schedule.in_blackout(policy, now):
        return
    due, words = failed.due_at, failed.ident
    obstacles.attempt(
        policy,
        Obstacle.Act.RETRY,
        _engine(policy),
        now,
        lambda: take.start(policy, BY, Backup.Reason.RETRY, due_at=due, key=f"retry:{policy.pk}:{words}"),
    )


def _begin(policy: Policy, due: datetime, now: datetime) -> None:
    """due: UTC."""
    if policy.backups.filter(reason=Backup.Reason.SCHEDULED, due_at=due).exists():
        _decided(policy, due)  # the clock went back, or somebody decided it before
        return
    run = obstacles.busy(_engine(policy))
    if run is not None:
        words = f"Run {run.pk} ({run.title}, by {run.requested_by}) is {run.status} on {run.target_name}"
        sentence = f"{words} since {_at(run.created)}, so the backup planned for {_at(due)} waits for its end."
        obstacles.meet(policy, TAKE, _engine(policy), sentence, now, wait=False)
        return
    key = f"backup:{policy.pk}:{due:%Y-%m-%dT%H:%M:%SZ}"
    begun = obstacles.attempt(
        policy,
        TAKE,
        _engine(policy),
        now,
        lambda: take.start(policy, BY, Backup.Reason.SCHEDULED, due_at=due, key=key),
    )
    if begun is not None:
        _decided(policy, due)


def _name_missed(policy: Policy, due: Sequence[datetime], following: datetime | None, now: datetime) -> None:
    """Rows, one record and a word on the live channel; then these starts have been dealt with."""
    moments = [at.astimezone(UTC) for at in due]
    taken = policy.backups.filter(reason=Backup.Reason.SCHEDULED, due_at__in=moments)
    known = set(taken.values_list("due_at", flat=True))
    known |= set(policy.missed.filter(due_at__in=moments).values_list("due_at", flat=True))
    new = [at for at in moments if at not in known]
    rows = [Missed(policy=policy, due_at=at, noticed_at=now, sentence="") for at in new[-MOST:]]
    for row in rows:
        row.sentence = _missed_sentence(policy, row.due_at, following, now)
    Missed.objects.bulk_create(rows)
    _decided(policy, moments[-1])
    if rows:
        body: dict[str, object] = {
            "missed": len(new),
            "due": [row.due_at.isoformat() for row in rows],
            "sentence": rows[-1].sentence,
        }
        obstacles.record("backup.missed", policy, body)
        announce("backups")


def _missed_sentence(policy: Policy, due: datetime, following: datetime | None, now: datetime) -> str:
    zone = ZoneInfo(policy.zone)
    nearest = f" The next one is planned for {following:%Y-%m-%d %H:%M %Z}: back up now if that is too late."
    head = f"No backup began for the planned start of {due.astimezone(zone):%Y-%m-%d %H:%M %Z}."
    return f"{head} {_in_the_way(policy, due, now)}{nearest if following else ' Back up now.'}"


def _in_the_way(policy: Policy, due: datetime, now: datetime) -> str:
    """What stood in the way of a start, as far as the rows show it."""
    until = due + timedelta(seconds=policy.catch_up)
    met = policy.obstacles.filter(act=TAKE, since__lte=until + SLACK, at__gte=due).order_by("-at").first()
    if met is not None:
        return met.sentence
    down = f"Holdfast did not look at the schedule between {_at(policy.decided_to)} and {_at(now)}."
    if due - policy.decided_to > DOWN:
        return down
    runs = Run.objects.filter(target=_engine(policy), created__lte=until).exclude(
        status__in=(U.DRAFT, U.AWAITING_APPROVAL)
    )
    other = runs.filter(Q(ended__isnull=True) | Q(ended__gte=due)).order_by("-pk").first()
    if other is None:
        return down
    ended = f"until {_at(other.ended)}" if other.ended else "and has not ended"
    words = f"Run {other.pk} ({other.title}, by {other.requested_by}) had {other.target_name}"
    return f"{words} from {_at(other.created)} {ended}."


def _clock_went_back(policy: Policy, now: datetime) -> None:
    """Starts were decided that lie ahead of the clock: it was ahead and has been set back. What was begun for them
    stays begun; what was called missed is not missed yet."""
    ahead = policy.missed.filter(due_at__gt=now)
    sentence = (
        f"The clock went back: starts up to {_at(policy.decided_to)} had been decided, and it is {_at(now)}. "
        f"They are decided again when their time comes; {ahead.count()} called missed are not."
    )
    ahead.delete()
    _decided(policy, now)
    obstacles.record("backup.clock", policy, {"sentence": sentence})


def _decided(policy: Policy, to: datetime) -> None:
    """Moves the mark, if it still stands where this tick read it. Raises RuntimeError when it does not: then nothing
    of this transaction is kept."""
    if Policy.objects.filter(pk=policy.pk, decided_to=policy.decided_to).update(decided_to=to) != 1:
        raise RuntimeError(f"policy {policy.pk}: somebody else decides its starts at the same time")
    policy.decided_to = to


def _engine(policy: Policy) -> str:
    return f"engine:{policy.engine_id}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
