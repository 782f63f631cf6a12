"""Bounded HTTPS by pycurl: what the SDK's own timeout does not cover (facts/engine-api.md 0.9), and the options that
every handle gets, the SDK's included. TLS is always verified."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pycurl

LARGEST_BODY = 512 * 1024 * 1024  # bytes after decompression
CONNECT_SECONDS = 5.0
# Where distributions keep the system's CAs; pycurl's wheel knows none of them.
_SYSTEM_CAS = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Header names in lower case. took in seconds; at is Unix seconds when it was complete."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    took: float = 0.0
    at: float = 0.0
    peer_pem: str = ""

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case; "" when the answer has none."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@lru_cache(maxsize=1)
def _system_ca() -> str:
    return next((path for path in _SYSTEM_CAS if Path(path).is_file()), "")


def bound(curl: pycurl.Curl, *, timeout: float, ca_pem: str, sink: BytesIO) -> None:
    """Sets deadline (seconds, total), trust and body cap on a handle. ca_pem "" means the system's CAs."""
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(min(timeout, CONNECT_SECONDS) * 1000)))
    curl.setopt(pycurl.NOPROXY, "*")  # an engine is reached directly, whatever the environment says
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    if ca_pem.strip():
        curl.setopt(pycurl.CAINFO_BLOB, ca_pem.encode())
        # a libcurl of the distribution would trust its own folder of CAs beside the pinned one
        curl.unsetopt(pycurl.CAPATH)
    elif _system_ca():
        curl.setopt(pycurl.CAINFO, _system_ca())
    curl.setopt(pycurl.WRITEFUNCTION, _capped(sink))


def _capped(sink: BytesIO) -> object:
    def write(chunk: bytes) -> int:
        if sink.tell() + len(chunk) > LARGEST_BODY:
            return 0  # curl ends the transfer with error 23
        return sink.write(chunk)

    return write


def packed(curl: pycurl.Curl) -> None:
    """Leaves decompression to `unpacked`: curl hands over 16 KiB of plain text at a time, and each hand-over waits for
    the interpreter's lock while another thread parses."""
    curl.setopt(pycurl.ENCODING, "gzip")
    curl.setopt(pycurl.HTTP_CONTENT_DECODING, 0)


def unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without its compression. Raises ValueError when it is broken, cut, larger than LARGEST_BODY or packed
    in a way that was not asked for."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity" or not body:
        return body
    if encoding != "gzip":
        raise ValueError(f"content encoding {encoding} was not asked for")
    inflater = zlib.decompressobj(31)
    try:
        plain = inflater.decompress(body, LARGEST_BODY)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not inflater.eof:
        raise ValueError("the compressed body breaks off or is too large")
    return plain


def header_map(lines: list[str]) -> dict[str, str]:
    """Header lines of the last answer as a mapping (an Apache in front may have sent a 100 first)."""
    headers: dict[str, str] = {}
    for line in lines:
        if line.startswith("HTTP/"):
            headers.clear()
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers


def fetch(
    url: str, *, timeout: float, ca_pem: str, headers: Mapping[str, str], form: str | None = None, chain: bool = False
) -> Answer:
    """One request on a connection of its own: GET, or POST of a form. `chain` brings the peer's certificates.
    Raises pycurl.error."""
    body, head = BytesIO(), BytesIO()
    curl = pycurl.Curl()
    try:
        bound(curl, timeout=timeout, ca_pem=ca_pem, sink=body)
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.ENCODING, "")
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
        curl.setopt(pycurl.HEADERFUNCTION, head.write)
        if form is not None:
            curl.setopt(pycurl.COPYPOSTFIELDS, form)
        if chain:
            curl.setopt(pycurl.OPT_CERTINFO, 1)
        began = time.monotonic()
        curl.perform()
        return Answer(
            status=int(curl.getinfo(pycurl.RESPONSE_CODE)),
            headers=header_map(head.getvalue().decode("latin-1").splitlines()),
            body=body.getvalue(),
            took=time.monotonic() - began,
            at=time.time(),
            peer_pem=_chain(curl) if chain else "",
        )
    finally:
        curl.close()


def _chain(curl: pycurl.Curl) -> str:
    certificates = [dict(pair for pair in one if len(pair) == 2) for one in curl.getinfo(pycurl.INFO_CERTINFO)]
    return "".join(one["Cert"].strip() + "\n" for one in certificates if "Cert" in one)
