"""How states, times, sizes and hashes are written on every page (ui.md 3 to 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.kernel.words import span

register = template.Library()

WORDS = {
    "ok": "OK",
    "warn": "Warning",
    "fail": "Failed",
    "unknown": "Unknown",
    "maintenance": "Maintenance",
    "running": "Running",
    "waiting": "Waiting",
}
ABSOLUTE_AFTER = timedelta(days=90)  # from then on an age is said as a date only
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@register.simple_tag
def shape(name: str, word: str = "") -> SafeString:
    """The shape of a state, coloured by its own class. Give a word only where none stands beside it."""
    href = static("holdfast/shapes.svg")
    if word:
        return format_html(
            '<svg class="shape {}" role="img" aria-label="{}"><use href="{}#{}"></use></svg>', name, word, href, name
        )
    return format_html(
        '<svg class="shape {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', name, href, name
    )


@register.simple_tag
def state(name: str, word: str = "") -> SafeString:
    """Shape, word and colour together. word: what stands beside the shape; the state's own word when left out."""
    return format_html('<span class="state {}">{}{}</span>', name, shape(name), word or WORDS.get(name, name))


@register.filter
def word(name: str) -> str:
    """The word of a state: ok -> OK."""
    return WORDS.get(name, name)


def local(at: datetime) -> datetime:
    """A time in the reader's zone."""
    return timezone.localtime(at)


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"


@register.filter
def iso(at: datetime | None) -> str:
    """For <time datetime>, in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else ""


@register.filter
def clock(at: datetime) -> str:
    """10:14:32."""
    return f"{local(at):%H:%M:%S}"


@register.filter
def zone(at: datetime) -> str:
    """EAT."""
    return f"{local(at):%Z}"


@register.filter
def day_name(at: datetime) -> str:
    """Sun 22 Nov 2026."""
    there = local(at)
    return f"{there:%a} {_day(there)} {there.year}"


def short(at: datetime, now: datetime) -> str:
    """06:00 EAT today, 21 Nov 22:41 EAT this year, 3 Nov 2025 22:41 EAT before."""
    there, here = local(at), local(now)
    if there.date() == here.date():
        return f"{there:%H:%M %Z}"
    year = "" if there.year == here.year else f" {there.year}"
    return f"{_day(there)}{year} {there:%H:%M %Z}"


def full(at: datetime) -> str:
    """22 Nov 2026 10:14:11 EAT."""
    there = local(at)
    return f"{_day(there)} {there.year} {there:%H:%M:%S %Z}"


def age(at: datetime, now: datetime) -> str:
    """8 s ago, 2 min ago, 4 h 14 min ago, 19 days ago; "in 22 s" for a time to come."""
    seconds = (now - at).total_seconds()
    words = span(abs(seconds))
    return f"in {words}" if seconds < -1 else f"{words} ago"


@register.filter
def when(at: datetime | None) -> SafeString | str:
    """The absolute time with its zone."""
    return format_html('<time datetime="{}">{}</time>', iso(at), full(at)) if at else "not known"


@register.filter
def since(at: datetime | None) -> SafeString | str:
    """The absolute time with its zone, as short as today allows."""
    if at is None:
        return "not known"
    return format_html('<time datetime="{}" title="{}">{}</time>', iso(at), full(at), short(at, timezone.now()))


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """The age, which the page keeps counting; the exact value in datetime and title."""
    if at is None:
        return "never"
    now = timezone.now()
    if now - at > ABSOLUTE_AFTER:
        return since(at)
    return format_html('<time datetime="{}" data-ago title="{}">{}</time>', iso(at), full(at), age(at, now))


@register.filter
def hm(at: datetime) -> SafeString:
    """The time of day in a column whose head carries the zone; with the day when it is not today."""
    there = local(at)
    day = "" if there.date() == local(timezone.now()).date() else f"{_day(there)} "
    return format_html('<time datetime="{}" title="{}">{}{}</time>', iso(at), full(at), day, f"{there:%H:%M:%S}")


@register.filter
def took(seconds: float | timedelta | None) -> str:
    """0.4 s, 48 s, 2 min 18 s."""
    if seconds is None:
        return ""
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return span(value)


@register.filter
def until(end: datetime | None, begin: datetime | None) -> timedelta | None:
    """How long from begin to end; None when one is missing."""
    return end - begin if end and begin else None


@register.filter
def ms(value: int) -> str:
    """84 ms, 1.2 s."""
    return f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"


@register.filter
def size(value: float | None) -> str:
    """Bytes in binary units: 120 GiB, 4.0 TiB."""
    if value is None:
        return "not known"
    amount, unit = float(value), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if unit >= 4 and amount < 10 else f"{amount:.0f} {UNITS[unit]}"


@register.filter
def count(value: int) -> str:
    """1,204."""
    return f"{value:,}"


@register.filter
def fours(value: str) -> str:
    """A hash in groups of four."""
    return " ".join(value[i : i + 4] for i in range(0, len(value), 4))


@register.filter
def said(value: Any) -> Any:
    """What was seen, or the words "not known" for None; booleans as they print in oVirt."""
    if value is None or value == "":
        return "not known"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


@register.simple_tag
def fact(title: str, value: object, kind: str = "") -> SafeString:
    """One line of a list of facts. kind: the class of what stands there, such as mono."""
    return format_html("<dt>{}</dt><dd{}>{}</dd>", title, format_html(' class="{}"', kind) if kind else "", value)


@register.simple_tag
def head(title: str, about: str = "") -> SafeString:
    """The head of a part of a page. about: what it holds, in small."""
    small = format_html('<span class="meta">{}</span>', about) if about else ""
    return format_html('<div class="head"><h2>{}</h2>{}</div>', title, small)


@register.simple_block_tag
def headed(content: str, title: str) -> SafeString:
    """The head of a part of a page, with what stands beside the title: links, counts."""
    return format_html('<div class="head"><h2>{}</h2>{}</div>', title, SafeString(content.strip()))
