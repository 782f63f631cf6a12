"""A JSON object inside an output that may hold prompts, warnings or log lines around it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from portal.kernel.output import ParseError


def one_object(text: str, *, raw: bool = False) -> dict[str, Any]:
    """The one JSON object of a text; it must begin at the beginning of a line. raw: its writer does not escape, so
    control characters may stand in its strings (facts/luns-and-tuning.md 1.2). Raises ParseError when there is none,
    more than one, a cut one, or one that names a key twice (0.9)."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, strict=not raw)
    found: list[dict[str, Any]] = []
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        start = end - len(text[at:end].lstrip())
        if text.startswith("{", start):
            value, end = _decode(decoder, text, start)
            found.append(value)
        at = end + 1
    if not found:
        raise ParseError("The output holds no JSON object.")
    if len(found) > 1:
        raise ParseError(f"The output holds {len(found)} JSON objects where one is expected.")
    return found[0]


def _decode(decoder: json.JSONDecoder, text: str, start: int) -> tuple[dict[str, Any], int]:
    try:
        value, end = decoder.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"The JSON of the output is cut or damaged ({str(error)[:120]}).") from None
    return value, end


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("a key is there twice")
    return built


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
