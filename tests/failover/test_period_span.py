"""Calendar periods across clock changes, and how dates and numbers are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.reports.period.language import HARD, LANGUAGES, Language
from failover.reports.period.span import Kind, before, due, ended, holding, parts, problem

VIENNA, CAIRO = "Europe/Vienna", "Africa/Cairo"


def utc(*parts_):
    return datetime(*parts_, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "begins", "ends"),
    [
        (Kind.DAILY, utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),  # 23 hours: the clock goes ahead
        (Kind.WEEKLY, utc(2026, 3, 22, 23), utc(2026, 3, 29, 22)),
        (Kind.MONTHLY, utc(2026, 2, 28, 23), utc(2026, 3, 31, 22)),
        (Kind.QUARTERLY, utc(2025, 12, 31, 23), utc(2026, 3, 31, 22)),
        (Kind.YEARLY, utc(2025, 12, 31, 23), utc(2026, 12, 31, 23)),
    ],
)
def test_a_period_begins_and_ends_with_days_of_its_zone(kind, begins, ends):
    span = holding(kind, VIENNA, utc(2026, 3, 29, 12))
    assert (span.begins, span.ends) == (begins, ends)
    assert before(span).ends == begins
    assert holding(kind, VIENNA, begins) == span, "its first moment belongs to it"
    assert holding(kind, VIENNA, ends).begins == ends, "its last one does not"
    assert parts(span)[0][0] == begins
    assert parts(span)[-1][1] == ends
    assert all(one[1] == two[0] for one, two in zip(parts(span), parts(span)[1:], strict=False))


def test_the_parts_of_a_period():
    def count(kind, at):
        return len(parts(holding(kind, VIENNA, at)))

    assert count(Kind.DAILY, utc(2026, 3, 29, 12)) == 23
    assert count(Kind.DAILY, utc(2026, 10, 25, 12)) == 25
    assert count(Kind.WEEKLY, utc(2026, 5, 5)) == 7
    assert count(Kind.MONTHLY, utc(2026, 2, 5)) == 28
    assert count(Kind.QUARTERLY, utc(2026, 2, 5)) == 14, "weeks, the first and the last shorter"
    assert count(Kind.YEARLY, utc(2026, 2, 5)) == 12


def test_a_day_whose_midnight_is_skipped_begins_with_the_change():
    span = holding(Kind.DAILY, CAIRO, utc(2026, 4, 24, 12))
    assert span.begins == utc(2026, 4, 23, 22), "00:00 does not exist there; the clock shows 01:00"
    assert span.first.isoformat() == "2026-04-24"


def test_a_report_is_due_at_its_hour_of_the_day_after():
    span = holding(Kind.DAILY, VIENNA, utc(2026, 3, 28, 12))
    assert due(span, 6) == utc(2026, 3, 29, 4)
    assert due(span, 2) == utc(2026, 3, 29, 1), "02:00 is skipped: it is 03:00 there"
    autumn = holding(Kind.DAILY, VIENNA, utc(2026, 10, 24, 12))
    assert due(autumn, 2) == utc(2026, 10, 25, 0), "02:00 comes twice: the first"


def test_each_period_is_due_once_however_late_somebody_looks():
    found = list(ended(Kind.DAILY, VIENNA, 6, utc(2026, 3, 28, 5), utc(2026, 3, 31, 5)))
    assert [one.first.day for one in found] == [28, 29, 30]
    assert list(ended(Kind.DAILY, VIENNA, 6, utc(2026, 3, 28, 4), utc(2026, 3, 28, 4, 30))) == []
    late = list(ended(Kind.DAILY, VIENNA, 6, utc(2026, 3, 28, 4), utc(2026, 3, 28, 5)))
    assert [one.first.day for one in late] == [27], "due at 05:00 UTC, before it was decided on"
    assert list(ended(Kind.YEARLY, "UTC", 0, utc(2026, 5, 1), utc(2026, 12, 1))) == []


def test_a_zone_that_is_none_is_said():
    assert problem("Africa/Nairobi") == ""
    assert problem("Nairobi").startswith("Nairobi is no time zone")
    assert problem("").startswith("Nothing is no time zone")
    assert problem("../etc/passwd").endswith("such as Africa/Nairobi.")


AT = utc(2026, 3, 29, 12)


def test_dates_and_numbers_follow_the_language():
    told = {name: Language(name, "Africa/Nairobi") for name in LANGUAGES}
    assert told["en-GB"].full(AT) == "29 Mar 2026 15:00:00 EAT"
    assert told["de"].full(AT) == "29.03.2026 15:00:00 EAT"
    assert told["sw"].day(AT) == "29 Mac 2026"
    assert [told[name].number(1_234_567) for name in ("en-GB", "de")] == ["1,234,567", "1.234.567"]
    assert told["de"].share(999_870) == f"99,99{HARD}%"
    assert told["en-GB"].share(999_870, 4) == f"99.987{HARD}%"
    assert told["en-GB"].share(1_000_000) == f"100{HARD}%"
    assert told["de"].tenths(151_200) == f"2{HARD}min{HARD}31,2{HARD}s"
    assert told["en-GB"].tenths(86_400_000) == f"24{HARD}h"
    assert told["fr"].date("2026-12-01") == "1 déc. 2026"
    assert told["fr"].date("") == ""
    assert told["en-GB"].zone(AT) == "EAT"
    with pytest.raises(KeyError):
        Language("xx", "UTC")


def test_a_period_has_a_name():
    told = Language("en-GB", VIENNA)

    def name(kind, at=AT):
        span = holding(kind, VIENNA, at)
        return told.period(kind, span.begins, span.ends)

    assert name(Kind.YEARLY) == "2026"
    assert name(Kind.QUARTERLY, AT + timedelta(days=60)) == "Q2 2026"
    assert name(Kind.MONTHLY) == "March 2026"
    assert name(Kind.WEEKLY) == "23 Mar 2026 to 29 Mar 2026"
    assert name(Kind.DAILY) == "29 Mar 2026"
    assert [told.part(kind, AT) for kind in Kind] == ["14", "29 Mar", "29", "29 Mar", "Mar"]
