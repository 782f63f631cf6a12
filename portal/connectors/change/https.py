"""HTTPS to a change system by pycurl: bounded in time and size, verified, never led elsewhere by a redirect.

One `Talk` is one call of the portal: however many requests it needs, they share one deadline and one connection."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import pycurl

from portal.connectors.change.reading.leaves import Unreadable, body_of, by_workflow, refusal, short, wait_of
from portal.connectors.san.https import pinned_key
from portal.kernel.change import (
    ChangeBusy,
    ChangeFailed,
    ChangeGarbled,
    ChangeHeld,
    ChangeLogin,
    ChangeRefused,
    ChangeUnreachable,
    ChangeUntrusted,
)

LARGEST_BODY = 8 * 1024 * 1024  # bytes, after decompression
LARGEST_HEAD = 64 * 1024  # bytes
CONNECT_SECONDS = 5.0
JSON = "application/json"
# Where distributions keep the system's CAs; pycurl's wheel knows none of them.
_SYSTEM_CAS = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_TRUST = frozenset({51, 58, 60, 77, 83, 90, 91})
_BUSY = frozenset({408, 409, 423, 425, 429, 500, 502, 503, 504})
# Jira goes on as for nobody when it does not take a login, with 404 or 403: for a wrong token, or after too many tries
_DENIED = frozenset({"AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"})
_WORDS = {
    3: "its address is none",
    6: "its name is not known to the portal's resolver",
    7: "nothing listens at its address",
    18: "the connection ended in the middle of the answer",
    28: "no whole answer came before the deadline",
    35: "the TLS handshake failed",
    52: "the connection ended without an answer",
    55: "the connection broke while asking",
    56: "the connection broke while reading",
}


@dataclass(frozen=True)
class Endpoint:
    """Where a change system is. name is for sentences, base an https URL without a final slash. ca_pem: the CA that
    signed its certificate, "" for the system's CAs. pin_pem: its own certificate, compared by its public key instead of
    chain and name. mends: words in a refusal that tell of a right which an administrator can give, in lower case."""

    name: str
    base: str
    ca_pem: str = ""
    pin_pem: str = ""
    mends: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The same host without a path, where logins are."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Header names in lower case. at: Unix seconds when it was complete."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    at: float = 0.0


def address_problem(url: str) -> str:
    """Why a change system cannot be asked at an address, in one sentence; "" when it can."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The address cannot be read."
    if (
        not url.isascii()
        or any(not sign.isprintable() or sign in ' "<>\\' for sign in url)
        or parts.username is not None
    ):
        return "The address holds spaces, signs that no address has, or a login."
    if parts.scheme != "https" or not parts.hostname or port == 0:
        return "The address is no https URL. A change system is asked by HTTPS only, since a login goes with it."
    return "The address has a query or a fragment: enter it without." if parts.query or parts.fragment else ""


class Talk:
    """Requests of one call. limit: seconds in all. Use it as a context manager, in one thread."""

    def __init__(self, endpoint: Endpoint, limit: float) -> None:
        self.endpoint = endpoint
        self._until = time.monotonic() + limit
        self._curl = pycurl.Curl()

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._curl.close()

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        media: str = JSON,
        under: str = "",
    ) -> Answer:
        """One request below the base, or below `under`; any status is an answer. Raises ChangeFailed when none came."""
        left = self._until - time.monotonic()
        asked = f"{method} {path.partition('?')[0]}"
        if left <= 0:
            raise ChangeUnreachable(
                f"{self.endpoint.name} is too slow: {asked} is not sent, since the time is used up."
            )
        taken, head, curl = BytesIO(), BytesIO(), self._curl
        curl.reset()
        self._bound(left, taken, head)
        curl.setopt(pycurl.URL, (under or self.endpoint.base) + path)
        lines = [f"{name}: {value}" for name, value in {"Accept": JSON, **headers}.items()]
        curl.setopt(pycurl.CUSTOMREQUEST, method)
        if body is not None:
            # on a kept connection that dies curl sends again by itself, whatever the method: a note would be doubled
            curl.setopt(pycurl.FRESH_CONNECT, 1)
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDSIZE, len(body))
            curl.setopt(pycurl.READFUNCTION, BytesIO(body).read)  # POSTFIELDS takes no NUL, and a PDF has many
            lines += [f"Content-Type: {media}", "Expect:"]
        curl.setopt(pycurl.HTTPHEADER, lines)
        try:
            curl.perform()
        except pycurl.error as error:
            raise self._failed(asked, error) from None
        return Answer(
            int(curl.getinfo(pycurl.RESPONSE_CODE)), _last_head(head.getvalue()), taken.getvalue(), time.time()
        )

    def _failed(self, asked: str, error: pycurl.error) -> ChangeFailed:
        """A curl failure as an exception (not raised)."""
        code, said = int(error.args[0]), short(str(error.args[-1]))
        sent = int(self._curl.getinfo(pycurl.REQUEST_SIZE)) > 0
        name = self.endpoint.name
        if code in _TRUST:
            return ChangeUntrusted(
                f"{name} shows a certificate that does not verify ({said}), so {asked} is not sent. Compare it "
                "with the CA or certificate that is stored for this change system."
            )
        if code in (pycurl.E_WRITE_ERROR, 61):
            return ChangeGarbled(
                f"{name} answers {asked} with a body that cannot be taken in ({said}). Look at what answers there.",
                sent=True,
            )
        why = _WORDS.get(code, f"the transfer failed ({said})")
        return ChangeUnreachable(
            f"{name} does not answer {asked}: {why}. Check its address, the firewall and the service.", sent=sent
        )

    def _bound(self, left: float, taken: BytesIO, head: BytesIO) -> None:
        curl = self._curl
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(left * 1000)))
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(min(left, CONNECT_SECONDS) * 1000)))
        curl.setopt(pycurl.NOPROXY, "*")  # reached directly, whatever the environment says
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.USERAGENT, "Holdfast")
        curl.setopt(pycurl.ENCODING, "")
        curl.setopt(pycurl.WRITEFUNCTION, _capped(taken, LARGEST_BODY))
        curl.setopt(pycurl.HEADERFUNCTION, _capped(head, LARGEST_HEAD))
        self._trust()

    def _trust(self) -> None:
        end, curl = self.endpoint, self._curl
        pinned = bool(end.pin_pem.strip())
        curl.setopt(pycurl.SSL_VERIFYPEER, 0 if pinned else 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 0 if pinned else 2)
        if pinned:
            try:
                curl.setopt(pycurl.PINNEDPUBLICKEY, pinned_key(end.pin_pem))
            except ValueError:
                raise ChangeUntrusted(
                    f"The certificate that is pinned for {end.name} cannot be read, so nothing is sent. Pin it again."
                ) from None
        elif end.ca_pem.strip():
            curl.setopt(pycurl.CAINFO_BLOB, end.ca_pem.encode())
            # a libcurl of the distribution would trust its own folder of CAs beside the stored one
            curl.unsetopt(pycurl.CAPATH)
        elif _system_ca():
            curl.setopt(pycurl.CAINFO, _system_ca())


def told(endpoint: Endpoint, asked: str, answer: Answer) -> object:
    """The JSON of an answer that went well; None of an empty one. Raises ChangeFailed for every other."""
    failed = judged(endpoint, asked, answer)
    if failed is not None:
        raise failed
    if not answer.body.strip():
        return None
    try:
        return body_of(answer.body)
    except Unreadable as error:
        raise garbled(endpoint, asked, error) from None


def garbled(endpoint: Endpoint, asked: str, error: Unreadable) -> ChangeGarbled:
    """An answer that cannot be read, as an exception (not raised)."""
    return ChangeGarbled(
        f"{endpoint.name} answers {asked} with {error}. Look at what answers at its address.", sent=True
    )


def judged(endpoint: Endpoint, asked: str, answer: Answer) -> ChangeFailed | None:
    """The failure that a status tells; None of a status that says that it went well."""
    status, name, said = answer.status, endpoint.name, refusal(answer.body)
    words = f": {said}" if said else ""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        to = short(answer.headers.get("location", "")) or "an address that it does not tell"
        sentence = (
            f"{name} leads {asked} elsewhere, to {to}, which is not followed. Enter the address where it answers."
        )
        return ChangeGarbled(sentence, status=status)
    denied = answer.headers.get("x-seraph-loginreason", "").upper() in _DENIED
    if status == 401 or denied:
        sentence = f"{name} does not take the login for {asked}{words}. Enter the account's secret anew."
        return ChangeLogin(sentence, status=status)
    if status in _BUSY and not (status == 500 and by_workflow(answer.body)):
        wait = wait_of(answer.headers.get("retry-after", ""), answer.at)
        sentence = f"{name} does not take {asked} now (HTTP {status}{words}). It is asked again later."
        return ChangeBusy(sentence, status=status, wait=wait, sent=status >= 500)
    if status == 403:
        sentence = f"{name} does not permit {asked} to this account{words}. Give the account the right there."
        return ChangeHeld(sentence, status=status)
    if answer.body.lstrip()[:1] == b"<":
        sentence = (
            f"{name} answers {asked} with a web page (HTTP {status}{words}): its API is not at this address. Check it."
        )
        return ChangeGarbled(sentence, status=status)
    if not said or status >= 500 or any(word in said.lower() for word in endpoint.mends):
        why = words or ", without a reason"
        return ChangeHeld(f"{name} refuses {asked} (HTTP {status}{why}). Look at the change there.", status=status)
    return ChangeRefused(f"{name} refuses {asked} (HTTP {status}{words}).", status=status)


def plain_name(name: str) -> str:
    """A file's name as it goes into a form."""
    return "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)


def multipart(
    name: str, media: str, content: bytes, part: str = "file", more: Mapping[str, bytes] | None = None
) -> tuple[bytes, str]:
    """A form with one file, and its media type. part: the file's name in the form; more: JSON parts before it."""
    boundary = f"holdfast{secrets.token_hex(16)}"
    whole = b""
    for other, raw in (more or {}).items():
        lead = f'--{boundary}\r\nContent-Disposition: form-data; name="{other}"\r\nContent-Type: {JSON}\r\n\r\n'
        whole += lead.encode() + raw + b"\r\n"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{plain_name(name)}"\r\n'
        f"Content-Type: {media}\r\n\r\n"
    )
    end = f"\r\n--{boundary}--\r\n"
    return whole + head.encode() + content + end.encode(), f"multipart/form-data; boundary={boundary}"


def _capped(sink: BytesIO, limit: int) -> object:
    def write(chunk: bytes) -> int:
        if sink.tell() + len(chunk) > limit:
            return 0  # curl ends the transfer with error 23
        return sink.write(chunk)

    return write


def _last_head(raw: bytes) -> dict[str, str]:
    """The headers of the last answer: a 100 may have come first."""
    headers: dict[str, str] = {}
    for line in raw.decode("latin-1").splitlines():
        if line.startswith("HTTP/"):
            headers.clear()
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers


@lru_cache(maxsize=1)
def _system_ca() -> str:
    return next((path for path in _SYSTEM_CAS if Path(path).is_file()), "")
