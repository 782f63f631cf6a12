"""Writes the demo's secrets into the directory given: secret_key, seal_keys, evidence_key. Existing ones stay."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def main(folder: Path) -> None:
    """Makes each file once, mode 0600 by the caller's umask."""
    evidence = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for name, value in (
        ("secret_key", secrets.token_urlsafe(64)),
        ("seal_keys", Fernet.generate_key().decode()),
        ("evidence_key", evidence),
    ):
        path = folder / name
        if not path.exists():
            path.write_text(value, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
