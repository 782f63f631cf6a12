"""The engine's audit log as a feed: where to go on, when it counts anew, and what must not be stored
(facts/engine-api.md 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from portal.connectors.engine.shapes import Cursor, Event, Events
from portal.connectors.engine.xml import LARGEST_SMALL, integer, leaves, moment, objects, reference, text
from portal.kernel.secret import MASK

FIRST = 500  # events of the past that a first reading brings
# Numbers come from a sequence and rows become visible when their transaction commits: a smaller one may come late.
OVERLAP = 200
PAGE = 1000  # events of one request; it stays the same from page to page, since the engine counts pages by it
PAGES = 100  # beyond them is more of the past than anybody reads here, or an engine that never ends

# "... connecting from '10.0.0.1' using session 'kR7h…==' logged in." The value would let its reader act as that user.
_QUOTED_SESSION = re.compile(r"(?i)\b(session(?:\s*id)?\s*[:=]?\s*)(['\"])[^'\"]*\2")
_BARE_SESSION = re.compile(r"(?i)\b(session(?:\s*id)?\s*[:=]?\s*)(?=\S*\d)[A-Za-z0-9+/=_-]{16,}")

Ask = Callable[[Mapping[str, str]], tuple[Event, ...]]  # query of /events -> its rows


def redact(description: str) -> str:
    """A description without SSO session ids."""
    masked = _QUOTED_SESSION.sub(rf"\1\2{MASK}\2", description)
    return _BARE_SESSION.sub(rf"\1{MASK}", masked)


def events(body: bytes) -> tuple[Event, ...]:
    """`GET /events`. An event without a readable number or time has no key and is left out: it must not stop the
    feed for ever. code -1: it could not be read. Raises Unreadable for a body that is no event list."""
    rows = []
    for node in objects(body, "events", "event"):
        leaf = leaves(node)
        number, at = _number(node.get("id")), moment(leaf.get("time"))
        if number is None or at is None:
            continue
        code = integer(leaf.get("code"), LARGEST_SMALL)
        rows.append(
            Event(
                number=number,
                at=at,
                code=-1 if code is None else code,
                severity=text(leaf.get("severity")),
                description=redact(text(leaf.get("description"))),
                correlation_id=text(leaf.get("correlation_id")),
                host_uuid=reference(node, "host"),  # a placeholder host has no id (code 986)
                vm_uuid=reference(node, "vm"),
            )
        )
    return tuple(rows)


def _number(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None


def feed(ask: Ask, after: Cursor) -> Events:
    """What is new since `after`, with an overlap. One request in the normal case, three after a reset, one per PAGE
    events after the portal or the network was away for long."""
    if after.number <= 0:
        return _started(ask, reset=False)
    rows = _above(ask, max(0, after.number - OVERLAP))
    if any(_another(row, after) for row in rows):
        return _started(ask, reset=True)
    newest = max(rows, key=lambda row: row.number, default=None)
    if newest is not None and newest.number >= after.number:
        return Events(rows, Cursor(newest.number, newest.at), reset=False)
    # The event of the cursor is not there: it was cleaned away, or the engine counts anew.
    last = max(ask({"max": "1"}), key=lambda row: row.number, default=None)
    if last is not None and last.number < after.number:
        return _started(ask, reset=True)
    return Events(rows, after, reset=False)


def _above(ask: Ask, number: int) -> tuple[Event, ...]:
    """The events above a number, page by page, newest first: `max` alone would leave out the oldest
    (facts/engine-api.md 0.16, 5). What is new meanwhile moves the rest on, so a page may bring some again, none is
    missed. An account that sees only a part gets the same page each time (0.18)."""
    query = {"from": str(number), "max": str(PAGE)}
    seen: dict[int, Event] = {}
    for page in range(1, PAGES + 1):
        rows = ask(query if page == 1 else {**query, "search": f"page {page}"})
        before = len(seen)
        seen |= {row.number: row for row in rows}
        if len(rows) < PAGE or len(seen) == before:
            break
    return tuple(seen.values())


def _another(row: Event, after: Cursor) -> bool:
    """True when the cursor's number now belongs to another event: a restored engine has passed it again."""
    return row.number == after.number and after.at is not None and row.at != after.at


def _started(ask: Ask, *, reset: bool) -> Events:
    rows = ask({"max": str(FIRST)})
    newest = max(rows, key=lambda row: row.number, default=None)
    cursor = Cursor() if newest is None else Cursor(newest.number, newest.at)
    return Events(rows, cursor, reset)
