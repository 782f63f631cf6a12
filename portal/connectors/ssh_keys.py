"""Key pairs for the portal, and the key that a host offers (to be shown to a person, never trusted by itself)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from portal.connectors.ssh_address import KEY_TYPES, Address, KeyChanged, algorithms
from portal.connectors.ssh_connection import exchange_keys, greet
from portal.kernel.secret import Secret

_Pair = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
_CLASSES: tuple[tuple[type[_Pair], type[paramiko.PKey], PrivateFormat], ...] = (
    (Ed25519PrivateKey, paramiko.Ed25519Key, PrivateFormat.OpenSSH),
    (EllipticCurvePrivateKey, paramiko.ECDSAKey, PrivateFormat.TraditionalOpenSSL),
    (RSAPrivateKey, paramiko.RSAKey, PrivateFormat.TraditionalOpenSSL),
)


def new_key() -> tuple[Secret, str]:
    """A fresh ed25519 pair: the private key as OpenSSH PEM, the public one as a line for authorized_keys."""
    pair = Ed25519PrivateKey.generate()
    private = pair.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = pair.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Secret(private), public


def read_private(private_key: Secret) -> paramiko.PKey:
    """The key of an unencrypted PEM (ed25519, ecdsa or rsa). Raises ValueError, which says nothing of its content.
    paramiko gets it in the format that it reads safely: it refuses about half of the ecdsa keys in OpenSSH's own."""
    try:
        pair = _load(private_key.reveal().encode())
        for known, kind, form in _CLASSES:
            if isinstance(pair, known):
                return kind.from_private_key(
                    io.StringIO(pair.private_bytes(Encoding.PEM, form, NoEncryption()).decode())
                )
    except (paramiko.SSHException, UnsupportedAlgorithm, ValueError, TypeError):
        pass  # what they say may quote the key
    raise ValueError("The private key cannot be read: it is not an unencrypted ed25519, ecdsa or rsa key in PEM.")


def _load(pem: bytes) -> object:
    if b"OPENSSH PRIVATE KEY" in pem:
        return load_ssh_private_key(pem, None)
    return load_pem_private_key(pem, None)


def public_line(private_key: Secret) -> str:
    """The line for authorized_keys that belongs to a private key. Raises ValueError as read_private does."""
    key = read_private(private_key)
    return f"{key.get_name()} {key.get_base64()}"


def fingerprint(line: str) -> str:
    """ "SHA256:..." of an OpenSSH public key line, as `ssh-keygen -lf` prints it and the engine records it; "" for
    what is no such line."""
    words = line.split()
    try:
        blob = base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
    except (binascii.Error, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""


def shown_key(host: str, port: int, wanted: str, timeout: float = 3.0) -> str:
    """The public key line among those that a host has whose fingerprint is `wanted`; when none fits, the first that
    it has. Asks for one type after the other, each on a connection of its own. Raises Unanswered when nobody speaks
    SSH there, KeyChanged when the host has no key of a type that the portal uses."""
    found: list[str] = []
    for kind in KEY_TYPES:
        try:
            found.append(public_key(host, port, timeout, kind))
        except KeyChanged:
            continue
        if not wanted or fingerprint(found[-1]) == wanted:
            return found[-1]
    if not found:
        raise KeyChanged(f"{host} offers no host key of the types {', '.join(KEY_TYPES)}.", "")
    return found[0]


def public_key(host: str, port: int, timeout: float = 3.0, kind: str = "") -> str:
    """The public key line that a host offers now: of that kind, or of the first kind that it has. For a person to
    compare, never a ground for trust. Raises Unanswered, or KeyChanged when it has no key of that kind."""
    address = Address(host, host, port, "", "")
    wanted = algorithms(kind) if kind else tuple(name for each in KEY_TYPES for name in algorithms(each))
    wire = greet(address, wanted, timeout)
    try:
        exchange_keys(address, wire, kind or "ed25519, ecdsa or rsa")
        key = wire.get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"
    finally:
        wire.cut()
