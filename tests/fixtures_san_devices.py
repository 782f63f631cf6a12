"""A switch and an array as small HTTPS servers that answer with the samples: what they say is set per path, what they
were asked is kept."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from portal.connectors.san.gate import Gate
from portal.connectors.san.https import Account, Endpoint
from portal.kernel.secret import Secret

SAN = Path(__file__).resolve().parent / "samples" / "san"
USER, PASSWORD = "portal", "correct horse"
YANG = "application/yang-data+json"


def raw(name):
    return (SAN / name).read_bytes()


def body(value):
    return json.dumps(value).encode()


def response(value):
    return body({"Response": value})


@dataclass
class Said:
    """One scripted answer. cut: bytes sent before the connection breaks; after: waited for before anything is said."""

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    after: threading.Event | None = None


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict
    body: bytes


class Server:
    """HTTPS on loopback; `answer` decides."""

    def __init__(self, identity, address="127.0.0.1"):
        self.asked = []
        self.lock = threading.Lock()
        self.connections = []
        self.pem = identity.ca_pem
        self.address = address
        self.http = ThreadingHTTPServer((address, 0), type("Bound", (_Handler,), {"server_of": self}))
        self.http.daemon_threads, self.http.block_on_close = True, False
        self.http.socket = identity.context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def endpoint(self, name="SWA1", **changes):
        values = {"name": name, "host": self.address, "port": self.port, "ca_pem": self.pem}
        return Endpoint(**(values | changes))

    def answer(self, asked):
        raise NotImplementedError

    def methods(self):
        return [(one.method, one.path) for one in self.asked]

    def close(self):
        self.http.shutdown()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.http.server_close()
        self.thread.join(2)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server_of: Server

    def setup(self):
        super().setup()
        self.server_of.connections.append(self.connection)

    def do_GET(self):
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, unquote(parts.path), unquote(parts.query), headers, self.rfile.read(length))
        with self.server_of.lock:
            self.server_of.asked.append(asked)
        said = self.server_of.answer(asked)
        if said.after is not None:
            said.after.wait(20)
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body[: said.cut])
        if said.cut is not None:
            self.close_connection = True

    do_POST = do_DELETE = do_PUT = do_PATCH = do_GET

    def log_message(self, *args):
        pass


EMPTY_404 = Said(404, raw("brocade-rest/error-404-nothing-to-list.json"))
NO_URI = Said(400, raw("brocade-rest/error-400-invalid-uri.json"))
MODULES = ("switch", "chassis", "fabric", "interface", "zone", "name-server", "media", "logging", "fibrechannel-trunk")
BODIES = {
    "brocade-fibrechannel-switch/fibrechannel-switch": "fibrechannel-switch_A",
    "brocade-interface/fibrechannel": "fibrechannel_A",
    "brocade-interface/fibrechannel-statistics": "fibrechannel-statistics_A",
    "brocade-zone/effective-configuration": "effective-configuration_A",
    "brocade-zone/defined-configuration": "defined-configuration_A",
    "brocade-name-server/fibrechannel-name-server": "fibrechannel-name-server_A",
    "brocade-fabric/fabric-switch": "fabric-switch_A",
    "brocade-media/media-rdp": "media-rdp_A",
    "brocade-chassis/chassis": "chassis_A",
}


def modules(*names):
    listed = [{"name": f"brocade-{name}", "version": "1.0.0", "objects": {"object": []}} for name in names]
    return response({"brocade-module-version": {"module": listed}})


class Fos(Server):
    """A switch. `answers`: path -> Said, or a callable that makes one; `login`: what a login gets instead."""

    def __init__(self, identity):
        super().__init__(identity)
        self.sessions, self.most, self.most_seen = set(), 3, 0
        self.login = self.logout = None
        self.count = 0
        self.answers = {
            f"/rest/running/{path}": Said(body=raw(f"brocade-rest/{name}.json")) for path, name in BODIES.items()
        }
        self.put("running/brocade-fibrechannel-trunk/trunk", EMPTY_404)

    def put(self, path, said):
        self.answers[f"/rest/{path}"] = said

    def answer(self, asked):
        if asked.path == "/rest/login":
            return self._login(asked)
        if asked.path == "/rest/logout":
            with self.lock:
                if self.logout is None:
                    self.sessions.discard(asked.headers.get("authorization"))
            return self.logout or Said(204)
        if asked.headers.get("authorization") not in self.sessions and not self._basic(asked):
            return Said(401, fault("Authentication failed"))
        found = self.answers.get(asked.path, NO_URI)
        return found(asked) if isinstance(found, Callable) else found

    def _basic(self, asked):
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {pair}"

    def _login(self, asked):
        if self.login is not None:
            return self.login(asked) if isinstance(self.login, Callable) else self.login
        if not self._basic(asked):
            return Said(401, fault("Invalid user name or password"))
        with self.lock:
            if len(self.sessions) >= self.most:
                return Said(503, fault("Max limit for REST sessions reached"))
            self.count += 1
            token = f"Custom_Basic token{self.count}"
            self.sessions.add(token)
            self.most_seen = max(self.most_seen, len(self.sessions))
        return Said(headers={"Authorization": token, "Content-Type": YANG})

    def logins(self):
        return [one for one in self.asked if one.path == "/rest/login"]


def fault(message, code=1, module="rest"):
    entry = {"error-type": "application", "error-tag": "operation-failed", "error-message": message}
    return body({"errors": {"error": [entry | {"error-info": {"error-code": code, "error-module": module}}]}})


OK = {"error": {"code": 0, "description": "0"}}
SERIAL = "2102353XYZ00000001"


def found(*listed):
    return body({"data": list(listed)} | OK)


def failure(code, description="invented"):
    return body({"data": {}, "error": {"code": code, "description": description, "suggestion": ""}})


class Dorado(Server):
    """An array. `answers`: resource with or without its query -> Said, a callable, or plain rows, which are paged."""

    def __init__(self, identity, address="127.0.0.1"):
        super().__init__(identity, address)
        self.tokens, self.count = set(), 0
        self.login = None

        def sample(name):
            return Said(body=raw(f"dorado-rest/prod-{name}.json"))

        names = ("controller", "fc_port", "lun", "REPLICATIONPAIR", "CONSISTENTGROUP", "remote_device", "host")
        self.answers = {name: sample(name) for name in names}
        self.answers["system/"] = sample("system")
        self.answers["host_link?INITIATOR_TYPE=223&PARENTID=0"] = sample("host_link_host0")
        self.answers["fc_initiator"] = sample("fc_initiator_host0")
        self.answers["lun/associate?ASSOCIATEOBJTYPE=21&ASSOCIATEOBJID=0"] = sample("lun_associate_host0")
        self.answers["system_utc_time"] = Said(body=body({"data": {"CMO_SYS_UTC_TIME": "1763802060"}} | OK))

    def answer(self, asked):
        if asked.path == "/deviceManager/rest/xxxxx/sessions":
            return self._login(asked)
        device, _, resource = asked.path.removeprefix("/deviceManager/rest/").partition("/")
        cookie = "session=ismsession" in asked.headers.get("cookie", "")
        if asked.headers.get("ibasetoken") not in self.tokens or not cookie:
            return Said(body=raw("dorado-rest/error-token-expired.json"))
        if device != SERIAL:
            return Said(404, b"<html>")
        if resource == "sessions":
            self.tokens.discard(asked.headers["ibasetoken"])
            return Said(body=body({"data": {}} | OK))
        query, _, span = asked.query.rpartition("range=")
        key = f"{resource}?{query.rstrip('&')}".rstrip("?")
        said = self.answers.get(key, self.answers.get(resource, Said(body=body(OK))))
        if isinstance(said, Callable):
            return said(asked)
        return said if isinstance(said, Said) else self._page(said, span)

    def _page(self, rows, span):
        first, last = (int(one) for one in span.strip("[]").split("-"))
        page = rows[first : min(last, first + 100)]
        return Said(body=found(*page) if page else body(OK))

    def _login(self, asked):
        if self.login is not None:
            return self.login(asked) if isinstance(self.login, Callable) else self.login
        told = json.loads(asked.body)
        if (told["username"], told["password"], told["scope"]) != (USER, PASSWORD, "0"):
            return Said(body=failure(1077949061, "The user name or password is incorrect."))
        return self.admit()

    def admit(self, **changes):
        with self.lock:
            self.count += 1
            token = f"TOKEN{self.count}"
            self.tokens.add(token)
        data = json.loads(raw("dorado-rest/login-200.json"))["data"] | {"iBaseToken": token}
        cookie = {"Set-Cookie": "session=ismsession=1; Secure; HttpOnly"}
        return Said(body=body({"data": data | changes} | OK), headers=cookie)

    def logins(self):
        return [one for one in self.asked if one.path.endswith("/xxxxx/sessions")]

    def ended(self):
        return [one for one in self.asked if one.method == "DELETE"]


def account(password=PASSWORD):
    return Account(USER, Secret(password))


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def fos(engine_identity):
    made = Fos(engine_identity)
    yield made
    made.close()


@pytest.fixture
def dorado(engine_identity):
    made = Dorado(engine_identity)
    yield made
    made.close()
