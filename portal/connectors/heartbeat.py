"""The word to a watcher outside, in the manner of healthchecks: URL, URL/start, URL/fail. The URL is a secret: whoever
knows it can say that all is well. It stands in no sentence."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

import pycurl

from portal.kernel.secret import Secret

TIMEOUT = 5.0  # seconds for all of it
LONGEST = 10_000  # bytes of a sentence that is sent along
MOST = 100_000  # bytes of an answer that are taken in; nobody reads them
_SUFFIXES = {"start": "/start", "success": "", "fail": "/fail"}
# Where distributions keep the system's CAs; pycurl's wheel knows none of them.
_SYSTEM_CAS = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# curl's numbers in plain words. Its own texts may quote the address.
_WORDS = {
    5: "its proxy's name is not known",
    6: "its name is not known to the portal's resolver",
    7: "nothing listens at its address",
    28: "it did not answer in time",
    35: "the TLS handshake failed",
    52: "the connection ended without an answer",
    55: "the connection broke",
    56: "the connection broke",
    51: "its certificate does not verify",
    60: "its certificate does not verify",
}


class PingFailed(Exception):
    """The watcher did not take the word. Its text is one sentence without the address."""


def problem(url: str) -> str:
    """Why this can be no heartbeat's address, in one sentence; "" when it can."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "The heartbeat's address is no http or https URL: copy it whole from the watcher."
    if parts.fragment or any(not character.isprintable() or character == " " for character in url):
        return "The heartbeat's address holds characters that no URL has: copy it again from the watcher."
    return ""


def caution(url: str) -> str:
    """What a person should know about an address that works; "" for nothing."""
    parts = _split(url)
    if parts is None or parts.scheme != "http":
        return ""
    return "The heartbeat goes over http: whoever is on the way can read its address and speak for this portal."


def ping(url: Secret, kind: str, sentence: str = "", timeout: float = TIMEOUT) -> None:
    """One request. kind: start | success | fail; a sentence goes along as the body. Never follows a redirect, and takes
    the proxy that the environment names. Raises PingFailed."""
    plain = url.reveal()
    if wrong := problem(plain):
        raise PingFailed(wrong)
    curl = pycurl.Curl()
    try:
        _set_up(curl, timeout)
        curl.setopt(pycurl.URL, _address(plain, kind))
        if sentence:
            curl.setopt(pycurl.HTTPHEADER, ["Content-Type: text/plain; charset=utf-8", "Expect:"])
            curl.setopt(pycurl.COPYPOSTFIELDS, sentence.encode()[:LONGEST])
        curl.perform()
        status = int(curl.getinfo(pycurl.RESPONSE_CODE))
    except pycurl.error as error:
        raise PingFailed(_said(int(error.args[0]))) from None
    finally:
        curl.close()
    if not 200 <= status < 300:
        raise PingFailed(f"The watcher outside answers the heartbeat with HTTP {status}: {_todo(status)}")


def _set_up(curl: pycurl.Curl, timeout: float) -> None:
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(timeout * 1000)))
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    curl.setopt(pycurl.USERAGENT, "holdfast")
    authorities = next((path for path in _SYSTEM_CAS if Path(path).is_file()), "")
    if authorities:
        curl.setopt(pycurl.CAINFO, authorities)
    curl.setopt(pycurl.WRITEFUNCTION, _Swallowing().write)


class _Swallowing:
    """Takes in an answer and ends the transfer when it does not end."""

    def __init__(self) -> None:
        self.taken = 0

    def write(self, piece: bytes) -> int:
        self.taken += len(piece)
        return len(piece) if self.taken <= MOST else 0


def _address(url: str, kind: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + _SUFFIXES[kind]))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # a port that is none raises here
    except ValueError:
        return None
    return parts


def _said(code: int) -> str:
    what = _WORDS.get(code, f"the transfer failed (curl {code})")
    return f"The watcher outside does not take the heartbeat: {what}. Look at it and at the way out from the portal."


def _todo(status: int) -> str:
    if status in (404, 410):
        return "it no longer knows this address, so enter a new one."
    if 300 <= status < 400:
        return "redirects are not followed, so enter the address that it leads to."
    return "look at the watcher."
