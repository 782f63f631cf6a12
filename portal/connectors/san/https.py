"""HTTPS to a switch or an array by pycurl: bounded, pinned, and unable to write.

`Door.get` reads. `Door.session` is the one way to send anything else, and it takes only the four requests that begin
and end a session (facts/san.md 1.1, 2.1): whatever else a caller might think of does not leave the portal."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

import pycurl
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.connectors.san.errors import Untrusted, from_curl
from portal.kernel.secret import Secret

LARGEST_BODY = 16 * 1024 * 1024  # bytes, after decompression
LARGEST_HEAD = 64 * 1024  # bytes
CONNECT_SECONDS = 5.0

# method and path of every request other than GET that may leave
_SESSIONS = (
    ("POST", re.compile(r"/rest/log(in|out)")),
    ("POST", re.compile(r"/deviceManager/rest/xxxxx/sessions")),
    ("DELETE", re.compile(r"/deviceManager/rest/[^/?#]+/sessions")),
)


class WouldWrite(Exception):
    """A defect in the portal: something other than reading or a session was about to be sent. Nothing was."""


@dataclass(frozen=True)
class Endpoint:
    """Where a switch or an array is managed. name is for sentences. Exactly one kind of trust: pin_pem, the certificate
    that it shows, or one of each of an array's controllers, compared by public key (self-signed, with any name:
    facts/san.md 2.1); or ca_pem, the CA that signed it, by chain and name. vf_id: a virtual fabric of a switch, -1 for
    none."""

    name: str
    host: str
    port: int = 443
    pin_pem: str = ""
    ca_pem: str = ""
    vf_id: int = -1

    @property
    def where(self) -> str:
        """The address in sentences and URLs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Account:
    """Who asks. Prints without its password."""

    user: str
    password: Secret


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Header names in lower case; cookies: the "name=value" of each Set-Cookie. began, at: Unix
    seconds, before the request and when the answer was complete."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookies: tuple[str, ...] = ()
    began: float = 0.0
    at: float = 0.0


def pinned_key(pem: str) -> str:
    """The public keys of one certificate or several in curl's words, "sha256//...;sha256//...", any of which will do.
    Raises ValueError when one is not readable, or there is none."""
    keys = [one.public_key() for one in x509.load_pem_x509_certificates(pem.encode())]
    ders = [key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys]
    return ";".join("sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode() for der in ders)


class Door:
    """One connection to one endpoint, kept open while it is used. For one thread at a time; close it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._curl = pycurl.Curl()

    def get(self, path: str, headers: Mapping[str, str], timeout: float) -> Answer:
        """One GET; any status is an answer. timeout: seconds in all. Raises SanFailed when no answer came."""
        return self._send("GET", path, headers, "", timeout)

    def session(self, method: str, path: str, headers: Mapping[str, str], body: str, timeout: float) -> Answer:
        """A login or logout. Raises WouldWrite for anything else, else as `get`."""
        if not any(method == one and pattern.fullmatch(path) for one, pattern in _SESSIONS):
            raise WouldWrite(f"{method} {path} is not a login or logout, so it is not sent.")
        return self._send(method, path, headers, body, timeout)

    def close(self) -> None:
        """Ends the connection."""
        self._curl.close()

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: str, timeout: float) -> Answer:
        taken, head = BytesIO(), BytesIO()
        curl, began = self._curl, time.time()
        curl.reset()
        self._bound(timeout, taken, head)
        curl.setopt(pycurl.URL, f"https://{self.endpoint.where}{path}")
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
        if method != "GET":
            curl.setopt(pycurl.COPYPOSTFIELDS, body)
            curl.setopt(pycurl.CUSTOMREQUEST, method)
        try:
            curl.perform()
        except pycurl.error as error:
            asked = f"{method} {path.partition('?')[0]}"
            sent = int(curl.getinfo(pycurl.REQUEST_SIZE)) > 0
            raise from_curl(self.endpoint.name, self.endpoint.where, asked, error, sent=sent) from None
        lines = _last_head(head.getvalue())
        named = dict(_pair(line) for line in lines if ":" in line)
        cookies = tuple(value.split(";")[0].strip() for name, value in map(_pair, lines) if name == "set-cookie")
        return Answer(int(curl.getinfo(pycurl.RESPONSE_CODE)), named, taken.getvalue(), cookies, began, time.time())

    def _bound(self, timeout: float, taken: BytesIO, head: BytesIO) -> None:
        curl = self._curl
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(min(timeout, CONNECT_SECONDS) * 1000)))
        curl.setopt(pycurl.NOPROXY, "*")  # a management network is reached directly, whatever the environment says
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.ENCODING, "")
        curl.setopt(pycurl.WRITEFUNCTION, _capped(taken, LARGEST_BODY))
        curl.setopt(pycurl.HEADERFUNCTION, _capped(head, LARGEST_HEAD))
        self._trust()

    def _trust(self) -> None:
        """The pinned key stands above chain, name and dates, which a self-signed certificate gets wrong."""
        end, curl = self.endpoint, self._curl
        if end.pin_pem.strip():
            try:
                curl.setopt(pycurl.PINNEDPUBLICKEY, pinned_key(end.pin_pem))
            except ValueError:
                raise Untrusted(
                    f"The certificate that is pinned for {end.name} cannot be read, so nothing is sent. Pin it again."
                ) from None
        elif not end.ca_pem.strip():
            raise Untrusted(
                f"No certificate is pinned for {end.name}, so the portal sends it nothing. Compare the one that it "
                "shows with its console and pin it."
            )
        chain = 0 if end.pin_pem.strip() else 1
        curl.setopt(pycurl.SSL_VERIFYPEER, chain)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2 * chain)
        if chain:
            curl.setopt(pycurl.CAINFO_BLOB, end.ca_pem.encode())
            curl.unsetopt(pycurl.CAPATH)


def offered(host: str, port: int, timeout: float) -> str:
    """The certificate that somebody shows there, as PEM, for a person to compare before it is pinned; nothing but the
    TLS greeting is sent. "" when no certificate came."""
    curl = pycurl.Curl()
    try:
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.URL, f"https://{Endpoint('', host, port).where}/")
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.CONNECT_ONLY, 1)
        curl.setopt(pycurl.SSL_VERIFYPEER, 0)
        curl.setopt(pycurl.SSL_VERIFYHOST, 0)
        curl.setopt(pycurl.OPT_CERTINFO, 1)
        curl.perform()
        shown = [dict(pair for pair in one if len(pair) == 2) for one in curl.getinfo(pycurl.INFO_CERTINFO)]
    except pycurl.error:
        return ""
    finally:
        curl.close()
    return str(shown[0].get("Cert", "")) if shown else ""


def _capped(sink: BytesIO, limit: int) -> object:
    def write(chunk: bytes) -> int:
        if sink.tell() + len(chunk) > limit:
            return 0  # curl ends the transfer with error 23
        return sink.write(chunk)

    return write


def _last_head(raw: bytes) -> list[str]:
    """The header lines of the last answer: a 100 may have come first."""
    lines: list[str] = []
    for line in raw.decode("latin-1").splitlines():
        if line.startswith("HTTP/"):
            lines.clear()
        lines.append(line)
    return lines


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
