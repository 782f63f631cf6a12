"""Signatures of messages to and from a change system: HMAC-SHA256 over "<timestamp>.<body>". Pure.

While keys are changed the old and the new one are both good (facts/drills-and-evidence.md 4.4). A signature proves who
wrote a body and when; that the same one does not count twice is for whoever keeps what came (`Signed.digest`)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.kernel.secret import Secret
from portal.kernel.words import span

TIMESTAMP_HEADER = "X-Holdfast-Timestamp"  # Unix seconds
SIGNATURE_HEADER = "X-Holdfast-Signature"  # v1=<64 hex digits>, one for each key, with commas between
TOLERANCE = 300.0  # seconds that the clocks of both sides may differ by, the way included
SHORTEST_KEY = 16  # characters; a shorter one is no key
MOST = 4  # signatures that are looked at in one header

_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_ONE = re.compile(r"v1=([0-9a-fA-F]{64})", re.ASCII)


class Flaw(StrEnum):
    """What is wrong with a signature."""

    NO_KEY = "no_key"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    STALE = "stale"
    WRONG_KEY = "wrong_key"


class BadSignature(Exception):
    """A message that proves nothing. Its text is one sentence for the record."""

    def __init__(self, flaw: Flaw, sentence: str) -> None:
        super().__init__(sentence)
        self.flaw = flaw


@dataclass(frozen=True)
class Signed:
    """A message whose signature is good. key: which of the keys, counted from 0. at: Unix seconds. digest: names this
    very message in a memory of what came before."""

    key: int
    at: int
    digest: str


def sign(keys: Sequence[Secret], at: int, body: bytes) -> dict[str, str]:
    """The two headers of a message, signed with every key. at: Unix seconds. Raises BadSignature when no key is set."""
    good = _usable(keys)
    if not good:
        raise BadSignature(Flaw.NO_KEY, "No signing key is set, so the message cannot be signed. Set one.")
    marks = ",".join(f"v1={_mac(key, str(at), body)}" for _, key in good)
    return {TIMESTAMP_HEADER: str(at), SIGNATURE_HEADER: marks}


def verify(
    keys: Sequence[Secret], timestamp: str, signature: str, body: bytes, now: float, tolerance: float = TOLERANCE
) -> Signed:
    """Whether somebody who has one of the keys wrote this body about now. timestamp, signature: the headers' values,
    "" when absent. now: Unix seconds. Raises BadSignature."""
    good = _usable(keys)
    if not good:
        raise BadSignature(Flaw.NO_KEY, "No signing key is set for this change system, so nothing it sends counts.")
    if not signature.strip() or not timestamp.strip():
        raise BadSignature(Flaw.UNSIGNED, "The message has no signature or no timestamp, so it does not count.")
    marks = [_ONE.fullmatch(one.strip()) for one in signature.split(",", MOST)]
    if len(marks) > MOST or not all(marks) or not _STAMP.fullmatch(timestamp.strip()):
        raise BadSignature(
            Flaw.MALFORMED, 'The signature is not of the form "v1=<64 hex digits>" or the timestamp is no Unix time.'
        )
    found = _match(good, timestamp.strip(), [one.group(1).lower() for one in marks if one], body)
    if found is None:
        raise BadSignature(Flaw.WRONG_KEY, "The signature fits none of the keys: the body or the key is another one.")
    at = int(timestamp)
    if abs(now - at) > tolerance:
        side = "old" if now > at else "ahead"
        raise BadSignature(
            Flaw.STALE,
            f"The message is {span(abs(now - at))} {side}, more than the {span(tolerance)} that clocks may differ by. "
            "Compare the clocks of the portal and of the change system.",
        )
    return Signed(found, at, hashlib.sha256(timestamp.strip().encode() + b"." + body).hexdigest())


def _usable(keys: Sequence[Secret]) -> list[tuple[int, bytes]]:
    return [(i, key.reveal().encode()) for i, key in enumerate(keys) if len(key.reveal()) >= SHORTEST_KEY]


def _match(keys: list[tuple[int, bytes]], stamp: str, marks: list[str], body: bytes) -> int | None:
    """Every key is compared with every mark, so that the time taken tells nothing."""
    found: int | None = None
    for number, key in keys:
        wanted = _mac(key, stamp, body)
        for mark in marks:
            if hmac.compare_digest(wanted, mark) and found is None:
                found = number
    return found


def _mac(key: bytes, stamp: str, body: bytes) -> str:
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
