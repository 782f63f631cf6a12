"""`multipathd show config local`: nested blocks, and which of several values counts (facts/luns-and-tuning.md 3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.kernel.output import ParseError

VENDOR, PRODUCT = "HUAWEI", "XSG1"
_LINE = re.compile(r'(\w+)\s+(?:"([^"]*)"|(\S+))')


@dataclass(frozen=True)
class Setting:
    """A setting and its value, without quotes. where: defaults | device | overrides."""

    name: str
    value: str
    where: str


@dataclass(frozen=True)
class Section:
    """One block: its name and the settings directly in it."""

    name: str
    settings: tuple[tuple[str, str], ...]


def read_config(text: str) -> tuple[Section, ...]:
    """Blocks in the order in which they end. Raises ParseError for text that has no block, or one that does not end:
    `fail`, a cut answer."""
    found: list[Section] = []
    open_blocks: list[tuple[str, list[tuple[str, str]]]] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.endswith("{"):
            open_blocks.append((line.removesuffix("{").strip(), []))
        elif line == "}":
            if not open_blocks:
                raise ParseError("The configuration that multipathd prints closes a block twice.")
            name, settings = open_blocks.pop()
            found.append(Section(name, tuple(settings)))
        elif open_blocks and (match := _LINE.fullmatch(line)):
            open_blocks[-1][1].append((match[1], match[2] if match[2] is not None else match[3]))
    if open_blocks:
        raise ParseError("The configuration that multipathd prints is cut.")
    if not found:
        said = text.strip().splitlines()[0][:100] if text.strip() else "nothing"
        raise ParseError(f"multipathd prints no configuration but: {said}.")
    return tuple(found)


def effective(sections: tuple[Section, ...]) -> tuple[Setting, ...]:
    """What counts for a LUN of the array: overrides beat its device block, which beats defaults."""
    settled: dict[str, Setting] = {}
    for kind in ("defaults", "device", "overrides"):
        for one in sections:
            if one.name != kind or (kind == "device" and not _ours(one)):
                continue
            for name, value in one.settings:
                settled[name] = Setting(name, value, kind)
    return tuple(settled.values())


def _ours(one: Section) -> bool:
    """vendor and product of a device block are regular expressions; one that is none fits nothing."""
    said = dict(one.settings)
    return _fits(said.get("vendor", ""), VENDOR) and _fits(said.get("product", ""), PRODUCT)


def _fits(pattern: str, word: str) -> bool:
    try:
        return bool(pattern) and re.match(pattern, word) is not None
    except re.error:
        return False


def told(settings: tuple[Setting, ...], name: str) -> str:
    """The value of a setting; "" when it was not printed."""
    return next((one.value for one in settings if one.name == name), "")
