"""A scripted HTTPS engine for tests: what it answers is set per path, what it was asked is kept."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.connectors.engine import Credentials
from portal.kernel.secret import Secret

SAMPLES = Path(__file__).resolve().parent / "samples" / "engine-api"
API = "/ovirt-engine/api"
SSO = "/ovirt-engine/sso/oauth/token"
XML = "application/xml;charset=UTF-8"
PASSWORD = "correct horse"


def sample(name):
    return (SAMPLES / name).read_bytes()


@dataclass
class Said:
    """One scripted answer. content_type None: the header is missing. cut: bytes sent before the connection breaks."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = XML
    headers: dict = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Asked:
    method: str
    path: str
    query: dict
    headers: dict
    body: str


HTML_401 = Said(401, sample("unauthorized-401.html"), "text/html;charset=UTF-8")
HTML_500 = Said(500, b"<html><head><title>Error</title></head><body>Internal Server Error</body></html>", "text/html")
HTML_503 = Said(503, b"<html><body><h1>Service Unavailable</h1></body></html>", "text/html; charset=iso-8859-1")

EMPTY = {"vms": "vms", "disks": "disks", "hosts": "hosts", "clusters": "clusters", "jobs": "jobs", "events": "events"}


def healthy():
    """The samples' estate."""
    said = {f"{API}/{path}": Said(body=f"<{root}/>".encode()) for path, root in EMPTY.items()}
    return said | {
        API: Said(body=sample("api-root.xml")),
        f"{API}/datacenters": Said(body=sample("datacenters-follow-storage_domains.xml")),
        f"{API}/hosts": Said(body=sample("hosts-all_content-follow-nics-statistics.xml")),
        f"{API}/vms": Said(body=sample("vms-follow-disk_attachments.xml")),
        f"{API}/disks": Said(body=sample("disks-direct-lun.xml")),
        f"{API}/events": Said(body=sample("events.xml")),
        f"{API}/hosts/0f1e0a10-1111-4a01-9a01-00000000a001/storage": Said(body=sample("host-storage.xml")),
        "/ovirt-engine/services/health": Said(body=b"DB Up!Welcome to Health Status!", content_type="text/html"),
    }


class ScriptedEngine:
    def __init__(self, identity):
        self.answers = healthy()
        self.asked = []
        self.tokens = set()
        self.issued = 0
        self.revoked = []
        self.logins = []
        self.connections = []
        self.sso = None  # a Said, or a threading.Event to hang on
        self.ca_pem = identity.ca_pem
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"engine": self}))
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.socket = identity.context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}{API}"

    def credentials(self, **changes):
        values = {
            "url": self.url,
            "username": "admin@ovirt@internalsso",
            "password": Secret(PASSWORD),
            "ca_pem": self.ca_pem,
        }
        return Credentials(**(values | changes))

    def close(self):
        """Stops listening and breaks every connection."""
        self.server.shutdown()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server.server_close()
        self.thread.join(2)

    def login(self, asked):
        self.logins.append(asked)
        if isinstance(self.sso, threading.Event):
            self.sso.wait(20)
            return Said(200, b"{}", "application/json")
        if self.sso is not None:
            return self.sso
        if asked.headers.get("accept") != "application/json":
            return Said(
                400,
                b'{"error_code":"invalid_request","error":"Missing parameter: \'Accept Header\'"}',
                "application/json",
            )
        form = parse_qs(asked.body)
        if form.get("password") != [PASSWORD]:
            return Said(400, sample("sso-error-400.json"), "application/json")
        with self.lock:
            self.issued += 1
            token = f"token-{self.issued}"
            self.tokens.add(token)
        body = {"access_token": token, "scope": "ovirt-app-api", "exp": "9223372036854775807", "token_type": "bearer"}
        return Said(200, json.dumps(body).encode(), "application/json")

    def answer(self, asked):
        if asked.path == SSO:
            return self.login(asked)
        if asked.path == "/ovirt-engine/services/sso-logout":
            self.revoked.append(parse_qs(asked.body)["token"][0])
            return Said(200, b"{}", "application/json")
        with self.lock:
            self.asked.append(asked)
        if asked.path.startswith(API):
            token = asked.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.tokens:
                return HTML_401
        found = self.answers.get(asked.path, Said(404, b"", None))
        return found(asked) if isinstance(found, Callable) else found

    def paths(self):
        return [one.path.removeprefix(API) for one in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    engine: ScriptedEngine

    def setup(self):
        super().setup()
        self.engine.connections.append(self.connection)

    def do_GET(self):
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        said = self.engine.answer(Asked(self.command, parts.path, query, headers, body))
        self.send_response(said.status)
        if said.content_type is not None:
            self.send_header("Content-Type", said.content_type)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body[: said.cut])
        if said.cut is not None:
            self.close_connection = True

    do_POST = do_GET

    def log_message(self, *args):
        pass


@dataclass
class Identity:
    context: ssl.SSLContext
    ca_pem: str


def make_identity(folder, days=30, names=("127.0.0.1",), issuer="Test CA"):
    """A CA and a server certificate of its own making."""
    now = datetime.datetime.now(datetime.UTC)

    def build(common, signer, key, until):
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, signer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=60))
            .not_valid_after(now + datetime.timedelta(days=until))
        )

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = (
        build(issuer, issuer, authority, 30)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority, hashes.SHA256())
    )
    alternatives = [x509.IPAddress(ipaddress.ip_address(name)) for name in names]
    leaf = (
        build("engine", issuer, key, days)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(authority, hashes.SHA256())
    )
    chain = folder / "chain.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Identity(context, ca.public_bytes(serialization.Encoding.PEM).decode())


@pytest.fixture(scope="session")
def engine_identity(tmp_path_factory):
    return make_identity(tmp_path_factory.mktemp("engine-pki"))


@pytest.fixture
def scripted(engine_identity):
    """A healthy scripted engine with the samples' estate."""
    engine = ScriptedEngine(engine_identity)
    yield engine
    engine.close()
