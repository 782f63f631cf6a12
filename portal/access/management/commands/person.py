"""People and roles from the command line."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from portal.access.roles import ROLES
from portal.access.services import add_person, give_role, roles_of, take_role
from portal.evidence.actors import shell_user
from portal.kernel.secret import Secret


class Command(BaseCommand):
    """add, give, take, list."""

    help = "Adds people and gives and takes roles. The password is asked for, or read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command each."""
        acts = parser.add_subparsers(dest="act", required=True)
        for act in ("add", "give", "take"):
            sub = acts.add_parser(act)
            sub.add_argument("name")
            sub.add_argument("--role", required=True, choices=list(ROLES))
        acts.add_parser("list")

    def handle(self, *args: object, **options: Any) -> None:
        """Dispatches."""
        try:
            {"add": self._add, "give": self._turn, "take": self._turn, "list": self._list}[options["act"]](options)
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _add(self, options: dict[str, Any]) -> None:
        add_person(options["name"], options["role"], _password(), by=shell_user())
        self.stdout.write(f"{options['name']} is {ROLES[options['role']].title}.")

    def _turn(self, options: dict[str, Any]) -> None:
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no account {options['name']}.")
        (give_role if options["act"] == "give" else take_role)(person, options["role"], by=shell_user())
        self.stdout.write(f"{person.username}: {', '.join(roles_of(person)) or 'no role'}.")

    def _list(self, options: dict[str, Any]) -> None:
        for person in User.objects.order_by("username"):
            state = "" if person.is_active else " (not active)"
            self.stdout.write(f"{person.username}{state}: {', '.join(roles_of(person)) or 'no role'}")


def _password() -> Secret:
    if not sys.stdin.isatty():
        return Secret(sys.stdin.readline().rstrip("\n"))
    first = Secret(getpass.getpass("Password: "))
    if first != Secret(getpass.getpass("Once more: ")):
        raise CommandError("The two passwords differ.")
    return first
