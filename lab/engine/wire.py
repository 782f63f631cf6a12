"""How the engine answers: XML or JSON, gzip, HTML where the real one has HTML, empty 404 (facts/engine-api.md 1, 4)."""

from __future__ import annotations

import json
import zlib
from typing import Any
from xml.etree import ElementTree

from aiohttp import web

from lab.engine import shapes_log
from lab.engine.shapes import HEAD

UNAUTHORIZED = "<html><head><title>Error</title></head><body>Unauthorized</body></html>"
UNAVAILABLE = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>503 Service Unavailable</title>\n'
    "</head><body>\n<h1>Service Unavailable</h1>\n<p>The server is temporarily unable to service your\nrequest due to "
    "maintenance downtime or capacity\nproblems. Please try again later.</p>\n</body></html>\n"
)
BROKEN = "<html><head><title>Error</title></head><body>Internal Server Error</body></html>"
SMALL = 512  # bytes under which gzip is not worth it
LISTS = {"nics": ("host_nic", "nic"), "host_storages": ("host_storage",)}


class Refusal(Exception):
    """An answer other than 2xx, ready to be sent."""

    def __init__(self, status: int, body: str = "", kind: str = "application/xml") -> None:
        super().__init__(f"{status} {body[:80]}")
        self.status = status
        self.body = body
        self.kind = kind


def not_found() -> Refusal:
    """GET of an unknown id: 404 with an empty body."""
    return Refusal(404)


def broken() -> Refusal:
    """An exception inside the engine: 500 with HTML."""
    return Refusal(500, BROKEN, "text/html")


def faulty(status: int, detail: str, reason: str = "Operation Failed") -> Refusal:
    """A fault. detail: the text without the brackets of Java's list."""
    return Refusal(status, HEAD + shapes_log.fault(reason, f"[{detail}]" if reason == "Operation Failed" else detail))


def html(status: int, body: str, charset: str = "UTF-8", **headers: str) -> web.Response:
    """An HTML answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Content-Type"] = f"text/html;charset={charset}" if charset == "UTF-8" else f"text/html; charset={charset}"
    return web.Response(status=status, body=body.encode(), headers=named)


def unauthorized() -> web.Response:
    """401 of the API's filter: HTML, whatever was accepted."""
    return html(401, UNAUTHORIZED, WWW_Authenticate='Basic realm="RESTAPI"')


def unavailable() -> web.Response:
    """503 of Apache while the engine boots."""
    return html(503, UNAVAILABLE, charset="iso-8859-1")


def as_json(text: str) -> str:
    """The same document as the engine's JSON: leaves are text, collections are lists inside their element."""
    return json.dumps(_value(ElementTree.fromstring(text)), separators=(",", ":"))


def _value(node: ElementTree.Element) -> Any:
    if not node.attrib and not len(node):
        return (node.text or "") if node.text and node.text.strip() else ""
    made: dict[str, Any] = dict(node.attrib)
    for child in node:
        if _listed(node.tag, child.tag) or child.tag in made:
            made.setdefault(child.tag, [])
            if not isinstance(made[child.tag], list):
                made[child.tag] = [made[child.tag]]
            made[child.tag].append(_value(child))
        else:
            made[child.tag] = _value(child)
    return made


def _listed(parent: str, child: str) -> bool:
    return child == "link" or parent == child + "s" or parent[:-3] + "y" == child or child in LISTS.get(parent, ())


class Writer:
    """Sends documents; remembers the last gzip of each address, so that an unchanged list is compressed once."""

    def __init__(self) -> None:
        self._zipped: dict[tuple[str, str], tuple[int, bytes]] = {}

    def document(self, request: web.Request, text: str, status: int = 200) -> web.Response:
        """One XML document (or its JSON twin when asked for)."""
        kind = "application/json" if "application/json" in request.headers.get("Accept", "") else "application/xml"
        full = HEAD + text + "\n"
        return self.body(request, as_json(full) if kind.endswith("json") else full, kind, status)

    def body(self, request: web.Request, text: str, kind: str, status: int) -> web.Response:
        """Any text, gzipped when asked for and worth it."""
        headers = {"Content-Type": f"{kind};charset=UTF-8"} if text else {}
        raw = text.encode()
        if len(raw) >= SMALL and "gzip" in request.headers.get("Accept-Encoding", ""):
            raw = self._gzip((request.path_qs, kind), text, raw)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return web.Response(status=status, body=raw, headers=headers)

    def _gzip(self, key: tuple[str, str], text: str, raw: bytes) -> bytes:
        known = self._zipped.get(key)
        if known and known[0] == hash(text):
            return known[1]
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        zipped = packer.compress(raw) + packer.flush()
        if len(self._zipped) > 64:
            self._zipped.clear()
        self._zipped[key] = hash(text), zipped
        return zipped
