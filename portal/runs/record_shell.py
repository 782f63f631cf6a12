"""The way to targets that are the portal's own records: they have a name and nothing that a command could run on. Works
do what there is to do, and steps act on targets of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output


class RecordShell:
    """A kernel Shell without a shell."""

    def __init__(self, named: Callable[[str], str]) -> None:
        """named: a target's name for people; raises LookFailed when there is no such record."""
        self._named = named

    def name(self, target: str) -> str:
        """The record's name. Raises LookFailed when there is none."""
        return self._named(target)

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
