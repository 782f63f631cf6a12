"""When a backup is due: a cron expression in a time zone, windows in which none may start, and what was missed.

cronsim gives the times as Debian's cron does (docs/adr/0011): a fixed time that the clock skips runs right after the
gap, one that comes twice runs once; a job of every hour runs every real hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from portal.kernel.words import span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CHAIN = 60  # windows that follow each other without a gap; more are taken for "always"
_TICK = timedelta(seconds=1)
_PUNCTUAL = timedelta(minutes=5)  # a scheduler's own delay, not a miss


@dataclass(frozen=True)
class Weekly:
    """A weekly window in which no run starts: days 0 (Monday) to 6 on which it begins, local times; it may pass
    midnight; from = until is 24 hours."""

    days: frozenset[int]
    begins: time
    ends: time

    def around(self, at: datetime) -> tuple[datetime, datetime] | None:
        """Begin and end of the window that holds this moment (local to the schedule); None when there is none."""
        for back in (0, 1):
            day = at.date() - timedelta(days=back)
            over = day + timedelta(days=1) if self.ends <= self.begins else day
            begin, end = (datetime.combine(*when, at.tzinfo) for when in ((day, self.begins), (over, self.ends)))
            if day.weekday() in self.days and begin.astimezone(UTC) <= at.astimezone(UTC) < end.astimezone(UTC):
                return begin, end
        return None

    def __str__(self) -> str:
        days = ", ".join(_DAYS[day] for day in sorted(self.days))
        return f"{days} {self.begins:%H:%M} to {self.ends:%H:%M}"


@dataclass(frozen=True)
class Once:
    """One window between two aware moments: an upgrade, a maintenance."""

    begins: datetime
    ends: datetime

    def around(self, at: datetime) -> tuple[datetime, datetime] | None:
        """As Weekly.around."""
        return (self.begins, self.ends) if self.begins <= at.astimezone(UTC) < self.ends else None

    def __str__(self) -> str:
        return f"{self.begins:%Y-%m-%d %H:%M} to {self.ends:%Y-%m-%d %H:%M %Z}"


@dataclass(frozen=True)
class Schedule:
    """expression: five cron fields. zone: IANA name. A run that falls into a blackout starts when it ends. A run that
    was missed is caught up once if that is not later than catch_up after its time; 0 catches up nothing."""

    expression: str
    zone: str
    blackouts: tuple[Weekly | Once, ...] = ()
    catch_up: timedelta = timedelta(hours=12)


@dataclass(frozen=True)
class Decision:
    """What to do now. run: the planned time that a run starts for, None to wait. missed: planned times for which no
    run will come any more; each is an alarm. next: the next planned start."""

    run: datetime | None
    missed: tuple[datetime, ...]
    next: datetime | None
    sentence: str


def problem(schedule: Schedule) -> str:
    """What is wrong with a schedule, in one sentence; "" when it can be used."""
    try:
        zone = ZoneInfo(schedule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{schedule.zone or 'Nothing'} is no time zone. Use an IANA name, such as Europe/Vienna."
    if len(schedule.expression.split()) != 5:
        return "A cron expression has five fields: minute, hour, day of month, month, day of week."
    try:
        CronSim(schedule.expression, datetime(2026, 1, 1, tzinfo=zone))
    except CronSimError as error:
        return f"The cron expression {schedule.expression} cannot be used: {error}."
    if not next_runs(schedule, datetime(2026, 1, 1, tzinfo=UTC), 1):
        return "The schedule never runs: its times do not exist or lie in blackouts."
    return ""


def starts(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Planned starts after a moment, in the schedule's zone, blackouts applied: each cron time has the first moment
    that is not before it and in no window; several held up by one window start once. Ends when there are none."""
    zone = ZoneInfo(schedule.zone)
    cursor = _held_since(after.astimezone(zone), schedule.blackouts)
    while True:
        at = next(CronSim(schedule.expression, cursor), None)
        start = at and _outside(at, schedule.blackouts)
        if start is None:
            return
        cursor = start
        if start.astimezone(UTC) > after.astimezone(UTC):
            yield start


def _outside(at: datetime, blackouts: tuple[Weekly | Once, ...]) -> datetime | None:
    """The first moment from `at` on that no window holds; None when they never end."""
    for _ in range(_CHAIN):
        held = next((found for window in blackouts if (found := window.around(at))), None)
        if held is None:
            return at
        at = held[1].astimezone(at.tzinfo)
    return None


def _held_since(at: datetime, blackouts: tuple[Weekly | Once, ...]) -> datetime:
    """The moment before the windows around `at` began: cron times since then start later than `at`."""
    for _ in range(_CHAIN):
        held = next((found for window in blackouts if (found := window.around(at))), None)
        if held is None:
            break
        at = held[0].astimezone(at.tzinfo) - _TICK
    return at


def next_runs(schedule: Schedule, after: datetime, count: int) -> tuple[datetime, ...]:
    """The next `count` planned starts after a moment."""
    return tuple(islice(starts(schedule, after), count))


def between(schedule: Schedule, after: datetime, until: datetime) -> tuple[datetime, ...]:
    """Planned starts after one moment up to and including another."""
    end = until.astimezone(UTC)  # two moments of one zone are compared by their wall clocks, which may go back
    return tuple(takewhile(lambda start: start <= end, starts(schedule, after)))


def missed(schedule: Schedule, after: datetime, until: datetime, begun: Iterable[datetime]) -> tuple[datetime, ...]:
    """Planned starts in (after, until] for which no run began between that start and the next one."""
    planned = between(schedule, after, until)
    taken = [one.astimezone(UTC) for one in begun]
    spans = pairwise((*planned, until.astimezone(UTC) + timedelta(microseconds=1)))
    return tuple(start for start, end in spans if not any(start <= one < end for one in taken))


def decide(schedule: Schedule, last: datetime, now: datetime) -> Decision:
    """What is due now, when every planned start up to `last` has been dealt with. However many were missed, at most
    one run is caught up: the newest. Call it after every tick with the newest start it named as the next `last`."""
    now = now.astimezone(UTC)
    due = between(schedule, last, now)
    following = next(starts(schedule, now), None)
    if not due:
        return Decision(None, (), following, "Nothing is due.")
    newest, older = due[-1], due[:-1]
    late = now - newest
    if _outside(now.astimezone(newest.tzinfo), schedule.blackouts) != now:
        return Decision(None, older, following, "A run is overdue and waits for the end of a blackout window.")
    if late <= max(schedule.catch_up, _PUNCTUAL):
        word = "due" if late <= _PUNCTUAL else f"caught up {span(late.total_seconds())} late"
        return Decision(newest, older, following, f"The run of {newest:%Y-%m-%d %H:%M %Z} is {word}.")
    told = (
        f"The run of {newest:%Y-%m-%d %H:%M %Z} is missed: more than {span(schedule.catch_up.total_seconds())} passed."
    )
    return Decision(None, due, following, told)
