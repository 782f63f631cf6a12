"""The way to targets that are the portal's own: "backup:<pk>", "destination:<pk>", "catalog:<engine pk>". They have a
name and nothing that a command could run on: Works do what there is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.exceptions import ObjectDoesNotExist

from backups.models import Backup, Destination
from inventory.models import Engine
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output

NAMES: dict[str, Callable[[int], str]] = {
    "backup": lambda key: f"backup {Backup.objects.get(pk=key).ident}",
    "destination": lambda key: f"destination {Destination.objects.get(pk=key).name}",
    "catalog": lambda key: f"the catalog of {Engine.objects.get(pk=key).name}",
}


class RecordShell:
    """A kernel Shell without a shell."""

    def name(self, target: str) -> str:
        """The row's name. Raises LookFailed when there is none."""
        kind, _, key = target.partition(":")
        try:
            return NAMES[kind](int(key))
        except (ObjectDoesNotExist, ValueError):
            raise LookFailed(f"There is no {kind} with the key {key!r}.") from None

    def look(self, target: str, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """Nothing runs there. Raises LookFailed."""
        raise LookFailed(f"{self.name(target)} runs no commands.")

    def run(self, target: str, command: Command) -> Output:
        """As look."""
        raise LookFailed(f"{self.name(target)} runs no commands.")

    def fetch(self, target: str, remote: str, local: Path) -> None:
        """As look."""
        raise LookFailed(f"{self.name(target)} holds no files.")

    def pull(
        self, target: str, remote: str, sink: Callable[[bytes], object], limit: int, waiting: Callable[[], object]
    ) -> int:
        """As look."""
        raise LookFailed(f"{self.name(target)} holds no files.")
