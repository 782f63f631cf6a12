"""What can go wrong between the portal and a switch or array, each in one sentence that names it and what to do."""

from __future__ import annotations

import pycurl

from portal.kernel.output import LookFailed

LONGEST = 200  # characters of a device's own words in a sentence


class SanFailed(LookFailed):
    """The switch or array gave no usable answer."""


class Unreachable(SanFailed):
    """No answer came: no route, no listener, or the deadline passed. sent: the request may have arrived."""

    def __init__(self, sentence: str, *, sent: bool = False) -> None:
        super().__init__(sentence)
        self.sent = sent


class Untrusted(SanFailed):
    """Somebody answers whose certificate is not the pinned one, or none is pinned; nothing was sent."""


class Refused(SanFailed):
    """The account or its password is not taken. The password is not sent again until it is entered anew."""


class Busy(SanFailed):
    """It answers and has no room or time now: sessions used up, another look under way, starting. Ask again later."""


class Garbled(SanFailed):
    """What came is not what its REST interface says: too large, cut, not JSON."""


_TRUST = frozenset({51, 58, 60, 77, 83, 90, 91})
_WORDS = {
    6: "its name is not known to the portal's resolver",
    7: "nothing listens there",
    18: "the connection ended in the middle of the answer",
    35: "the TLS handshake failed, so it may have no HTTPS certificate",
    28: "no whole answer came before the deadline",
    52: "the connection ended without an answer",
    55: "the connection broke while asking",
    56: "the connection broke while reading",
}


def from_curl(name: str, where: str, asked: str, error: pycurl.error, *, sent: bool) -> SanFailed:
    """A curl failure as an exception (not raised). name: what was asked; where: its address; asked: words for the
    request; sent: whether a byte of it left."""
    code, text = int(error.args[0]), str(error.args[-1])
    if code in _TRUST:
        return Untrusted(
            f"{name} at {where} shows a certificate that is not the pinned one ({short(text)}), so {asked} is not "
            "sent. Compare the certificate that it shows with its console; if it was renewed, pin the new one."
        )
    if code == pycurl.E_WRITE_ERROR:
        return Garbled(
            f"{name} at {where} answers {asked} with more than the portal takes in. Look at what answers there."
        )
    why = _WORDS.get(code, f"the transfer failed ({short(text)})")
    return Unreachable(
        f"{name} at {where} does not answer {asked}: {why}. Check its management port, HTTPS and the firewall.",
        sent=sent,
    )


def short(text: str) -> str:
    """A device's own words, on one line, without a final stop."""
    return " ".join(text.split())[:LONGEST].rstrip(". ")
