"""How times, durations and hashes are written in a report. The zone is the report's own, not the reader's."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

NOT_RECORDED, NOT_TESTED = "not recorded", "not tested"


class Times:
    """Times in one zone."""

    def __init__(self, zone: str) -> None:
        """Raises zoneinfo.ZoneInfoNotFoundError for a name that is no zone."""
        self._zone = ZoneInfo(zone)

    def full(self, at: datetime | None) -> str:
        """22 Nov 2026 22:14:03 EAT."""
        there = self._there(at)
        return f"{there.day} {there:%b} {there.year} {there:%H:%M:%S %Z}" if there else NOT_RECORDED

    def short(self, at: datetime | None) -> str:
        """22 Nov 22:14:03: for a column whose head carries the zone."""
        there = self._there(at)
        return f"{there.day} {there:%b} {there:%H:%M:%S}" if there else NOT_RECORDED

    def clock(self, at: datetime | None) -> str:
        """22:14:03."""
        there = self._there(at)
        return f"{there:%H:%M:%S}" if there else NOT_RECORDED

    def day(self, at: datetime | None) -> str:
        """22 Nov 2026."""
        there = self._there(at)
        return f"{there.day} {there:%b} {there.year}" if there else NOT_RECORDED

    def zone(self, at: datetime) -> str:
        """EAT."""
        return f"{at.astimezone(self._zone):%Z}"

    def offset(self, at: datetime) -> str:
        """UTC+03:00."""
        plain = f"{at.astimezone(self._zone):%z}"
        return f"UTC{plain[:3]}:{plain[3:]}"

    def _there(self, at: datetime | None) -> datetime | None:
        return at.astimezone(self._zone) if at else None


def moment(text: object) -> datetime | None:
    """An ISO time as JSON keeps it; None for what is none, or has no zone."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def face(seconds: float) -> str:
    """mm:ss, with hours when there are any: 02:34."""
    whole = round(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def grouped(digest: str, groups: int = 0) -> str:
    """A hash in groups of 4; the first `groups` only, then an ellipsis."""
    parts = [digest[at : at + 4] for at in range(0, len(digest), 4)]
    if groups and len(parts) > groups:
        return " ".join(parts[:groups]) + " …"
    return " ".join(parts)


def counted(number: int, one: str, many: str = "") -> str:
    """1 deviation, 2 deviations, no deviation."""
    return f"{number or 'no'} {one if number <= 1 else many or one + 's'}"


def listed(words: tuple[str, ...] | list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
