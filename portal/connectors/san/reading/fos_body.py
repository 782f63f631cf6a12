"""What a Fabric OS REST answer means: its list, an empty list in the shape of an error, or a failure.

facts/san.md 1.1: nothing to list is 404 or 400 with a message; `error` is a list, up to 8.2.1a an object; a list of one
may come as an object; 503 and "busy" are to be asked again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from portal.connectors.san.reading.leaves import Row, Unreadable, document, inner, rows, text


class Means(Enum):
    """What to do with an answer."""

    ROWS = "rows"
    EMPTY = "empty"  # an error that says that there is nothing to list
    MISSING = "missing"  # this switch has no such URI
    NO_VF = "no_vf"  # virtual fabrics are off: ask without
    AGAIN = "again"  # not now; `wait` seconds
    REFUSED = "refused"  # the account is not taken
    FULL = "full"  # its sessions are used up
    FAILED = "failed"


@dataclass(frozen=True)
class Heard:
    """One answer, understood. content: of ROWS, what stands under Response; said: a failure in a few words."""

    means: Means
    content: Mapping[str, Any]
    said: str = ""
    wait: float = 0.0


# Order matters: the first pattern that a message contains. Waits in seconds.
_MESSAGES: tuple[tuple[str, Means, float], ...] = (
    (r"vf feature is not enabled|virtual fabric .*not enabled", Means.NO_VF, 0),
    (r"invalid rest uri", Means.MISSING, 0),
    (r"chassis is not ready", Means.FAILED, 0),  # S1: do not repeat
    (r"fabric is busy|busy", Means.AGAIN, 10),
    (r"(max|limit|exceed|too many)\w*\b.*\bsession|session\w*\b.*\b(max|limit|exceed|too many)", Means.FULL, 0),
    (r"^no (entries|rule violations|device|trunking links|syslog servers|licenses)\b", Means.EMPTY, 0),
    (r"^no .*(found|configured|installed|available|present)\b", Means.EMPTY, 0),
    (r"not supported on this platform|ag mode is not enabled", Means.EMPTY, 0),
)
_LISTLESS = frozenset({200, 400, 404})  # with these an error may say that a list is empty
UNAVAILABLE_WAIT = 4.0


def heard(status: int, body: bytes) -> Heard:
    """Understands one answer to a GET or a login. Raises Unreadable when a success has no JSON."""
    if status == 204 or (status == 200 and not body.strip()):
        return Heard(Means.ROWS, {})
    if status == 200:
        whole = document(body)
        if isinstance(whole, dict) and isinstance(whole.get("Response"), dict):
            return Heard(Means.ROWS, whole["Response"])
        if not isinstance(whole, dict) or "errors" not in whole:
            raise Unreadable("its body holds no Response")
    return _failure(status, body)


def container(content: Mapping[str, Any], name: str) -> tuple[Row, ...]:
    """The objects of one container. Raises Unreadable when the answer holds something else: that is not empty."""
    if name not in content:
        raise Unreadable(f"its body holds no {name}")
    return rows(content[name])


def _failure(status: int, body: bytes) -> Heard:
    faults = _faults(body)
    messages = tuple(text(fault.get("error-message")) for fault in faults)
    said = _said(status, faults)
    if status == 405:
        return Heard(Means.EMPTY, {}, said)
    for pattern, means, wait in _MESSAGES:
        listless = means is not Means.EMPTY or status in _LISTLESS
        if listless and any(re.search(pattern, message.lower()) for message in messages):
            return Heard(means, {}, said, float(wait))
    if status == 503:
        return Heard(Means.AGAIN, {}, said, UNAVAILABLE_WAIT)
    if status in (401, 403):
        return Heard(Means.REFUSED, {}, said)
    if status == 404 and not faults:
        return Heard(Means.MISSING, {}, said)  # an old FOS without REST answers HTML
    return Heard(Means.FAILED, {}, said)


def _faults(body: bytes) -> tuple[Row, ...]:
    try:
        whole = document(body)
        return rows(inner(whole, "errors").get("error")) if isinstance(whole, dict) else ()
    except Unreadable:
        return ()


def _said(status: int, faults: tuple[Row, ...]) -> str:
    """HTTP 400, code 16715785: VF feature is not enabled."""
    parts = []
    for fault in faults[:3]:
        code = text(inner(fault, "error-info").get("error-code"))
        message = " ".join(text(fault.get("error-message")).split())[:200].rstrip(". ")
        parts.append(": ".join(part for part in (f"code {code}" if code else "", message) if part))
    return ", ".join([f"HTTP {status}", *(part for part in parts if part)])
