"""JSON of devices that mix strings, numbers and booleans, leaf by leaf: whatever has not the asked type is not told."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_TEXT = 4096  # characters of one value that are kept
_WHOLE = re.compile(r"[+-]?\d{1,20}")
_LARGEST = 2**64 - 1  # 18446744073709551615: "not available" on a Dorado (facts/san.md 2.2)
_YES, _NO = frozenset({"true", "yes", "1", "enabled"}), frozenset({"false", "no", "0", "disabled"})

Row = Mapping[str, Any]


class Unreadable(Exception):
    """The content cannot be read; its text continues "... cannot be read: "."""


def document(body: bytes) -> Any:
    """The JSON of a body. Raises Unreadable, for any bytes whatever."""
    try:
        return json.loads(body.decode("utf-8", "replace"), parse_constant=_no_constant)
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except ValueError:
        raise Unreadable("its body is not whole JSON") from None


def _no_constant(_: str) -> None:
    raise ValueError


def rows(value: object) -> tuple[Row, ...]:
    """A list of objects; one object is a list of one, {} and None are none (facts/san.md 0.7). Raises Unreadable."""
    if value is None or value in ({}, ""):
        return ()
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in listed):
        raise Unreadable("it lists something that is no object")
    return tuple(listed)


def words(value: object) -> tuple[str, ...]:
    """A list of words, or one word, or none."""
    listed = value if isinstance(value, list) else [value]
    return tuple(word for word in map(text, listed) if word)


def inner(row: Row, name: str) -> Row:
    """The object under a name; an empty one when there is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """Strings, numbers and booleans as text; "" for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value).strip()[:LONGEST_TEXT]
    return ""


def whole(value: object) -> int | None:
    """An integer, from a number or a string; None when it is not told, or is the largest of 64 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    told = text(value)
    number = int(told) if _WHOLE.fullmatch(told) else None
    return number if number is not None and abs(number) < _LARGEST else None


def real(value: object) -> float | None:
    """A finite number, from a number or a string."""
    try:
        number = float(text(value))
    except ValueError:
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def flag(value: object) -> bool | None:
    """Yes or no, however it is written."""
    told = text(value).lower()
    return True if told in _YES else False if told in _NO else None


def first(values: Iterable[Any]) -> Any:
    """The first value that is told: neither None nor ""."""
    return next((value for value in values if value is not None and value != ""), None)


def dbm(microwatts: float | None) -> float | None:
    """Optical power: 10 * log10(uW / 1000), to a tenth. A dark receiver has none."""
    return round(10 * math.log10(microwatts / 1000), 1) if microwatts is not None and microwatts > 0 else None
