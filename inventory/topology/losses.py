"""Elements that a reader takes away, as words of a URL."""

from __future__ import annotations

from collections.abc import Iterable

from inventory.redundancy.elements import Element, Kind

MOST = 40  # elements that are taken away at once


def token(element: Element) -> str:
    """An element as one word: "switch:1000c4f57c01a000"."""
    return f"{element.kind.name.lower()}:{element.key}"


def element_of(word: str) -> Element | None:
    """The element of a word; None when it names no kind."""
    kind, _, key = word.partition(":")
    found = next((one for one in Kind if one.name.lower() == kind), None)
    return Element(found, key) if found and key else None


def asked(words: Iterable[str]) -> tuple[list[Element], list[str]]:
    """(elements, words that are none). Doubles count once."""
    found, strange = [], []
    for word in list(dict.fromkeys(words))[:MOST]:
        element = element_of(word)
        if element is None:
            strange.append(word)
        else:
            found.append(element)
    return found, strange
