"""Runs a Procfile's processes until one of them ends or a signal comes, then ends them all: honcho, made steady.

honcho prints from its signal handler. A signal that comes while it prints, two signals at once, a closed terminal or
pipe end its loop with an exception and leave its processes running. Here a signal is only noted, and a line that nobody
can read any more is dropped."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Lines(Printer):  # type: ignore[misc]
    """Prefixed lines on an output that may go away."""

    def write(self, message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().write(message)


class Processes(Manager):  # type: ignore[misc]
    """honcho's loop, told to end by a flag that its own polling sees within 0.1 s."""

    asked = 0  # the signal that came

    def _start(self) -> None:
        # in place of the handlers that the loop has just set; a started program gets the default actions back
        for number in SIGNALS:
            signal.signal(number, self._ask)
        super()._start()

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.asked = number

    def _any_stopped(self) -> bool:
        if self.asked:
            self.returncode = 128 + self.asked
        return bool(self.asked or super()._any_stopped())


def main(procfile: Path) -> int:
    """Exit code: the first ended process's, or 128 + the signal's number."""
    processes = Processes(Lines(sys.stdout))
    for name, command in parse_procfile(procfile.read_text(encoding="utf-8")).processes.items():
        processes.add_process(name, command)
    processes.loop()
    return int(processes.returncode or 0)


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    sys.exit(code)
