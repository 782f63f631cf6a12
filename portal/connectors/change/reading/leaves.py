"""JSON of change systems, taken apart without trust: values, times, and the words of a refusal. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

Row = Mapping[str, object]
LONGEST = 300  # characters of a system's own words that a sentence carries
LONGEST_WAIT = 86_400.0  # seconds; what asks for longer is asked again after a day
NAME = re.compile(
    r"[A-Za-z0-9_-]{1,40}", re.ASCII
)  # a number that may stand in a path or a query, whether there is one
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MARK = re.compile(r"[A-Za-z0-9_.:/@-]{1,100}", re.ASCII)
_WORDS = ("message", "title", "detail", "messageText", "messageAppendedText", "error_description", "error")


class Unreadable(Exception):
    """An answer that is not what it should be. Its text says what is wrong, in a few words."""


def body_of(body: bytes) -> object:
    """JSON as Python has it. Raises Unreadable."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    if text.startswith("<"):
        title = _TITLE.search(text)
        said = f' titled "{short(title.group(1))}"' if title else ""
        raise Unreadable(f"a web page{said}, not JSON")
    if not text:
        raise Unreadable("an empty body")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("a body that is no JSON") from None


def row(value: object, what: str) -> Row:
    """A JSON object. Raises Unreadable."""
    if not isinstance(value, Mapping):
        raise Unreadable(f"no object where {what} should be")
    return value


def rows(value: object, what: str) -> list[Row]:
    """A JSON list of objects. Raises Unreadable."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Unreadable(f"no list where {what} should be")
    return [row(one, what) for one in value]


def text(value: object) -> str:
    """A leaf as text on one line: 3.0 and "3" are the same, null is ""; anything but a leaf is "" too. Signs that print
    nothing become U+FFFD: some cannot be stored, others make a reader see something else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return _plain(value).strip() if isinstance(value, str) else ""


def whole(value: object) -> int:
    """A number that is not negative, from a number or its text; 0 when it is none."""
    told = text(value)
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0


def instant(value: object) -> datetime | None:
    """A time with its zone (ISO 8601), or Unix seconds or milliseconds. None when nothing is told. Raises Unreadable:
    a time without a zone may mean any of them."""
    told = text(value)
    if not told:
        return None
    if told.isascii() and told.isdigit() and 9 <= len(told) <= 13:
        return datetime.fromtimestamp(int(told) / (1000 if len(told) > 11 else 1), UTC)
    try:
        found = datetime.fromisoformat(told)
        moment = found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise Unreadable(f'the time "{short(told)}", which is none or has no zone')
    return moment


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with a zone that every system reads."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def short(words: str) -> str:
    """Somebody else's words on one line, what prints nothing as U+FFFD, without a final stop."""
    return " ".join(_plain(words).split())[:LONGEST].rstrip(". ")


def _plain(words: str) -> str:
    return words if words.isprintable() else "".join(map(_shown, words))


def _shown(sign: str) -> str:
    return sign if sign.isprintable() else " " if sign.isspace() else "\ufffd"


def refusal(body: bytes) -> str:
    """The words with which a system says no, whatever the form: ServiceNow's error, Jira's errorMessages, the list of
    BMC, problem JSON, a page's title. "" when it says none."""
    try:
        found = body_of(body)
    except Unreadable:
        title = _TITLE.search(body[:20_000].decode("utf-8", "replace"))
        return short(title.group(1)) if title else ""
    return short(" / ".join(dict.fromkeys(map(short, _said(found, 0)))))


def by_workflow(body: bytes) -> bool:
    """Whether the rules of an AR System refuse: it says 500 for them as for its own failures, which have numbers below
    100 (90 no network, 91 RPC failed, 92 to 94 too slow)."""
    try:
        found = body_of(body)
    except Unreadable:
        return False
    first = found[0] if isinstance(found, list) and found else None
    return isinstance(first, Mapping) and whole(first.get("messageNumber")) >= 100


def _said(value: object, depth: int) -> list[str]:
    """The texts under the names that carry words, from the outside in."""
    if depth > 4:
        return []
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, Mapping):
        told = [one for name in ("errorMessages", *_WORDS) for one in _said(value.get(name), depth + 1)]
        fields = value.get("errors")
        if isinstance(fields, Mapping):
            told += [f"{name}: {why}" for name, why in fields.items() if isinstance(why, str)]
        return told + (_said(fields, depth + 1) if isinstance(fields, list) else [])
    if isinstance(value, list):
        return [one for part in value[:5] for one in _said(part, depth + 1)]
    return []


def wait_of(header: str, now: float) -> float | None:
    """Retry-After as seconds from now: a number or a date. None when it tells nothing."""
    told = header.strip()
    if told.isascii() and told.isdigit():
        return min(float(told[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(zoned.timestamp() - now, 0.0), LONGEST_WAIT)


def tag(mark: str) -> str:
    """How a mark stands in a note, so that the note is known again. Raises ValueError when it could be taken for
    something else in a query."""
    if not _MARK.fullmatch(mark):
        raise ValueError(f"{mark!r} is no mark: letters, digits and _ . : / @ - only.")
    return f"[holdfast {mark}]"


def kind_of(word: str) -> str:
    """standard, normal, emergency; "" for any other word."""
    plain = word.strip().lower()
    return plain if plain in ("standard", "normal", "emergency") else ""
