"""What can go wrong between the portal and an engine, each in one sentence that names the engine, what was asked
and what to do."""

from __future__ import annotations

import re

from portal.kernel.output import LookFailed

LONGEST_DETAIL = 600  # characters of an engine's own words that are kept


class EngineFailed(LookFailed):
    """The engine gave no usable answer. status: HTTP status, None when none came. detail: the engine's (or curl's)
    own words, never parsed, only shown."""

    def __init__(self, sentence: str, *, status: int | None = None, detail: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.detail = detail[:LONGEST_DETAIL]


class Refused(EngineFailed):
    """The engine understood the request and says no: a fault, a login that fails, a missing right."""


class Unreachable(EngineFailed):
    """No answer came: no route, no listener, no certificate that can be trusted, or the deadline passed."""


class Untrusted(Unreachable):
    """Somebody answers whose certificate does not verify: that says something of the stored CA or of whoever answers,
    nothing of the engine's health."""


class Protocol(EngineFailed):
    """Something answered that is not the engine's API as it should be: HTML, another content type, broken XML."""


# curl's numbers in plain words: (what is, what to do). facts/engine-api.md 0.10 and 6.
_CURL_WORDS = {
    5: ("its proxy's name is not known", "Check the portal's name resolution."),
    6: ("its name is not known to the portal's resolver", "Check the name in its address and the portal's DNS."),
    7: ("nothing listens at its address", "Check that the engine VM runs and that its httpd is up."),
    18: ("the connection ended in the middle of the answer", "Look at the engine's httpd and at the network."),
    28: ("no whole answer came before the deadline", "Check the engine VM's load and the network."),
    35: ("the TLS handshake failed", "Check that its address is an HTTPS port."),
    52: ("the connection ended without an answer", "Look at the engine's httpd."),
    55: ("the connection broke while asking", "Look at the engine's httpd and at the network."),
    56: ("the connection broke while reading", "Look at the engine's httpd and at the network."),
    77: ("the CA given for it is not a readable PEM certificate", "Enter the engine's CA again."),
}
_TLS_VERIFY = frozenset({51, 60, 83, 90, 91})
_BAD_CA = 77
_WRITE_ERROR = 23
_BAD_ENCODING = 61


def from_curl(engine: str, asked: str, code: int, text: str) -> EngineFailed:
    """A curl failure as an exception (not raised). engine and asked are words for the sentence."""
    if code in _TLS_VERIFY:
        return Untrusted(
            f"Engine {engine} shows a certificate that does not verify ({_short(text)}), so {asked} is not sent. "
            "Compare the CA stored for this engine with the one its web server uses.",
            detail=text,
        )
    if code in (_WRITE_ERROR, _BAD_ENCODING):
        return bad_body(engine, asked, text)
    what, todo = _CURL_WORDS.get(code, (f"the transfer failed ({_short(text)})", "Look at the engine's httpd."))
    kind = Untrusted if code == _BAD_CA else Unreachable
    return kind(f"Engine {engine} does not answer {asked}: {what}. {todo}", detail=text)


def bad_body(engine: str, asked: str, text: str) -> Protocol:
    """A body that is too large or does not decompress, as an exception (not raised)."""
    return Protocol(
        f"Engine {engine} answers {asked} with a body that cannot be taken in ({_short(text)}). "
        "Look at what answers at its address.",
        detail=text,
    )


_SDK_CURL = re.compile(r"\((?:<[^>]*>, )?(\d+), (['\"])(.*?)\2\)", re.DOTALL)


def from_sdk(engine: str, asked: str, error: Exception) -> EngineFailed:
    """An SDK (or pycurl) exception as one of ours. The SDK keeps curl's number only in its text
    (facts/engine-api.md 0.10)."""
    found = _SDK_CURL.search(str(error))
    if found:
        return from_curl(engine, asked, int(found.group(1)), found.group(3))
    return Protocol(
        f"Engine {engine} answers {asked} in a way the SDK cannot read ({_short(str(error))}). "
        "Look at what answers at its address.",
        detail=str(error),
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:160].rstrip(".")
