"""Re-encrypts stored secrets after a new key was put first in HOLDFAST_SEAL_KEYS."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from portal.access.services.sealing import rotate
from portal.evidence.actors import shell_user
from portal.evidence.services import append


class Command(BaseCommand):
    """Safe to interrupt and to start again."""

    help = "Re-encrypts every stored secret with the first of HOLDFAST_SEAL_KEYS; then the old keys can go."

    def handle(self, *args: object, **options: object) -> None:
        """Counts out, and in the evidence."""
        done = rotate()
        body = {"turned": done.turned, "already": done.already, "stuck": done.stuck}
        append("secrets.rotated", shell_user(), "secrets", body)
        self.stdout.write(f"{done.turned} secrets re-encrypted, {done.already} were already.")
        if done.stuck:
            rows = ", ".join(done.stuck)
            raise CommandError(f"{len(done.stuck)} secrets fit no key: {rows}. Add their key, or enter them anew.")
