"""Facts to JSON and back: frozen dataclasses made of str, int, float, bool, None, moments, tuples, frozensets
and dataclasses. How a type is read is worked out once: a host with 64 LUNs has thousands of values."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

# What may stand in JSON for a plain type: a whole number for a float, and True never for a number.
_PLAIN: Mapping[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}
_AS_IT_IS = frozenset({str, int, float, bool, type(None)})

_Reader = Callable[[Any], Any]
_known: dict[type, tuple[str, ...] | None] = {}


def dump(facts: Any) -> Any:
    """A facts dataclass as plain JSON values (tuples become lists)."""
    kind = type(facts)
    if kind in _AS_IT_IS:
        return facts
    if isinstance(facts, tuple | list):
        return [dump(item) for item in facts]
    names = _names(kind)
    if names is not None:
        return {name: dump(getattr(facts, name)) for name in names}
    if isinstance(facts, Mapping):
        return {str(key): dump(value) for key, value in facts.items()}
    if isinstance(facts, set | frozenset):
        return sorted((dump(item) for item in facts), key=repr)  # a set's own order differs from process to process
    return facts.isoformat() if isinstance(facts, datetime) else facts


def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for another type."""
    if kind not in _known:
        fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else None
        _known[kind] = None if fields is None else tuple(field.name for field in fields)
    return _known[kind]


def load(kind: Any, value: Any) -> Any:
    """The inverse of dump for a type. Raises TypeError or KeyError when the JSON was written by another version of
    the dataclass: the caller treats that as "not looked yet"."""
    return _reader(kind)(value)


@cache
def _reader(kind: Any) -> _Reader:
    """What reads a value of this type."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _union(kind)
    if origin in (tuple, list, frozenset):
        return _sequence(kind)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(*typing.get_args(kind))
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if kind is datetime:
        return _moment
    if kind in _PLAIN:
        return _plain(kind)
    if isinstance(kind, type) and issubclass(kind, str):
        return _word(kind)
    return lambda value: value


def _dataclass(kind: Any) -> _Reader:
    hints = typing.get_type_hints(kind)
    # a type may hold itself, so its fields' readers are looked for when the first value is read
    fields: list[tuple[str, _Reader]] = []

    def read(value: Any) -> Any:
        if not fields:
            # a whole list at once, so that no other thread sees a part of it
            fields.extend([(field.name, _reader(hints[field.name])) for field in dataclasses.fields(kind)])
        return kind(**{name: reader(value[name]) for name, reader in fields})

    return read


def _plain(kind: type) -> _Reader:
    allowed = _PLAIN[kind]

    def read(value: Any) -> Any:
        if type(value) not in allowed:
            raise TypeError(f"{value!r:.40} is no {kind.__name__}")
        return value

    return read


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise TypeError(f"{value!r:.40} is no moment") from None


def _word(kind: Any) -> _Reader:
    def read(value: Any) -> Any:
        try:
            return kind(value)
        except ValueError:
            raise TypeError(f"{value!r:.40} is no {kind.__name__}") from None

    return read


def _mapping(key_type: Any, value_type: Any) -> _Reader:
    inner = _reader(value_type)
    return lambda value: {key_type(key): inner(item) for key, item in value.items()}


def _union(kind: Any) -> _Reader:
    (part,) = (one for one in typing.get_args(kind) if one is not type(None))
    inner = _reader(part)
    return lambda value: None if value is None else inner(value)


def _sequence(kind: Any) -> _Reader:
    parts, whole = typing.get_args(kind), typing.get_origin(kind)
    readers = [_reader(part) for part in parts if part is not Ellipsis]
    if whole is not tuple or len(readers) < len(parts):
        inner = readers[0]
        return lambda value: whole(inner(item) for item in value)

    def read(value: Any) -> Any:
        if len(value) != len(readers):
            raise TypeError(f"{len(value)} values where {len(readers)} are expected")
        return tuple(reader(item) for reader, item in zip(readers, value, strict=True))

    return read
