"""Prints the public key that checks today's signatures."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from portal.evidence import signing


class Command(BaseCommand):
    """PEM on stdout, its id on stderr."""

    help = "Prints the public half of HOLDFAST_EVIDENCE_KEY: give it to the auditor by a way of its own."

    def handle(self, *args: object, **options: object) -> None:
        """One PEM block."""
        key = signing.private_key()
        if key is None:
            raise CommandError("HOLDFAST_EVIDENCE_KEY is not set: records are chained, and nothing signs them.")
        self.stdout.write(signing.public_pem(key), ending="")
        self.stderr.write(f"key id {signing.key_id(key)}")
