"""A policy's schedule as the catalog's rules read it, and what it has in store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backups.catalog import schedule as catalog
from backups.catalog.schedule import Once, Schedule, Weekly
from backups.models import Missed, Obstacle, Policy

NEXT = 5  # planned starts that are shown
RECENT = timedelta(days=14)  # how far back missed starts are shown
PUNCTUAL = timedelta(minutes=5)  # a start's own delay
SILENT = timedelta(minutes=5)  # a schedule that nobody has looked at for so long is not looked at


class Unreadable(ValueError):
    """The policy's schedule cannot be used. Its text is one sentence."""


@dataclass(frozen=True)
class Outlook:
    """next: planned starts to come. missed: the recent ones for which no backup came, the newest first. late: "" or one
    sentence about a start that is due and has not begun, or a schedule that nobody looks at."""

    next: tuple[datetime, ...]
    missed: tuple[Missed, ...]
    late: str


def of(policy: Policy) -> Schedule:
    """The schedule of a policy. Raises Unreadable."""
    windows = policy.blackouts
    if not isinstance(windows, list):
        raise Unreadable(f"The blackouts of {policy} are no list of windows: enter them again.")
    zone = _zone(policy)
    schedule = Schedule(
        policy.cron,
        policy.zone,
        tuple(_window(policy, entry, zone) for entry in windows),
        timedelta(seconds=policy.catch_up),
    )
    if wrong := catalog.problem(schedule):
        raise Unreadable(wrong)
    return schedule


def problem(policy: Policy) -> str:
    """Why the policy's schedule cannot be used, in one sentence; "" when it can."""
    try:
        of(policy)
    except Unreadable as error:
        return str(error)
    return ""


def outlook(policy: Policy, now: datetime) -> Outlook:
    """What comes next, what was missed, what is late. Never raises for a schedule that cannot be used."""
    missed = tuple(policy.missed.filter(noticed_at__gt=now - RECENT))
    if not policy.enabled:
        return Outlook((), missed, "")
    try:
        plan = of(policy)
    except Unreadable as error:
        return Outlook((), missed, f"No backup is planned: {error}")
    return Outlook(catalog.next_runs(plan, now, NEXT), missed, _late(policy, plan, now))


def in_blackout(policy: Policy, now: datetime) -> bool:
    """Whether a window holds up every start now. True for a schedule that cannot be read: nobody knows."""
    try:
        plan = of(policy)
    except Unreadable:
        return True
    return any(window.around(now.astimezone(ZoneInfo(plan.zone))) for window in plan.blackouts)


def looked_at(policy: Policy) -> datetime:
    """When the schedule was last looked at: while nothing is due, `decided_to` follows the clock; while a start is
    held up, what holds it up is met again and again."""
    held = policy.obstacles.filter(act=Obstacle.Act.TAKE).order_by("-at").values_list("at", flat=True).first()
    return max(policy.decided_to, held or policy.decided_to)


def _late(policy: Policy, plan: Schedule, now: datetime) -> str:
    since = looked_at(policy)
    if now - since > SILENT:
        return (
            f"Nobody has looked at this schedule since {since.astimezone(ZoneInfo(plan.zone)):%Y-%m-%d %H:%M %Z}: "
            "start Holdfast's beat and its worker of the queue looks."
        )
    pending = catalog.between(plan, policy.decided_to, now)
    if not pending or now - pending[-1] <= PUNCTUAL:
        return ""
    held = policy.obstacles.filter(act=Obstacle.Act.TAKE).order_by("-at").first()
    words = f"The backup planned for {pending[-1]:%Y-%m-%d %H:%M %Z} has not begun"
    return f"{words}: {held.sentence}" if held else f"{words}."


def _zone(policy: Policy) -> ZoneInfo:
    try:
        return ZoneInfo(policy.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unreadable(
            f"{policy.zone or 'Nothing'} is no time zone. Use an IANA name, such as Europe/Vienna."
        ) from None


def _window(policy: Policy, entry: Any, zone: ZoneInfo) -> Weekly | Once:
    try:
        return _weekly(entry) if "days" in entry else _once(entry, zone)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):  # the last: years 1 and 9999
        raise Unreadable(
            f"A blackout of {policy} cannot be read ({str(entry)[:80]}). A weekly one has days 0 (Monday) to 6, begins "
            "and ends as 22:00; a single one begins and ends at a date with time, and ends later than it begins."
        ) from None


def _weekly(entry: dict[str, Any]) -> Weekly:
    days = frozenset(entry["days"])
    if not days or not all(type(day) is int and 0 <= day <= 6 for day in days):
        raise ValueError
    return Weekly(days, _clock(entry["begins"]), _clock(entry["ends"]))


def _clock(text: str) -> time:
    at = time.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError
    return at


def _once(entry: dict[str, Any], zone: ZoneInfo) -> Once:
    """Times without an offset are local to the schedule."""
    begins, ends = (datetime.fromisoformat(entry[name]) for name in ("begins", "ends"))
    begins, ends = (at if at.tzinfo else at.replace(tzinfo=zone) for at in (begins, ends))
    if ends.astimezone(UTC) <= begins.astimezone(UTC):
        raise ValueError
    return Once(begins, ends)
