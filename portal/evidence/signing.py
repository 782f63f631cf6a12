"""The Ed25519 key that signs the chain's head, from settings.HOLDFAST_EVIDENCE_KEY."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@lru_cache(maxsize=4)
def _load(pem: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise ImproperlyConfigured("HOLDFAST_EVIDENCE_KEY is no unencrypted PEM private key.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured("HOLDFAST_EVIDENCE_KEY is no Ed25519 key.")
    return key


def private_key() -> Ed25519PrivateKey | None:
    """The key, or None when none is configured: records are then chained but not signed."""
    return _load(settings.HOLDFAST_EVIDENCE_KEY) if settings.HOLDFAST_EVIDENCE_KEY else None


def public_pem(key: Ed25519PrivateKey) -> str:
    """The public half, for the auditor."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """SHA-256 of the public key's DER form, 64 hex digits."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def sign(key: Ed25519PrivateKey, message: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(message)).decode()


def signed(pem: str, signature: str, message: bytes) -> bool:
    """Whether the signature is the key's over the message."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(base64.b64decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
