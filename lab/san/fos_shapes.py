"""The bodies of a switch's REST containers: its ports and the fabric (facts/san.md 1.1)."""

from __future__ import annotations

import time
from typing import Any

from lab.san import counters
from lab.san.design import Port, Switch, colons
from lab.san.fos_version import VERSIONS
from lab.san.live import Live, Login
from lab.world import World

Row = dict[str, Any]
MASK, GATEWAY, NO_ADDRESS = "255.255.255.0", "192.0.2.1", "0.0.0.0"
UP_TIME = 17_474_066
ONLINE, OFFLINE, ON, OFF = 2, 3, 2, 6
E_PORT, F_PORT, U_PORT = 7, 15, 11
GBIT = 1_000_000_000
_TYPES = {E_PORT: "e-port", F_PORT: "f-port", U_PORT: "universal-port"}


def _strings(switch: Switch) -> bool:
    return VERSIONS[switch.firmware].strings


def chassis(live: Live, switch: Switch) -> Row:
    """brocade-chassis/chassis."""
    return {
        "chassis-user-friendly-name": switch.name,
        "chassis-wwn": chassis_wwn(switch),
        "serial-number": switch.serial,
        "manufacturer": "Brocade Communications Systems LLC",
        "part-number": "00-0000000-00",
        "vf-enabled": False,
        "vf-supported": True,
        "max-blades-supported": 1,
        "vendor-part-number": "BROCAD0000G61",
        "vendor-serial-number": "",
        "product-name": "g610",
        "date": time.strftime("%m/%d/%Y-%H:%M:%S", time.gmtime(wall(live.world))),
    }


def chassis_wwn(switch: Switch) -> str:
    """The chassis has the last WWN of the switch's block."""
    return colons(switch.wwn[:-2] + "3f")


def wall(world: World) -> float:
    """The switches' clocks are right."""
    return world.clock.wall_at(world.at)


def switches(live: Live, switch: Switch) -> list[Row]:
    """brocade-fibrechannel-switch/fibrechannel-switch. ag-mode 1 is not Access Gateway."""
    up = not switch.disabled
    row: Row = {
        "name": colons(switch.wwn),
        "domain-id": switch.domain,
        "fcid": switch.fcid,
        "fcid-hex": f"0x{switch.fcid:06x}",
        "user-friendly-name": switch.name,
        "enabled-state": ON if up else OFF,
        "is-enabled-state": up,
        "operational-status": ONLINE if up else OFFLINE,
        "banner": "",
        "up-time": UP_TIME + int(live.world.at),
        "domain-name": "",
        "dns-servers": {},
        "principal": int(is_principal(live, switch)),
        "ip-address": {"ip-address": [switch.address]},
        "subnet-mask": MASK,
        "model": "170.5",
        "firmware-version": VERSIONS[switch.firmware].text,
        "ip-static-gateway-list": {"ip-static-gateway": [GATEWAY]},
        "vf-id": -1,
        "fabric-user-friendly-name": live.design.fabrics[switch.fabric].label,
        "ag-mode": 1,
    }
    if _strings(switch):
        row |= {"operational-status-string": "online" if up else "offline", "is-principal": row["principal"] == 1}
    return [row]


def is_principal(live: Live, switch: Switch) -> bool:
    """Whether it leads its part of the fabric: the configured one, else the one with the lowest domain."""
    members = [live.design.switches[name] for name in live.components[switch.name]]
    return min(members, key=lambda one: (not one.principal, one.domain)) is switch


def fabric_switches(live: Live, switch: Switch) -> list[Row]:
    """brocade-fabric/fabric-switch."""
    if switch.disabled:
        return []
    members = sorted((live.design.switches[name] for name in live.components[switch.name]), key=lambda one: one.domain)
    return [
        {
            "name": colons(one.wwn),
            "chassis-wwn": chassis_wwn(one),
            "domain-id": one.domain,
            "fcid": one.fcid,
            "fcid-hex": f"0x{one.fcid:06x}",
            "switch-user-friendly-name": one.name,
            "chassis-user-friendly-name": one.name,
            "firmware-version": VERSIONS[one.firmware].text,
            "ip-address": one.address,
            "fcip-address": NO_ADDRESS,
            "ipv6-address": "",
            "principal": int(is_principal(live, one)),
            "path-count": 0 if one is switch else 1,
        }
        for one in members
    ]


def port_state(live: Live, switch: Switch, port: Port) -> str:
    """The physical state in REST's words. A host without power gives no light."""
    if not port.module:
        return "no_module"
    if port.isl is None and live.logged_in(switch, port) is None:
        return "no_light"
    return "online" if live.link_up(switch, port) else "no_light"


def ports(live: Live, switch: Switch) -> list[Row]:
    """brocade-interface/fibrechannel."""
    return [_port(live, switch, port) for port in switch.ports]


def _port(live: Live, switch: Switch, port: Port) -> Row:
    state = port_state(live, switch, port)
    up = state == "online"
    kind = (E_PORT if port.isl else F_PORT) if up else U_PORT
    row: Row = {
        "name": f"0/{port.number}",
        "wwn": colons(port.wwn),
        "max-speed": 32 * GBIT,
        "auto-negotiate": 1,
        "pod-license-status": port.licensed,
        "default-index": port.number,
        "fcid": switch.port_fcid(port),
        "fcid-hex": f"0x{switch.port_fcid(port):06x}",
        "persistent-disable": int(port.persistent_disable),
        "npiv-enabled": 1,
        "port-type": kind,
        "speed": port.gbit * GBIT if up else 0,
        "user-friendly-name": port.name,
        "operational-status": ONLINE if up else OFFLINE,
        "enabled-state": ON if up else OFF,
        "is-enabled-state": up,
        "physical-state": state,
    }
    if up:
        row |= {"fec-enabled": 1, "fec-active": 1, "credit-recovery-active": 1, **_neighbor(live, switch, port)}
    else:
        row["neighbor"] = {}
    return row | (_port_strings(port, row) if _strings(switch) else {})


def _neighbor(live: Live, switch: Switch, port: Port) -> Row:
    if port.isl is not None:
        node = live.design.switches[port.isl[0]].wwn
    else:
        login = live.logged_in(switch, port)
        node = login.node if login is not None else ""
    return {"neighbor": {"wwn": [colons(port.peer)]}, "neighbor-node-wwn": colons(node)}


def _port_strings(port: Port, row: Row) -> Row:
    """What 9.x says in words."""
    up = row["operational-status"] == ONLINE
    more: Row = {
        "index": port.number,
        "port-type-string": _TYPES[row["port-type"]],
        "operational-status-string": "online" if up else "offline",
        "protocol-speed": f"{port.gbit}-gfc" if up else "auto-negotiated",
        "max-protocol-speed": "32-gfc",
        "pod-license-state": "reserved" if port.licensed else "released",
        "port-health": "Healthy" if up else "Offline",
    }
    if not up:
        more["disable-reason"] = "Persistently disabled port" if port.persistent_disable else "None"
    if up and port.isl is not None:
        more |= {
            "neighbor-slot-port": f"0/{port.isl[1]}",
            "neighbor-port-index": port.isl[1],
            "neighbor-switch-user-friendly-name": port.isl[0],
            "segmentation-reason": "None",
        }
    return more


_ZEROS = (
    "in-link-resets", "out-link-resets", "in-offline-sequences", "out-offline-sequences", "invalid-ordered-sets",
    "in-crc-errors", "crc-errors", "encoding-errors-outside-frame", "encoding-disparity-errors", "bad-eofs-received",
    "truncated-frames", "frames-too-long", "address-errors", "delimiter-errors", "class-3-discards",
    "class3-in-discards", "class3-out-discards", "bb-credit-zero", "link-failures", "loss-of-signal", "loss-of-sync",
    "invalid-transmission-words", "primitive-sequence-protocol-error", "pcs-block-errors", "too-many-rdys",
)  # fmt: skip


def statistics(live: Live, switch: Switch) -> list[Row]:
    """brocade-interface/fibrechannel-statistics, of the ports that something is plugged into."""
    return [_statistics(live, switch, port) for port in switch.ports if port.peer]


def _statistics(live: Live, switch: Switch, port: Port) -> Row:
    counts = counters.of(live.world, port)
    row: Row = {
        "name": f"0/{port.number}",
        "sampling-interval": 2,
        "time-generated": int(wall(live.world)),
        "reset-statistics": 0,
        **dict.fromkeys(_ZEROS, 0),
        **counts.leafs,
        "in-frames": counts.in_frames,
        "out-frames": counts.out_frames,
        "in-octets": counts.in_octets,
        "out-octets": counts.out_octets,
        **dict.fromkeys(("in-rate", "out-rate", "in-peak-rate", "out-peak-rate"), 0),
    }
    if port_state(live, switch, port) == "online":
        remote = ("remote-link-failures", "remote-loss-of-sync", "remote-crc-errors", "remote-fec-uncorrected")
        row |= {**dict.fromkeys(remote, 0), "remote-buffer-credit-info": {"bb-credit": 80, "peer-bb-credit": 20}}
    if _strings(switch):
        row |= {"fec-uncorrected": 0, "down-occurrence": counts.drops}
    return row


def media(live: Live, switch: Switch) -> list[Row]:
    """brocade-media/media-rdp. Powers in microwatt; a dark port reads 0.1."""
    rows = []
    for port in switch.ports:
        if not port.peer or not port.module:
            continue
        lit = port_state(live, switch, port) == "online"
        rows.append(
            {
                "name": f"fc/0/{port.number}",
                "identifier": "SFP",
                "connector": "LC",
                "encoding": "64B66B",
                "vendor-name": "EXAMPLE",
                "part-number": "SFP28-32G85-SW",
                "serial-number": f"EX{switch.domain:04d}{port.number:02d}",
                "temperature": 27,
                "rx-power": port.rx_uw if lit else 0.1,
                "tx-power": 1122.2 if lit else 0.1,
                "current": 7.5 if lit else 0.0,
                "voltage": 3273.8,
                "wavelength": 850,
                "media-speed-capability": {"speed": [8, 16, 32]},
                "media-distance": {"distance": ["short"]},
            }
        )
    return rows


def initiator_symbol(login: Login) -> str:
    """The node symbol of an initiator; the vendor's length is some larger than the text."""
    assert login.host is not None
    text = f"Emulex LPe32002-M2-D FV12.8.351.47 DV14.0.0.15 HN:{login.host.name} OS:Linux"
    return f'[{len(text) + 6}] "{text}"'


def port_symbol(login: Login) -> str:
    """The port symbol of an initiator."""
    text = f"Emulex PPN-{colons(login.wwpn)}"
    return f'[{len(text)}] "{text}"'


def name_server(live: Live, switch: Switch) -> list[Row]:
    """brocade-name-server/fibrechannel-name-server: the whole fabric."""
    return [_entry(login) for login in live.logins(switch)]


def _entry(login: Login) -> Row:
    host = login.host is not None
    return {
        "port-id": f"0x{login.fcid:06x}",
        "port-name": colons(login.wwpn),
        "node-name": colons(login.node),
        "port-index": login.port.number,
        "port-symbolic-name": port_symbol(login) if host else "",
        "node-symbolic-name": initiator_symbol(login) if host else '[20] "HUAWEI XSG1"',
        "link-speed": f"{login.port.gbit}G",
        "port-type": "n-port",
        "class-of-service": "class-3",
        "fc4-type": "FCP",
        "fc4-features": "FCP-Initiator" if host else "FCP-Target",
        "fabric-port-name": colons(login.port.wwn),
        "permanent-port-name": colons(login.wwpn),
        "name-server-device-type": "Physical Initiator" if host else "Physical Target",
        "share-area": "no",
        "frame-redirection": "no",
        "partial": "no",
        "lsan": "no",
        "connected-through-ag": "no",
        "slow-drain-device-quarantine": "no",
    }
