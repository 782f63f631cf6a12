"""Facts to JSON and back: frozen dataclasses made of str, int, float, bool, None, moments, tuples, frozensets
and dataclasses."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# What may stand in JSON for a plain type: a whole number for a float, and True never for a number.
_PLAIN: Mapping[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}


def dump(facts: Any) -> Any:
    """A facts dataclass as plain JSON values (tuples become lists)."""
    if dataclasses.is_dataclass(facts) and not isinstance(facts, type):
        return {field.name: dump(getattr(facts, field.name)) for field in dataclasses.fields(facts)}
    if isinstance(facts, Mapping):
        return {str(key): dump(value) for key, value in facts.items()}
    if isinstance(facts, set | frozenset):
        return sorted((dump(item) for item in facts), key=repr)  # a set's own order differs from process to process
    if isinstance(facts, list | tuple):
        return [dump(item) for item in facts]
    return facts.isoformat() if isinstance(facts, datetime) else facts


def load(kind: Any, value: Any) -> Any:
    """The inverse of dump for a type. Raises TypeError or KeyError when the JSON was written by another version of
    the dataclass: the caller treats that as "not looked yet"."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _load_union(kind, value)
    if origin in (tuple, list, frozenset):
        return _load_sequence(kind, value)
    if origin is not None and issubclass(origin, Mapping):
        key_type, value_type = typing.get_args(kind)
        return {key_type(key): load(value_type, item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: load(hints[field.name], value[field.name]) for field in dataclasses.fields(kind)})  # type: ignore[operator]
    if kind is datetime:
        return _load_moment(value)
    if kind in _PLAIN and type(value) not in _PLAIN[kind]:
        raise TypeError(f"{value!r:.40} is no {kind.__name__}")
    return _load_word(kind, value) if isinstance(kind, type) and issubclass(kind, str) and kind is not str else value


def _load_moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise TypeError(f"{value!r:.40} is no moment") from None


def _load_word(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise TypeError(f"{value!r:.40} is no {kind.__name__}") from None


def _load_union(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    (inner,) = (part for part in typing.get_args(kind) if part is not type(None))
    return load(inner, value)


def _load_sequence(kind: Any, value: Any) -> Any:
    parts, whole = typing.get_args(kind), typing.get_origin(kind)
    if whole is not tuple or (len(parts) == 2 and parts[1] is Ellipsis):
        return whole(load(parts[0], item) for item in value)
    if len(value) != len(parts):
        raise TypeError(f"{len(value)} values where {len(parts)} are expected")
    return tuple(load(part, item) for part, item in zip(parts, value, strict=True))
