"""A period report as rows of one table: section, item, field, value. One fact a line, so that any program reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from failover.reports.period.content import Report

HEADS = ("section", "item", "field", "value")
NAMES = ("ident", "key", "name", "engine", "what", "title")  # what an item is called by
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a text that begins so for a formula


def rows(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """The heads, then every fact in the order of the content."""
    yield HEADS
    for field in fields(report):
        yield from _under(field.name, "", "", getattr(report, field.name))


def _under(section: str, item: str, name: str, value: Any) -> Iterator[tuple[str, str, str, str]]:
    if is_dataclass(value):
        for field in fields(value):
            inner = f"{name}.{field.name}" if name else field.name
            yield from _under(section, item, inner, getattr(value, field.name))
    elif isinstance(value, tuple):
        yield from _each(section, item, name, value)
    else:
        yield section, _safe(item), name, _spelled(value)


def _each(section: str, item: str, name: str, values: tuple[Any, ...]) -> Iterator[tuple[str, str, str, str]]:
    for number, one in enumerate(values, 1):
        if is_dataclass(one):
            called = next((str(getattr(one, key)) for key in NAMES if hasattr(one, key)), "")
            inner = f"{number} {called}".strip()
            yield from _under(section, f"{item} / {name} {inner}" if item else inner, "", one)
        else:
            yield section, _safe(item), f"{name} {number}".strip(), _spelled(one)


def _spelled(value: object) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return _safe(str(value)) if isinstance(value, str) else str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(DANGEROUS) else text
