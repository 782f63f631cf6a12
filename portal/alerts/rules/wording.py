"""What a message says, as text and as a document that every channel makes its own of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.alerts.rules.alarm import About, Severity
from portal.kernel.words import span

VERSION = 1
LEADS = {"opened": "", "raised": "Now critical: ", "escalated": "Nobody has acknowledged: ", "resolved": "Resolved: "}
LEADS |= {"lapsed": "Not acknowledged any more: ", "test": "Test: "}
MOST = 50  # alerts that one message names; the page has the others


@dataclass(frozen=True)
class Item:
    """One alert in a message. what: opened, raised, escalated, lapsed, resolved or test. url: its page, absolute where
    the portal's address is known."""

    number: int
    key: str
    what: str
    severity: Severity
    concern: str
    about: About
    sentence: str
    since: datetime
    url: str
    repeats: int = 0
    by: str = ""  # who has acknowledged it


def subject(items: Sequence[Item]) -> str:
    """One line: severity first, since that is what people sort by."""
    if len(items) == 1:
        one = items[0]
        named = one.sentence.startswith(one.about.name)
        name = "" if named else f"{one.about.name}: "
        return f"[{one.severity.value}] {LEADS[one.what]}{name}{one.sentence}"[:200]
    worst = max((one.severity for one in items), key=lambda severity: severity.rank)
    over = sum(one.what == "resolved" for one in items)
    counted = f"{len(items) - over} alerts" if over < len(items) else ""
    told = ", ".join(part for part in (counted, f"{over} resolved" if over else "") if part)
    return f"[{worst.value}] {told}: {items[0].about.name} and {len(items) - 1} more"[:200]


def body(items: Sequence[Item], now: datetime, place: str) -> str:
    """The text of a message. place: where all alerts stand."""
    shown = [_paragraph(one, now) for one in items[:MOST]]
    if len(items) > MOST:
        shown.append(f"And {len(items) - MOST} more: {place}")
    return "\n\n".join(shown) + "\n"


def _paragraph(one: Item, now: datetime) -> str:
    where = ", ".join(part for part in (one.about.engine, one.about.site) if part)
    lines = [
        f"{LEADS[one.what]}{one.sentence}",
        f"{one.severity.value}, {one.concern}; {one.about.kind} {one.about.name}{f' ({where})' if where else ''}",
        f"Since {one.since:%d %b %Y %H:%M:%S %Z}, {span((now - one.since).total_seconds())}.",
    ]
    if one.repeats:
        lines.append(f"It came back {one.repeats} time{'s' if one.repeats > 1 else ''} since it was opened.")
    if one.by:
        lines.append(f"Acknowledged by {one.by}.")
    return "\n".join([*lines, one.url])


def document(items: Sequence[Item], now: datetime) -> dict[str, Any]:
    """What machines get. Times in ISO 8601 with their zone; docs/alerts.md describes it."""
    return {
        "version": VERSION,
        "event": f"alert.{items[0].what}" if len(items) == 1 else "alert.digest",
        "at": now.isoformat(),
        "subject": subject(items),
        "severity": max((one.severity for one in items), key=lambda severity: severity.rank).value,
        "count": len(items),
        "alerts": [_entry(one) for one in items[:MOST]],
    }


def _entry(one: Item) -> dict[str, Any]:
    return {
        "id": one.number,
        "key": one.key,
        "what": one.what,
        "severity": one.severity.value,
        "concern": one.concern,
        "subject": {"kind": one.about.kind, "name": one.about.name},
        "engine": one.about.engine,
        "site": one.about.site,
        "sentence": one.sentence,
        "since": one.since.isoformat(),
        "repeats": one.repeats,
        "acknowledged_by": one.by,
        "url": one.url,
    }
