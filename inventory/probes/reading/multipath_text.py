"""`multipath -ll` of all versions: fallback and evidence (facts/luns-and-tuning.md 1.1). Lost indentation, mangled
branches, log lines, the bracket syntax of EL4 and EL5 and vanished devices are all met in the field."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from inventory.probes.reading.multipath import MapFact, PathFact
from portal.kernel.output import ParseError

_ACTION = r"(?:(?:create|reload|rename|reject|resize|switchpg|nothing|force|undef)[a-z_ ]*: )?"
_HEADER = re.compile(_ACTION + r"(?P<name>\S.*?)(?: \((?P<wwid>[^()]+)\))?\s+(?P<dm>dm-\d+|undef)(?:\s+(?P<what>.*))?")
_OLD_HEADER = re.compile(_ACTION + r"(?P<name>\S+) \((?P<wwid>[^()\s]+)\)")
# A native NVMe map, which device-mapper has nothing to do with: "uuid [nvme]:nvme0n1 NVMe,model,firmware" (1.1).
_FOREIGN = re.compile(r"\S+ \[\w+\]:\S+ .*")
_PROPS = re.compile(r"\[?size=(?P<size>\d+(?:\.\d+)? ?[KMGTP]?B?)(?P<rest>[\s\]].*)?")
_PATH = re.compile(
    r"[^\w#]*[-_─][^\w#]*(?P<hctl>\d+:\d+:\d+:\d+|#:#:#:#)\s+(?P<dev>\S+)\s+(?P<dev_t>\d+:\d+|#:#)(?P<rest>.*)"
)
_GROUP = re.compile(r"[^\w#]*(?:\+-\s*policy=|\\_ [\w-]+ \d+ *\[)")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_BLANK_WORD = re.compile(r"i/o (pending|timeout)")


@dataclass(frozen=True)
class TextAnswer:
    """The maps, and the lines that belong to none of them (log lines, warnings), at most 50."""

    maps: tuple[MapFact, ...]
    noise: tuple[str, ...]


def read_text(text: str) -> TextAnswer:
    """Text in, maps out; no map at all is no error here. Raises ParseError for a path that is cut and a map whose
    name is missing."""
    maps: list[MapFact] = []
    noise: list[str] = []
    header: re.Match[str] | None = None
    foreign = False
    for line in filter(None, (one.strip() for one in text.splitlines())):
        props, path = _PROPS.fullmatch(line), _PATH.fullmatch(line)
        foreign = _FOREIGN.fullmatch(line) is not None or (foreign and _HEADER.fullmatch(line) is None)
        if foreign:
            continue
        if props:
            maps.append(_map(header, props))
            header = None
        elif path and maps:
            maps[-1] = replace(maps[-1], paths=(*maps[-1].paths, _path(path)))
        elif not _GROUP.match(line):
            named = _HEADER.fullmatch(line) or _OLD_HEADER.fullmatch(line)
            header = named or header
            if named is None:
                noise.append(line[:200])
    if header is not None and maps_end_open(header, text):
        raise ParseError("The output of multipath ends inside a map.")
    return TextAnswer(tuple(maps), tuple(noise[:50]))


def maps_end_open(header: re.Match[str], text: str) -> bool:
    """True when the last line that says something is the header of a map that never came."""
    return text.rstrip().endswith(header.string)


def _map(header: re.Match[str] | None, props: re.Match[str]) -> MapFact:
    if header is None:
        raise ParseError("The output of multipath holds a map without its name.")
    parts = header.groupdict()
    vendor, _, product = (parts.get("what") or "").partition(",")
    rest = props["rest"] or ""
    write = re.search(r"wp=(\w+)|\[(rw|ro)\]", rest)
    features = re.search(r"features=['\"]?([^'\"\]]*)", rest)
    return MapFact(
        wwid=parts["wwid"] or parts["name"],
        name=parts["name"],
        paths=(),
        sysfs=parts.get("dm") or "",
        vendor=vendor.strip(),
        product=product.strip(),
        size_text=props["size"].strip(),
        write_protect=(write[1] or write[2]) if write else "",
        features=features[1].strip() if features else "",
    )


def _path(match: re.Match[str]) -> PathFact:
    rest = match["rest"]
    words = [word.strip() for word in _BRACKETS.findall(rest)]
    if words:
        dm, checker, device = (*words, "", "")[:3]
    else:
        words = [word.replace("i/o_", "i/o ") for word in _BLANK_WORD.sub(r"i/o_\1", rest).split()]
        if len(words) != 3:
            raise ParseError(f"The output of multipath is cut at path {match['dev']}.")
        dm, checker, device = words
    return PathFact(match["dev"], match["dev_t"], dm, checker, device, hctl=match["hctl"])
