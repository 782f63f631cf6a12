"""What the style sheets say of a mark, worked out for files that stand alone: tokens.css and topology.css in, plain
values out. Both are ours and keep to what is read here: one ".topo", then classes or a tag of one mark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

TOKEN = re.compile(r"(--[\w-]+):\s*([^;]+);")
RULE = re.compile(r"\.topo ([^{},]+)\{([^}]*)\}")
PAIR = re.compile(r"light-dark\(\s*(#[0-9a-f]+)\s*,\s*(#[0-9a-f]+)\s*\)")
TAGS = {"words": "text"}
ANCHORS = {"middle": "middle", "end": "end"}
FONT = "Noto Sans, Liberation Sans, DejaVu Sans, Arial, sans-serif"
FIXED = "DejaVu Sans Mono, Liberation Mono, Menlo, Consolas, monospace"


class Style:
    """theme: "light" or "dark"."""

    def __init__(self, tokens: str, rules: str, theme: str = "light") -> None:
        self._tokens = {
            name: _one(value.strip(), theme) for name, value in TOKEN.findall(tokens.split("@media", maxsplit=1)[0])
        }
        self._rules = [(_needs(selector), self._values(body)) for selector, body in RULE.findall(rules)]
        self._known: dict[tuple[str, str], Mapping[str, str]] = {}

    def token(self, name: str) -> str:
        """The value of a token: "--ink"."""
        return self._tokens[name]

    def of(self, kind: str, classes: str) -> Mapping[str, str]:
        """Property -> value for a mark; the later rule wins among equals, the one with more classes before that."""
        key = (kind, classes)
        if key not in self._known:
            have = {*classes.split(), TAGS.get(kind, kind)}
            fitting = [(len(needs), n) for n, (needs, _) in enumerate(self._rules) if needs <= have]
            found: dict[str, str] = {}
            for _, number in sorted(fitting, key=lambda one: (_weight(self._rules[one[1]][0]), one[1])):
                found |= self._rules[number][1]
            self._known[key] = found
        return self._known[key]

    def _values(self, body: str) -> dict[str, str]:
        found = {}
        for line in body.split(";"):
            name, _, value = line.partition(":")
            if value.strip():
                found[name.strip()] = re.sub(
                    r"var\((--[\w-]+)\)", lambda hit: self._tokens.get(hit[1], "none"), value.strip()
                )
        return found


def _one(value: str, theme: str) -> str:
    hit = PAIR.fullmatch(value)
    return value if hit is None else hit[1 if theme == "light" else 2]


def _needs(selector: str) -> frozenset[str]:
    return frozenset(one for one in selector.strip().split(".") if one)


def _weight(needs: Iterable[str]) -> int:
    """As CSS counts: classes, a tag weighs nothing beside them."""
    return sum(one != "text" for one in needs)
