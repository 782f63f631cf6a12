"""`ip -j` of iproute2: interfaces with what they are in, and the default gateway."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backups.kit.content import Nic
from backups.kit.words import plain
from portal.kernel.output import Output, ParseError

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
# What VMs bring and take with them is none of a host's wiring.
_PASSING = re.compile(r"vnet\d+|tap\S*|;vdsmdummy;|lo")


def objects(output: Output, what: str) -> list[Mapping[str, Any]]:
    """A JSON list of objects. `ip -j` prints {} for an empty one, and nothing at all in old versions."""
    if output.exit_code != 0:
        raise ParseError(f"{what} cannot be read: {plain(output.error_line()) or 'the answer did not come whole'}.")
    text = output.text().strip()
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        raise ParseError(f"{what}: the answer is no JSON.") from None
    if not isinstance(found, list):
        raise ParseError(f"{what}: the answer is no list.")
    return [one for one in found if isinstance(one, dict) and one]


def interfaces(output: Output) -> tuple[Nic, ...]:
    """`ip -d -j address show`, in the kernel's order, without loopback and the ends of VMs' cables."""
    rows = objects(output, "The interfaces")
    nics = tuple(_nic(row) for row in rows if not _PASSING.fullmatch(str(row.get("ifname", "lo"))))
    if not nics:
        raise ParseError("The machine shows no interface.")
    return nics


def _nic(row: Mapping[str, Any]) -> Nic:
    link = _inner(row, "linkinfo")
    mac, state = str(row.get("address", "")).lower(), row.get("operstate")
    return Nic(
        name=plain(str(row.get("ifname", ""))),
        kind=plain(str(link.get("info_kind", "") or "physical")),
        mac=mac if _MAC.fullmatch(mac) else "",
        mtu=_number(row.get("mtu")),
        up={"UP": True, "DOWN": False, "LOWERLAYERDOWN": False}.get(str(state)),
        master=plain(str(row.get("master", ""))),
        vlan=_number(_inner(link, "info_data").get("id")) if link.get("info_kind") == "vlan" else None,
        addresses=_addresses(row.get("addr_info")),
    )


def _inner(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = row.get(key)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None


def _addresses(found: object) -> tuple[str, ...]:
    """Addresses that are seen from outside the link, with their prefix."""
    kept = []
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict) and one.get("scope") == "global":
            try:
                kept.append(str(ipaddress.ip_interface(f"{one.get('local')}/{one.get('prefixlen')}")))
            except ValueError:
                continue
    return tuple(kept)


def default_gateway(output: Output) -> str:
    """The gateway of the default route with the lowest metric. Raises ParseError when there is none."""
    routes = [row for row in objects(output, "The routes") if row.get("dst") == "default" and row.get("gateway")]
    if not routes:
        raise ParseError("The machine has no default route.")
    best = min(routes, key=lambda row: _number(row.get("metric")) or 0)
    try:
        return str(ipaddress.ip_address(str(best["gateway"])))
    except ValueError:
        raise ParseError("The default gateway is no address.") from None


def main_interface(nics: Sequence[Nic], gateway: str) -> Nic | None:
    """The interface whose network holds the gateway; without a gateway the only one that has an address."""
    addressed = [nic for nic in nics if nic.addresses]
    if not gateway:
        return addressed[0] if len(addressed) == 1 else None
    place = ipaddress.ip_address(gateway)
    for nic in addressed:
        for word in nic.addresses:
            interface = ipaddress.ip_interface(word)
            if place.version == interface.version and place in interface.network:
                return replace(nic, addresses=(word, *(other for other in nic.addresses if other != word)))
    return None
