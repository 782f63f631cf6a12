"""The bodies of zoning, of the fabric's devices, of trunks, log, modules and chassis parts (facts/san.md 1.1)."""

from __future__ import annotations

import hashlib
import time

from lab.san.design import Fabric, Port, Switch, Zone, colons
from lab.san.fos_shapes import Row, wall
from lab.san.fos_version import VERSIONS
from lab.san.live import Live
from lab.san.state import Entry

DB_MAX, DB_AVAILABLE, DB_COMMITTED = 2_097_152, 2_090_000, 1822
FIRST_ENTRY = 150
DAY = 86_400.0


def _zone(switch: Switch, zone: Zone) -> Row:
    kind = "user-created-peer-zone" if zone.principals else "zone"
    row: Row = {"zone-name": zone.name, "zone-type": int(bool(zone.principals))}
    if VERSIONS[switch.firmware].strings:
        row["zone-type-string"] = kind
    members: Row = {"entry-name": list(zone.members)}
    if zone.principals:
        members["principal-entry-name"] = list(zone.principals)
    return {**row, "member-entry": members}


def checksum(fabric: Fabric) -> str:
    """Changes with every change of the zoning."""
    return hashlib.md5(repr((fabric.zones, fabric.aliases, fabric.effective)).encode()).hexdigest()


def _token(fabric: Fabric) -> int:
    """REST has 32 bits for it."""
    return fabric.transaction & 0xFFFFFFFF


def lock(live: Live, switch: Switch) -> Row:
    """brocade-zone/fabric-lock, from 9.0 on: who holds the zoning."""
    fabric = live.design.fabrics[switch.fabric]
    if not fabric.transaction:
        return {"lock-principal-domain-id": 0}
    return {
        "lock-principal-domain-id": switch.domain,
        "lock-principal-transaction-token": _token(fabric),
        "timeout": 1800,
        "remaining-time": 1500,
        "client-role": "admin",
        "client-user-name": "sanadmin",
        "client-ip-address": "192.0.2.60",
        "client-interface": "ssh",
        "client-application-name": "",
    }


def effective(live: Live, switch: Switch) -> Row:
    """brocade-zone/effective-configuration."""
    fabric = live.design.fabrics[switch.fabric]
    return {
        "cfg-name": fabric.cfg,
        "checksum": checksum(fabric),
        "default-zone-access": 0,
        "db-max": DB_MAX,
        "db-avail": DB_AVAILABLE,
        "db-committed": DB_COMMITTED,
        "db-transaction": DB_COMMITTED if fabric.transaction else 0,
        "transaction-token": _token(fabric),
        "enabled-zone": [_zone(switch, zone) for zone in fabric.effective],
    }


def defined(live: Live, switch: Switch) -> Row:
    """brocade-zone/defined-configuration."""
    fabric = live.design.fabrics[switch.fabric]
    names = sorted(zone.name for zone in fabric.zones)
    return {
        "cfg": [{"cfg-name": fabric.cfg, "member-zone": {"zone-name": names}}],
        "zone": [_zone(switch, zone) for zone in fabric.zones],
        "alias": [
            {"alias-name": name, "member-entry": {"alias-entry-name": list(members)}}
            for name, members in fabric.aliases.items()
        ],
    }


def hbas(live: Live, switch: Switch) -> list[Row]:
    """brocade-fdmi/hba."""
    return [
        {
            "hba-id": colons(one.wwpn),
            "manufacturer": "Emulex Corporation",
            "model": "LPe32002-M2-D",
            "driver-version": "14.0.0.15",
            "firmware-version": "12.8.351.47",
            "os-name-and-version": "Linux",
            "host-name": one.host.name,
        }
        for one in live.logins(switch)
        if one.host is not None
    ]


def hba_ports(live: Live, switch: Switch) -> list[Row]:
    """brocade-fdmi/port."""
    return [
        {"port-name": colons(one.wwpn), "hba-id": colons(one.wwpn), "host-name": one.host.name, "os-device-name": ""}
        for one in live.logins(switch)
        if one.host is not None
    ]


def isl_ports(live: Live, switch: Switch) -> list[tuple[Port, Switch, Port]]:
    """The working ISLs: port here, switch there, port there."""
    ends = [
        (port, live.design.switches[port.isl[0]], port.isl[1])
        for port in switch.ports
        if port.isl and live.link_up(switch, port)
    ]
    return [(port, far, far.ports[number]) for port, far, number in ends]


def trunks(live: Live, switch: Switch) -> list[Row]:
    """brocade-fibrechannel-trunk/trunk."""
    return [
        {
            "group": 1,
            "source-port": port.number,
            "destination-port": there.number,
            "neighbor-wwn": colons(far.wwn),
            "neighbor-switch-name": far.name,
            "neighbor-domain-id": far.domain,
            "deskew": 15 + place,
            "master": place == 0,
        }
        for place, (port, far, there) in enumerate(isl_ports(live, switch))
    ]


def log(live: Live, switch: Switch) -> list[tuple[int, Entry]]:
    """The error log: sequence number and entry, oldest first."""
    assert live.world.san is not None
    fabric = live.design.fabrics[switch.fabric]
    text = f"The effective configuration has changed to {fabric.cfg}."
    entries = [Entry(-3 * DAY * live.world.clock.speed, fabric.name, "ZONE-1022", "INFO", text)]
    entries += [entry for entry in live.world.san.log if entry.fabric == switch.fabric]
    return list(enumerate(entries, FIRST_ENTRY))


def error_log(live: Live, switch: Switch) -> list[Row]:
    """brocade-logging/error-log."""
    offset = wall(live.world) - live.world.at / live.world.clock.speed
    return [
        {
            "sequence-number": number,
            "time-stamp": time.strftime(
                "%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(offset + entry.at / live.world.clock.speed)
            ),
            "message-id": entry.ident,
            "fabric-id": 128,
            "severity-level": entry.severity.lower(),
            "switch-user-friendly-name": switch.name,
            "message-text": entry.text,
        }
        for number, entry in log(live, switch)
    ]


def power_supplies(live: Live, switch: Switch) -> list[Row]:
    """brocade-fru/power-supply: a G610 has one."""
    return [{"unit-number": 1, "operational-state": "ok", "power-source": "AC"}]


def fans(live: Live, switch: Switch) -> list[Row]:
    """brocade-fru/fan."""
    return [
        {"unit-number": n, "operational-state": "ok", "airflow-direction": "reverse", "speed": 8000} for n in (1, 2)
    ]


def health(live: Live, switch: Switch) -> Row:
    """brocade-maps/switch-status-policy-report."""
    names = ("switch", "power-supply", "fan", "temperature-sensor", "flash", "marginal-port", "faulty-port",
             "missing-sfp", "error-port")  # fmt: skip
    return {f"{name}-health": "healthy" for name in names}
