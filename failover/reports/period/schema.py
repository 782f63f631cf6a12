"""The JSON Schema (2020-12) of a period report's JSON form, from the types of its content: docs/schema holds it as it
is published, and a test holds both together."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import datetime
from typing import Any

from failover.reports.period.content import FORMAT, Report, Seal

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time", "pattern": MOMENT},
}
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Scope", "kind"): ("estate", "engine", "site"),
    ("Period", "kind"): ("daily", "weekly", "monthly", "quarterly", "yearly"),
    ("Verdict", "state"): ("ok", "warn", "fail", "unknown"),
    ("Objective", "word"): ("met", "not met", "not tested"),
    ("Issue", "state"): ("open", "fixed", "accepted", "closed"),
    ("Trouble", "what"): ("failed", "missed", "not restorable"),
    ("Waiver", "kind"): ("broken glass", "ignored step", "accepted risk"),
    ("Figure", "unit"): ("", "s", "ms", "ppm"),
    ("Figure", "good"): ("", "up", "down"),
}


def schema() -> dict[str, Any]:
    """The whole of it."""
    found: dict[str, dict[str, Any]] = {}
    for kind in (Report, Seal):
        _define(kind, found)
    return {
        "$schema": DIALECT,
        "$id": f"urn:{FORMAT}",
        "title": "Period report of Holdfast",
        "description": "`content` is what was hashed, in canonical JSON: sorted keys, no spaces, UTF-8. `made` says"
        " which record of the evidence holds its SHA-256, and signs it.",
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "content": {"$ref": "#/$defs/Report"},
            "made": {"$ref": "#/$defs/Seal"},
        },
        "required": ["format", "content", "made"],
        "additionalProperties": False,
        "$defs": dict(sorted(found.items())),
    }


def _define(kind: type[Any], found: dict[str, dict[str, Any]]) -> None:
    """A dataclass and all that it holds."""
    if kind.__name__ in found:
        return
    hints = typing.get_type_hints(kind)
    names = [one.name for one in dataclasses.fields(kind)]
    made: dict[str, Any]
    found[kind.__name__] = made = {"type": "object", "description": " ".join(str(kind.__doc__).split())}
    made["properties"] = {name: _property(kind, name, hints[name], found) for name in names}
    made["required"] = names
    made["additionalProperties"] = False


def _property(kind: type[Any], name: str, hint: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    words = WORDS.get((kind.__name__, name))
    return {"enum": list(words)} if words else _type(hint, found)


def _type(hint: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if hint in PLAIN:
        return PLAIN[hint]
    if typing.get_origin(hint) is types.UnionType:
        (inner,) = (one for one in typing.get_args(hint) if one is not type(None))
        return {"anyOf": [_type(inner, found), {"type": "null"}]}
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _type(typing.get_args(hint)[0], found)}
    _define(hint, found)
    return {"$ref": f"#/$defs/{hint.__name__}"}
