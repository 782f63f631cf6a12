"""Where a host is reached, which key it must show, and the ways in which it cannot be reached."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from portal.kernel.output import LookFailed

# What may be asked of a server for a key of the pinned type. An RSA key signs with SHA-2; "ssh-rsa" names the key only.
_ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
KEY_TYPES = tuple(_ALGORITHMS)


@dataclass(frozen=True)
class Address:
    """name for sentences; host and port to connect to; user to log in as; host_key the pinned OpenSSH public key line
    ("ecdsa-sha2-nistp256 AAAA..."), "" while nobody has pinned one: such a host is refused, never trusted."""

    name: str
    host: str
    port: int
    user: str
    host_key: str


class Unanswered(LookFailed):
    """Nobody there, or nobody who speaks SSH in time: refused, timed out, silent, cut."""


class LoginRefused(LookFailed):
    """The host showed its pinned key and does not take the portal's."""


class NotPinned(LookFailed):
    """No usable host key is on record, so there is nothing to trust."""


class KeyChanged(LookFailed):
    """The host shows another key than the pinned one. `offered` is that key's OpenSSH public line, "" when the host
    offers no key of the pinned type at all."""

    def __init__(self, sentence: str, offered: str) -> None:
        super().__init__(sentence)
        self.offered = offered


@dataclass(frozen=True)
class Pin:
    """A readable pin: the key's bytes on the wire, and the signature algorithms to ask the server for."""

    blob: bytes
    kind: str
    algorithms: tuple[str, ...]


def algorithms(kind: str) -> tuple[str, ...]:
    """The signature algorithms of a key type of KEY_TYPES."""
    return _ALGORITHMS[kind]


def pin(address: Address) -> Pin:
    """The address' pinned key. Raises NotPinned when there is none or it cannot be read."""
    words = address.host_key.split()
    if not words:
        raise NotPinned(
            f"{address.name} has no pinned host key, so the portal does not connect to it. "
            "The engine's record of the host becomes the pin at the next sync; if it has none, compare the key that "
            "the host offers and accept it on the host's page in the administration."
        )
    kind, encoded = words[0], words[1] if len(words) > 1 else ""
    if kind not in _ALGORITHMS:
        raise NotPinned(
            f"The pinned host key of {address.name} is of the type {kind[:40]}, which the portal does not use. "
            "Pin an ed25519, ecdsa or rsa key."
        )
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    name = kind.encode()
    if not blob.startswith(len(name).to_bytes(4, "big") + name) or len(blob) < len(name) + 20:
        raise NotPinned(f"The pinned host key of {address.name} cannot be read. Pin the host's public key line anew.")
    return Pin(blob, kind, _ALGORITHMS[kind])
