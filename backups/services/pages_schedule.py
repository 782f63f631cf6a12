"""When a policy starts: in words, and its next starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backups.catalog.schedule import next_runs
from backups.models import Policy
from backups.services import schedule

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def upcoming(policy: Policy, now: datetime, count: int = 5) -> tuple[datetime, ...]:
    """The next starts in the policy's zone; () when the schedule cannot be used or never runs."""
    try:
        return next_runs(schedule.of(policy), now, count)
    except schedule.Unreadable:
        return ()


def spoken(cron: str) -> str:
    """A cron expression in words where it is a common one; else the expression itself."""
    fields = cron.split()
    if len(fields) != 5:
        return cron
    minute, hour, day, month, weekday = fields
    at = _times(minute, hour)
    if not at or month != "*" or (day != "*" and weekday != "*"):
        return f"at the times of the cron expression {cron}"
    if weekday != "*":
        named = _weekdays(weekday)
        return f"{at} on {named}" if named else f"at the times of the cron expression {cron}"
    if day != "*":
        return f"{at} on day {day} of each month" if day.isdecimal() else f"at the times of the cron expression {cron}"
    return at if at.startswith("every") else f"every day {at}"


def _times(minute: str, hour: str) -> str:
    if minute.startswith("*/") and hour == "*":
        return f"every {minute[2:]} minutes"
    if not minute.isdecimal():
        return ""
    if hour == "*":
        return f"every hour at minute {int(minute)}"
    if hour.startswith("*/") and hour[2:].isdecimal():
        return f"every {hour[2:]} hours at minute {int(minute)}"
    hours = hour.split(",")
    if not all(each.isdecimal() for each in hours):
        return ""
    return "at " + _listed([f"{int(each):02}:{int(minute):02}" for each in hours])


def _weekdays(text: str) -> str:
    if text == "1-5":
        return "Monday to Friday"
    days = text.split(",")
    return _listed([_DAYS[int(each) % 7] for each in days]) if all(each.isdecimal() for each in days) else ""


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
