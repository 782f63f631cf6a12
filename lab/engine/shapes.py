"""How the engine writes XML: UTF-8, standalone, four spaces (facts/engine-api.md 1.1).

Shapes are text templates, because the lab answers lists of thousands of objects: one substitution per object."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape as _escape

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
API = "/ovirt-engine/api"
ZONE = datetime.timezone(datetime.timedelta(hours=3))

__all__ = ["API", "HEAD", "collection", "deeper", "escape", "flag", "lines", "links", "part", "ref", "stamp", "tree"]


def escape(text: str) -> str:
    """Text as XML content. A line break becomes a reference, so that indenting does not change it."""
    return _escape(text, {"\n": "&#10;"})


def stamp(wall: float) -> str:
    """Unix seconds as the engine prints times: ISO, milliseconds, zone offset."""
    return datetime.datetime.fromtimestamp(wall, ZONE).isoformat(timespec="milliseconds")


def flag(value: object) -> str:
    """true or false, as XML has it."""
    return "true" if value else "false"


def deeper(text: str, levels: int = 1) -> str:
    """The text, indented by levels of four spaces."""
    pad = "    " * levels
    return pad + text.replace("\n", "\n" + pad)


def part(text: str, levels: int = 1) -> str:
    """An optional element as a template takes it: indented and ended by a newline, or nothing."""
    return deeper(text, levels) + "\n" if text else ""


def collection(tag: str, items: Iterable[str]) -> str:
    """A list element; an empty one is <tag/>."""
    body = "\n".join([deeper(item) for item in items])
    return f"<{tag}>\n{body}\n</{tag}>" if body else f"<{tag}/>"


def ref(tag: str, href: str, identifier: str) -> str:
    """A reference: bare href and id, never a name."""
    return f'<{tag} href="{href}" id="{identifier}"/>'


def links(names: str, levels: int = 1) -> str:
    """Link lines of a template; names separated by blanks, %(h)s is the object's own href."""
    return "".join([f'{"    " * levels}<link href="%(h)s/{name}" rel="{name}"/>\n' for name in names.split()])


def lines(fields: Mapping[str, Any], levels: int = 1) -> str:
    """Simple elements, one a line; None is left out, "" is an empty element."""
    pad = "    " * levels
    made = []
    for tag, value in fields.items():
        if value is None:
            continue
        text = flag(value) if isinstance(value, bool) else escape(str(value))
        made.append(f"{pad}<{tag}>{text}</{tag}>\n" if text else f"{pad}<{tag}/>\n")
    return "".join(made)


def tree(tag: str, fields: Mapping[str, Any]) -> str:
    """A nested element from nested mappings, in the given order."""
    made = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            made.append(deeper(tree(name, value)) + "\n")
        else:
            made.append(lines({name: value}))
    body = "".join(made)
    return f"<{tag}>\n{body}</{tag}>" if body else f"<{tag}/>"
