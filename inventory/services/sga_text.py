"""SGAs as a person writes them: one line per instance, as Oracle writes sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_LINE = re.compile(r"([A-Za-z0-9_$#+-]{1,30})[\s=:]+(\d{1,18})([KMGT]?)B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
LEAST, MOST = 2**20, 2**46  # bytes; 64 TiB is more than any SGA


def read_sgas(text: str) -> list[dict[str, Any]]:
    """ "ORCL1 64G" per line in, [{"name", "sga_bytes"}] out. Raises ValueError with the line and what is wrong."""
    found: dict[str, int] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{line[:60]} is no line of a name and a size: ORCL1 64G.")
        size = int(match[2]) * _UNITS[match[3].upper()]
        if not LEAST <= size <= MOST:
            raise ValueError(f"{match[1]}: an SGA has 1 MiB to 64 TiB, {size} bytes are none. Write 64G for 64 GiB.")
        if match[1] in found:
            raise ValueError(f"{match[1]} stands there twice.")
        found[match[1]] = size
    return [{"name": name, "sga_bytes": size} for name, size in found.items()]


def sga_lines(instances: Iterable[dict[str, Any]]) -> str:
    """The inverse: sizes as short as they are whole."""
    return "\n".join(f"{one['name']} {_short(int(one['sga_bytes']))}" for one in instances or ())


def _short(size: int) -> str:
    for unit in "TGMK":
        if size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)
