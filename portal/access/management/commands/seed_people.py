"""The demo's accounts."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from portal.access.services import add_person
from portal.kernel.secret import Secret

PEOPLE = {
    "viewer": "viewer",
    "operator": "operator",
    "approver": "approver",
    "auditor": "auditor",
    "admin": "admin",
    "change": "change_system",
}
DEMO_PASSWORD = Secret("holdfast-demo")


class Command(BaseCommand):
    """One account per role; a second run changes nothing."""

    help = "Creates the demo accounts. Refuses on anything but a demo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--demo says it aloud."""
        parser.add_argument("--demo", action="store_true", required=True)

    def handle(self, *args: object, **options: object) -> None:
        """Adds who is missing."""
        if not settings.DEMO:
            raise CommandError("This is no demo: its people are added with `person add NAME --role ROLE`.")
        missing = [name for name in PEOPLE if not User.objects.filter(username=name).exists()]
        for name in missing:
            add_person(name, PEOPLE[name], DEMO_PASSWORD, by="portal", demo=True)
        self.stdout.write(f"{len(missing)} demo accounts added.")
