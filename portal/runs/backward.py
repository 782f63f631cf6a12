"""A Run backward: what was done is undone, last first, with the undos that were registered before the acts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Now

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.verdict import Verdict, Word, done, failed, wait
from portal.runs import hostside, record
from portal.runs.drive import ATTENTION, NEXT, Drive, Stop, act_name, by_portal, in_seconds, thawed, undo_name
from portal.runs.hostside import Progress
from portal.runs.models import RunStep
from portal.runs.states import move_step

T = RunStep.State
P = RunStep.Phase

PATIENCE = 120.0  # seconds for reaching the target, on top of the undo commands' own timeouts
EVERY = 0.5


def backward(drive: Drive) -> Stop:
    """Walks the undos. next: nothing is left to undo."""
    rows = RunStep.objects.filter(run_id=drive.run.pk, intended_at__isnull=False)
    for row in rows.filter(state__in=(T.DONE, T.FAILED)).order_by("-position"):
        if by_portal(row) or (not row.undo and row.state == T.DONE):
            continue
        stop = _Undo(drive, row).walk()
        if stop is not NEXT:
            return stop
    return NEXT


@dataclass
class _Undo:
    """One step of a Run on its way back."""

    drive: Drive
    row: RunStep

    def walk(self) -> Stop:
        """Until the step is undone or its undo has failed, or the worker should let go."""
        self._begin()
        while True:
            verdict = self._guarded()
            if verdict.word is Word.WAIT and self.drive.overdue(self.row):
                verdict = failed(f"{verdict.sentence} Patience ended.")
            if verdict.word is Word.FAILED:
                self._move(T.UNDO_FAILED, verdict)
                return ATTENTION
            if verdict.word is Word.DONE:
                return NEXT
            if not self.drive.linger(EVERY):
                return Stop("park", EVERY)

    def _begin(self) -> None:
        if self.row.deadline is None:
            patience = PATIENCE + sum(command.timeout for command in thawed(self.row.undo))
            self.drive.set(self.row, deadline=in_seconds(patience))

    def _guarded(self) -> Verdict:
        try:
            return self._once()
        except LookFailed as error:
            return wait(str(error))

    def _once(self) -> Verdict:
        if self.row.phase in (P.UNDO_INTENT, P.UNDOING):
            return self._follow()
        verdict = self._shut()
        if verdict.word is not Word.GO:
            return verdict
        self._intend()
        return self._start()

    def _shut(self) -> Verdict:
        """Makes sure that the act neither starts any more nor still runs."""
        name = act_name(self.row)
        sealed = self._run(hostside.script(hostside.SEAL, self.drive.folder, name))
        if sealed.exit_code not in (0, hostside.ALREADY):
            return wait(f"The command of this step cannot be shut out: {_why(sealed)}")
        tail = hostside.tail(self.drive.folder, name, self.row.out_offset, self.row.err_offset)
        seen = self.drive.drain(self.row, name, hostside.read_tail(self._run(tail)))
        if seen.progress is Progress.SEALED and self.row.phase == P.INTENT:
            return self._move(T.SKIPPED, done("It never started on the target, so there is nothing to undo."))
        if seen.progress is Progress.RUNNING:
            stopped = self._run(hostside.script(hostside.STOP, self.drive.folder, name))
            return wait(f"Its command is being stopped ({_why(stopped)}).")
        if not self.row.undo:
            return done("It has ended, and there is nothing to undo.")
        return Verdict(Word.GO, "Its command has ended.")

    def _intend(self) -> None:
        with self.drive.lease.writing():
            changed = {"phase": P.UNDO_INTENT, "out_offset": 0, "err_offset": 0}
            RunStep.objects.filter(pk=self.row.pk).update(**changed)
            for line in self.row.undo_lines:
                self.drive.note(self.row, f"Undo sent: {line}")
            body = {"step": self.row.name, "position": self.row.position, "undo": self.row.undo}
            record.put(self.drive.run, "run.undo_intent", "portal", body)
        self.row.refresh_from_db()

    def _start(self) -> Verdict:
        output = self._run(hostside.start(self.drive.folder, undo_name(self.row), thawed(self.row.undo)))
        if output.exit_code in (hostside.STARTED, hostside.ALREADY):
            self.drive.set(self.row, phase=P.UNDOING)
            return wait("The undo runs.")
        if output.exit_code == hostside.CANNOT:
            return failed(f"The undo could not be started: {_why(output)}")
        return wait(f"Whether the undo has started is not known ({_why(output)}); it is looked up.")

    def _follow(self) -> Verdict:
        name = undo_name(self.row)
        command = hostside.tail(self.drive.folder, name, self.row.out_offset, self.row.err_offset)
        tail = self.drive.drain(self.row, name, hostside.read_tail(self._run(command)))
        if tail.progress in (Progress.ABSENT, Progress.CLOSED):
            if self.row.phase == P.UNDO_INTENT:
                return self._start()
            return failed("The folder of this run has vanished from the target, so the undo's result is not known.")
        if tail.progress is Progress.ENDED and tail.exit_code == 0:
            return self._move(T.UNDONE, done("It is undone."))
        if tail.progress is Progress.ENDED:
            why = self.drive.ended(self.row, tail).error_line()
            return failed(f"The undo ended with exit code {tail.exit_code}{': ' + why if why else ''}.")
        if tail.progress is Progress.LOST:
            return failed("The undo ended without a result: the host restarted or it was killed.")
        return wait("The undo has not ended.")

    def _move(self, state: str, verdict: Verdict) -> Verdict:
        sentence = self.drive.masked(verdict.sentence)
        with self.drive.lease.writing():
            move_step(self.row.pk, [self.row.state], state, ended=Now(), sentence=sentence)
            self.drive.note(self.row, sentence)
            body = {"step": self.row.name, "position": self.row.position, "state": state, "sentence": sentence}
            record.put(self.drive.run, "run.undo_result", "portal", body)
        return verdict

    def _run(self, command: Command) -> Output:
        return self.drive.ask(self.row, command)


def _why(output: Output) -> str:
    return output.error_line() or f"exit code {output.exit_code}"
