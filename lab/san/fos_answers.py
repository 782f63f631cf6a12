"""Which container of a switch's REST tree answers what, and how its errors look (facts/san.md 1.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from lab.san import fos_shapes, fos_zoning
from lab.san.design import Switch
from lab.san.fos_version import VERSIONS, Version
from lab.san.live import Live

JSON, XML = "application/yang-data+json", "application/yang-data+xml"
INVALID_URI, VF_OFF = "Invalid REST URI", "VF feature is not enabled"
CAL, CAL_EMPTY = "cal", 16_717_059


@dataclass(frozen=True)
class Trouble(Exception):
    """An answer that is not 200."""

    status: int
    message: str
    code: int = CAL_EMPTY
    module: str = CAL
    tag: str = "operation-failed"
    path: str = "/"

    def body(self, version: Version) -> dict[str, Any]:
        """`error` is a list; up to 8.2.1a an object."""
        error = {
            "error-type": "application",
            "error-tag": self.tag,
            "error-app-tag": "Error",
            "error-path": self.path,
            "error-message": self.message,
            "error-info": {"error-code": self.code, "error-module": self.module},
        }
        return {"errors": {"error": error if version.loose else [error]}}


def invalid_uri() -> Trouble:
    """An address that this release does not know."""
    return Trouble(400, INVALID_URI, 5, "rest", "unknown-element")


@dataclass(frozen=True)
class Container:
    """key: the leaf that names an entry. empty: status and message instead of an empty list."""

    read: Callable[[Live, Switch], Any]
    key: str = ""
    empty: tuple[int, str] = (404, "No entries found")
    since: Callable[[Version], bool] = lambda version: True


def _nothing(live: Live, switch: Switch) -> list[Any]:
    return []


CONTAINERS: dict[str, Container] = {
    "brocade-chassis/chassis": Container(fos_shapes.chassis),
    "brocade-fibrechannel-switch/fibrechannel-switch": Container(fos_shapes.switches, "name"),
    "brocade-fabric/fabric-switch": Container(fos_shapes.fabric_switches, "name"),
    "brocade-interface/fibrechannel": Container(fos_shapes.ports, "name"),
    "brocade-interface/fibrechannel-statistics": Container(fos_shapes.statistics, "name"),
    "brocade-media/media-rdp": Container(fos_shapes.media, "name", (404, "No device was found")),
    "brocade-name-server/fibrechannel-name-server": Container(
        fos_shapes.name_server, "port-id", (404, "No entries in Name Server")
    ),
    "brocade-zone/effective-configuration": Container(fos_zoning.effective),
    "brocade-zone/defined-configuration": Container(fos_zoning.defined),
    "brocade-zone/fabric-lock": Container(fos_zoning.lock, since=lambda version: version.strings),
    "brocade-fdmi/hba": Container(fos_zoning.hbas, "hba-id", (400, "No entries in the FDMI database")),
    "brocade-fdmi/port": Container(fos_zoning.hba_ports, "port-name", (400, "No entries in the FDMI database")),
    "brocade-fibrechannel-trunk/trunk": Container(fos_zoning.trunks, "source-port", (404, "No trunking Links")),
    "brocade-fru/power-supply": Container(fos_zoning.power_supplies, "unit-number"),
    "brocade-fru/fan": Container(fos_zoning.fans, "unit-number"),
    "brocade-fru/sensor": Container(_nothing, "", (404, "No entries found"), lambda version: version.strings),
    "brocade-maps/switch-status-policy-report": Container(fos_zoning.health),
    "brocade-maps/dashboard-rule": Container(_nothing, "", (404, "No Rule violations found")),
    "brocade-license/license": Container(_nothing, "", (400, "No licenses installed")),
    "brocade-logging/syslog-server": Container(_nothing, "", (404, "No syslog servers are configured")),
    "brocade-logging/error-log": Container(
        fos_zoning.error_log, "sequence-number", since=lambda version: version.error_log
    ),
}
_OLD = {
    "switch/fibrechannel-switch": "brocade-fibrechannel-switch/fibrechannel-switch",
    "zoning/effective-configuration": "brocade-zone/effective-configuration",
    "zoning/defined-configuration": "brocade-zone/defined-configuration",
}


def modules(version: Version) -> dict[str, Any]:
    """/rest/brocade-module-version."""
    if not version.modules:
        raise invalid_uri()
    names: dict[str, list[str]] = {}
    for path, container in CONTAINERS.items():
        if container.since(version):
            names.setdefault(path.partition("/")[0], []).append(path.partition("/")[2])
    rows = [
        {"name": name, "uri": f"/rest/running/{name}", "version": "1.0.0", "objects": {"object": objects}}
        for name, objects in names.items()
    ]
    return {"brocade-module-version": {"module": rows}}


def running(live: Live, switch: Switch, path: str) -> dict[str, Any]:
    """/rest/running/<path>: a whole container, one entry of a list (<key>/<value>), or leafs of it. Raises Trouble."""
    version = VERSIONS[switch.firmware]
    words = [unquote(word) for word in path.strip("/").split("/")]
    place = "/".join(words[:2])
    if version.old_uris:
        place = _OLD.get(place, "" if place in _OLD.values() else place)
    container, name = CONTAINERS.get(place), words[-1] if len(words) < 2 else words[1]
    if container is None or not container.since(version):
        raise invalid_uri()
    found = container.read(live, switch)
    if isinstance(found, list):
        found = _entries(container, found, words[2:])
        if not found:
            raise _empty(container, name)
    else:
        found = _leafs(found, words[2:])
    return {name: _loosen(found) if version.loose else found}


def _entries(container: Container, rows: list[Any], words: list[str]) -> list[Any]:
    if not words:
        return rows
    if len(words) < 2 or words[0] != container.key:
        raise invalid_uri()
    rows = [row for row in rows if str(row.get(container.key)) == words[1]]
    return [{container.key: row[container.key], **_leafs(row, words[2:])} for row in rows] if words[2:] else rows


def _leafs(row: dict[str, Any], words: list[str]) -> dict[str, Any]:
    if not words:
        return row
    if words[0] not in row:
        raise invalid_uri()
    return {words[0]: row[words[0]]}


def _empty(container: Container, name: str) -> Trouble:
    status, message = container.empty
    if name == "license":
        return Trouble(status, message, -1, "license", "Operation-failed", "/license/")
    return Trouble(status, message, path=f"/{name}/")


def _loosen(value: Any) -> Any:
    """One-element lists as their element, all the way down."""
    if isinstance(value, dict):
        return {key: _loosen(one) for key, one in value.items()}
    if isinstance(value, list):
        return _loosen(value[0]) if len(value) == 1 else [_loosen(one) for one in value]
    return value


def text(body: dict[str, Any], as_json: bool) -> str:
    """The body on the wire; XML for who does not ask for JSON."""
    return json.dumps(body) if as_json else '<?xml version="1.0"?>\n' + _xml(body)


def _xml(value: Any, name: str = "") -> str:
    if isinstance(value, list):
        return "".join(_xml(one, name) for one in value)
    if isinstance(value, dict):
        inner = "".join(_xml(one, key) for key, one in value.items())
        return f"<{name}>{inner}</{name}>" if name else inner
    words = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(words)}</{name}>"
