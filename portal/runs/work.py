"""What a work of the portal is given while it runs inside a worker: the log, and whether it may go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.step import Parameters, WorkStopped
from portal.runs import hostside, journal
from portal.runs.drive import Drive, act_name
from portal.runs.lease import LeaseLost
from portal.runs.models import Run, RunStep

EVERY = 2.0  # seconds between two questions to the database


@dataclass
class AtWork:
    """A kernel Working."""

    drive: Drive
    row: RunStep
    asked: float = field(default_factory=time.monotonic)

    @property
    def parameters(self) -> Parameters:
        """The run's frozen parameters, and "run"."""
        return self.drive.parameters

    @property
    def folder(self) -> Path:
        """The run's folder in the vault."""
        return self.drive.vault("")

    def say(self, text: str) -> None:
        """One line, committed at once."""
        with self.drive.lease.writing():
            self.drive.note(self.row, text)
            journal.announce(self.drive.run.pk)

    def look(self, commands: Mapping[str, Command]) -> Mapping[str, Output]:
        """Read-only commands on the run's target. Raises LookFailed."""
        return self.drive.shell.look(self.drive.run.target, commands)

    def pull(self, remote: str, sink: Callable[[bytes], object], limit: int) -> int:
        """A file of the run's target. Raises LookFailed."""
        return self.drive.shell.pull(self.drive.run.target, remote, sink, limit, self.check)

    def output_of(self, step: str) -> Output:
        """The step's own command's output, from its folder on the target. Raises LookFailed."""
        row = RunStep.objects.get(run_id=self.drive.run.pk, name=step)
        seen = self.look(hostside.results(self.drive.folder, act_name(row)))
        if any(output.exit_code is None for output in seen.values()):
            raise LookFailed("What the command printed did not come whole from its target; it is read again.")
        code = seen["rc"].stdout.strip()
        return Output(seen["out"].stdout, seen["err"].stdout, int(code) if code.isdigit() else None)

    def writing(self) -> AbstractContextManager[None]:
        """A transaction under the lease: a worker that was paused commits nothing any more."""
        return self.drive.lease.writing()

    def check(self) -> None:
        """Cheap: it asks the database every 2 s only. Raises LeaseLost or WorkStopped."""
        if self.drive.lease.lost.is_set():
            raise LeaseLost(f"run {self.drive.run.pk}: its lease is lost in the middle of a work")
        if time.monotonic() - self.asked < EVERY:
            return
        self.asked = time.monotonic()
        if Run.objects.filter(pk=self.drive.run.pk).exclude(abort_by="").exists():
            raise WorkStopped("The work has stopped, because the run is to end.")
        if self.drive.overdue(self.row):
            raise WorkStopped("The work has not ended in its time.")
