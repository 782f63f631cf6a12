"""Writes evidence into one file that deploy/holdfast_verify.py checks."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.evidence.actors import shell_user
from portal.evidence.services import Scope, append, everything_of, export, span


class Command(BaseCommand):
    """By subject, or by range."""

    help = "Exports evidence as one JSON file: of a subject (run:7), or a range of records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE, and either --subject or --first/--last."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--subject", default="", help='"run:7", "host:kvm1"; default: every record')
        parser.add_argument("--first", type=int, default=1)
        parser.add_argument("--last", type=int, default=None)

    def handle(self, *args: object, **options: Any) -> None:
        """The export is itself recorded before it is made."""
        target: Path = options["file"]
        try:
            scope = _scope(options)
            with target.open("x", encoding="utf-8") as out:
                out.writelines(export(scope))
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Records {scope.first} to {scope.last} are in {target}.")


def _scope(options: dict[str, Any]) -> Scope:
    asked = {key: options[key] for key in ("subject", "first", "last") if options[key]}
    append("evidence.exported", shell_user(), "evidence", asked)
    return everything_of(options["subject"]) if options["subject"] else span(options["first"], options["last"])
