"""The way to targets "she:<engine pk>": the hosted-engine pair as a whole, which is what maintenance and drills lock.
Its steps act on hosts, each by its own target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from inventory.models import Engine
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output


class PairShell:
    """A kernel Shell without a shell."""

    def name(self, target: str) -> str:
        """The engine's name. Raises LookFailed when there is none."""
        key = target.partition(":")[2]
        engine = Engine.objects.filter(pk=int(key)).first() if key.isdecimal() else None
        if engine is None:
            raise LookFailed(f"There is no engine with the key {key!r}.")
        return f"the self-hosted engine {engine.name}"

    def look(self, target: str, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """Nothing runs there. Raises LookFailed."""
        raise LookFailed(f"{self.name(target)} runs no commands: its hosts do.")

    def run(self, target: str, command: Command) -> Output:
        """As look."""
        raise LookFailed(f"{self.name(target)} runs no commands: its hosts do.")

    def fetch(self, target: str, remote: str, local: Path) -> None:
        """As look."""
        raise LookFailed(f"{self.name(target)} holds no files.")

    def pull(
        self, target: str, remote: str, sink: Callable[[bytes], object], limit: int, waiting: Callable[[], object]
    ) -> int:
        """As look."""
        raise LookFailed(f"{self.name(target)} holds no files.")
