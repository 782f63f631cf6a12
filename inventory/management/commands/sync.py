"""Reads engines into the inventory now, and says what came of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.models import Engine
from inventory.services.sync import SyncReport
from inventory.services.upkeep import sync_once


class Command(BaseCommand):
    """manage.py sync [ENGINE] [--no-storage]"""

    help = "Reads one engine, or all watched ones, into the inventory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("engine", nargs="?", help="the engine's name; all watched engines when left out")
        parser.add_argument("--no-storage", action="store_true", help="leave out the live path counts of the hosts")

    def handle(self, *args: Any, **options: Any) -> None:
        engines = Engine.objects.filter(watched=True).order_by("name")
        if options["engine"]:
            engines = Engine.objects.filter(name=options["engine"])
        if not engines:
            raise CommandError("No such engine is known. Add it in the portal's administration.")
        whole = True
        for engine in engines:
            report = sync_once(engine.pk, storage=not options["no_storage"])
            self.stdout.write(describe(engine.name, report))
            whole = whole and report is not None and not report.failed
        if not whole:
            raise CommandError("Not everything was read; what is missing is named above.")


def describe(name: str, report: SyncReport | None) -> str:
    """A report as text; None: another process syncs the engine now."""
    if report is None:
        return f"{name}: another sync of it is under way. Try again when it has ended."
    lines = [f"{name}: {report.requests} requests, {sum(report.rows_written.values())} rows, {report.took:.2f} s"]
    lines += [f"  {rows:6d} {table}" for table, rows in sorted(report.rows_written.items())]
    lines += [f"  {part}: {sentence}" for part, sentence in sorted(report.failed.items())]
    return "\n".join(lines)
