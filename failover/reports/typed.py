"""A JSON Schema (2020-12) from the types of a report's content, so that what is published cannot drift from what is
written: docs/schema holds them, and a test holds both together."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    # a fraction is its shortest decimal as text, because two languages do not print one alike (docs/adr/0007)
    float: {"type": ["integer", "string"], "pattern": r"^-?\d+(\.\d+)?(e[+-]?\d+)?$"},
    datetime: {"type": "string", "format": "date-time", "pattern": MOMENT},
}
Words = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Form:
    """A published form. name: its format and version. words: (type, field) -> the words that it may have."""

    name: str
    title: str
    report: type[Any]
    seal: type[Any]
    words: Words


def schema(form: Form) -> dict[str, Any]:
    """The whole of it."""
    found: dict[str, dict[str, Any]] = {}
    for kind in (form.report, form.seal):
        _define(kind, found, form.words)
    return {
        "$schema": DIALECT,
        "$id": f"urn:{form.name}",
        "title": form.title,
        "description": "`content` is what was hashed, in canonical JSON: sorted keys, no spaces, UTF-8. `made` says"
        " which record of the evidence holds its SHA-256, and signs it.",
        "type": "object",
        "properties": {
            "format": {"const": form.name},
            "content": {"$ref": f"#/$defs/{form.report.__name__}"},
            "made": {"$ref": f"#/$defs/{form.seal.__name__}"},
        },
        "required": ["format", "content", "made"],
        "additionalProperties": False,
        "$defs": dict(sorted(found.items())),
    }


def _define(kind: type[Any], found: dict[str, dict[str, Any]], words: Words) -> None:
    """A dataclass and all that it holds."""
    if kind.__name__ in found:
        return
    hints = typing.get_type_hints(kind)
    names = [one.name for one in dataclasses.fields(kind)]
    made: dict[str, Any]
    found[kind.__name__] = made = {"type": "object", "description": " ".join(str(kind.__doc__).split())}
    made["properties"] = {name: _property(kind, name, hints[name], found, words) for name in names}
    made["required"] = names
    made["additionalProperties"] = False


def _property(kind: type[Any], name: str, hint: Any, found: dict[str, dict[str, Any]], words: Words) -> dict[str, Any]:
    said = words.get((kind.__name__, name))
    return {"enum": list(said)} if said else _type(hint, found, words)


def _type(hint: Any, found: dict[str, dict[str, Any]], words: Words) -> dict[str, Any]:
    if hint in PLAIN:
        return PLAIN[hint]
    if typing.get_origin(hint) is types.UnionType:
        (inner,) = (one for one in typing.get_args(hint) if one is not type(None))
        return {"anyOf": [_type(inner, found, words), {"type": "null"}]}
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _type(typing.get_args(hint)[0], found, words)}
    _define(hint, found, words)
    return {"$ref": f"#/$defs/{hint.__name__}"}
