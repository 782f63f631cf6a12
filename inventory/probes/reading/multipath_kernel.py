"""What stands beside the JSON: raw path lines, the kernel's own map status, FC ports (facts/luns-and-tuning.md 1.2,
1.3, 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from inventory.probes.reading.multipath import HbaFact, wwpn
from portal.kernel.output import ParseError

# %c is left out: it makes the whole command fail on an orphan path before 0.9.4 (0.11).
RAW_FORMAT = "%d|%i|%D|%t|%T|%o|%p|%S|%m|%w|%R|%r"
SECTOR = 512
_LOG_LINE = re.compile(r"(?:\d+\.\d+|[A-Z][a-z]{2} +\d+ [\d:]+) \|")  # of 0.9.4, of 0.8.4 (1.1)
_NO_FABRIC = {"", "0" * 16, "f" * 16}


@dataclass(frozen=True)
class RawPath:
    """One line of `show paths raw`, orphans included. map_name "" for an orphan."""

    dev: str
    hctl: str
    dev_t: str
    size: str
    map_name: str
    wwid: str
    hba_wwpn: str
    target_wwpn: str


def read_raw_paths(text: str) -> tuple[RawPath, ...]:
    """Lines in, paths out; fields may be padded. Lines without a bar are noise, and so are log lines
    ("stamp | text"). Raises ParseError for a line that is cut, and for no path line at all when something else was
    said."""
    found = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|")]
        whole = len(fields) > RAW_FORMAT.count("|")
        if "|" not in line or (not whole and _LOG_LINE.match(line)):
            continue
        if not whole or not fields[0]:
            raise ParseError("A line of multipathd's path list is cut or has another form.")
        dev, hctl, dev_t, _, _, _, _, size, name, wwid, hba, target = fields[:12]
        orphan = name in ("[orphan]", "")
        found.append(RawPath(dev, hctl, dev_t, size, "" if orphan else name, wwid, wwpn(hba), wwpn(target)))
    if not found and text.strip() not in ("", "ok"):
        raise ParseError(f"multipathd's path list says: {text.strip().splitlines()[0][:100]}")
    return tuple(found)


@dataclass(frozen=True)
class KernelPath:
    """A or F, and how often it failed."""

    dev_t: str
    state: str
    failures: int


@dataclass(frozen=True)
class KernelMap:
    """One map as device-mapper holds it. size in bytes."""

    name: str
    size: int
    paths: tuple[KernelPath, ...]


def read_dmsetup(text: str) -> tuple[KernelMap, ...]:
    """`dmsetup status --target multipath` in. "No devices found" is none. Raises ParseError for any line that cannot
    be followed to its end, and for no output at all."""
    lines = [line for line in text.splitlines() if line.strip()]
    if [line.strip() for line in lines] == ["No devices found"]:
        return ()
    if not lines:
        raise ParseError("dmsetup printed nothing.")
    return tuple(_kernel_map(line) for line in lines)


def _kernel_map(line: str) -> KernelMap:
    match = re.fullmatch(r"(\S.*?): (\d+) (\d+) multipath (.*\S)\s*", line)
    if match is None:
        raise ParseError("A line of dmsetup's status is cut or has another form.")
    words = iter(match[4].split())
    try:
        paths = _kernel_paths(words)
    except (StopIteration, ValueError):
        raise ParseError("A line of dmsetup's status is cut or has another form.") from None
    if next(words, None) is not None:
        raise ParseError("A line of dmsetup's status is longer than its counts say.")
    return KernelMap(match[1], int(match[3]) * SECTOR, tuple(paths))


def _kernel_paths(words: Iterator[str]) -> list[KernelPath]:
    """n features, n handler words, n groups, next group; per group state, n words, n paths, n words per path; per path
    major:minor, A or F, failures, its words."""

    def count() -> int:
        return int(next(words))

    def skip(number: int) -> None:
        for _ in range(number):
            next(words)

    skip(count())
    skip(count())
    groups = count()
    skip(1)
    paths = []
    for _ in range(groups):
        skip(1)
        skip(count())
        number, extra = count(), count()
        for _ in range(number):
            dev_t, state, failures = next(words), next(words), count()
            if state not in ("A", "F") or ":" not in dev_t:
                raise ValueError(state)
            skip(extra)
            paths.append(KernelPath(dev_t, state, failures))
    return paths


def read_fc_hosts(text: str) -> tuple[HbaFact, ...]:
    """`grep -sH .` over fc_host attributes in; ports without a port_name are left out. Raises nothing: a host without
    FC has no lines."""
    ports: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"\S*/fc_host/(host\d+)/([a-z_]+):(.*)", line.strip())
        if match:
            ports.setdefault(match[1], {})[match[2]] = match[3].strip()
    return tuple(
        HbaFact(
            host=host,
            wwpn=wwpn(port["port_name"]),
            state=port.get("port_state", ""),
            speed=port.get("speed", ""),
            fabric=_fabric(port.get("fabric_name", "")),
        )
        for host, port in sorted(ports.items())
        if wwpn(port.get("port_name", ""))
    )


def _fabric(text: str) -> str:
    name = wwpn(text)
    return "" if name in _NO_FABRIC else name
