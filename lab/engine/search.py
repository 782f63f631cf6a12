"""Search expressions, sorting and paging of collections (facts/engine-api.md 5)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.engine.wire import faulty

Row = TypeVar("Row")
Keys = Mapping[str, object]
TERM = re.compile(r'\s*([\w.]+)\s*(!=|>=|<=|=|>|<)\s*("[^"]*"|\S+)\s*')
SORT = re.compile(r"\bsort\s?by\s+([\w.]+)(?:\s+(asc|desc))?", re.IGNORECASE)
PAGE = re.compile(r"\bpage\s+(\d+)\s*$", re.IGNORECASE)
JOIN = re.compile(r"\s*\b(and|or)\b\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Search:
    """A parsed expression: (joined by, key, operator, value) terms, then order and page."""

    terms: tuple[tuple[str, str, str, str], ...] = ()
    sort: str = ""
    descending: bool = False
    page: int = 1


def parse(text: str) -> Search:
    """The expression as typed; raises a 400 fault when it cannot be read."""
    rest = re.sub(r"^\s*\w+\s*:\s*", "", text)
    page = PAGE.search(rest)
    rest = PAGE.sub("", rest)
    sort = SORT.search(rest)
    rest = SORT.sub("", rest).strip()
    return Search(
        terms=tuple(_terms(rest)),
        sort=sort[1].lower() if sort else "",
        descending=bool(sort and (sort[2] or "asc").lower() == "desc"),
        page=int(page[1]) if page else 1,
    )


def _terms(text: str) -> list[tuple[str, str, str, str]]:
    made: list[tuple[str, str, str, str]] = []
    joined = "and"
    while text:
        term = TERM.match(text)
        if term:
            made.append((joined, term[1].lower(), term[2], term[3].strip('"')))
            text = text[term.end() :]
        else:
            word, _, text = text.partition(" ")
            made.append((joined, "", "=", f"*{word.strip(chr(34)).strip('*')}*"))
        joined = "and"
        join = JOIN.match(text)
        if join:
            joined, text = join[1].lower(), text[join.end() :]
    return made


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _ordered(operator: str, left: object, right: object) -> bool:
    a, b = _number(left), _number(right)
    x, y = (a, b) if a is not None and b is not None else (str(left), str(right))
    return {">": x > y, "<": x < y, ">=": x >= y, "<=": x <= y}[operator]  # type: ignore[operator]


def _holds(keys: Keys, key: str, operator: str, value: str, sensitive: bool) -> bool:
    if key and key not in keys:
        raise faulty(400, f"Invalid search expression: unknown field {key}.")
    seen = keys[key] if key else next(iter(keys.values()))
    if operator in (">", "<", ">=", "<="):
        return _ordered(operator, seen, value)
    text = str(seen)
    if not sensitive:
        text, value = text.lower(), value.lower()
    return fnmatch.fnmatchcase(text, value) == (operator == "=")


def matches(search: Search, keys: Keys, sensitive: bool) -> bool:
    """Whether a row's keys satisfy the terms, read from left to right."""
    verdict = True
    for joined, key, operator, value in search.terms:
        held = _holds(keys, key, operator, value, sensitive)
        verdict = (verdict and held) if joined == "and" else (verdict or held)
    return verdict


def limit_of(query: Mapping[str, str]) -> int | None:
    """max as a number; None when absent or negative (no limit)."""
    text = query.get("max", "")
    if not text:
        return None
    if not re.fullmatch(r"-?\d+", text):
        raise faulty(400, f"For input string: {text}")
    return int(text) if int(text) >= 0 else None


def select(
    rows: Sequence[Row], query: Mapping[str, str], keys: Callable[[Row], Keys], default: str, descending: bool = False
) -> list[Row]:
    """The rows that a list answers: searched, sorted (by `default` when nothing is said), one page of them.

    The first key of `keys` is what a bare word looks at. Without max, page 2 and later are empty."""
    search = parse(query.get("search", ""))
    kept = list(rows)
    if search.terms:
        sensitive = query.get("case_sensitive", "") == "true"
        kept = [row for row in kept if matches(search, keys(row), sensitive)]
    key = search.sort or default
    if key and kept and key not in keys(kept[0]):
        raise faulty(400, f"Invalid search expression: unknown field {key}.")
    if key:
        kept.sort(key=lambda row: _rank(keys(row)[key]), reverse=search.descending if search.sort else descending)
    limit = limit_of(query)
    if limit is None:
        return kept if search.page == 1 else []
    start = (search.page - 1) * limit
    return kept[start : start + limit]


def _rank(value: object) -> tuple[int, float, str]:
    number = value if isinstance(value, int | float) else None
    return (0, float(number), "") if number is not None else (1, 0.0, str(value))
