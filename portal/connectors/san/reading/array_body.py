"""What a DeviceManager answer means. HTTP says little: the truth is error.code (facts/san.md 0.3, 2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from portal.connectors.san.reading.leaves import Row, Unreadable, document, inner, rows, text, whole

_LOGGED_OUT = frozenset({-401, 4294967297})
DEAD_SESSION = 1077939726  # seen on a dead session, while another driver reads it as "volume does not exist"
NO_RANGE = 50331651  # the resource takes no range
_LATER = frozenset({1077949001, 1077949006})
_ABSENT = frozenset({1077937923, 1077937924, 1077674242, 1073804587, 1077948996})
PAGE = 100  # rows of one call at most; range=[a-b] leaves b out
_NOT_TOLD = frozenset({"", "--", "18446744073709551615", "4294967295"})


class Means(Enum):
    """What to do with an answer."""

    ROWS = "rows"
    LOGIN = "login"  # the session is not known any more
    NO_RANGE = "no_range"  # ask without a range
    LATER = "later"  # it took the array too long
    FAILED = "failed"


@dataclass(frozen=True)
class Heard:
    """One answer, understood. data: what stands under data, None when nothing does, which is an empty collection."""

    means: Means
    data: Any = None
    code: int = 0
    said: str = ""


def heard(status: int, body: bytes) -> Heard:
    """Understands one answer. Raises Unreadable when it is not DeviceManager's."""
    if status == 401:
        return Heard(Means.LOGIN, said="HTTP 401")
    whole_body = document(body)
    error = inner(whole_body, "error") if isinstance(whole_body, dict) else {}
    code = whole(error.get("code"))
    if code is None:
        raise Unreadable(f"it answers HTTP {status} without an error code")
    said = _said(status, code, error)
    if code == 0:
        return Heard(Means.ROWS if status < 300 else Means.FAILED, whole_body.get("data"), 0, said)
    if code in _ABSENT:
        return Heard(Means.ROWS, None, code, said)
    return Heard(_means(code), None, code, said)


def _means(code: int) -> Means:
    if code in _LOGGED_OUT or code == DEAD_SESSION:
        return Means.LOGIN
    return Means.NO_RANGE if code == NO_RANGE else Means.LATER if code in _LATER else Means.FAILED


def _said(status: int, code: int, error: Row) -> str:
    """code 1077948996: The object does not exist."""
    told = " ".join(text(error.get("description")).split())[:200].rstrip(". ")
    words = f"code {code}" + (f": {told}" if told and told != "0" else "")
    return words if status == 200 else f"HTTP {status}, {words}"


def listed(data: object) -> tuple[Row, ...]:
    """The rows of a collection."""
    return rows(data)


def one(data: object) -> Row:
    """A single object, which may come as a list of one. Raises Unreadable when there is none."""
    found = rows(data)
    if len(found) != 1:
        raise Unreadable("it does not hold one object")
    return found[0]


def told(row: Row, name: str) -> str:
    """A value, by its name as written or else in any case (facts/san.md 0.3: a key may stand twice in different case);
    "" for what the array marks as not available."""
    if name in row:
        value = text(row[name])
    else:
        value = text(next((found for key, found in row.items() if key.lower() == name.lower()), ""))
    return "" if value in _NOT_TOLD else value


def count(row: Row, name: str) -> int | None:
    """A number that is not negative; -1 means that there is none."""
    number = whole(told(row, name))
    return number if number is not None and number >= 0 else None


def yes(row: Row, name: str) -> bool | None:
    """true and false, which come as strings."""
    return {"true": True, "1": True, "false": False, "0": False}.get(told(row, name).lower())


def ident(row: Row) -> str:
    """The row's ID. Raises Unreadable without one."""
    value = text(row.get("ID"))
    if not value:
        raise Unreadable("it lists an object without ID")
    return value


def lun_wwn(row: Row) -> str:
    """32 hex digits; "" for anything else."""
    value = told(row, "WWN").lower().removeprefix("0x").replace(":", "")
    return value if re.fullmatch(r"[0-9a-f]{32}", value) else ""
