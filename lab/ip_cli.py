"""`ip -j address show` and `ip -j route show default` of iproute2, as a vdsm host and the engine VM print them."""

from __future__ import annotations

import json
from typing import Any

from lab import wiring
from lab.command import Program, Real, Reply
from lab.world import ENGINE, Host, World

Row = dict[str, Any]
_FOREVER = 4_294_967_295


def ip(world: World, host: Host, argv: list[str]) -> Reply | Real:
    """With -j; as text it is the machine's own."""
    options = [word for word in argv[1:] if word.startswith("-")]
    words = [word for word in argv[1:] if not word.startswith("-")]
    if not any(word in ("-j", "-json") for word in options) or not words:
        return Real(argv)
    if "address".startswith(words[0]):
        return _json(_links(world, host))
    if "route".startswith(words[0]):
        return _json(_routes(host))
    return Reply(err=f'Object "{words[0]}" is unknown, try "ip help".\n', rc=1)


def _json(rows: list[Row]) -> Reply:
    return Reply(out=json.dumps(rows, separators=(",", ":")) + "\n")


def _routes(host: Host) -> list[Row]:
    device = "eth0" if host.name == ENGINE else "ovirtmgmt"
    return [
        {"dst": "default", "gateway": wiring.GATEWAY, "dev": device, "protocol": "static", "metric": 425, "flags": []}
    ]


def _links(world: World, host: Host) -> list[Row]:
    if host.name == ENGINE:
        rows = [_link("eth0", wiring.ENGINE_MAC, 1500, address=wiring.address(host))]
    else:
        rows = [_link(nic.name, nic.mac, nic.network.mtu or 1500, master=nic.network.name) for nic in wiring.nics(host)]
        rows += [{**_link(";vdsmdummy;", "ca:5a:0b:1c:00:01", 1500, kind="bridge"), "operstate": "DOWN"}]
        for number, nic in enumerate(wiring.nics(host)):
            where = "" if number else wiring.address(host)
            rows.append(_link(nic.network.name, nic.mac, nic.network.mtu or 1500, kind="bridge", address=where))
        here = [vm for vm in world.vms.values() if vm.host == host.name]
        rows += [
            _link(f"vnet{number}", f"fe:16:3e:00:00:{number:02x}", 1500, kind="tun", master="ovirtmgmt")
            for number in range(len(here))
        ]
    loop = {**_link("lo", "00:00:00:00:00:00", 65536, address="127.0.0.1"), "link_type": "loopback"}
    loop |= {"operstate": "UNKNOWN", "addr_info": [_address("127.0.0.1", 8, "host", "lo")]}
    return [{"ifindex": number, **row} for number, row in enumerate([loop, *rows], 1)]


def _link(name: str, mac: str, mtu: int, *, kind: str = "", master: str = "", address: str = "") -> Row:
    row: Row = {"ifname": name, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"], "mtu": mtu, "qdisc": "mq"}
    if master:
        row["master"] = master
    row |= {"operstate": "UP", "group": "default", "txqlen": 1000, "link_type": "ether", "address": mac}
    row |= {"broadcast": "ff:ff:ff:ff:ff:ff", "promiscuity": 0, "min_mtu": 68, "max_mtu": 9702}
    linkinfo: Row = {"info_kind": kind, "info_data": {}} if kind else {}
    if master:
        linkinfo |= {"info_slave_kind": "bridge", "info_slave_data": {"state": "forwarding"}}
    if linkinfo:
        row["linkinfo"] = linkinfo
    return {**row, "addr_info": [_address(address, wiring.PREFIX, "global", name)] if address else []}


def _address(local: str, prefix: int, scope: str, label: str) -> Row:
    return {
        "family": "inet", "local": local, "prefixlen": prefix, "scope": scope, "label": label,
        "valid_life_time": _FOREVER, "preferred_life_time": _FOREVER,
    }  # fmt: skip


PROGRAMS: dict[str, Program] = {"ip": ip}
