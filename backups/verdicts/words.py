"""Times, durations and counts as a verdict spells them (ui.md 5)."""

from __future__ import annotations

from datetime import datetime


def moment(at: datetime, now: datetime) -> str:
    """06:00:04 today, 06:00:04 yesterday, 06:00:04 on 18 Nov; in the zone of `now`."""
    there = at.astimezone(now.tzinfo)
    days = (now.date() - there.date()).days
    words = {0: "today", 1: "yesterday"}.get(days)
    if words is None:
        words = f"on {there.day} {there:%b}" + ("" if there.year == now.year else f" {there.year}")
    return f"{there:%H:%M:%S} {words}"


def size(count: int) -> str:
    """Bytes: 412 MiB, 1.5 GiB."""
    number, units = float(count), ["TiB", "GiB", "MiB", "KiB", "B"]
    while number >= 1024 and len(units) > 1:
        number /= 1024
        units.pop()
    return f"{number:.1f} {units[-1]}".replace(".0 ", " ")


def counted(count: int, noun: str) -> str:
    """1 backup, 2 backups."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
