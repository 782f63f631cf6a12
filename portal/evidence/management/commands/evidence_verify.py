"""Checks the whole evidence chain in the database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.management.base import BaseCommand, CommandError

from portal.evidence import signing
from portal.evidence.services import verify_chain


class Command(BaseCommand):
    """Exit code 0: intact. 1: the first problem, in one sentence."""

    help = "Checks every record and signature of the evidence chain and names the first that is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--key may be repeated, once for each key that was ever in use."""
        parser.add_argument(
            "--key", action="append", type=Path, metavar="PEM", help="trust this public key and no other"
        )

    def handle(self, *args: object, **options: list[Path] | None) -> None:
        """One line out."""
        files = options["key"]
        verdict = verify_chain(frozenset(_id(path) for path in files) if files else None)
        if not verdict.intact:
            raise CommandError(verdict.sentence())
        self.stdout.write(verdict.sentence())


def _id(path: Path) -> str:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} holds no public key in PEM: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise CommandError(f"{path} holds no Ed25519 key.")
    return signing.key_id(key)
