"""One message to a machine by HTTPS POST: bounded, verified, never led elsewhere by a redirect. The address is a
secret; it stands in no sentence."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from time import time
from urllib.parse import unquote, urlsplit

import pycurl
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.kernel.secret import Secret

TIMEOUT = 10.0  # seconds for all of it
MOST = 16 * 1024  # bytes of an answer that are read
LEAST = 8  # characters of a part of an address from which on it may be a secret
LONGEST_WAIT = 3600.0  # seconds that another side may ask to be left alone
# Where distributions keep the system's CAs; pycurl's wheel knows none of them.
_SYSTEM_CAS = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# curl's numbers in plain words. Its own texts may quote the address.
_WORDS = {
    5: "the proxy's name is not known",
    6: "its name is not known to the portal's resolver",
    7: "nothing listens at its address",
    28: "it did not answer in time",
    35: "the TLS handshake failed",
    51: "its certificate does not verify",
    52: "the connection ended without an answer",
    55: "the connection broke",
    56: "the connection broke",
    60: "its certificate does not verify",
    77: "the CA given for it is no readable PEM",
    83: "its certificate does not verify",
    90: "its certificate is not the pinned one",
}
_HEAD = 23  # curl's number for a sink that has had enough
_FOR_GOOD = frozenset({400, 405, 410, 413, 414, 415, 422, 501})


class DeliveryFailed(Exception):
    """It was not taken, or nobody said so; trying again may help. Its text is one sentence without any secret. wait:
    seconds that the other side asks to be left alone, 0 for none."""

    def __init__(self, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.wait = wait


class DeliveryRefused(DeliveryFailed):
    """It is refused for good: the same message will not be taken later either."""


@dataclass(frozen=True)
class Place:
    """Where it goes. name: for sentences. Trust: pin_pem, the certificate that it shows, compared by its public key; or
    ca_pem, the CA that signed it; both empty: the system's CAs."""

    name: str
    url: Secret
    ca_pem: str = ""
    pin_pem: str = ""


@dataclass(frozen=True)
class Posted:
    """A 2xx answer."""

    status: int
    body: bytes = field(repr=False)


def problem(url: str) -> str:
    """Why nothing can be sent to this URL, in one sentence that does not quote it; "" when it can."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is none raises here
    except ValueError:
        return "The address cannot be read: copy it whole."
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "The address is no https URL: copy it whole."
    if parts.fragment or not url.isascii() or any(not sign.isprintable() or sign == " " for sign in url):
        return "The address holds signs that no URL has: copy it again."
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        return "The address goes over http, in the clear: only https is taken."
    return ""


def host_of(url: str) -> str:
    """The part of an address that may be shown."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def pinned_key(pem: str) -> str:
    """The public key of a certificate in curl's words, "sha256//...". Raises ValueError when it is not readable."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def post(to: Place, body: bytes, headers: Mapping[str, str], timeout: float = TIMEOUT) -> Posted:
    """One POST, by the proxy that the environment names. timeout: seconds for all of it, the name's resolution
    included. Raises DeliveryFailed; after it the message may have been taken all the same."""
    url = to.url.reveal()
    if wrong := problem(url):
        raise DeliveryRefused(f"{to.name}: {wrong}")
    taken, head = BytesIO(), BytesIO()
    curl = pycurl.Curl()
    code = 0
    try:
        _bound(curl, timeout, taken, head)
        _trust(curl, to)
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in headers.items()), "Expect:"])
        curl.setopt(pycurl.COPYPOSTFIELDS, body)
        curl.perform()
    except pycurl.error as error:
        code = int(error.args[0])
    finally:
        status = int(curl.getinfo(pycurl.RESPONSE_CODE))
        curl.close()
    if code not in (0, _HEAD):
        what = _WORDS.get(code, f"the transfer failed (curl {code})")
        raise DeliveryFailed(f"{to.name} did not take it: {what}.")
    if not 200 <= status < 300:
        raise _refusal(to, status, taken.getvalue(), head.getvalue())
    return Posted(status, taken.getvalue())


def _refusal(to: Place, status: int, said: bytes, head: bytes) -> DeliveryFailed:
    name = to.name
    if 300 <= status < 400:
        words = f"{name} answers HTTP {status}, a redirect, which is not followed: enter the address that it leads to."
        return DeliveryRefused(words)
    words = f"{name} answers HTTP {status}{_quoted(said, to)}."
    if status in _FOR_GOOD:
        return DeliveryRefused(words)
    return DeliveryFailed(words, _wait(head))


def _quoted(said: bytes, to: Place) -> str:
    """The beginning of a plain answer; pages are left out."""
    text = plain(said, to)
    fit = text and not text.startswith("<") and text.isprintable()
    return f": {text[:120]}" if fit else ""


def plain(said: bytes, to: Place) -> str:
    """An answer on one line, without the address: the other side may say back where it was asked, and the path is what
    lets anybody write there."""
    parts = urlsplit(to.url.reveal())
    words = [word for word in re.split(r"[/&=?;]", f"{parts.path}?{parts.query}") if len(word) >= LEAST]
    told = [to.url.reveal(), f"{parts.path}?{parts.query}", parts.path, parts.query, *words]
    secret = {each for one in told for each in (one, unquote(one)) if len(each) > 1}
    text = " ".join(said.decode("utf-8", "replace").split())
    if not secret:
        return text
    return re.sub("|".join(map(re.escape, sorted(secret, key=len, reverse=True))), "***", text, flags=re.IGNORECASE)


def _wait(head: bytes) -> float:
    """Retry-After, in seconds or as a date; 0 without one that can be read."""
    given = ""
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "retry-after":
            given = value.strip()
    if given.isdecimal() and len(given) < 10:
        return min(float(given), LONGEST_WAIT)
    try:
        return min(max(parsedate_to_datetime(given).timestamp() - time(), 0.0), LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _bound(curl: pycurl.Curl, timeout: float, taken: BytesIO, head: BytesIO) -> None:
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.USERAGENT, "holdfast")
    curl.setopt(pycurl.WRITEFUNCTION, _capped(taken))
    curl.setopt(pycurl.HEADERFUNCTION, _capped(head))


def _trust(curl: pycurl.Curl, to: Place) -> None:
    """A pinned key stands above chain, name and dates, which a self-signed certificate gets wrong."""
    chain = 0 if to.pin_pem.strip() else 1
    curl.setopt(pycurl.SSL_VERIFYPEER, chain)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2 * chain)
    if not chain:
        try:
            curl.setopt(pycurl.PINNEDPUBLICKEY, pinned_key(to.pin_pem))
        except ValueError:
            words = f"The certificate that is pinned for {to.name} cannot be read, so nothing is sent: pin it again."
            raise DeliveryRefused(words) from None
    elif to.ca_pem.strip():
        curl.setopt(pycurl.CAINFO_BLOB, to.ca_pem.encode())
        # a libcurl of the distribution would trust its own folder of CAs beside the given one
        curl.unsetopt(pycurl.CAPATH)
    elif _system_ca():
        curl.setopt(pycurl.CAINFO, _system_ca())


def _capped(sink: BytesIO) -> object:
    def write(piece: bytes) -> int:
        if sink.tell() + len(piece) > MOST:
            return 0  # curl ends the transfer; the status is known by then
        return sink.write(piece)

    return write


@lru_cache(maxsize=1)
def _system_ca() -> str:
    return next((path for path in _SYSTEM_CAS if Path(path).is_file()), "")
