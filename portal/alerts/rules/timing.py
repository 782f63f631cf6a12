"""Whether a moment lies in the hours of a route: days of the week and a time of day in a named zone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = tuple(range(7))


@dataclass(frozen=True)
class Hours:
    """days: 0 is Monday, none means every day. From begins up to, not including, ends; over midnight when ends is not
    later: then the part after midnight belongs to the day on which it began. Equal: the whole day."""

    days: Collection[int] = EVERY_DAY
    begins: time = time(0)
    ends: time = time(0)
    zone: str = "UTC"


def zone_problem(name: str) -> str:
    """Why there is no such zone, in one sentence; "" when there is one."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"There is no time zone {name[:60]!r}: write it as Asia/Kuwait or UTC."
    return ""


def within(hours: Hours, now: datetime) -> bool:
    """now: with its zone. Clock changes are the zone's own: an hour that comes twice counts twice. A zone that is not
    there any more lets everything pass, since nobody must be left untold by a name."""
    if zone_problem(hours.zone):
        return True
    there = now.astimezone(ZoneInfo(hours.zone))
    days = hours.days or EVERY_DAY
    at = there.time().replace(tzinfo=None)
    if hours.begins < hours.ends:
        return there.weekday() in days and hours.begins <= at < hours.ends
    if at >= hours.begins:
        return there.weekday() in days
    yesterday = (there.date() - timedelta(days=1)).weekday()
    return at < hours.ends and yesterday in days


def words(hours: Hours) -> str:
    """ "Mon to Fri, 08:00 to 17:00 Asia/Kuwait"; "always" for all of the week."""
    days = sorted(set(hours.days or EVERY_DAY))
    whole = hours.begins == hours.ends
    if whole and days == list(EVERY_DAY):
        return "always"
    named = _days(days)
    return f"{named}, {hours.zone}" if whole else f"{named}, {hours.begins:%H:%M} to {hours.ends:%H:%M} {hours.zone}"


def _days(days: list[int]) -> str:
    if days == list(EVERY_DAY):
        return "every day"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]} to {DAYS[days[-1]]}"
    return ", ".join(DAYS[day] for day in days)
