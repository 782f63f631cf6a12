"""Bodies of API requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Json(JSONParser):
    """JSON; one that is nested deeper than Python reads is unreadable like any other."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """What the body holds. Raises ParseError."""
        try:
            found = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - it is nested too deep") from None
        if not _can_be_kept(found):
            raise ParseError("JSON parse error - a text holds NUL or half of a character")
        return found


def _can_be_kept(body: Any) -> bool:
    """Whether every text in it fits into a column: fields without a type of their own, such as a Run's parameters, are
    looked at by nobody else before they are written."""
    left = [body]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str) and not _is_text(one):
            return False
    return True


def _is_text(word: str) -> bool:
    try:
        return b"\0" not in word.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
