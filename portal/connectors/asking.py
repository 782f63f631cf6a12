"""One question to a service that users notice when it is away, for the clock of a drill: bounded, on a connection of
its own, never led elsewhere by a redirect.

Three answers: it serves, it does not, and nothing can be told. The last is for what lies on this side of the wire or
speaks of somebody else (facts/hosted-engine.md 2.6: what cannot be read is unknown, never down)."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pycurl

HTTP, TCP = "http", "tcp"
API = "api"  # as http, where "log in first" is an answer of the service, too
LOG_IN = 401
MOST = 256 * 1024  # bytes of a body in which the words are looked for
# Where distributions keep the system's CAs; pycurl's wheel knows none of them.
_SYSTEM_CAS = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# curl's numbers: what the service does not do
_DOWN = {
    7: "nothing listens there",
    18: "the answer breaks off",
    28: "no answer in time",
    35: "the TLS handshake fails",
    52: "the connection ends without an answer",
    55: "the connection breaks while asking",
    56: "the connection breaks while reading",
    8: "the answer is no HTTP",
    1: "the answer is no HTTP",
}
# ... and what says nothing of it
_UNKNOWN = {
    3: "its address is none",
    5: "a proxy's name is not known",
    6: "its name is not known to the portal's resolver",
    45: "the portal cannot open a connection",
    51: "its certificate does not verify",
    60: "its certificate does not verify",
    77: "the CA given for it is no readable PEM",
    83: "its certificate does not verify",
    90: "its certificate does not verify",
    91: "its certificate does not verify",
}
# the operating system's numbers under curl's 7: the portal itself has no way out
_NO_WAY_OUT = {errno.ENETUNREACH, errno.ENETDOWN, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS}
_WRITE_ERROR = 23  # the sink has had enough


@dataclass(frozen=True)
class Answered:
    """up: True it serves, False it does not, None nothing can be told. why: a few words, "" when up. took: seconds."""

    up: bool | None
    why: str
    took: float


def problem(kind: str, address: str) -> str:
    """Why nothing can be asked at an address, in one sentence; "" when it can. kind: http | api | tcp."""
    try:
        parts = urlsplit(f"tcp://{address}" if kind == TCP else address)
        port = parts.port
    except ValueError:
        return "The address cannot be read."
    odd = not address.isascii() or any(not sign.isprintable() or sign == " " for sign in address)
    if odd or parts.username is not None:
        return "The address holds spaces, signs that no address has, or a login."
    if kind != TCP:
        fits = parts.scheme in ("http", "https") and parts.hostname
        return "" if fits else "The address is no http or https URL."
    whole = parts.hostname and port and not (parts.path or parts.query or parts.fragment)
    return "" if whole else "The address is no host:port."


def ask(address: str, kind: str, words: str = "", ca_pem: str = "", timeout: float = 3.0) -> Answered:
    """http: up at a 2xx whose body holds the words, when there are any. api: up at a 2xx, and at a 401, which only the
    application behind the web server gives (facts/engine-api.md). tcp: up when the port takes a connection.
    timeout: seconds for all of it, the name's resolution included. Raises nothing for what can go wrong outside."""
    began = time.monotonic()
    if why := problem(kind, address):
        return Answered(None, why, 0.0)
    sink = _Sink(words.encode())
    curl = pycurl.Curl()
    code = number = 0
    try:
        _set_up(curl, address, kind, ca_pem, timeout)
        curl.setopt(pycurl.WRITEFUNCTION, sink.write)
        curl.perform()
    except pycurl.error as error:
        code = int(error.args[0])
    finally:
        status = int(curl.getinfo(pycurl.RESPONSE_CODE))
        number = int(curl.getinfo(pycurl.OS_ERRNO))
        curl.close()
    took = time.monotonic() - began
    if code not in (0, _WRITE_ERROR):
        return _failed(code, number, took)
    if kind == TCP or (kind == API and status == LOG_IN):
        return Answered(True, "", took)
    return _judged(status, sink, took)


def _judged(status: int, sink: _Sink, took: float) -> Answered:
    if 300 <= status < 400:
        return Answered(False, f"HTTP {status}, a redirect, which is not followed", took)
    if not 200 <= status < 300:
        return Answered(False, f"HTTP {status}", took)
    return Answered(True, "", took) if sink.found else Answered(False, f"HTTP {status} without the words", took)


def _failed(code: int, number: int, took: float) -> Answered:
    if code == 7 and number in _NO_WAY_OUT:
        return Answered(None, f"the portal has no way out ({errno.errorcode[number]})", took)
    if code in _DOWN:
        return Answered(False, _DOWN[code], took)
    return Answered(None, _UNKNOWN.get(code, f"the question fails (curl {code})"), took)


class _Sink:
    """Looks for words in a body and ends the transfer when they are found or it has grown too long."""

    def __init__(self, words: bytes) -> None:
        self._words = words
        self._body = bytearray()
        self.found = not words

    def write(self, piece: bytes) -> int:
        if self._words:
            self._body += piece
            self.found = self._words in self._body
        else:
            self._body += b"." * len(piece)
        wanted = len(self._body) <= MOST and not (self._words and self.found)
        return len(piece) if wanted else 0


def _set_up(curl: pycurl.Curl, address: str, kind: str, ca_pem: str, timeout: float) -> None:
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.NOPROXY, "*")  # what is measured is the service, not a proxy's cache of it
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.FRESH_CONNECT, 1)
    curl.setopt(pycurl.FORBID_REUSE, 1)
    curl.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    if kind == TCP:
        # curl opens the connection and says nothing on it; unlike a socket's, its resolver keeps the deadline
        curl.setopt(pycurl.URL, f"http://{address}")
        curl.setopt(pycurl.CONNECT_ONLY, 1)
        return
    curl.setopt(pycurl.URL, address)
    curl.setopt(pycurl.USERAGENT, "Holdfast-drill-clock")
    curl.setopt(pycurl.HTTPHEADER, ["Cache-Control: no-cache", "Accept: */*"])
    _trust(curl, ca_pem)


def _trust(curl: pycurl.Curl, ca_pem: str) -> None:
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    if ca_pem.strip():
        curl.setopt(pycurl.CAINFO_BLOB, ca_pem.encode())
        # a libcurl of the distribution would trust its own folder of CAs beside the pinned one
        curl.unsetopt(pycurl.CAPATH)
    elif _system_ca():
        curl.setopt(pycurl.CAINFO, _system_ca())


@lru_cache(maxsize=1)
def _system_ca() -> str:
    return next((path for path in _SYSTEM_CAS if Path(path).is_file()), "")
