"""nsshow -t and nscamshow -t: entries that are not separated, each begun by a line with two WWNs (facts/san.md 1.2)."""

from __future__ import annotations

import re

from portal.connectors.san.reading.cli_text import bare, labelled, nothing, number
from portal.connectors.san.reading.fos_names import device
from portal.connectors.san.reading.leaves import Unreadable
from portal.kernel.san import Login, wwn

_HEAD = re.compile(
    r"\s*[A-Z]{1,3}\s+([0-9a-f]{6});\s*[^;]*;\s*((?:[0-9a-f]{2}:){7}[0-9a-f]{2});\s*((?:[0-9a-f]{2}:){7}[0-9a-f]{2})\b",
    re.IGNORECASE,
)
_TOLD = (re.compile(r"Name Server has (\d+) entr"), re.compile(r"Device list:\s*count\s*(\d+)"))


def logins(found: list[str]) -> tuple[Login, ...]:
    """The entries. Raises Unreadable when their number is not the one that the switch tells."""
    entries = _entries(found)
    counts = [number(match.group(1)) for line in found for told in _TOLD if (match := told.search(line))]
    if counts and sum(one or 0 for one in counts) != len(entries):
        raise Unreadable(f"{len(entries)} entries can be read of it, and it tells of {sum(one or 0 for one in counts)}")
    if not entries and not counts and not nothing(found):
        raise Unreadable("it lists no entry and does not say that there is none")
    return tuple(entries)


def _entries(found: list[str]) -> list[Login]:
    heads: list[tuple[re.Match[str], dict[str, str]]] = []
    for line in found:
        head = _HEAD.match(line)
        if head:
            heads.append((head, {}))
        elif heads:
            name, value = labelled(line)
            heads[-1][1].setdefault(name, value)
    return [_login(head, told) for head, told in heads]


def _login(head: re.Match[str], told: dict[str, str]) -> Login:
    return Login(
        wwpn=bare(head.group(2)),
        wwnn=bare(head.group(3)),
        fabric_port=wwn(told.get("fabric port name", "")),
        fcid=head.group(1).lower(),
        device=device(told.get("device type", "")),
        port_symbol=told.get("portsymb", ""),
        node_symbol=told.get("nodesymb", ""),
    )
