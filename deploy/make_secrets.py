"""Writes a portal's secrets into the directory given: secret_key, seal_keys, evidence_key. Existing ones stay."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def main(folder: Path) -> None:
    """Makes each file once, readable by this account only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    evidence = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for name, value in (
        ("secret_key", secrets.token_urlsafe(64)),
        ("seal_keys", Fernet.generate_key().decode()),
        ("evidence_key", evidence),
    ):
        path = folder / name
        if not path.exists():
            with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
