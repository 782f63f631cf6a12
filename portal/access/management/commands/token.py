"""API tokens from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from portal.access.models import Token
from portal.access.services import create_token, revoke_token
from portal.evidence.actors import shell_user


class Command(BaseCommand):
    """create, revoke, list."""

    help = "Makes, ends and lists API tokens. A token is printed once, when it is made."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command each."""
        acts = parser.add_subparsers(dest="act", required=True)
        create = acts.add_parser("create")
        create.add_argument("owner")
        create.add_argument("name")
        create.add_argument("--scope", action="append", required=True, help="an act, e.g. estate.view; repeatable")
        create.add_argument("--days", type=int, default=90)
        revoke = acts.add_parser("revoke")
        revoke.add_argument("owner")
        revoke.add_argument("name")
        acts.add_parser("list")

    def handle(self, *args: object, **options: Any) -> None:
        """Dispatches."""
        try:
            {"create": self._create, "revoke": self._revoke, "list": self._list}[options["act"]](options)
        except (ValueError, LookupError) as error:
            raise CommandError(str(error.args[0])) from None

    def _create(self, options: dict[str, Any]) -> None:
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"There is no account {options['owner']}.")
        _, text = create_token(owner, options["name"], options["scope"], options["days"], by=shell_user())
        self.stdout.write(text.reveal())

    def _revoke(self, options: dict[str, Any]) -> None:
        token = Token.objects.filter(owner__username=options["owner"], name=options["name"]).first()
        if token is None:
            raise CommandError(f"{options['owner']} has no token {options['name']}.")
        done = revoke_token(token, by=shell_user())
        self.stdout.write(f"The token {token} is revoked." if done else f"The token {token} was revoked before.")

    def _list(self, options: dict[str, Any]) -> None:
        for token in Token.objects.select_related("owner").order_by("owner__username", "name"):
            state = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}"
            used = f"used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
            self.stdout.write(
                f"{token.owner.username} {token.name} hf_{token.prefix}_*** {state}, {used}: {' '.join(token.scopes)}"
            )
