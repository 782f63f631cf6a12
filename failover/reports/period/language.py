"""How a period report writes dates, times and numbers: in the language of its readers (Unicode's CLDR, by Babel), in
the zone of its calendar. Sentences stay English; words of oVirt and Barman stay theirs."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from failover.reports.period.span import Kind
from failover.verdicts.objectives import duration

LANGUAGES = {
    "en-GB": "English",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
    "sw": "Swahili",
}
HARD = "\N{NO-BREAK SPACE}"  # between a number and its unit


class Language:
    """One language and one zone. Raises KeyError for a language that is not in LANGUAGES."""

    def __init__(self, name: str, zone: str) -> None:
        self.name, self.title = name, LANGUAGES[name]
        self._locale, self._zone = _locale(name), ZoneInfo(zone)

    def day(self, at: datetime) -> str:
        """22 Nov 2026; 22.11.2026."""
        return format_date(at.astimezone(self._zone).date(), "medium", locale=self._locale)

    def date(self, text: str) -> str:
        """A day that is stored as 2026-12-01; "" for none."""
        return format_date(date.fromisoformat(text), "medium", locale=self._locale) if text else ""

    def minute(self, at: datetime) -> str:
        """22 Nov 2026 22:14: for a column whose head carries the zone."""
        return f"{self.day(at)} {at.astimezone(self._zone):%H:%M}"

    def second(self, at: datetime) -> str:
        """22 Nov 2026 22:14:03: likewise."""
        return f"{self.day(at)} {at.astimezone(self._zone):%H:%M:%S}"

    def full(self, at: datetime) -> str:
        """22 Nov 2026 22:14:03 EAT."""
        return f"{self.day(at)} {at.astimezone(self._zone):%H:%M:%S %Z}"

    def clock(self, at: datetime) -> str:
        """22:14:03 EAT: of a day that was named."""
        return f"{at.astimezone(self._zone):%H:%M:%S %Z}"

    def zone(self, at: datetime) -> str:
        """EAT."""
        return f"{at.astimezone(self._zone):%Z}"

    def number(self, value: int) -> str:
        """1,234; 1.234; 1 234."""
        return format_decimal(value, locale=self._locale)

    def share(self, millionths: int, digits: int = 2) -> str:
        """Of one million: 99.987 %, with the digits that it needs and no more than that."""
        return f"{self._decimal(millionths / 10_000, digits)}{HARD}%"

    def _decimal(self, value: float, digits: int) -> str:
        return format_decimal(value, f"#,##0.{'#' * digits}", locale=self._locale)

    def tenths(self, milliseconds: int) -> str:
        """2 min 31.2 s, as drill reports have it, with the decimal sign of the language; 24 h for a round number."""
        text = duration(milliseconds / 1000).removesuffix(" 0 min 0 s").replace(" ", HARD)
        sign = format_decimal(1.5, locale=self._locale)[1]
        return text.replace(".", sign)

    def period(self, kind: str, begins: datetime, ends: datetime) -> str:
        """November 2026; Q4 2026; 2026; 16 Nov 2026 to 22 Nov 2026."""
        first = begins.astimezone(self._zone)
        if kind == Kind.YEARLY:
            return f"{first.year}"
        if kind == Kind.QUARTERLY:
            return f"Q{(first.month + 2) // 3} {first.year}"
        if kind == Kind.MONTHLY:
            return format_date(first.date(), "LLLL y", locale=self._locale)
        last = datetime.fromtimestamp(ends.timestamp() - 1, self._zone)
        return self.day(begins) if kind == Kind.DAILY else f"{self.day(begins)} to {self.day(last)}"

    def part(self, kind: str, begins: datetime) -> str:
        """The name of one part of a period, short: 22:00, 16, 16 Nov, Nov."""
        there = begins.astimezone(self._zone)
        if kind == Kind.DAILY:
            return f"{there:%H}"
        if kind == Kind.YEARLY:
            return format_date(there.date(), "LLL", locale=self._locale)
        pattern = "d" if kind == Kind.MONTHLY else "d MMM"
        return format_date(there.date(), pattern, locale=self._locale)


@lru_cache(maxsize=len(LANGUAGES))
def _locale(name: str) -> Locale:
    return Locale.parse(name, sep="-")
